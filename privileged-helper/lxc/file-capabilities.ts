import type { TaskContext } from "./context.ts";
import type { IdRange } from "./idmap.ts";
import { run } from "./run.ts";

/** Programs that have some of root's rights. They lose them when they change owners, and have them in one user namespace: capabilities(7). */
export type FileCapabilities = { path: string; capabilities: string };

const timeoutSeconds = 300;

/** All files below a folder that have capabilities. */
export async function readCapabilities(task: TaskContext, folder: string): Promise<FileCapabilities[]> {
  const { output } = await run("getcap", ["-r", folder], { signal: task.signal, timeoutSeconds });
  return parseCapabilities(output);
}

/** getcap(8) prints `PATH CAPABILITIES`, or `PATH = CAPABILITIES` before libcap 2.41. */
export function parseCapabilities(output: string): FileCapabilities[] {
  return output.split("\n").flatMap((line) => {
    const match = /^(\/.*?) (?:= )?((?:[a-z0-9_,]+[=+][eip]+ ?)+)$/.exec(line);
    return match?.[1] !== undefined && match[2] !== undefined ? [{ path: match[1], capabilities: match[2].trim() }] : [];
  });
}

/** Gives them back, for the user namespace whose root is the first id of this range. */
export async function restoreCapabilities(task: TaskContext, files: readonly FileCapabilities[], { first }: IdRange): Promise<void> {
  for (const { path, capabilities } of files) {
    await run("setcap", ["-n", String(first), capabilities, path], { signal: task.signal, timeoutSeconds });
  }
}
