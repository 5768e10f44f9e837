import { statfsSync } from "node:fs";
import { ProblemError, toProblem } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { btrfsType, freeBytes } from "./folder.ts";
import { readProcFile } from "./proc.ts";
import { run } from "./run.ts";

const copyTimeoutSeconds = 6 * 3600;
const progressMilliseconds = 200;
/** statfs(2): there a copy may take no room at all. */
const typesThatShareBlocks = new Set([btrfsType, 0x58465342 /* xfs */]);

/**
 * Copies all files of a folder into another one, with their owners, modes, times, links, holes and all attributes: access lists and the
 * capabilities of programs are such. What is mounted in it is left out.
 * @throws ProblemError `no-space`, before anything is copied where that can be known.
 */
export async function copyFiles(task: TaskContext, from: string, to: string): Promise<void> {
  const bytes = await bytesOnDisk(task, from);
  const { type } = statfsSync(to);
  if (!typesThatShareBlocks.has(type) && freeBytes(to) < bytes) throw noSpace(to, bytes);
  let progress: NodeJS.Timeout | undefined;
  const onStarted = (pid: number) => {
    progress = setInterval(() => task.step("Copying its files", Math.min(1, writtenBy(pid) / bytes)), progressMilliseconds);
  };
  task.step("Copying its files", 0);
  try {
    await run("cp", copyArguments(from, to), { task, timeoutSeconds: copyTimeoutSeconds, onStarted });
  } catch (thrown) {
    const problem = toProblem(thrown);
    const isFull = problem.code === "command-failed" && /No space left on device|Disk quota exceeded/.test(problem.output);
    throw isFull ? noSpace(to, bytes) : thrown;
  } finally {
    clearInterval(progress);
  }
}

/** The arguments of cp. The ending `/.` has the folder itself keep its owner and mode, too. */
export function copyArguments(from: string, to: string): string[] {
  return ["--archive", "--reflink=auto", "--one-file-system", "--", `${from}/.`, to];
}

/** What it takes on disk. */
export async function bytesOnDisk(task: TaskContext, folder: string): Promise<number> {
  const { output } = await run("du", diskUsageArguments(folder), {
    signal: task.signal,
    environment: task.environment ?? {},
  });
  return Number(/^\d+/.exec(output)?.[0] ?? 0);
}

/** The arguments of du: bytes of what is in a folder and not mounted there. It follows no link, not even where the folder is one. */
export function diskUsageArguments(folder: string): string[] {
  return ["--summarize", "--one-file-system", "--block-size=1", "--", folder];
}

/** proc_pid_io(5). It counts what is copied within the kernel, too. */
function writtenBy(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readProcFile(`/proc/${pid}/io`) ?? "")?.[1] ?? 0);
}

function noSpace(path: string, neededBytes: number): ProblemError {
  return new ProblemError({ code: "no-space", path, availableBytes: freeBytes(path), neededBytes });
}
