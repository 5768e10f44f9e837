import { fstatSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Container, ContainerState } from "../contract/model.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import { type StartCause, startCause } from "../contract/start-causes.ts";
import type { OperationContext } from "./context.ts";
import { directIdmap, isWarningOfDirectIdmap } from "./direct-idmap.ts";
import { noticeEarlyEnd, placeOfConsole } from "./early-end.ts";
import { waitUntilInitListens } from "./halt-signal.ts";
import { isActive } from "./list.ts";
import { readTail, withFileInside } from "./open-inside.ts";
import { fixFor } from "./repair.ts";
import { failure, lastBytes, problemOutputBytes, run } from "./run.ts";
import { findStartCause, firstError } from "./start-causes.ts";
import { readStartFacts } from "./start-facts.ts";

/**
 * Starting and stopping. What a tool says is not believed: a container runs or does not when the kernel says so, and the
 * reader asks the kernel.
 *
 * States are checked by `requireState` before, by whoever holds the container's lock.
 */

/** Above this LXC's log of a container is put aside at the next start; one older log is kept. */
const rotateLogAboveBytes = 1024 * 1024;
/** The end of the log that is searched for the cause of a failed start. */
const logTailBytes = 64 * 1024;
const maxCauseCharacters = 1024;
const startTimeoutSeconds = 120;
const forceStopTimeoutSeconds = 60;
const freezeTimeoutSeconds = 30;
const firstFreezeAttemptSeconds = 0.5;
/** What `lxc-stop` may need beyond the time that init was given. */
const stopGraceSeconds = 15;
/** After a tool is done the kernel may need a moment until its cgroups say the same. */
const settleMilliseconds = 5000;
/** Looks after this time first, and then less and less often. */
const firstCheckMilliseconds = 1;
const lastCheckMilliseconds = 50;

const stateNeeded: Record<
  "start" | "stop" | "forceStop" | "freeze" | "unfreeze" | "destroy" | "save" | "repair" | "harden" | "enter",
  [string, ContainerState[]]
> = {
  start: ["Only a stopped container can be started.", ["stopped"]],
  stop: ["It has to run to be stopped.", ["running", "frozen", "starting", "stopping"]],
  forceStop: ["It has to run to be stopped.", ["running", "frozen", "starting", "stopping"]],
  freeze: ["It has to run to be frozen.", ["running"]],
  unfreeze: ["Only a frozen container can be thawed.", ["frozen"]],
  destroy: ["Stop it first, then remove it.", ["stopped", "error"]],
  repair: ["Stop it first: what it runs with is not changed.", ["stopped", "error"]],
  harden: ["It has to run, or to be stopped.", ["stopped", "running"]],
  save: ["Stop it first: its files must not change while they are copied.", ["stopped"]],
  enter: ["It has to run: this is done by its own programs.", ["running"]],
};

/** @throws ProblemError `wrong-state` where the container is not as this needs it. */
export function requireState(container: Container, toDo: keyof typeof stateNeeded) {
  const [needed, states] = stateNeeded[toDo];
  if (states.includes(container.state)) return;
  const why = container.state === "error" ? container.note : undefined;
  throw new ProblemError({ code: "wrong-state", name: container.name, state: container.state, needed: why ?? needed });
}

/**
 * Starts a container in the background; it goes on without the helper. What ends again within a moment becomes a notice of the task.
 * @throws ProblemError `start-failed` with the cause. Where LXC's log does not tell it, it is started once more with a log of
 * everything; that may also help, because some causes pass.
 */
export async function start(context: OperationContext, name: string): Promise<void> {
  const { lxcPath, reader, task } = context;
  task.step("Starting");
  // What was started for a task that is then cancelled must not go on.
  task.onUndo(async () => {
    if (isActive(reader.readOne(name)))
      await run("lxc-stop", ["-n", name, "-P", lxcPath, "-k"], { task, timeoutSeconds: forceStopTimeoutSeconds });
  });
  const folder = join(lxcPath, name);
  const log = logOf(lxcPath, name);
  const console = placeOfConsole(lxcPath, name);
  const facts = readStartFacts(lxcPath, name);
  const environment = directIdmap(facts);
  let attempt = await attemptStart(context, name, log, "INFO", environment);
  let cause = attempt.hasStarted ? undefined : findStartCause(attempt.text, facts);
  if (!attempt.hasStarted && cause === undefined && !task.signal.aborted) {
    task.step("Looking for the cause");
    const everything = join(folder, "lxc-debug.log");
    rmSync(everything, { force: true });
    try {
      attempt = await attemptStart(context, name, everything, "DEBUG", environment);
    } finally {
      rmSync(everything, { force: true });
    }
    cause = attempt.hasStarted ? undefined : findStartCause(attempt.text, facts);
  }
  if (attempt.hasStarted) {
    noticeEarlyEnd(context, name, { initPid: attempt.initPid, console, readLog: () => readLogTail(attempt.log, attempt.logStart) });
    return;
  }
  cause = withinLimits(cause ?? { id: "unknown", error: firstError(attempt.errors) });
  throw new ProblemError({
    code: "start-failed",
    name,
    cause,
    fix: fixFor(cause, facts),
    argv: attempt.argv,
    exitCode: attempt.exitCode,
    output: lastBytes(`${attempt.output}${attempt.errors}`, problemOutputBytes),
  });
}

/** What comes out of configurations and files may be of any length. */
function withinLimits(cause: StartCause): StartCause {
  const cut = Object.entries(cause).map(([key, value]) => [key, typeof value === "string" ? value.slice(0, maxCauseCharacters) : value]);
  return startCause.parse(Object.fromEntries(cut));
}

type StartAttempt = {
  hasStarted: boolean;
  argv: string[];
  exitCode: number;
  output: string;
  /** The log's lines that tell of a failure. */
  errors: string;
  /** All that a cause may be found in. */
  text: string;
  log: string;
  logStart: number;
  initPid?: number;
};

/** The arguments of lxc-start; with its usual log, unless the cause of a failure is looked for. */
export function startArguments({ lxcPath, name, log = logOf(lxcPath, name), level = "INFO" }: StartParams): string[] {
  return ["-n", name, "-P", lxcPath, "-d", "-o", log, "-l", level];
}
type StartParams = { lxcPath: string; name: string; log?: string; level?: "INFO" | "DEBUG" };

function logOf(lxcPath: string, name: string): string {
  return join(lxcPath, name, "lxc.log");
}

async function attemptStart(
  { lxcPath, reader, task }: OperationContext,
  name: string,
  log: string,
  level: "INFO" | "DEBUG",
  environment: Readonly<Record<string, string>>,
): Promise<StartAttempt> {
  const logStart = rotateLog(log);
  const args = startArguments({ lxcPath, name, log, level });
  const { exitCode, output } = await run("lxc-start", args, {
    task,
    timeoutSeconds: startTimeoutSeconds,
    allowExitCodes: "any",
    environment,
  });
  // It exits with 0 where somebody else holds the container's socket, and nothing has been started then.
  const hasStarted = exitCode === 0 && !output.includes("already running");
  let container: Container | undefined;
  if (hasStarted) {
    // LXC is done a moment before its child has become the container's init.
    await settles(true, () => {
      container = reader.readOne(name);
      return container?.state !== "starting";
    });
  }
  const tail = hasStarted ? "" : readLogTail(log, logStart);
  const errors = errorsOf(tail);
  task.output(errors);
  // What scripts print is in the log, too, and could be worded like anything.
  const text = `${output}\n${level === "DEBUG" ? withoutScripts(tail) : withoutWarnings(errors)}`;
  return { hasStarted, argv: ["lxc-start", ...args], exitCode, output, errors, text, log, logStart, initPid: container?.initPid };
}

/**
 * Asks the container's init to end, and waits.
 * @throws ProblemError `timed-out` where it still runs after that time: it is left running.
 */
export async function stop({ lxcPath, reader, task }: OperationContext, name: string, timeoutSeconds: number): Promise<void> {
  const container = reader.readOne(name);
  if (container?.state === "frozen") {
    task.step("Thawing, so that it can end");
    await run("lxc-unfreeze", ["-n", name, "-P", lxcPath], { task, timeoutSeconds: freezeTimeoutSeconds });
  }
  task.step("Waiting for it to shut down");
  if (container?.initPid !== undefined) await waitUntilInitListens(lxcPath, name, container.initPid, task.signal);
  const args = ["-n", name, "-P", lxcPath, "--nokill", "-t", String(timeoutSeconds)];
  const startedAt = performance.now();
  const { exitCode, output } = await run("lxc-stop", args, {
    task,
    timeoutSeconds: timeoutSeconds + stopGraceSeconds,
    allowExitCodes: "any",
  });
  // A tool that gave up early has another reason than the time, and one that failed may still have done it.
  const tookSeconds = (performance.now() - startedAt) / 1000;
  if (await settles(exitCode === 0, () => !isActive(reader.readOne(name)))) return;
  if (exitCode === 0 || tookSeconds >= timeoutSeconds - 1) {
    throw new ProblemError({ code: "timed-out", what: `Shutting down ${name}`, seconds: timeoutSeconds });
  }
  throw new ProblemError(failure(["lxc-stop", ...args], output, exitCode));
}

/** Ends all processes of a container at once. */
export async function forceStop({ lxcPath, reader, task }: OperationContext, name: string): Promise<void> {
  task.step("Ending all its processes");
  const args = ["-n", name, "-P", lxcPath, "-k"];
  const { exitCode, output } = await run("lxc-stop", args, { task, timeoutSeconds: forceStopTimeoutSeconds, allowExitCodes: "any" });
  if (await settles(exitCode === 0, () => !isActive(reader.readOne(name)))) return;
  throw new ProblemError(failure(["lxc-stop", ...args], output, exitCode));
}

/** Shuts a container down and starts it again. @throws ProblemError as `stop` and `start`; after a failed stop it still runs. */
export async function restart(context: OperationContext, name: string, timeoutSeconds: number): Promise<void> {
  await stop(context, name, timeoutSeconds);
  await start(context, name);
}

/**
 * Keeps all processes of a container from running, until it is thawed. The freezer of cgroup v1 asks each process once
 * (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst), and one that just then begins to wait for its child of vfork(2) does not
 * hear it: `lxc-freeze` would wait for it for ever, and a second one has the kernel ask again.
 * @throws ProblemError `timed-out` where a process cannot be frozen. Some may be frozen then, as where it is cancelled.
 */
export async function freeze({ lxcPath, reader, task }: OperationContext, name: string): Promise<void> {
  task.step("Freezing");
  const args = ["-n", name, "-P", lxcPath];
  const giveUpAt = performance.now() + freezeTimeoutSeconds * 1000;
  for (let timeoutSeconds = firstFreezeAttemptSeconds; ; timeoutSeconds *= 2) {
    try {
      const { exitCode, output } = await run("lxc-freeze", args, { task, timeoutSeconds, allowExitCodes: "any" });
      if (await settles(exitCode === 0, () => reader.readOne(name)?.state === "frozen")) return;
      throw new ProblemError(failure(["lxc-freeze", ...args], output, exitCode));
    } catch (thrown) {
      if (toProblem(thrown).code !== "timed-out") throw thrown;
      if (performance.now() >= giveUpAt)
        throw new ProblemError({ code: "timed-out", what: `Freezing ${name}`, seconds: freezeTimeoutSeconds });
    }
  }
}

/** Lets a frozen container go on. */
export async function unfreeze({ lxcPath, reader, task }: OperationContext, name: string): Promise<void> {
  task.step("Thawing");
  const args = ["-n", name, "-P", lxcPath];
  const { exitCode, output } = await run("lxc-unfreeze", args, { task, timeoutSeconds: freezeTimeoutSeconds, allowExitCodes: "any" });
  if (await settles(exitCode === 0, () => reader.readOne(name)?.state !== "frozen")) return;
  throw new ProblemError(failure(["lxc-unfreeze", ...args], output, exitCode));
}

/** Whether it comes true: at once where the tool failed, else within a few seconds. */
async function settles(worthWaiting: boolean, isTrue: () => boolean): Promise<boolean> {
  const until = performance.now() + (worthWaiting ? settleMilliseconds : 0);
  let pause = firstCheckMilliseconds;
  while (!isTrue()) {
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, lastCheckMilliseconds);
  }
  return true;
}

/** Puts a log aside that has grown too long. @returns Where in the file the next lines go. */
function rotateLog(path: string): number {
  const size = withFileInside(dirname(path), basename(path), (file) => fstatSync(file).size) ?? 0;
  if (size <= rotateLogAboveBytes) return size;
  renameSync(path, `${path}.1`);
  return 0;
}

function readLogTail(path: string, from: number): string {
  return withFileInside(dirname(path), basename(path), (file) => readTail(file, logTailBytes, from).toString()) ?? "";
}

/** LXC goes on after what it warns of. */
function withoutWarnings(log: string): string {
  return log
    .split("\n")
    .filter((line) => !/^\S+ \S+ \S+ WARN /.test(line))
    .join("\n");
}

/** Scripts of the container print what they like. */
function withoutScripts(log: string): string {
  return log
    .split("\n")
    .filter((line) => !line.includes("produced output"))
    .join("\n");
}

/** The lines of LXC's log that tell of a failure: `lxc-start NAME TIME LEVEL CATEGORY - FILE:FUNCTION:LINE - MESSAGE` (lxc.container.conf(5)). */
function errorsOf(log: string): string {
  return log
    .split("\n")
    .filter((line) => / (ERROR|WARN|CRIT|FATAL|ALERT) +\S+ - /.test(line) && !isWarningOfDirectIdmap(line))
    .map((line) => `${line}\n`)
    .join("");
}
