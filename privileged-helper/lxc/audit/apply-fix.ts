import { existsSync } from "node:fs";
import { ProblemError, toProblem } from "../../contract/problems.ts";
import type { ConversionFix, SecurityFix } from "../../contract/security.ts";
import type { JournalRecord } from "../../journal.ts";
import { lastValueOf, parseConfig, readConfigurationText, writeConfig } from "../config.ts";
import type { OperationContext } from "../context.ts";
import { forceStop, start, stop } from "../lifecycle.ts";
import { isActive, parseRootfs } from "../list.ts";
import { killMarked } from "../recover.ts";
import { changedLines } from "../repair.ts";
import { auditCheck } from "./audit.ts";
import { readAuditFacts } from "./audit-facts.ts";
import { keptBy } from "./capabilities.ts";
import { changedByOthers, startAgain, stopTimeoutSeconds, systemState, tryConfiguration, withoutUndo } from "./come-up.ts";
import { revertConversion } from "./convert-container.ts";
import { planFix, planUndo, rememberFix } from "./fixes.ts";
import { limitDisk, restoreDiskLimit } from "./limit-disk.ts";
import { writeProfileFile } from "./profile-file.ts";
import { type DoneFix, readSecurityRecord, writeSecurityRecord } from "./security-record.ts";
import { restoreFiles, stripFiles } from "./strip-files.ts";
import { moveBack, moveOut, volumesIn } from "./writable-places.ts";

/**
 * Changes a container's configuration for a fix, restarts it where it runs, and looks whether the kernel shows what was asked for. Where it does
 * not come up, its systemd is degraded and was not, or nothing has changed, all of it is taken back.
 * @throws ProblemError `fix-taken-back`; `timed-out` where it does not shut down, and then nothing was changed.
 */
export async function hardenContainer(context: OperationContext, name: string, fix: Exclude<SecurityFix, ConversionFix>): Promise<void> {
  if (fix.check === "suid-files") return stripFiles(context, name, fix);
  if (fix.check === "disk") return limitDisk(context, name, fix);
  const { lxcPath } = context;
  const { path, before, after, files } = planFix(context, name, fix);
  if (before === after) throw new ProblemError({ code: "not-supported", what: "Its configuration says all of this already." });
  const done = { check: fix.check, at: Date.now(), ...rememberFix(before, after) };
  await change(
    context,
    name,
    { path, before, after, check: done.check, at: done.at, isUndo: false },
    {
      ...movesOfPlaces(lxcPath, name, { before, after }, () => files.forEach(writeProfileFile)),
      hasWorked: async () => {
        const finding = await auditCheck(readAuditFacts(context, name, new Map()), fix.check);
        const hasMore = fix.check === "capabilities" && finding.capabilities?.has.some((one) => !keptBy(fix).includes(one));
        const isStillOffered = finding.fixes.some((one) => isSame(one, fix));
        return hasMore || isStillOffered || finding.state === "unknown" ? finding.evidence.join("\n") : undefined;
      },
      remember() {
        const record = readSecurityRecord(lxcPath, name);
        writeSecurityRecord(lxcPath, name, { ...record, fixes: [...record.fixes, done] });
      },
    },
  );
}

/**
 * Takes back the last fix of a check, and restarts the container where it runs.
 * @throws ProblemError `not-found` where there is none, `not-supported` where its lines have been changed since, `fix-taken-back`, `timed-out`.
 */
export async function softenContainer(context: OperationContext, name: string, check: SecurityFix["check"]): Promise<void> {
  if (check === "suid-files") return restoreFiles(context, name);
  if (check === "disk") return restoreDiskLimit(context, name);
  const { lxcPath } = context;
  const done = readSecurityRecord(lxcPath, name).fixes.findLast((one) => one.check === check);
  if (!done) throw new ProblemError({ code: "not-found", what: `a fix of ${check}` });
  const remember = () => {
    // Meanwhile somebody may have accepted a risk.
    const record = readSecurityRecord(lxcPath, name);
    const isOther = (one: DoneFix) => one.check !== check || one.at !== done.at;
    writeSecurityRecord(lxcPath, name, { ...record, fixes: record.fixes.filter(isOther) });
  };
  if (check === "user-namespace") {
    await revertConversion(context, name, done);
    return remember();
  }
  const { path, text } = readConfigurationText(lxcPath, name);
  const after = planUndo(text, done);
  const moves = movesOfPlaces(lxcPath, name, { before: text, after });
  const steps = { ...moves, hasWorked: async () => undefined, remember };
  await change(context, name, { path, before: text, after, check, at: done.at, isUndo: true }, steps);
}

/**
 * Ends what a helper has begun that was killed: where the change was not seen to work yet its configuration becomes what it was, and it
 * runs again where it ran. What somebody else has changed since is left as it is.
 */
export async function endAbandonedChange(context: OperationContext, record: JournalRecord): Promise<void> {
  const { lxcPath, reader, journal, task } = context;
  const { name, change: begun, initPid, isOfEarlierBoot } = record;
  const container = reader.readOne(name);
  if (!begun || !container) return journal.remove(record);
  task.step("Ending what still works on it");
  await killMarked(record.id);
  const { path, text } = readConfigurationText(lxcPath, name);
  const isRemembered = readSecurityRecord(lxcPath, name).fixes.some(({ check, at }) => check === begun.check && at === begun.at);
  const isDone = begun.isUndo ? !isRemembered : isRemembered;
  if (!isDone && text !== begun.before && text !== begun.after) {
    task.notice(`LXC Desktop ended while it changed ${name}, and somebody else has changed it since. It is left as it is.`);
    return journal.remove(record);
  }
  if (!isDone) {
    task.step("Taking it back");
    const moves = movesOfPlaces(lxcPath, name, begun);
    // Its folders are moved only while nothing runs that could put links in their way.
    if (moves.areNeeded && isActive(container)) await forceStop(withoutUndo(context), name);
    moves.revert();
    if (text !== begun.before) writeConfig(path, begun.before);
  }
  task.notice(
    isDone
      ? `LXC Desktop ended when it had changed ${name}. The change is done.`
      : `LXC Desktop ended while it changed ${name}. Its configuration is again as it was.`,
  );
  // Whether it ran before a computer was started anew says nothing of whether it is to run now.
  if (initPid !== undefined && !isOfEarlierBoot) await runAgain(withoutUndo(context), name, { initPid, isDone });
  journal.remove(record);
}

/** Of one that ran: it may be about to shut down, be stopped, or run with what was taken back. */
async function runAgain(context: OperationContext, name: string, { initPid, isDone }: { initPid: number; isDone: boolean }): Promise<void> {
  const container = context.reader.readOne(name);
  if (isActive(container)) {
    const isOther = container?.initPid !== initPid;
    if (isOther && isDone) return;
    // It may have been told to end already, so it is asked to once more, and waited for. What came up in its place is ended in any case.
    await stop(context, name, stopTimeoutSeconds).catch((thrown: unknown) => {
      if (!isOther || toProblem(thrown).code !== "timed-out") throw thrown;
      return forceStop(context, name);
    });
  }
  await start(context, name);
}

type Change = { path: string; before: string; after: string; check: SecurityFix["check"]; at: number; isUndo: boolean };
type Steps = {
  prepare(): void;
  /** Takes that back, as far as it was done, once the container is stopped. */
  revert(): void;
  /** @returns What speaks against it. */
  hasWorked(): Promise<string | undefined>;
  /** From then on it is done. */
  remember(): void;
};

async function change(outer: OperationContext, name: string, { path, ...begun }: Change, steps: Steps): Promise<void> {
  const { lxcPath, reader, journal } = outer;
  const container = reader.readOne(name);
  const initPid = isActive(container) ? container?.initPid : undefined;
  const record = journal.begin({ lxcPath, name, kind: "harden", change: begun, ...(initPid !== undefined && { initPid }) });
  try {
    await changeAndVerify(withoutUndo(outer, record.environment), name, { path, ...begun }, steps);
  } finally {
    record.finish();
  }
}

async function changeAndVerify(
  context: OperationContext,
  name: string,
  { path, before, after }: Change,
  { prepare, revert, hasWorked, remember }: Steps,
): Promise<void> {
  const { reader, task } = context;
  const wasRunning = isActive(reader.readOne(name));
  const stateBefore = wasRunning ? await systemState(context, name) : undefined;
  if (wasRunning) await stop(context, name, stopTimeoutSeconds);
  await task.critical(async () => {
    if (readConfigurationText(context.lxcPath, name).text !== before) {
      if (wasRunning) await start(context, name);
      throw changedByOthers();
    }
    const failure = await tryConfiguration(context, name, {
      ...{ path, before, after, wasRunning, stateBefore, prepare },
      async hasWorked() {
        const against = await hasWorked();
        if (against === undefined) remember();
        return against;
      },
    });
    if (!failure) return;
    const runsAgain = await takeBack(context, name, { path, before, wasRunning, revert });
    throw new ProblemError({ code: "fix-taken-back", name, runsAgain, ...failure });
  });
}

/** @returns Whether it is again as it was. */
async function takeBack(
  context: OperationContext,
  name: string,
  { path, before, wasRunning, revert }: { path: string; before: string; wasRunning: boolean; revert(): void },
): Promise<boolean> {
  const { reader, task } = context;
  task.step("Taking it back");
  try {
    // Its folders are moved only while nothing runs that could put links in their way.
    if (isActive(reader.readOne(name))) await forceStop(context, name);
    revert();
  } finally {
    writeConfig(path, before);
    task.output("The configuration is again as it was.\n");
  }
  return !wasRunning || startAgain(context, name);
}

/**
 * Folders that become places of their own with a change of the configuration are moved out of its files, and those that are none any more back.
 * Taking that back moves only what is not where it was: somebody may have been killed in the middle.
 */
function movesOfPlaces(
  lxcPath: string,
  name: string,
  { before, after }: Pick<Change, "before" | "after">,
  alsoPrepare = () => {},
): Pick<Steps, "prepare" | "revert"> & { areNeeded: boolean } {
  const { removes, adds } = changedLines(before, after);
  const rootfs = () => parseRootfs(lastValueOf(parseConfig(before), "lxc.rootfs.path") ?? "").folders.at(-1) ?? "";
  const out = volumesIn(lxcPath, name, adds);
  const back = volumesIn(lxcPath, name, removes);
  const isMovedOut = ({ volume }: { volume: string }) => existsSync(volume);
  return {
    areNeeded: out.length + back.length > 0,
    prepare() {
      alsoPrepare();
      moveBack(rootfs(), back);
      moveOut(rootfs(), out);
    },
    revert() {
      moveBack(rootfs(), out.filter(isMovedOut));
      moveOut(
        rootfs(),
        back.filter((one) => !isMovedOut(one)),
      );
    },
  };
}

/** The same choice, whatever the numbers. */
function isSame(one: SecurityFix, other: SecurityFix): boolean {
  if (one.check === "capabilities") return other.check === "capabilities" && one.preset === other.preset;
  if (one.check === "system-calls") return other.check === "system-calls" && one.profile === other.profile;
  return one.check === other.check;
}
