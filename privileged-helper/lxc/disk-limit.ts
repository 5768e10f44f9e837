import { chmodSync, statfsSync } from "node:fs";
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
 * How much a container may store, or why it is not limited.
 * @param folder Its own.
 */
export async function readDiskLimit(lxcPath: string, folder: string): Promise<{ bytes: number } | { reason: string }> {
  const reason = await explainNoDiskLimit(lxcPath);
  if (reason !== undefined) return { reason };
  // -F: of this folder alone; what its group may refer to at most is the last column (btrfs-qgroup(8)).
  const { exitCode, output } = await run("btrfs", ["qgroup", "show", "-r", "-F", "--raw", folder], {
    timeoutSeconds,
    allowExitCodes: "any",
  });
  const bytes = Number(/^\d+\/\d+\s+\d+\s+\d+\s+(\d+)\b/m.exec(output)?.[1] ?? Number.NaN);
  if (exitCode === 0 && !Number.isNaN(bytes)) return { bytes };
  return { reason: "A limit can be given to new containers on this computer, when they are made." };
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
  return [
    ["btrfs", "subvolume", "create", folder],
    ["btrfs", "qgroup", "limit", String(bytes), folder],
  ];
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
