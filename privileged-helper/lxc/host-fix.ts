import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { HostCheck } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { run, type ToolName } from "./run.ts";

/** One command of a fix. Tool and arguments come from tables of ours and from facts that root's own files state; never from a request. */
export type FixStep = {
  tool: ToolName;
  args: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Its failure ends nothing: stopping what does not run. */
  mayFail?: boolean;
};

export type Fix = {
  /** One sentence: what it does, and what stays of it. */
  summary: string;
  steps: readonly FixStep[];
  /** Files of ours that make it last, written before the commands run. */
  files?: readonly { path: string; text: string }[];
};

/** A check with its fix as it can be run. */
export type FixableCheck = Omit<HostCheck, "fix"> & { fix?: Fix };

/** Downloads over a slow line take their time. */
const stepTimeoutSeconds = 1800;

/** What travels to the page: the commands as people could type them. */
export function toHostCheck({ fix, ...check }: FixableCheck): HostCheck {
  return { ...check, ...(fix && { fix: { summary: fix.summary, commands: fix.steps.map(({ tool, args }) => [tool, ...args]) } }) };
}

/**
 * Runs a check's fix, and looks whether it did any good. It is not cut off half-way: half an installation is worse than none.
 * @param look Makes the check anew.
 * @throws ProblemError `not-supported` where there is nothing to run, or it did not mend it; `command-failed`, ...
 */
export async function runFix(task: TaskContext, look: () => Promise<FixableCheck>): Promise<void> {
  const before = await look();
  if (!before.fix) throw new ProblemError({ code: "not-supported", what: `There is nothing to mend: ${before.summary}` });
  const { steps, files = [], summary } = before.fix;
  task.output(`${summary}\n`);
  await task.critical(async () => {
    for (const { path, text } of files) {
      writeSystemFile(path, text);
      task.output(`${path} was written.\n`);
    }
    for (const { tool, args, environment, mayFail } of steps) {
      task.step(`Running ${tool}`);
      await run(tool, args, {
        task,
        signal: new AbortController().signal,
        timeoutSeconds: stepTimeoutSeconds,
        environment,
        ...(mayFail && { allowExitCodes: "any" }),
      });
    }
  });
  const after = await look();
  if (after.status === "ok" || after.status !== before.status || after.summary !== before.summary) return;
  throw new ProblemError({ code: "not-supported", what: `Every command worked, and yet it is as before: ${after.summary}` });
}

function writeSystemFile(path: string, text: string) {
  mkdirSync(dirname(path), { recursive: true });
  const staged = `${path}.${process.pid}.new`;
  rmSync(staged, { force: true });
  writeFileSync(staged, text, { flag: "wx", mode: 0o644 });
  renameSync(staged, path);
}
