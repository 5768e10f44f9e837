import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, programFolders } from "../lxc/programs.ts";

/** A small btrfs of a test's own, in a file. */
export type Btrfs = { folder: string; enableQuotas(): void; remove(): void };

const bytes = 512 * 1024 * 1024;

/** @returns The reason where this computer can have none. */
export function makeBtrfs(): Btrfs | string {
  for (const program of ["mkfs.btrfs", "btrfs", "losetup"]) {
    if (findProgram(program, programFolders) === undefined) return `${program} is not installed`;
  }
  const place = mkdtempSync("/var/tmp/lxc-desktop-btrfs-");
  const [file, folder] = [join(place, "disk"), join(place, "mounted")];
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  chmodSync(place, 0o755);
  mkdirSync(folder);
  writeFileSync(file, "");
  truncateSync(file, bytes);
  run("mkfs.btrfs", "-q", file);
  try {
    run("mount", "-o", "loop", file, folder);
  } catch (error) {
    rmSync(place, { recursive: true });
    return `no btrfs can be mounted here: ${error}`;
  }
  return {
    folder,
    enableQuotas: () => run("btrfs", "quota", "enable", folder),
    remove() {
      run("umount", folder);
      rmSync(place, { recursive: true });
    },
  };
}
