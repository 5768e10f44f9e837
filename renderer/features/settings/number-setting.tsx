import { NumberInput } from "@mantine/core";
import { useState } from "react";

type Props = {
  label: string;
  description: string;
  value: number;
  min: number;
  max: number;
  suffix?: string;
  step?: number;
  /** Digits after the point; none, and it is a whole number. */
  decimals?: number;
  onCommit(value: number): void;
};

/** Kept when the person leaves the field or presses Enter, not with every digit on the way. */
export function NumberSetting({ value, min, max, decimals = 0, onCommit, ...rest }: Props) {
  const [draft, setDraft] = useState<number | string>();
  const commit = () => {
    if (typeof draft === "number" && draft >= min && draft <= max && draft !== value) onCommit(draft);
    setDraft(undefined);
  };
  return (
    <NumberInput
      {...rest}
      value={draft ?? value}
      min={min}
      max={max}
      allowDecimal={decimals > 0}
      decimalScale={decimals}
      onChange={setDraft}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    />
  );
}
