import * as z from "zod";

/**
 * Names of containers. LXC itself checks nothing: it hands names to root's shell in hooks and templates, so these two
 * patterns are the whole defence. New names are host names (RFC 1123, one label); names that already exist on disk may
 * use a little more, and everything else is listed but never passed to a tool.
 */
export const newContainerNamePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const existingContainerNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** RFC 1123: of one label. */
export const maxNameLength = 63;

/** Why a string cannot be the name of a new container, as a sentence for the person who types it. */
export function explainNewName(name: string): string | undefined {
  if (name === "") return "Type a name.";
  if (name.length > maxNameLength) return `A name has at most ${maxNameLength} characters.`;
  if (/[A-Z]/.test(name)) return "Use lower-case letters only.";
  if (!/^[a-z0-9-]*$/.test(name)) return "Use only lower-case letters, digits and hyphens.";
  if (name.startsWith("-") || name.endsWith("-")) return "A name cannot begin or end with a hyphen.";
  if (/^[0-9]+$/.test(name)) return "A name needs at least one letter.";
  return undefined;
}

/** True if a folder of this name may be managed: started, entered, passed to an lxc tool. */
export function isManageableName(name: string): boolean {
  return existingContainerNamePattern.test(name);
}

export const newContainerName = z
  .string()
  .max(maxNameLength)
  .refine((name) => explainNewName(name) === undefined, { message: "not a host name" })
  .brand<"ContainerName">();

/** What lxc-snapshot calls the copies that it keeps of a container. */
export const snapshotName = z.string().regex(/^snap[0-9]{1,6}$/);

export const containerName = z.string().regex(existingContainerNamePattern).brand<"ContainerName">();

/** A network interface of this computer; the kernel takes at most 15 bytes, and LXC hands it to scripts without quotes. */
export const linkName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/);

export type ContainerName = z.infer<typeof containerName>;
