import * as z from "zod";

/**
 * Where an image of Docker or OCI comes from, as a person writes it: what is in a registry (the grammar of distribution/reference, with
 * Docker's short names), an archive in a file, or a layout in a folder. What was read is written anew, so nothing of it can be an option
 * of a program.
 */
export type OciReference =
  | { type: "registry"; host: string; repository: string; tag?: string; digest?: string }
  /** `docker save` or an OCI layout, packed as tar; `image` is which of several in it, by its name or, of `docker save`, as `@0`. */
  | { type: LocalType; path: string; image?: string };

/** An archive of either kind, or a layout of OCI as it is. */
type LocalType = (typeof localTypes)[number];
const localTypes = ["docker-archive", "oci-archive", "oci"] as const;

const maxReferenceLength = 1000;
const dockerHub = "docker.io";
const defaultTag = "latest";

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const host = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`);
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repository = new RegExp(`^${component}(?:/${component})*$`);
const tag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digest = /^sha256:[0-9a-f]{64}$/;

/** @returns The reference, or why it is none: a sentence for the person who types it. */
export function parseOciReference(text: string): OciReference | string {
  const typed = text.trim();
  if (typed === "") return "Type the name of an image.";
  if (typed.length > maxReferenceLength) return `A reference has at most ${maxReferenceLength} characters.`;
  const local = localTypes.find((type) => typed.startsWith(`${type}:`));
  if (local !== undefined) return parseLocal(local, typed.slice(local.length + 1));
  const other = /^(containers-storage|dir|docker-daemon|ostree|sif|tarball|https?):/.exec(typed);
  if (other) return `Only docker://, docker-archive:, oci-archive: and oci: can be used here, not ${other[1]}:.`;
  if (typed.startsWith("/")) return `Begin with what it is: docker-archive:${typed}, oci-archive:${typed}, or oci: for a folder.`;
  return parseRegistry(typed.replace(/^docker:\/\//, ""));
}

/** One way to write each reference; skopeo(1) takes it as it is. */
export function formatOciReference(reference: OciReference): string {
  if (reference.type !== "registry") {
    return `${reference.type}:${reference.path}${reference.image === undefined ? "" : `:${reference.image}`}`;
  }
  const { host: server, repository: name, tag: of, digest: hash } = reference;
  // skopeo wants one of both, and the digest says it all.
  return `docker://${server}/${name}${hash !== undefined ? `@${hash}` : `:${of ?? defaultTag}`}`;
}

/** How an image is called: as it was written, without what everybody leaves out. */
export function ociTitle(reference: OciReference): string {
  if (reference.type !== "registry") {
    const { type, path, image } = reference;
    const file = path.replace(/\/+$/, "").split("/").at(-1) || path;
    const isName = image !== undefined && type === "docker-archive" && !image.startsWith("@");
    return (isName ? withoutHub(image) : image === undefined ? file : `${file} ${image}`).slice(0, 200);
  }
  const { host: server, repository: name, tag: of, digest: hash } = reference;
  const short = withoutHub(`${server}/${name}`);
  const which = of !== undefined ? `:${of}` : hash !== undefined ? `@${hash.slice(0, 19)}` : `:${defaultTag}`;
  return `${short}${which}`.slice(0, 200);
}

function withoutHub(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, "");
}

function parseRegistry(typed: string): OciReference | string {
  const [name = "", hash, ...rest] = typed.split("@");
  if (rest.length > 0 || (hash !== undefined && !digest.test(hash))) return "After @ comes sha256: and 64 hexadecimal digits.";
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  const path = hasTag ? name.slice(0, colon) : name;
  const of = hasTag ? name.slice(colon + 1) : undefined;
  if (of !== undefined && !tag.test(of)) return `${of === "" ? "Nothing" : of} is not a tag.`;
  const [first = "", ...others] = path.split("/");
  const hasServer = others.length > 0 && (isLikeServer(first) || first !== first.toLowerCase());
  const server = hasServer ? canonicalHost(first) : dockerHub;
  const image = hasServer ? others.join("/") : path;
  if (!host.test(server) || portOf(server) > 65_535) return `${first} is not the name of a server.`;
  if (!repository.test(image)) {
    return image !== image.toLowerCase()
      ? "The name of an image has no capital letters."
      : "This is not the name of an image. One looks like alpine:3.22, or ghcr.io/owner/name:tag.";
  }
  return {
    type: "registry",
    host: server,
    repository: server === dockerHub && !image.includes("/") ? `library/${image}` : image,
    ...(of !== undefined && { tag: of }),
    ...(hash !== undefined && { digest: hash }),
  };
}

function parseLocal(type: LocalType, text: string): OciReference | string {
  if (!text.startsWith("/")) return `Type the whole path of the ${type === "oci" ? "folder" : "file"}, from / on.`;
  if (/\p{C}/u.test(text)) return "The path cannot have a control character in it.";
  // As skopeo reads it, so no path can have a colon.
  const colon = text.indexOf(":");
  if (colon < 0) return { type, path: text };
  const image = text.slice(colon + 1);
  return image === "" ? "After the colon comes which image it is." : { type, path: text.slice(0, colon), image };
}

/** As Docker tells it from the first part of a name: it has a dot or a port, or is this computer. Capital letters are a sign, too. */
function isLikeServer(first: string): boolean {
  return /[.:]/.test(first) || first === "localhost";
}

/** Docker's own server has more than one name. One that only its capital letters tell from a part of a name keeps them. */
function canonicalHost(name: string): string {
  const lower = name.toLowerCase();
  if (!isLikeServer(lower)) return name;
  return lower === "index.docker.io" || lower === "registry-1.docker.io" ? dockerHub : lower;
}

function portOf(server: string): number {
  return Number(/:([0-9]+)$/.exec(server.replace(/^\[.*\]/, ""))?.[1] ?? 0);
}

/** As it was written, to be kept, without what stands around it: that may be ends of lines. */
export const ociReferenceText = z
  .string()
  .trim()
  .max(maxReferenceLength)
  .refine((text) => typeof parseOciReference(text) !== "string", "not a reference");

export const ociReference = z.string().transform((text, context): OciReference => {
  const parsed = parseOciReference(text);
  if (typeof parsed !== "string") return parsed;
  context.addIssue({ code: "custom", message: parsed });
  return z.NEVER;
});
