import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { type Problem, ProblemError, toProblem } from "../../contract/problems.ts";
import { writeConfig } from "../config.ts";
import type { OperationContext } from "../context.ts";
import { start } from "../lifecycle.ts";
import { isActive } from "../list.ts";
import { changedLines } from "../repair.ts";
import { run } from "../run.ts";

/** For a container that is to be restarted. */
export const stopTimeoutSeconds = 60;
const systemTimeoutSeconds = 90;
/** A container whose first program ends at once has not come up. */
const comesUpMilliseconds = 1000;
const systemStates = ["running", "degraded", "maintenance", "starting", "stopping", "initializing", "offline", "unknown"];

/**
 * What a failed start would undo later is taken back at once: by then the container may run again as it did before.
 * @param environment Marks what is started meanwhile.
 */
export function withoutUndo(context: OperationContext, environment?: Readonly<Record<string, string>>): OperationContext {
  const own = { onUndo: { value: () => {} }, ...(environment && { environment: { value: environment } }) };
  return { ...context, task: Object.create(context.task, own) };
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
export async function systemState({ lxcPath, reader, task }: OperationContext, name: string, waits = false): Promise<string | undefined> {
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

type ChangedConfiguration = {
  path: string;
  before: string;
  after: string;
  wasRunning: boolean;
  /** Of its systemd, where it ran and has one. */
  stateBefore: string | undefined;
  /** What has to be there first. */
  prepare(): void;
  /** @returns What speaks against it. */
  hasWorked(): Promise<string | undefined>;
};

/**
 * Writes a configuration that was changed, starts the container where it ran, and looks whether it is as it is to be.
 * @returns Why it has to be taken back; undefined where it worked.
 */
export async function tryConfiguration(
  context: OperationContext,
  name: string,
  { path, before, after, wasRunning, stateBefore, prepare, hasWorked }: ChangedConfiguration,
): Promise<Pick<Extract<Problem, { code: "fix-taken-back" }>, "reason" | "detail"> | undefined> {
  const { task } = context;
  let reason: Extract<Problem, { code: "fix-taken-back" }>["reason"] = "did-not-start";
  try {
    prepare();
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
    return undefined;
  } catch (thrown) {
    return { reason, detail: describeFailure(thrown) };
  }
}

/** Of one that ran before. @returns Whether it runs. */
export async function startAgain(context: OperationContext, name: string): Promise<boolean> {
  try {
    await start(context, name);
    await comesUp(context, name);
    return true;
  } catch {
    return false;
  }
}

/** Where a configuration is not the one that a change was planned for. */
export function changedByOthers(): ProblemError {
  return new ProblemError({
    code: "not-supported",
    what: "Somebody else has changed its configuration just now. Look at it and try again.",
  });
}

function describeFailure(thrown: unknown): string {
  const problem = toProblem(thrown);
  const text = problem.code === "start-failed" ? problem.output : problem.code === "internal" ? problem.detail : JSON.stringify(problem);
  return text.slice(0, 4096);
}
