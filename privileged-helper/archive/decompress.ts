import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { ProblemError } from "../contract/problems.ts";
import { damaged } from "./tar-reader.ts";

const maxErrorCharacters = 1000;

/**
 * Gives what a program makes of a file to a reader. It is not well unless the program says that all of it was right.
 * @param file A file descriptor, from whose place on it is read.
 * @param command An absolute path and arguments.
 * @param owner Who it runs as: it reads whatever strangers have sent.
 * @throws What the reader throws; ProblemError `archive-refused` where it cannot be decompressed.
 */
export async function readDecompressed<T>(
  file: number,
  [program = "", ...args]: readonly string[],
  read: (bytes: AsyncIterable<Buffer>) => Promise<T>,
  owner: { uid?: number; gid?: number } = {},
): Promise<T> {
  const child = spawn(program, args, {
    ...owner,
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    stdio: [file, "pipe", "pipe"],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-maxErrorCharacters);
  });
  try {
    const result = await read(child.stdout);
    await exited;
    if (child.exitCode !== 0) throw damaged(errors.trim());
    return result;
  } catch (thrown) {
    child.kill("SIGKILL");
    child.stdout.destroy();
    await exited;
    // What it could not decompress ends too early for us; it knows why.
    throw errors === "" || !isTooShort(thrown) ? thrown : damaged(errors.trim());
  }
}

function isTooShort(thrown: unknown): boolean {
  return thrown instanceof ProblemError && thrown.problem.code === "archive-refused" && thrown.problem.reason === "not-an-archive";
}
