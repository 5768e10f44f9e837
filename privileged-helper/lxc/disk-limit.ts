import { chmodSync, lstatSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { btrfsType } from "./folder.ts";
import { run } from "./run.ts";

/**
 * How much a container may store. Of the file systems that folders of containers lie on, btrfs limits a folder, where it is a subvolume
 * and somebody has switched quotas on: LXC takes it for any other folder, and it is removed as one. What lies in other folders, the files
 * of an image or of a clone's base, does not count.
 */

const timeoutSeconds = 60;
/** What the folder that a subvolume is has for a number (btrfs-subvolume(8), "Inode numbers"). */
const subvolumeInode = 256;

/** What a container stores, and may store. */
export type DiskLimit = {
  /** The subvolume. */
  folder: string;
  storedBytes: number;
  /** Absent where it has no limit. */
  bytes?: number;
};

/** Why nothing can be limited in a folder of containers, as a sentence; undefined where it can. */
export async function explainNoDiskLimit(lxcPath: string): Promise<string | undefined> {
  if (!isBtrfs(lxcPath)) return `${lxcPath} does not lie on btrfs, whose folders alone can be limited.`;
  try {
    const { exitCode } = await run("btrfs", ["qgroup", "show", lxcPath], { timeoutSeconds, allowExitCodes: "any" });
    return exitCode === 0 ? undefined : `Quotas are off. They are switched on by: btrfs quota enable ${lxcPath}`;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === "tool-missing")
      return "The program btrfs is not installed (package btrfs-progs).";
    throw error;
  }
}

/**
 * How much a container may store, or why that cannot be limited.
 * @param folder Its own.
 */
export async function readDiskLimit(lxcPath: string, folder: string): Promise<DiskLimit | { reason: string }> {
  const reason = await explainNoDiskLimit(lxcPath);
  if (reason !== undefined) return { reason };
  // LXC makes a subvolume of its files alone where it is told to use btrfs, and what lies in one counts for that one only.
  const subvolume = [join(folder, "rootfs"), folder].find(isSubvolume);
  if (subvolume === undefined) return { reason: "Its folder is no subvolume of btrfs, which new containers with a limit get." };
  // -F: of this folder alone; what its group refers to comes second, and what it may refer to at most is the last (btrfs-qgroup(8)).
  const { exitCode, output } = await run("btrfs", ["qgroup", "show", "-r", "-F", "--raw", subvolume], {
    timeoutSeconds,
    allowExitCodes: "any",
  });
  const [, stored, most] = /^\d+\/\d+\s+(\d+)\s+\d+\s+(\d+|none)\b/m.exec(output) ?? [];
  if (exitCode !== 0 || stored === undefined) return { reason: `btrfs does not tell what is stored in ${subvolume}.` };
  return { folder: subvolume, storedBytes: Number(stored), ...(most !== "none" && { bytes: Number(most) }) };
}

/** What gives a subvolume another limit, or none. */
export function limitCommand(subvolume: string, bytes: number | undefined): [tool: "btrfs", ...args: string[]] {
  return ["btrfs", "qgroup", "limit", bytes === undefined ? "none" : String(bytes), subvolume];
}

/** @throws ProblemError `command-failed`. */
export async function setDiskLimit(task: TaskContext, subvolume: string, bytes: number | undefined): Promise<void> {
  const [tool, ...args] = limitCommand(subvolume, bytes);
  await run(tool, args, { task, timeoutSeconds });
}

/**
 * Makes the folder of a container that may hold so much.
 * @throws ProblemError `invalid-request` where that cannot be done here, `command-failed` where there is such a folder.
 */
export async function makeLimitedFolder(
  { lxcPath, task }: { lxcPath: string; task: TaskContext },
  folder: string,
  { bytes, mode }: { bytes: number; mode: number },
): Promise<void> {
  await requireDiskLimit(lxcPath);
  for (const [tool, ...args] of limitCommands(folder, bytes)) await run(tool, args, { task, timeoutSeconds });
  chmodSync(folder, mode);
}

/** What makes it. The limit goes with what is in it. */
export function limitCommands(folder: string, bytes: number): [tool: "btrfs", ...args: string[]][] {
  return [["btrfs", "subvolume", "create", folder], limitCommand(folder, bytes)];
}

/** @throws ProblemError `invalid-request` where nothing can be limited. */
export async function requireDiskLimit(lxcPath: string): Promise<void> {
  const obstacle = await explainNoDiskLimit(lxcPath);
  if (obstacle !== undefined)
    throw new ProblemError({ code: "invalid-request", issues: [{ path: "resources.diskBytes", message: obstacle }] });
}

function isBtrfs(folder: string): boolean {
  try {
    return statfsSync(folder).type === btrfsType;
  } catch {
    return false;
  }
}

function isSubvolume(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.ino === subvolumeInode && isBtrfs(folder);
}
