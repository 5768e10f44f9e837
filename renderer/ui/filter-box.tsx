import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";

type Props = { label: string; placeholder?: string; value: string; onChange(text: string): void };

/** A box for the words that rows or lines must have in them to be shown. */
export function FilterBox({ label, placeholder = "Filter", value, onChange }: Props) {
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
