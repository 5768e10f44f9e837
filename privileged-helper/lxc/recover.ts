import { lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import { isManageableName } from "../contract/names.ts";
import { isHeld } from "../holder.ts";
import { type JournalRecord, operationVariable } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { removeHalfMade } from "./destroy.ts";
import { removeImageFolder } from "./image-folder.ts";
import { releaseAddress } from "./network.ts";
import { pidsInNamespaces, processIds, readProcessStat, realUidOf } from "./proc.ts";

/**
 * LXC makes the container's folder first of all. One that is much younger than the record was made by somebody else, after the
 * helper had died and its leftovers were removed by hand.
 */
const folderMadeWithinMilliseconds = 60_000;
/** Decompresses what strangers have sent. */
const nobody = 65_534;
const killTimeoutMilliseconds = 10_000;
const killCheckMilliseconds = 50;

/**
 * Removes what is left of a container whose making was cut short: processes, mounts, files, the reserved address, and then
 * the record of it.
 */
export async function removeAbandoned(context: OperationContext, record: JournalRecord): Promise<void> {
  const { lxcPath, reader, journal, task } = context;
  const { name } = record;
  if (!isManageableName(name)) return journal.remove(record);
  task.notice(`LXC Desktop ended while it made ${name}. What is left of it is removed.`);
  task.step("Ending what still works on it");
  await killMarked(record.id);

  const folder = join(lxcPath, name);
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats && isForeign(stats, folder, journal.writtenAt(record))) {
    task.notice("A newer container has this name now: it is kept.");
    return journal.remove(record);
  }
  const state = reader.readOne(name)?.state;
  if (state && state !== "stopped" && state !== "error") {
    task.notice("It has been started since: it is kept.");
    return journal.remove(record);
  }
  if (stats) {
    task.step("Removing its files");
    await removeHalfMade(context, name);
  }
  releaseAddress(lxcPath, name);
  journal.remove(record);
}

/** The same for an image. What has its own name already is whole, and stays. */
export async function removeAbandonedImage({ journal, images, task }: OperationContext, record: JournalRecord): Promise<void> {
  const doing = record.kind === "delete-image" ? "deleted" : "made";
  task.notice(`LXC Desktop ended while it ${doing} the image ${record.title ?? record.name}. What is left of it is removed.`);
  task.step("Ending what still works on it");
  await killMarked(record.id);
  task.step("Removing its files");
  await removeImageFolder(task, images.partialOf(record.name));
  journal.remove(record);
}

/** The container was made before and is kept, and so is what was done in it; only what still works on it ends. */
export async function endAbandonedFirstStart({ journal, task }: OperationContext, record: JournalRecord): Promise<void> {
  task.notice(`LXC Desktop ended while it set up ${record.name}. The container is kept.`);
  task.step("Ending what still works in it");
  await killMarked(record.id);
  journal.remove(record);
}

/** True where the folder cannot be the one that the recorded work made. LXC's `partial` file is only in an unfinished one. */
function isForeign(stats: Stats, folder: string, recordedAt: number): boolean {
  if (lstatSync(join(folder, "partial"), { throwIfNoEntry: false })) return false;
  // Not every file system knows when a folder was made.
  return stats.birthtimeMs > 0 && stats.birthtimeMs > recordedAt + folderMadeWithinMilliseconds;
}

/** Kills every process that carries the mark of this work, until there is none. */
export async function killMarked(id: string): Promise<void> {
  const until = performance.now() + killTimeoutMilliseconds;
  for (;;) {
    const pids = markedProcesses(id);
    if (pids.length === 0) return;
    if (performance.now() > until) throw new Error(`processes ${pids.join(", ")} still work on it and do not end`);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, killCheckMilliseconds));
  }
}

/** proc_pid_environ(5): `NAME=VALUE` separated by NUL, as the program was started with. */
function markedProcesses(id: string): number[] {
  const mark = `${operationVariable}=${id}`;
  return processIds()
    .filter((pid) => pid > 1 && pid !== process.pid)
    .filter((pid) => {
      const stat = readProcessStat(pid);
      return stat !== undefined && isHeld(stat) && readEnvironment(pid).includes(mark) && !isStrangers(pid) && isHeld(stat);
    });
}

/** Anybody may give processes such a mark, and always new ones. Those of a person on this computer, outside of any container, do none of our work. */
function isStrangers(pid: number): boolean {
  const uid = realUidOf(pid);
  return uid !== undefined && uid !== 0 && uid !== nobody && pidsInNamespaces(pid).length === 1;
}

function readEnvironment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
