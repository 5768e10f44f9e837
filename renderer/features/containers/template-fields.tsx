import { Autocomplete, PasswordInput, Select, Switch, TextInput } from "@mantine/core";
import type { TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { Fold } from "../../ui/fold.tsx";
import { explainTyped, type TypedOptions } from "./template-values.ts";

type Props = {
  form: readonly TemplateOption[];
  typed: TypedOptions;
  onTyped: (name: string, value: string | boolean) => void;
};

/** The form of a template: what most people want at once, the rest one click away. */
export function TemplateFields({ form, typed, onTyped }: Props) {
  const fieldsOf = (options: readonly TemplateOption[]) =>
    options.map((option) => (
      <OptionField key={option.name} option={option} typed={typed[option.name]} onTyped={(value) => onTyped(option.name, value)} />
    ));
  const more = form.filter(({ isMore }) => isMore);
  return (
    <>
      {fieldsOf(form.filter(({ isMore }) => !isMore))}
      {more.length > 0 && (
        <Fold label="More options" hasErrors={more.some((option) => explainTyped(option, typed[option.name]) !== undefined)}>
          {fieldsOf(more)}
        </Fold>
      )}
    </>
  );
}

type FieldProps = { option: TemplateOption; typed?: string | boolean; onTyped: (value: string | boolean) => void };

function OptionField({ option, typed, onTyped }: FieldProps) {
  const { kind, label, description, suggestions, default: taken } = option;
  if (kind === "yes-no") {
    return (
      <Switch label={label} description={description} checked={typed === true} onChange={(event) => onTyped(event.currentTarget.checked)} />
    );
  }
  const text = typeof typed === "string" ? typed : "";
  const common = { label, description, error: explainTyped(option, typed), autoComplete: "off", spellCheck: false } as const;
  if (kind === "choice") {
    return (
      <Select
        {...common}
        placeholder={taken ?? "The template's own"}
        data={suggestions}
        clearable
        clearButtonProps={{ "aria-label": `Clear ${label}` }}
        comboboxProps={{ withinPortal: false, floatingStrategy: "fixed" }}
        value={text === "" ? null : text}
        onChange={(value) => onTyped(value ?? "")}
      />
    );
  }
  if (kind === "password") {
    return (
      <PasswordInput
        {...common}
        description={`${description === undefined ? "" : `${description} `}While the template runs, whoever uses this computer can see it among its arguments.`}
        autoComplete="new-password"
        // Mantine marks every other field by itself.
        aria-invalid={common.error !== undefined || undefined}
        value={text}
        onChange={(event) => onTyped(event.currentTarget.value)}
      />
    );
  }
  if (suggestions.length > 0) {
    return (
      <Autocomplete
        {...common}
        placeholder={taken}
        data={suggestions}
        comboboxProps={{ withinPortal: false, floatingStrategy: "fixed" }}
        value={text}
        onChange={onTyped}
      />
    );
  }
  return <TextInput {...common} placeholder={taken} value={text} onChange={(event) => onTyped(event.currentTarget.value)} />;
}
