import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import type { ContainerOptions } from "./container-options.ts";
import type { OperationContext, TaskContext } from "./context.ts";
import { makeLimitedFolder } from "./disk-limit.ts";
import { unmountBelow } from "./mounts.ts";
import { releaseAddress } from "./network.ts";
import { run } from "./run.ts";

const timeoutSeconds = 600;
const folderMode = 0o770;

/**
 * Removes a stopped container with all its files, and gives its address back.
 * @throws ProblemError `command-failed`, `timed-out`.
 */
export async function destroyContainer({ lxcPath, task }: OperationContext, name: string): Promise<void> {
  task.step("Removing its files");
  const signal = new AbortController().signal;
  // Half a container is worse than waiting: once begun it is not cancelled.
  await task.critical(async () => {
    await run("lxc-destroy", ["-n", name, "-P", lxcPath], { task, signal, timeoutSeconds });
    await removeFolder({ lxcPath, task }, name);
  });
  releaseAddress(lxcPath, name);
}

/**
 * Takes a name for a new container: from here on nobody else makes one of that name, and undoing removes what is in its folder.
 * @throws ProblemError `already-exists`; `invalid-request` where it cannot be limited.
 */
export async function claimFolder(
  { lxcPath, task }: Pick<OperationContext, "lxcPath" | "task">,
  { name, resources: { diskBytes } = {} }: Pick<ContainerOptions, "name" | "resources">,
): Promise<void> {
  const folder = join(lxcPath, name);
  try {
    if (diskBytes === undefined) mkdirSync(folder, { mode: folderMode });
    else await makeLimitedFolder({ lxcPath, task }, folder, { bytes: diskBytes, mode: folderMode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new ProblemError({ code: "already-exists", name });
    throw error;
  }
  task.onUndo(() => removeHalfMade({ lxcPath, task }, name));
}

/**
 * Removes what is left of a container that was not finished, mounts first.
 * LXC itself is asked first where it knows the container, because it counts the clones of a base.
 */
export async function removeHalfMade({ lxcPath, task }: Pick<OperationContext, "lxcPath" | "task">, name: string): Promise<void> {
  const folder = join(lxcPath, name);
  if (!exists(folder)) return;
  await unmountBelow(task, folder);
  if (exists(join(folder, "config"))) {
    await run("lxc-destroy", ["-n", name, "-P", lxcPath], { task, timeoutSeconds, allowExitCodes: "any" });
  }
  // To rm a subvolume of btrfs is another file system, which it goes into only where that is named.
  await removeFiles(task, join(folder, "rootfs"));
  await removeFolder({ lxcPath, task }, name);
}

async function removeFolder({ lxcPath, task }: Pick<OperationContext, "lxcPath" | "task">, name: string) {
  const folder = join(lxcPath, name);
  if (exists(folder)) await removeFiles(task, folder);
}

/** All below a folder that is on the same file system, and the folder. */
export async function removeFiles(task: TaskContext, folder: string): Promise<void> {
  await run("rm", removeArguments(folder), { task, signal: new AbortController().signal, timeoutSeconds });
}

/** The arguments of rm. */
export function removeArguments(folder: string): string[] {
  return ["-rf", "--one-file-system", "--", folder];
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
