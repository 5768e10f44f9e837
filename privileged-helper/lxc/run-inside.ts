import type { firstStartSteps } from "../contract/first-start.ts";
import { type Problem, ProblemError, toProblem } from "../contract/problems.ts";
import { operationVariable } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { isActive } from "./list.ts";
import { type RunOptions, type RunResult, run } from "./run.ts";

export type Step = (typeof firstStartSteps)[number];
type Reason = Extract<Problem, { code: "first-start-failed" }>["reason"];

/** Runs programs of a container in it, as its root, for one step of its first start. */
export type Inside = {
  /** Recorded in the task, and what it prints with it. @throws ProblemError `first-start-failed`, `cancelled`. */
  run(command: readonly string[], environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Only looks or waits, so it is not recorded. Any exit code is an answer. */
  look(command: readonly string[], timeoutSeconds?: number): Promise<RunResult>;
  /** @throws ProblemError `first-start-failed` where it has none: then nothing can be done in it. */
  requireShell(): Promise<void>;
  /** Which of these programs are there. */
  find<T extends string>(programs: readonly T[]): Promise<ReadonlySet<T>>;
  fail(reason: Reason): ProblemError;
};

const lookTimeoutSeconds = 30;
const commandTimeoutSeconds = 3600;
/** By SIGKILL, as the shell and lxc-attach count. */
const killed = 137;
const endMilliseconds = 2000;
const checkMilliseconds = 50;

/** Nothing of ours, and what root has in any system, but for PATH, which lxc-attach sets. */
const environmentInside = { HOME: "/root", LANG: "C.UTF-8" };

/** @param mark The record's id, which every process that is run carries. */
export function runInside({ lxcPath, reader, task }: OperationContext, name: string, step: Step, mark: string): Inside {
  const fail = (reason: Reason, command?: Extract<Problem, { code: "first-start-failed" }>["command"]) =>
    new ProblemError({ code: "first-start-failed", name, step, reason: isActive(reader.readOne(name)) ? reason : "ended", command });

  const attach = async (command: readonly string[], variables: Readonly<Record<string, string>>, options: RunOptions) => {
    const args = (all: Readonly<Record<string, string>>) => {
      const set = Object.entries(all).flatMap(([key, value]) => ["-v", `${key}=${value}`]);
      return ["-n", name, "-P", lxcPath, "--clear-env", ...set, "--", ...command];
    };
    const shown = { ...environmentInside, ...variables };
    const marked = { ...shown, [operationVariable]: mark };
    try {
      return await run("lxc-attach", args(marked), { ...options, shownArgs: args(shown) });
    } catch (thrown) {
      const problem = toProblem(thrown);
      if (problem.code === "timed-out") throw fail("timed-out");
      if (problem.code !== "command-failed") throw thrown;
      const { argv, exitCode, signal, output } = problem;
      // A container's processes are killed a moment before it is seen to have ended.
      const until = performance.now() + (exitCode === killed ? endMilliseconds : 0);
      while (isActive(reader.readOne(name)) && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, checkMilliseconds));
      throw fail("command-failed", { argv, exitCode, signal, output });
    }
  };
  const look: Inside["look"] = (command, timeoutSeconds = lookTimeoutSeconds) =>
    attach(command, {}, { signal: task.signal, timeoutSeconds, allowExitCodes: "any" });

  return {
    async run(command, environment = {}) {
      await attach(command, environment, { task, timeoutSeconds: commandTimeoutSeconds });
    },
    look,
    async requireShell() {
      if ((await look(["/bin/sh", "-c", ":"])).exitCode !== 0) throw fail("no-shell");
    },
    async find(programs) {
      const script = 'for program; do command -v "$program"; done';
      const found = (await look(["/bin/sh", "-c", script, "sh", ...programs])).output.split("\n");
      const lines = found.map((path) => path.slice(path.lastIndexOf("/") + 1).trim());
      return new Set(programs.filter((program) => lines.includes(program)));
    },
    fail,
  };
}
