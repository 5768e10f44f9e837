import { join } from "node:path";
import { ProblemError } from "../../contract/problems.ts";
import type { SecurityFix, SecurityFixPreview } from "../../contract/security.ts";
import type { OperationContext } from "../context.ts";
import { type DiskLimit, limitCommand, readDiskLimit, setDiskLimit } from "../disk-limit.ts";
import { readSecurityRecord, writeSecurityRecord } from "./security-record.ts";
import { size } from "./storage-limits.ts";

/**
 * Gives a container whose folder is a subvolume of btrfs a limit of what it stores, another one, or none. The kernel goes by that at once, so
 * nothing is restarted.
 */
type DiskFix = Extract<SecurityFix, { check: "disk" }>;
type World = Pick<OperationContext, "lxcPath" | "reader">;

/** What it would do; nothing of it is done. @throws ProblemError `not-found`; `not-supported` with the reason. */
export async function previewDiskLimit(world: World, name: string, { bytes }: DiskFix): Promise<SecurityFixPreview> {
  const { folder, storedBytes } = await requireLimitable(world, name);
  return {
    changes: "nothing",
    summary: bytes === undefined ? "It can store as much as there is room for on this disk." : `It can store at most ${size(bytes)}.`,
    mayBreak:
      bytes === undefined
        ? "Nothing inside. It can fill the disk."
        : bytes < storedBytes
          ? `It stores ${size(storedBytes)} already: nothing in it can write until it stores less.`
          : `Programs in it fail to write once it stores that much; now it stores ${size(storedBytes)}.`,
    removes: [],
    adds: [],
    files: [],
    commands: [limitCommand(folder, bytes)],
    needsRestart: false,
  };
}

/** Does that. @throws ProblemError as `previewDiskLimit`; `command-failed`. */
export async function limitDisk(context: OperationContext, name: string, { bytes }: DiskFix): Promise<void> {
  const { lxcPath, task } = context;
  const { folder, bytes: before } = await requireLimitable(context, name);
  if (before === bytes) throw notSupported("It has this limit already.");
  task.step("Limiting what it stores");
  await task.critical(async () => {
    const record = readSecurityRecord(lxcPath, name);
    // Before it is done: where we end in between, taking it back has nothing to do.
    const change = { at: Date.now(), ...(before !== undefined && { before }), ...(bytes !== undefined && { after: bytes }) };
    writeSecurityRecord(lxcPath, name, { ...record, diskLimits: [...record.diskLimits, change] });
    try {
      await setDiskLimit(task, folder, bytes);
      const { bytes: inForce } = await requireLimitable(context, name);
      if (inForce !== bytes) throw notSupported(`btrfs says that its limit is ${inForce ?? "none"}.`);
    } catch (error) {
      writeSecurityRecord(lxcPath, name, record);
      throw error;
    }
  });
}

/**
 * Gives it the limit again that it had before the last such fix.
 * @throws ProblemError `not-found` where there is none, `not-supported` where somebody has given it another one since.
 */
export async function restoreDiskLimit(context: OperationContext, name: string): Promise<void> {
  const { lxcPath, task } = context;
  const last = readSecurityRecord(lxcPath, name).diskLimits.at(-1);
  if (!last) throw new ProblemError({ code: "not-found", what: "a fix of disk" });
  const { folder, bytes } = await requireLimitable(context, name);
  if (bytes !== last.after && bytes !== last.before) throw notSupported("Somebody has given it another limit since.");
  task.step("Taking it back");
  await task.critical(async () => {
    if (bytes !== last.before) await setDiskLimit(task, folder, last.before);
    const record = readSecurityRecord(lxcPath, name);
    writeSecurityRecord(lxcPath, name, { ...record, diskLimits: record.diskLimits.filter(({ at }) => at !== last.at) });
  });
}

async function requireLimitable({ lxcPath, reader }: World, name: string): Promise<DiskLimit> {
  if (!reader.readOne(name)) throw new ProblemError({ code: "not-found", what: name });
  const limit = await readDiskLimit(lxcPath, join(lxcPath, name));
  if ("reason" in limit) throw notSupported(limit.reason);
  return limit;
}

function notSupported(what: string): ProblemError {
  return new ProblemError({ code: "not-supported", what });
}
