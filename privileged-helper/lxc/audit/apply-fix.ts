import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { type Problem, ProblemError, toProblem } from "../../contract/problems.ts";
import type { SecurityFix } from "../../contract/security.ts";
import { lastValueOf, parseConfig, readConfigurationText, writeConfig } from "../config.ts";
import type { OperationContext } from "../context.ts";
import { forceStop, start, stop } from "../lifecycle.ts";
import { isActive, parseRootfs } from "../list.ts";
import { changedLines } from "../repair.ts";
import { run } from "../run.ts";
import { auditCheck } from "./audit.ts";
import { readAuditFacts } from "./audit-facts.ts";
import { keptBy } from "./capabilities.ts";
import { planFix, planUndo, rememberFix } from "./fixes.ts";
import { writeProfileFile } from "./profile-file.ts";
import { type DoneFix, readSecurityRecord, writeSecurityRecord } from "./security-record.ts";
import { restoreFiles, stripFiles } from "./strip-files.ts";
import { moveBack, moveOut, volumesIn } from "./writable-places.ts";

const stopTimeoutSeconds = 60;
const systemTimeoutSeconds = 90;
/** A container whose first program ends at once has not come up. */
const comesUpMilliseconds = 1000;
const systemStates = ["running", "degraded", "maintenance", "starting", "stopping", "initializing", "offline", "unknown"];

/**
 * Changes a container's configuration for a fix, restarts it where it runs, and looks whether the kernel shows what was asked for. Where it does
 * not come up, its systemd is degraded and was not, or nothing has changed, all of it is taken back.
 * @throws ProblemError `fix-taken-back`; `timed-out` where it does not shut down, and then nothing was changed.
 */
export async function hardenContainer(context: OperationContext, name: string, fix: SecurityFix): Promise<void> {
  if (fix.check === "suid-files") return stripFiles(context, name, fix);
  const { lxcPath } = context;
  const { path, before, after, files } = planFix(context, name, fix);
  if (before === after) throw new ProblemError({ code: "not-supported", what: "Its configuration says all of this already." });
  await change(
    context,
    name,
    { path, before, after },
    {
      ...movesOfPlaces(lxcPath, name, { before, after }, () => files.forEach(writeProfileFile)),
      hasWorked: async () => {
        const finding = await auditCheck(readAuditFacts(context, name, new Map()), fix.check);
        const hasMore = fix.check === "capabilities" && finding.capabilities?.has.some((one) => !keptBy(fix).includes(one));
        const isStillOffered = finding.fixes.some((one) => isSame(one, fix));
        return hasMore || isStillOffered || finding.state === "unknown" ? finding.evidence.join("\n") : undefined;
      },
    },
  );
  const record = readSecurityRecord(lxcPath, name);
  writeSecurityRecord(lxcPath, name, {
    ...record,
    fixes: [...record.fixes, { check: fix.check, at: Date.now(), ...rememberFix(before, after) }],
  });
}

/**
 * Takes back the last fix of a check, and restarts the container where it runs.
 * @throws ProblemError `not-found` where there is none, `not-supported` where its lines have been changed since, `fix-taken-back`, `timed-out`.
 */
export async function softenContainer(context: OperationContext, name: string, check: SecurityFix["check"]): Promise<void> {
  if (check === "suid-files") return restoreFiles(context, name);
  const { lxcPath } = context;
  const done = readSecurityRecord(lxcPath, name).fixes.findLast((one) => one.check === check);
  if (!done) throw new ProblemError({ code: "not-found", what: `a fix of ${check}` });
  const { path, text } = readConfigurationText(lxcPath, name);
  const after = planUndo(text, done);
  const moves = movesOfPlaces(lxcPath, name, { before: text, after });
  await change(context, name, { path, before: text, after }, { ...moves, hasWorked: async () => undefined });
  // Meanwhile somebody may have accepted a risk.
  const record = readSecurityRecord(lxcPath, name);
  const isOther = (one: DoneFix) => one.check !== check || one.at !== done.at;
  writeSecurityRecord(lxcPath, name, { ...record, fixes: record.fixes.filter(isOther) });
}

type Change = { path: string; before: string; after: string };
type Steps = {
  prepare(): void /** Takes that back, once it is stopped. */;
  revert(): void /** @returns What speaks against it. */;
  hasWorked(): Promise<string | undefined>;
};

async function change(
  outer: OperationContext,
  name: string,
  { path, before, after }: Change,
  { prepare, revert, hasWorked }: Steps,
): Promise<void> {
  const { reader, task } = outer;
  const context = withoutUndo(outer);
  const wasRunning = isActive(reader.readOne(name));
  const stateBefore = wasRunning ? await systemState(context, name) : undefined;
  if (wasRunning) await stop(context, name, stopTimeoutSeconds);
  await task.critical(async () => {
    if (readConfigurationText(context.lxcPath, name).text !== before) {
      if (wasRunning) await start(context, name);
      throw new ProblemError({
        code: "not-supported",
        what: "Somebody else has changed its configuration just now. Look at it and try again.",
      });
    }
    let reason: Extract<Problem, { code: "fix-taken-back" }>["reason"] = "did-not-start";
    let isPrepared = false;
    try {
      prepare();
      isPrepared = true;
      task.step("Changing its configuration");
      writeConfig(path, after);
      const { removes, adds } = changedLines(before, after);
      task.output([...removes.map((line) => `- ${line}`), ...adds.map((line) => `+ ${line}`), ""].join("\n"));
      if (wasRunning) {
        await start(context, name);
        const stateAfter = await comesUp(context, name);
        reason = "degraded";
        if (stateBefore === "running" && stateAfter !== "running")
          throw new Error(`systemctl is-system-running: ${stateAfter ?? "no answer"}`);
      }
      reason = "no-effect";
      const against = await hasWorked();
      if (against !== undefined) throw new Error(against);
    } catch (thrown) {
      const runsAgain = await takeBack(context, name, { path, before, wasRunning, revert: isPrepared ? revert : () => {} });
      throw new ProblemError({ code: "fix-taken-back", name, reason, runsAgain, detail: describeFailure(thrown) });
    }
  });
}

/** What a failed start would undo later is taken back here, at once: by then the container may run again as it did before. */
function withoutUndo(context: OperationContext): OperationContext {
  return { ...context, task: Object.create(context.task, { onUndo: { value: () => {} } }) };
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
  if (!wasRunning) return true;
  try {
    await start(context, name);
    await comesUp(context, name);
    return true;
  } catch {
    return false;
  }
}

/** Folders that become places of their own with a change of the configuration are moved out of its files, and those that are none any more back. */
function movesOfPlaces(
  lxcPath: string,
  name: string,
  { before, after }: Pick<Change, "before" | "after">,
  alsoPrepare = () => {},
): Pick<Steps, "prepare" | "revert"> {
  const { removes, adds } = changedLines(before, after);
  const rootfs = () => parseRootfs(lastValueOf(parseConfig(before), "lxc.rootfs.path") ?? "").folders.at(-1) ?? "";
  const out = volumesIn(lxcPath, name, adds);
  const back = volumesIn(lxcPath, name, removes);
  return {
    prepare() {
      alsoPrepare();
      moveBack(rootfs(), back);
      moveOut(rootfs(), out);
    },
    revert() {
      moveBack(rootfs(), out);
      moveOut(rootfs(), back);
    },
  };
}

/** Waits until it has started as far as anybody can tell. @returns What systemd says, where it has one. @throws Error where it has ended. */
async function comesUp(context: OperationContext, name: string): Promise<string | undefined> {
  const { reader, task } = context;
  await new Promise((resolve) => setTimeout(resolve, comesUpMilliseconds));
  if (!isActive(reader.readOne(name))) throw new Error("It has ended within a second of its start.");
  task.step("Waiting until its system has started");
  const state = await systemState(context, name, true);
  if (!isActive(reader.readOne(name))) throw new Error("It has ended while it was starting.");
  return state;
}

/** What systemd inside says of itself (systemctl(1), is-system-running); undefined where it has none. */
async function systemState({ lxcPath, reader, task }: OperationContext, name: string, waits = false): Promise<string | undefined> {
  const { initPid } = reader.readOne(name) ?? {};
  if (initPid === undefined || !isSystemd(initPid)) return undefined;
  const until = performance.now() + systemTimeoutSeconds * 1000;
  for (;;) {
    const args = ["-n", name, "-P", lxcPath, "--clear-env", "--", "systemctl", "is-system-running"];
    const { output } = await run("lxc-attach", args, { signal: task.signal, timeoutSeconds: systemTimeoutSeconds, allowExitCodes: "any" });
    const state = output
      .split("\n")
      .map((line) => line.trim())
      .find((line) => systemStates.includes(line));
    const isSettled = state === "running" || state === "degraded" || state === "maintenance";
    if (!waits || isSettled || performance.now() > until || !isActive(reader.readOne(name))) return state;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The program's name, which is read and not opened. */
function isSystemd(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)) === "systemd";
  } catch {
    return false;
  }
}

function describeFailure(thrown: unknown): string {
  const problem = toProblem(thrown);
  const text = problem.code === "start-failed" ? problem.output : problem.code === "internal" ? problem.detail : JSON.stringify(problem);
  return text.slice(0, 4096);
}

/** The same choice, whatever the numbers. */
function isSame(one: SecurityFix, other: SecurityFix): boolean {
  if (one.check === "capabilities") return other.check === "capabilities" && one.preset === other.preset;
  if (one.check === "system-calls") return other.check === "system-calls" && one.profile === other.profile;
  return one.check === other.check;
}
