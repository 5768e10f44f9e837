import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  type PathLike,
  readdirSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { ProblemError } from "../contract/problems.ts";
import type { IdRange } from "./idmap.ts";

/**
 * Gives every file of a root file system to the ids that the container's own ids stand for on the host, so that its root
 * owns them without being root here. Nothing is ever reached by a path that could lead elsewhere: each folder is
 * opened without following links, and what is in it is named relative to that open folder (proc_pid_fd(5)).
 * Device nodes are removed: a container with a user namespace gets those it may have from LXC.
 * The walk may meet a file system that does not answer, so it belongs into a process that can be killed.
 * @param range Where id 0 goes, and how many follow it.
 * @returns How many files were changed.
 * @throws ProblemError `not-supported` for an id that has no counterpart.
 */
export function shiftOwners(rootfs: string, range: IdRange): number {
  const shiftedLinks = new Set<string>();
  let files = 0;

  const shift = (path: PathLike, stats: Stats) => {
    if (stats.isBlockDevice() || stats.isCharacterDevice()) return unlinkSync(path);
    // A file with several names is changed by the first of them.
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const id = `${stats.dev}:${stats.ino}`;
      if (shiftedLinks.has(id)) return;
      shiftedLinks.add(id);
    }
    lchownSync(path, shifted(stats.uid, range), shifted(stats.gid, range));
    // chown(2) clears these, so that nobody gets a program that acts as somebody else; here it stays the same somebody.
    if (!stats.isSymbolicLink() && (stats.mode & 0o6000) !== 0) chmodSync(path, stats.mode & 0o7777);
    files++;
  };

  const walk = (path: PathLike, device: number | undefined) => {
    const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      const stats = fstatSync(folder);
      // Another file system that is mounted here is not the container's.
      if (device !== undefined && stats.dev !== device) return;
      const here = `/proc/self/fd/${folder}`;
      for (const name of readdirSync(here, { encoding: "buffer" })) {
        const entry = Buffer.concat([Buffer.from(`${here}/`), name]);
        const entryStats = lstatSync(entry);
        if (entryStats.isDirectory()) walk(entry, stats.dev);
        else shift(entry, entryStats);
      }
      chownSync(`${here}/.`, shifted(stats.uid, range), shifted(stats.gid, range));
      if ((stats.mode & 0o6000) !== 0) chmodSync(`${here}/.`, stats.mode & 0o7777);
      files++;
    } finally {
      closeSync(folder);
    }
  };
  walk(rootfs, undefined);
  return files;
}

function shifted(id: number, { first, count }: IdRange): number {
  if (id >= count)
    throw new ProblemError({ code: "not-supported", what: `A file belongs to id ${id}; an unprivileged container has only ${count} ids.` });
  return first + id;
}
