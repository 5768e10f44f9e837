import { lstatSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Snapshot } from "../contract/model.ts";
import { snapshotName } from "../contract/names.ts";
import { ProblemError } from "../contract/problems.ts";
import { withFileInside } from "./open-inside.ts";

const maxNoteBytes = 1024;
const maxCommentCharacters = 200;

/** Where lxc-snapshot keeps copies of a container; each is a container of its own (lxccontainer.c, get_snappath_dir). */
export function snapshotsFolderOf(lxcPath: string, name: string): string {
  return join(lxcPath, name, "snaps");
}

/** All that are whole, the newest first. */
export function listSnapshots(lxcPath: string, name: string): Snapshot[] {
  const folder = snapshotsFolderOf(lxcPath, name);
  if (!isFolder(folder)) return [];
  return readdirSync(folder)
    .filter((entry) => snapshotName.safeParse(entry).success && isSnapshot(join(folder, entry)))
    .map((entry) => read(join(folder, entry), entry))
    .sort((one, other) => numberOf(other) - numberOf(one));
}

/** @throws ProblemError `not-found`. */
export function requireSnapshot(lxcPath: string, name: string, snapshot: string): void {
  const folder = snapshotsFolderOf(lxcPath, name);
  if (!isFolder(folder) || !isSnapshot(join(folder, snapshot)))
    throw new ProblemError({ code: "not-found", what: `${snapshot} of ${name}` });
}

/** Folders that are there themselves: a link could lead to anybody's. */
function isSnapshot(folder: string): boolean {
  return isFolder(folder) && lstatSync(join(folder, "config"), { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function read(folder: string, name: string): Snapshot {
  const createdAt = parseTime(readNote(folder, "ts"));
  const comment = readNote(folder, "comment").split("\n")[0]?.replace(/\p{C}/gu, "").trim().slice(0, maxCommentCharacters);
  return { name, ...(createdAt !== undefined && { createdAt }), ...(comment && { comment }) };
}

function readNote(folder: string, file: string): string {
  return (
    withFileInside(folder, file, (descriptor) => {
      const bytes = Buffer.alloc(maxNoteBytes);
      return bytes.toString("utf8", 0, readSync(descriptor, bytes, 0, bytes.length, 0));
    }) ?? ""
  );
}

/** LXC writes `%Y:%m:%d %H:%M:%S`, in the time of this computer. */
function parseTime(text: string): number | undefined {
  const [year, month, day, hour, minute, second] = /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text)?.slice(1).map(Number) ?? [];
  if (year === undefined || month === undefined) return undefined;
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

function numberOf({ name }: Snapshot): number {
  return Number(name.slice("snap".length));
}
