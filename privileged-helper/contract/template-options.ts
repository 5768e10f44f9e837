import * as z from "zod";
import type { TemplateOption } from "./model.ts";

/**
 * What a person may ask of a template. Templates are shell scripts that root runs, and not all of them quote what they are given, so
 * each kind of value has a pattern of its own in which nothing means anything to a shell: no blank, no quote, no `$`, no `*`. None begins
 * with a hyphen, which would make it an option, and but for addresses none has a slash, which would make it a path.
 */
export type TemplateOptionValue = true | string | string[];
export type TemplateOptions = Readonly<Record<string, TemplateOptionValue>>;

/** Options whose values are never written down: told by their names, so that nothing has to be known of the template. */
export const secretOption = /(^|[-_])(passw(or)?d|secret|token)([-_]|$)/i;

const maxOptions = 32;
const maxItems = 100;
const maxCharacters = 200;

const word = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const item = /^[A-Za-z0-9][A-Za-z0-9._+@:-]{0,127}$/;
const user = /^[a-z_][a-z0-9_-]{0,31}$/;
const password = /^[A-Za-z0-9._+=@][A-Za-z0-9._+=@-]{0,63}$/;
const url = /^https?:\/\/[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(\/[A-Za-z0-9._~+-]*)*$/;

/** Whatever the kind is, which only the template's form tells: nothing but these. A path can only be one of a form's choices. */
const anyText = z
  .string()
  .max(maxCharacters)
  .regex(/^[A-Za-z0-9._+=@/][A-Za-z0-9._+=@:/~-]*$/);

export const templateOptions = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/), z.union([z.literal(true), anyText, z.array(anyText).min(1).max(maxItems)]))
  .refine((options) => Object.keys(options).length <= maxOptions, { message: "too many options" });

/** Why a template cannot be given this value, as a sentence for the person who types it; undefined where it can. */
export function explainOptionValue({ kind, suggestions }: TemplateOption, value: TemplateOptionValue): string | undefined {
  if (kind === "yes-no") return value === true ? undefined : "This is either chosen or left out.";
  if (kind === "list") return Array.isArray(value) ? explainItems(value) : "Type names, separated by commas.";
  if (typeof value !== "string") return "Type one value.";
  if (value.length > maxCharacters) return `At most ${maxCharacters} characters.`;
  switch (kind) {
    case "word":
      return word.test(value) ? undefined : "Use letters, digits and . _ + - only, at most 64, the first a letter or a digit.";
    case "user":
      return user.test(value) ? undefined : "A user's name has lower-case letters, digits, _ and -, at most 32, and begins with a letter.";
    case "password":
      return password.test(value) ? undefined : "Use letters, digits and . _ + = @ - only, at most 64, and no hyphen first.";
    case "url":
      return url.test(value) ? undefined : "Type an address that begins with http:// or https://, without a user, ? or #.";
    case "choice":
      return suggestions.includes(value) ? undefined : `Choose one of ${suggestions.join(", ")}.`;
  }
}

function explainItems(items: readonly string[]): string | undefined {
  if (items.length === 0) return "Type names, separated by commas.";
  if (items.length > maxItems) return `At most ${maxItems} names.`;
  const wrong = items.find((one) => !item.test(one));
  return wrong === undefined ? undefined : `"${wrong.slice(0, 40)}" is no name: use letters, digits and . _ + @ : - only.`;
}

/** How a password is shown: only that there is one. */
const concealed = "********";

/**
 * What the template is called with, in the form's order; where nothing was chosen, the form's own value.
 * @param passwords Whether passwords are among it, or only shown to be there.
 */
export function templateArguments(form: readonly TemplateOption[], options: TemplateOptions, passwords: "plain" | "concealed"): string[] {
  const named = form.filter(({ flag }) => flag !== "");
  // What belongs to no option comes last.
  const others = form.filter(({ flag }) => flag === "");
  return [...named, ...others].flatMap(({ name, kind, flag, default: taken }) => {
    const value = Object.hasOwn(options, name) ? options[name] : taken;
    if (value === undefined) return [];
    if (value === true) return [flag];
    if (flag === "") return value;
    const text = kind === "password" && passwords === "concealed" ? concealed : [value].flat().join(",");
    return flag.endsWith("=") ? [`${flag}${text}`] : [flag, text];
  });
}

/** Where lxc-create is told what a new container's configuration begins with: in its own folder, so that it goes with it. */
export function startConfigPath(lxcPath: string, name: string): string {
  return `${lxcPath}/${name}/config.new`;
}

/** The arguments of lxc-create. */
export function createArguments(
  { lxcPath, name, template }: { lxcPath: string; name: string; template: string },
  forTemplate: readonly string[],
): string[] {
  return ["-n", name, "-P", lxcPath, "-t", template, "-f", startConfigPath(lxcPath, name), "--", ...forTemplate];
}
