import { constants } from "node:os";
import { join } from "node:path";
import { ProblemError } from "../../contract/problems.ts";
import type { SecurityFix, SecurityFixPreview } from "../../contract/security.ts";
import type { OperationContext } from "../context.ts";
import { type DiskLimit, limitCommand, readDiskLimit, setDiskLimit } from "../disk-limit.ts";
import { readSecurityRecord, type SecurityRecord, writeSecurityRecord } from "./security-record.ts";
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
  const limit = await requireLimitable(context, name);
  const before = limit.bytes;
  if (before === bytes) throw notSupported("It has this limit already.");
  const record = readSecurityRecord(lxcPath, name);
  const change = { at: Date.now(), ...(before !== undefined && { before }), ...(bytes !== undefined && { after: bytes }) };
  task.step("Limiting what it stores");
  await applyLimit(context, name, limit, bytes, { ...record, diskLimits: [...record.diskLimits, change] });
}

/**
 * Gives it the limit again that it had before the last such fix.
 * @throws ProblemError `not-found` where there is none, `not-supported` where somebody has given it another one since.
 */
export async function restoreDiskLimit(context: OperationContext, name: string): Promise<void> {
  const { lxcPath, task } = context;
  const record = readSecurityRecord(lxcPath, name);
  const last = record.diskLimits.at(-1);
  if (!last) throw new ProblemError({ code: "not-found", what: "a fix of disk" });
  const limit = await requireLimitable(context, name);
  if (limit.bytes !== last.after && limit.bytes !== last.before) throw notSupported("Somebody has given it another limit since.");
  task.step("Taking it back");
  await applyLimit(context, name, limit, last.before, { ...record, diskLimits: record.diskLimits.slice(0, -1) });
}

/**
 * The record lies in the very folder that is limited, and root is not exempt: it is written while there is the more room, so before a limit
 * becomes less and after it becomes more.
 */
async function applyLimit(
  { lxcPath, task }: OperationContext,
  name: string,
  { folder, bytes: before }: DiskLimit,
  bytes: number | undefined,
  record: SecurityRecord,
): Promise<void> {
  const isLess = bytes !== undefined && (before === undefined || bytes < before);
  await task.critical(async () => {
    if (!isLess) await setDiskLimit(task, folder, bytes);
    const old = readSecurityRecord(lxcPath, name);
    writeRecord(lxcPath, name, record);
    if (!isLess) return;
    try {
      await setDiskLimit(task, folder, bytes);
    } catch (error) {
      writeSecurityRecord(lxcPath, name, old);
      throw error;
    }
  });
}

function writeRecord(lxcPath: string, name: string, record: SecurityRecord) {
  try {
    writeSecurityRecord(lxcPath, name, record);
  } catch (error) {
    // Node has no name of its own for it.
    if ((error as NodeJS.ErrnoException).errno !== -constants.errno.EDQUOT) throw error;
    throw notSupported("Its folder is full, so that nothing can be noted in it. Remove something in it, or let it store more, first.");
  }
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
