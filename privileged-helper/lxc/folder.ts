import { readdirSync, statfsSync } from "node:fs";

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

/** Bytes that may still be written to the file system of a folder, which has to be there. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
