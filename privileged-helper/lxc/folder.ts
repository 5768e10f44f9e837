import { readdirSync, statfsSync } from "node:fs";
import { dirname } from "node:path";

/** What statfs(2) calls btrfs: BTRFS_SUPER_MAGIC (include/uapi/linux/magic.h). */
export const btrfsType = 0x9123683e;

/** Names in a folder; none where it is not there. */
export function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Bytes that may still be written where a path is, or is going to be. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    if (path === "/") throw error;
    return freeBytes(dirname(path));
  }
}
