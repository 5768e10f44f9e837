import type { FilledInInput, ProfileInput } from "../../../privileged-helper/contract/methods.ts";
import type { TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { secretOption } from "../../../privileged-helper/contract/template-options.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import { type CreateValues, commonOf, stemOf } from "./create-form.ts";
import { typedFirstStart } from "./first-start-values.ts";
import { typedOptions } from "./option-values.ts";
import { optionsOf, typedOf } from "./template-values.ts";

type Choices = ProfileInput["choices"];
/** What the dialog asks for, but for what is different each time. */
type ChosenValues = Omit<CreateValues, "name" | "count" | "archive">;

/**
 * What is kept of the dialog's values: not the name, and no password.
 * @param form Of the template that is chosen.
 * @param choice The image that is chosen.
 * @param isOciFile True where the image of OCI is in a file.
 * @returns Nothing where the source is not chosen yet.
 */
export function toChoices(
  values: ChosenValues,
  form: readonly TemplateOption[],
  choice?: ImageChoice,
  isOciFile = false,
): Choices | undefined {
  const source = values.source === "oci" && isOciFile ? { type: "oci-file" as const } : sourceOf(values, form, choice);
  return source && { ...commonOf(values), source };
}

/** True where a password is typed into the template's form. */
export function hasPassword({ source, template, options }: ChosenValues): boolean {
  const typed = source === "template" ? (options[template] ?? {}) : {};
  return Object.entries(typed).some(([name, value]) => value !== "" && value !== false && secretOption.test(name));
}

/** What stands in the dialog's fields where it is filled in with what was asked for before. */
export function filledInAgain({ names, choices }: FilledInInput, untouched: CreateValues): CreateValues {
  const [first = ""] = names;
  const name = names.length === 1 ? { name: first } : { name: stemOf(first), count: names.length };
  return { ...untouched, ...valuesOfChoices(choices, untouched), ...name };
}

/** What stands in the dialog's fields where a profile's choices are taken; the others stay as they are. */
export function valuesOfChoices(choices: Choices, before: Pick<CreateValues, "options">): Partial<ChosenValues> {
  const { source, unprivileged, start, address } = choices;
  const common = { unprivileged, start, address, more: typedOptions(choices), firstStart: typedFirstStart(choices.firstStart) };
  switch (source.type) {
    case "template":
      return {
        ...common,
        source: "template",
        template: source.template,
        options: { ...before.options, [source.template]: typedOf(source.options) },
      };
    case "clone":
      return {
        ...common,
        source: "clone",
        cloneFrom: source.from,
        clone: { copy: source.copy ?? "instant", snapshot: source.snapshot ?? "" },
      };
    case "image":
      return { ...common, source: "image", image: `ready:${source.image}` };
    case "server-image":
      return { ...common, source: "image", image: `server:${source.image}` };
    case "oci":
      return { ...common, source: "oci", ociReference: source.reference };
    case "oci-file":
      return { ...common, source: "oci", ociReference: "" };
    case "archive":
      return { ...common, source: "archive" };
  }
}

function sourceOf(values: ChosenValues, form: readonly TemplateOption[], choice: ImageChoice | undefined): Choices["source"] | undefined {
  const { source, template, options, cloneFrom, clone } = values;
  switch (source) {
    case "template": {
      const wanted = Object.entries(optionsOf(form, options[template] ?? {})).filter(([name]) => !secretOption.test(name));
      return { type: "template", template, options: Object.fromEntries(wanted) };
    }
    case "clone":
      if (cloneFrom === "") return undefined;
      return { type: "clone", from: cloneFrom, copy: clone.copy, ...(clone.snapshot !== "" && { snapshot: clone.snapshot }) };
    case "oci":
      return typeof parseOciReference(values.ociReference) === "string" ? undefined : { type: "oci", reference: values.ociReference };
    case "archive":
      return { type: "archive" };
    case "image":
      if (!choice) return undefined;
      return choice.from === "ready" ? { type: "image", image: choice.image.id } : { type: "server-image", image: choice.row.image.id };
  }
}
