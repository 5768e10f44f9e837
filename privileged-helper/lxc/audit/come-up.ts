import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { toProblem } from "../../contract/problems.ts";
import type { OperationContext } from "../context.ts";
import { isActive } from "../list.ts";
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
export async function comesUp(context: OperationContext, name: string): Promise<string | undefined> {
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

export function describeFailure(thrown: unknown): string {
  const problem = toProblem(thrown);
  const text = problem.code === "start-failed" ? problem.output : problem.code === "internal" ? problem.detail : JSON.stringify(problem);
  return text.slice(0, 4096);
}
