import type { Template, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import {
  explainOptionValue,
  type TemplateOptions,
  type TemplateOptionValue,
} from "../../../privileged-helper/contract/template-options.ts";

/** What stands in the fields of one template's form: text as it is typed, and what is switched on. */
export type TypedOptions = Readonly<Record<string, string | boolean>>;

/** What a field stands for; undefined where it is left as it is. */
export function typedValue({ kind }: TemplateOption, typed: string | boolean | undefined): TemplateOptionValue | undefined {
  if (typeof typed === "boolean") return typed || undefined;
  if (kind === "list") {
    const names = (typed ?? "").split(/[\s,]+/).filter((name) => name !== "");
    return names.length > 0 ? names : undefined;
  }
  const text = kind === "password" ? (typed ?? "") : (typed ?? "").trim();
  return text || undefined;
}

/** Why a field's value cannot be taken, in words; undefined where it can. */
export function explainTyped(option: TemplateOption, typed: string | boolean | undefined): string | undefined {
  const value = typedValue(option, typed);
  return value === undefined ? undefined : explainOptionValue(option, value);
}

/** What is asked of the template: only what was filled in, and only what its form has now. */
export function optionsOf(form: readonly TemplateOption[], typed: TypedOptions): TemplateOptions {
  return Object.fromEntries(
    form.flatMap((option) => {
      const value = typedValue(option, typed[option.name]);
      return value === undefined ? [] : [[option.name, value]];
    }),
  );
}

/** What stands in the fields where that is asked for. */
export function typedOf(options: TemplateOptions): TypedOptions {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]));
}

/** What is ready comes first; what is not says what it lacks. */
export function templateChoices(templates: readonly Template[]): { group: string; items: { value: string; label: string }[] }[] {
  const groups = [
    { group: "Ready", items: templates.filter(({ missingTools }) => missingTools.length === 0) },
    { group: "Lacking programs", items: templates.filter(({ missingTools }) => missingTools.length > 0) },
  ];
  return groups
    .filter(({ items }) => items.length > 0)
    .map(({ group, items }) => ({ group, items: items.map(({ name, title }) => ({ value: name, label: title })) }));
}
