import { closeSync, constants, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { openInside } from "./open-inside.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const maxLinks = 40;

/** Where a path of a container leads to, as the container itself would see it. */
export type Found = {
  /** The layer that it lies in, and its path below that, free of links. */
  layer: string;
  relative: string;
  type: "file" | "folder" | "other";
  mode: number;
};

/**
 * Follows a path through a root file system without ever leaving it: links are resolved against its own root, and no component
 * is opened through one.
 * @param layers Folders that lie over each other, the uppermost first; a plain root file system is one.
 * @returns undefined where there is nothing of that path.
 */
export function lookInside(layers: readonly string[], path: string): Found | undefined {
  const pending = path.split("/").filter(Boolean);
  const resolved: string[] = [];
  let found: Found | undefined;
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === ".") continue;
    if (part === "..") {
      resolved.pop();
      continue;
    }
    const entry = findEntry(layers, [...resolved, part]);
    if (entry === undefined) return undefined;
    if (entry.target !== undefined) {
      if (++links > maxLinks) return undefined;
      if (entry.target.startsWith("/")) resolved.length = 0;
      pending.unshift(...entry.target.split("/").filter(Boolean));
      continue;
    }
    if (pending.length > 0 && entry.type !== "folder") return undefined;
    resolved.push(part);
    found = { ...entry, relative: resolved.join("/") };
  }
  return found;
}

/** The first bytes of a file that was found. */
export function readStart({ layer, relative }: Found, bytes: number): Buffer {
  const file = openInside(layer, relative);
  if (file === undefined) return Buffer.alloc(0);
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}

type Entry = { layer: string; type: Found["type"]; mode: number; target?: string };

function findEntry(layers: readonly string[], components: readonly string[]): Entry | undefined {
  for (const layer of layers) {
    const entry = statInside(layer, components);
    if (entry === "removed") return undefined;
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** @returns `removed` where the layer says that there is nothing below it either: overlayfs marks that with a device 0:0. */
function statInside(layer: string, components: readonly string[]): Entry | "removed" | undefined {
  let folder: number | undefined;
  try {
    folder = openSync(layer, O_RDONLY | O_DIRECTORY);
    for (const component of components.slice(0, -1)) {
      const next = openSync(`/proc/self/fd/${folder}/${component}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(folder);
      folder = next;
    }
    const path = `/proc/self/fd/${folder}/${components.at(-1)}`;
    const status = lstatSync(path);
    if (status.isCharacterDevice() && status.rdev === 0) return "removed";
    const mode = status.mode & 0o7777;
    if (status.isSymbolicLink()) return { layer, type: "other", mode, target: readlinkSync(path) };
    return { layer, type: status.isFile() ? "file" : status.isDirectory() ? "folder" : "other", mode };
  } catch {
    return undefined;
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
