import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Container, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainNewName } from "../../../privileged-helper/contract/names.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import { type CloneValues, copyOf } from "./clone-values.ts";
import { type OptionValues, toOptions } from "./option-values.ts";
import { optionsOf, type TypedOptions } from "./template-values.ts";

/** What the create dialog asks for. */
export type CreateValues = {
  name: string;
  /** How many of them; a text while it is typed. */
  count: number | string;
  source: "template" | "image" | "archive" | "clone";
  template: string;
  /** What was typed into each template's form, by the template's name: it is still there when one comes back to it. */
  options: Readonly<Record<string, TypedOptions>>;
  /** A value of the list of images. */
  image: string;
  archive?: File;
  cloneFrom: string;
  clone: CloneValues;
  unprivileged: boolean;
  start: boolean;
  address: "static" | "dhcp";
  more: OptionValues;
};

/** What a container can be made of, in the order in which it is offered. */
export const sources: readonly { value: CreateValues["source"]; label: string; description: string }[] = [
  { value: "template", label: "Template", description: "A fresh system, made by one of LXC's templates." },
  { value: "image", label: "Image", description: "A ready system of an image server, or one that was saved on this computer." },
  { value: "archive", label: "Archive", description: "A root file system in a file of yours." },
  {
    value: "clone",
    label: "Clone",
    description: "A copy of another container: there at once where it may share that one's files, or with files of its own.",
  },
];

type Containers = ReadonlyMap<string, Container>;

/** Why a name cannot be taken; undefined where it can. */
export function explainName(name: string, containers: Containers): string | undefined {
  return explainNewName(name) ?? (containers.has(name) ? `There is a container ${name} already.` : undefined);
}

/** More than this nobody watches. */
const maxCount = 50;

/** Why so many cannot be made; undefined where they can. */
export function explainCount(count: number | string): string | undefined {
  const number = count === "" ? Number.NaN : Number(count);
  return Number.isInteger(number) && number >= 1 && number <= maxCount ? undefined : `From 1 to ${maxCount}.`;
}

/** The names of all that are to be made: that of one, or NAME-1, NAME-2, ... An archive is used up by the first. */
export function namesOf({ name, count, source }: Pick<CreateValues, "name" | "count" | "source">): string[] {
  const number = explainCount(count) === undefined && source !== "archive" ? Number(count) : 1;
  return number === 1 ? [name] : Array.from({ length: number }, (_, index) => `${name}-${index + 1}`);
}

/** Why the names cannot be taken; undefined where they can. */
export function explainNames(values: Pick<CreateValues, "name" | "count" | "source">, containers: Containers): string | undefined {
  const names = namesOf(values);
  if (names.length === 1) return explainName(values.name, containers);
  return explainNewName(values.name) ?? names.map((name) => explainName(name, containers)).find(Boolean);
}

/** A name that is free: the source's, made a host name, with the lowest number that makes it so. */
export function suggestName(source: string, containers: Containers): string {
  const hostName = source.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const stem =
    hostName
      .slice(0, 55)
      .replace(/-?\d*-?$/, "")
      .replace(/^-/, "") || "container";
  for (let number = 1; ; number++) {
    const name = `${stem}-${number}`;
    if (!containers.has(name)) return name;
  }
}

/** A suggested name without its number. */
export function stemOf(name: string): string {
  return name.replace(/-\d+$/, "");
}

/** Why a container cannot be cloned now; undefined where it can. */
export function reasonAgainstClone({ manageable, state, operation }: Container): string | undefined {
  if (!manageable) return "only shown here";
  if (operation) return "busy";
  if (state === "error") return "it cannot run";
  return state === "stopped" || state === "running" || state === "frozen" ? undefined : state;
}

/** What can be cloned comes first, and says where it runs; what cannot says why. */
export function cloneChoices(containers: Containers): { value: string; label: string; disabled: boolean }[] {
  return [...containers.values()]
    .map((container) => {
      const reason = reasonAgainstClone(container);
      const told = reason ?? (container.state === "stopped" ? undefined : container.state);
      return { value: container.name, label: told ? `${container.name} (${told})` : container.name, disabled: reason !== undefined };
    })
    .sort((a, b) => Number(a.disabled) - Number(b.disabled) || a.value.localeCompare(b.value, "en", { numeric: true }));
}

/** What Create asks for: at the helper, or at the host, which has the bytes that it is made of. */
export type CreateRequest =
  | { method: "containers.create"; params: ParamsInputOf<"containers.create"> }
  | { method: "catalog.create"; params: NewContainer & { image: string } }
  | { method: "archives.create"; params: NewContainer; title: string; file: File };

type NewContainer = Omit<ParamsInputOf<"containers.create">, "source">;

/**
 * @param form Of the template that is chosen.
 * @param choice The image that is chosen.
 * @param base The container that is to be cloned.
 */
export function toRequest(values: CreateValues, form: readonly TemplateOption[], choice?: ImageChoice, base?: Container): CreateRequest {
  const { name, source, template, options, archive, cloneFrom, clone, unprivileged, start, address, more } = values;
  const params = { name, unprivileged, start, address, ...toOptions(more) };
  if (source === "archive" && archive) return { method: "archives.create", params, title: titleOf(archive.name), file: archive };
  if (source === "image" && choice?.from === "ready") {
    return { method: "containers.create", params: { ...params, source: { type: "image", image: choice.image.id } } };
  }
  if (source === "image" && choice?.from === "server") {
    return { method: "catalog.create", params: { ...params, image: choice.row.image.id } };
  }
  const made =
    source === "clone"
      ? {
          type: "clone" as const,
          from: cloneFrom,
          copy: copyOf(clone, base),
          ...(clone.snapshot !== "" && { snapshot: clone.snapshot }),
        }
      : { type: "template" as const, template, options: optionsOf(form, options[template] ?? {}) };
  return { method: "containers.create", params: { ...params, source: made } };
}

/** How the image of an archive is called: the file's name without its endings, and without what would not show. */
export function titleOf(fileName: string): string {
  const stem = fileName.replace(/\.(tar|tgz|txz|tzst)?(\.?(gz|xz|zst))?$/i, "").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
  return stem.slice(0, 200) || "Archive";
}
