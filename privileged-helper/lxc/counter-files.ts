import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createTextReader } from "./proc.ts";

/** A file of counters, in a folder that this host may not have. */
export type Place = readonly [folder: string | undefined, file: string];
export type OpenFile = { name: string; read(): string | undefined; close(): void };

/** Opens the first of these files that is there. */
export function openFirst(...places: Place[]): OpenFile | undefined {
  for (const [folder, name] of places) {
    if (folder === undefined) continue;
    try {
      return keepOpen(name, openSync(join(folder, name), "r"));
    } catch {
      // Not on this host: the figure is not available.
    }
  }
  return undefined;
}

function keepOpen(name: string, file: number): OpenFile {
  const readText = createTextReader(file);
  let isOpen = true;
  return {
    name,
    /** The whole text. @throws ENODEV where the cgroup is gone. Undefined where the kernel refuses the figure. */
    read() {
      if (!isOpen) return undefined;
      try {
        return readText();
      } catch (thrown) {
        if (isGone(thrown)) throw thrown;
        return undefined;
      }
    },
    close() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };
}

/** What reading from a removed cgroup, or from a process that has ended, gives. */
export function isGone(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === "ENODEV" || code === "ESRCH";
}

/** The folder of the first of these files that is there: a refused attempt costs more than reading. */
export function findFirst(...places: Place[]): Place | undefined {
  return places.find(([folder, name]) => folder !== undefined && existsSync(join(folder, name)));
}

/**
 * A limit of a cgroup and of those above it, which hold for it as well, the nearest first. The top of a hierarchy has no limits.
 * @returns The folders that have that file.
 */
export function foldersWith(place: Place | undefined): string[] {
  const [folder, name] = place ?? [undefined, ""];
  const found: string[] = [];
  for (let at = folder; at !== undefined && at !== "/" && existsSync(join(at, name)); at = dirname(at)) found.push(at);
  return found;
}

export function readIfThere(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
