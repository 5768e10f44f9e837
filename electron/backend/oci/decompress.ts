import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { damaged } from "../../../privileged-helper/archive/tar-reader.ts";
import { type ProgramName, programPath } from "./programs.ts";

/** Programs by what a layer begins with (magic(5)). */
const decompressors: [magic: string, program: ProgramName][] = [
  ["\x1f\x8b", "gzip"],
  ["\x28\xb5\x2f\xfd", "zstd"],
];

const readAtOnceBytes = 256 * 1024;
const maxErrorCharacters = 1000;

/**
 * Gives a layer's archive to a reader, decompressed.
 * @throws What the reader throws; ProblemError `archive-refused` where it cannot be decompressed, `tool-missing`.
 */
export async function withLayer<T>(path: string, read: (bytes: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const start = buffer.toString("latin1", 0, bytesRead);
    const [, program] = decompressors.find(([magic]) => start.startsWith(magic)) ?? [];
    if (program === undefined) return await read(file.createReadStream({ start: 0, highWaterMark: readAtOnceBytes, autoClose: false }));
    const child = spawn(programPath(program), ["--decompress", "--stdout", "--quiet"], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
      stdio: [file.fd, "pipe", "pipe"],
    }) as ChildProcessByStdio<null, Readable, Readable>;
    return await readAll(child, read);
  } finally {
    await file.close();
  }
}

/** It is not well unless the program says that all of it was right. */
async function readAll<T>(
  child: ChildProcessByStdio<null, Readable, Readable>,
  read: (bytes: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
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
    throw thrown;
  }
}
