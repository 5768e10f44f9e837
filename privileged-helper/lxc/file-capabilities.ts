import type { TaskContext } from "./context.ts";
import type { IdRange } from "./idmap.ts";
import { withFileInside } from "./open-inside.ts";
import { run } from "./run.ts";

/** Programs that have some of root's rights. They lose them when they change owners, and have them in one user namespace: capabilities(7). */
export type FileCapabilities = { path: string; capabilities: string };

const timeoutSeconds = 300;
const maxPathCharacters = 8192;

/** All files below a folder that have capabilities. */
export async function readCapabilities(task: TaskContext, folder: string): Promise<FileCapabilities[]> {
  const { output } = await run("getcap", ["-r", folder], { signal: task.signal, timeoutSeconds });
  return parseCapabilities(output, folder).filter(({ path }) => isFileInside(folder, path.slice(folder.length + 1)));
}

/**
 * getcap(8) prints `PATH CAPABILITIES`, or `PATH = CAPABILITIES` before libcap 2.41, and a path as it is. A name may have ends of lines in it, and
 * then what looks like a path of its own: what it names need not be there, nor be the file that has these capabilities.
 * @param folder What was searched, without a slash at its end. Nothing outside of it is ever named.
 */
export function parseCapabilities(output: string, folder: string): FileCapabilities[] {
  const files: FileCapabilities[] = [];
  const take = (record: string): boolean => {
    const match = /^(.*?) (?:= )?((?:[a-z0-9_,]+[=+][eip]+ ?)+)$/s.exec(record);
    if (match?.[1] === undefined || match[2] === undefined) return false;
    files.push({ path: match[1], capabilities: match[2].trim() });
    return true;
  };
  let begun = "";
  for (const line of output.split("\n")) {
    const isStart = line.startsWith(`${folder}/`);
    if (begun === "" && !isStart) continue;
    const whole = begun === "" ? line : `${begun}\n${line}`;
    const isTaken = take(whole);
    // Or what came before was none, and this is a line of its own.
    if (isStart && whole !== line) take(line);
    begun = isTaken || whole.length > maxPathCharacters ? "" : whole;
  }
  return files;
}

function isFileInside(folder: string, relative: string): boolean {
  return withFileInside(folder, relative, () => true) ?? false;
}

/** Gives them back, for the user namespace whose root is the first id of this range. */
export async function restoreCapabilities(task: TaskContext, files: readonly FileCapabilities[], { first }: IdRange): Promise<void> {
  for (const { path, capabilities } of files) {
    await run("setcap", ["-n", String(first), capabilities, path], { signal: task.signal, timeoutSeconds });
  }
}
