import type { Application } from "../../../privileged-helper/contract/application.ts";
import { type FilledInInput, maxContainersAtOnce, type ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Container, OciImage, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainNewName, maxNameLength } from "../../../privileged-helper/contract/names.ts";
import type { CopiedOciFile } from "../../backend/oci-file.ts";
import type { ImageChoice } from "../../ui/image-choices.ts";
import { type CloneValues, copyOf } from "./clone-values.ts";
import { type FirstStartValues, toFirstStart } from "./first-start-values.ts";
import { type OptionValues, toOptions } from "./option-values.ts";
import { optionsOf, type TypedOptions } from "./template-values.ts";

/** What the create dialog asks for. */
export type CreateValues = {
  name: string;
  /** How many of them; a text while it is typed. */
  count: number | string;
  source: "template" | "image" | "oci" | "archive" | "clone";
  template: string;
  /** What was typed into each template's form, by the template's name: it is still there when one comes back to it. */
  options: Readonly<Record<string, TypedOptions>>;
  /** A value of the list of images. */
  image: string;
  ociReference: string;
  /** What was changed of what an image of OCI runs; its other images have their own. */
  application?: Application;
  archive?: File;
  cloneFrom: string;
  clone: CloneValues;
  unprivileged: boolean;
  start: boolean;
  address: "static" | "dhcp";
  more: OptionValues;
  firstStart: FirstStartValues;
};

/** What a container can be made of, in the order in which it is offered. */
export const sources: readonly { value: CreateValues["source"]; label: string; description: string }[] = [
  { value: "template", label: "Template", description: "A fresh system, made by one of LXC's templates." },
  { value: "image", label: "Image", description: "A ready system of an image server, or one that was saved on this computer." },
  { value: "oci", label: "OCI image", description: "An application of a Docker or OCI registry, or of an archive of one." },
  { value: "archive", label: "Archive", description: "A root file system in a file of yours." },
  { value: "clone", label: "Clone", description: "A copy of another container: instant, or with files of its own." },
];

type Containers = ReadonlyMap<string, Container>;

/** Why a name cannot be taken; undefined where it can. */
export function explainName(name: string, containers: Containers): string | undefined {
  return explainNewName(name) ?? (containers.has(name) ? `There is a container ${name} already.` : undefined);
}

/** Why so many cannot be made; undefined where they can. */
export function explainCount(count: number | string): string | undefined {
  const number = count === "" ? Number.NaN : Number(count);
  return Number.isInteger(number) && number >= 1 && number <= maxContainersAtOnce ? undefined : `From 1 to ${maxContainersAtOnce}.`;
}

/** The names of all that are to be made: that of one, or NAME-1, NAME-2, ... */
export function namesOf({ name, count }: Pick<CreateValues, "name" | "count">): string[] {
  const number = explainCount(count) === undefined ? Number(count) : 1;
  return number === 1 ? [name] : Array.from({ length: number }, (_, index) => `${name}-${index + 1}`);
}

/** Why the names cannot be taken; undefined where they can. */
export function explainNames(values: Pick<CreateValues, "name" | "count">, containers: Containers): string | undefined {
  const names = namesOf(values);
  if (names.length === 1) return explainName(values.name, containers);
  return explainNewName(values.name) ?? explainLength(names) ?? names.map((name) => explainName(name, containers)).find(Boolean);
}

/** What was typed may be short enough, and yet not with the number that follows it. */
function explainLength(names: readonly string[]): string | undefined {
  const last = names.at(-1) ?? "";
  const numbered = last.length - last.lastIndexOf("-");
  const most = maxNameLength - numbered;
  return last.length > maxNameLength ? `Each gets a number, so this has at most ${most} characters.` : undefined;
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
  | { method: "oci.create"; params: NewContainer & OciWanted; file?: ChosenOciFile }
  | { method: "archives.create"; params: Omit<NewContainer, "name"> & { names: string[] }; title: string; file: File };

type OciWanted = { reference: string; manifest?: string; application?: Application };
type NewContainer = Omit<ParamsInputOf<"containers.create">, "source">;

/** A file that holds images of OCI, and which of them; the copy that the host has of it is gone where it is to be made once more. */
export type ChosenOciFile = { file: File; image: number; copy?: CopiedOciFile };

type Found = { choice?: ImageChoice; base?: Container; oci?: OciImage; ociFile?: ChosenOciFile };

/**
 * One for each container, but one for all of an archive, which is sent once.
 * @param names Of those that are to be made.
 * @param form Of the template that is chosen.
 * @param choice The image that is chosen.
 * @param base The container that is to be cloned.
 * @param oci What was told of the image of OCI, where it was asked for.
 * @param ociFile The file that it is in.
 */
export function toRequests(
  values: CreateValues,
  names: readonly string[],
  form: readonly TemplateOption[],
  found: Found = {},
): CreateRequest[] {
  const { source, archive } = values;
  if (source !== "archive" || !archive) return names.map((name) => toRequest({ ...values, name }, form, found));
  const params = { ...commonOf(values), names: [...names] };
  return [{ method: "archives.create", params, title: titleOf(archive.name), file: archive }];
}

/** The names of what a request makes. */
export function namesIn({ params }: CreateRequest): string[] {
  return "names" in params ? params.names : [params.name];
}

function toRequest(values: CreateValues, form: readonly TemplateOption[], { choice, base, oci, ociFile }: Found): CreateRequest {
  const { name, source, template, options, cloneFrom, clone, ociReference, application } = values;
  const params = { name, ...commonOf(values) };
  if (source === "oci") {
    const looked = oci && { manifest: oci.manifest, ...(application && { application }) };
    const reference = ociFile ? referenceIn(ociFile) : ociReference;
    return { method: "oci.create", params: { ...params, reference, ...looked }, ...(ociFile && { file: ociFile }) };
  }
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

/** The image's, in the copy of its file. */
export function referenceIn({ copy, image }: ChosenOciFile): string {
  return copy?.images[image]?.reference ?? "";
}

/** With what the dialog is filled in again where a file has to be chosen again. */
export function formOf(request: CreateRequest): FilledInInput | undefined {
  if (request.method === "archives.create") {
    const { names, ...choices } = request.params;
    return { names, choices: { ...choices, source: { type: "archive" } }, lacks: { what: "file", name: request.file.name } };
  }
  if (request.method !== "oci.create" || !request.file) return undefined;
  const { name, reference: _, manifest: __, application: ___, ...choices } = request.params;
  return { names: [name], choices: { ...choices, source: { type: "oci-file" } }, lacks: { what: "file", name: request.file.file.name } };
}

/** What has to be given again, as a sentence. */
export function explainLack({ lacks }: Pick<FilledInInput, "lacks">): string {
  if (lacks.what === "file") return `Choose ${lacks.name} again: no copy of it was kept.`;
  if (lacks.what === "password") return "Type the password again: passwords are not kept.";
  return "What you had changed of what it runs was not kept, because there may be a password in it. Change it again.";
}

/** What a container has, whatever it is made of. */
export function commonOf({
  unprivileged,
  start,
  address,
  more,
  firstStart,
}: Pick<CreateValues, "unprivileged" | "start" | "address" | "more" | "firstStart">) {
  const firstSteps = start ? toFirstStart(firstStart) : undefined;
  return { unprivileged, start, address, ...toOptions(more), ...(firstSteps && { firstStart: firstSteps }) };
}

/** How the image of an archive is called: the file's name without its endings, and without what would not show. */
export function titleOf(fileName: string): string {
  const stem = fileName.replace(/\.(tar|tgz|txz|tzst)?(\.?(gz|xz|zst))?$/i, "").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
  return stem.slice(0, 200) || "Archive";
}
