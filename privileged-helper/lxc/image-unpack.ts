import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { readDecompressed } from "../archive/decompress.ts";
import { readTar } from "../archive/tar-reader.ts";
import { encodeTarHeader, tarEnd, tarPadding } from "../archive/tar-writer.ts";
import { type Problem, ProblemError } from "../contract/problems.ts";
import { type ArchivePolicy, createArchiveJudge } from "./archive-judge.ts";
import { readMetadata } from "./image-metadata.ts";
import { failure, lastBytes, problemOutputBytes } from "./run.ts";

/** A file that root alone can change, and the program that decompresses it, where it is compressed: an absolute path and arguments. */
export type ArchiveFile = { path: string; decompress?: string[] };

export type UnpackRequest = {
  rootfs: ArchiveFile;
  /** The archive that tells more, as image servers have it. */
  meta?: ArchiveFile;
  /** What unpacks a tar archive from its standard input: an absolute path and arguments. */
  unpack: string[];
  policy: ArchivePolicy;
};

/** What the process that unpacks tells whoever has started it. */
export type UnpackReport = { fraction: number } | { unpacked: Unpacked } | { problem: Problem };

export type Unpacked = { notices: string[]; metadata: Record<string, string> };

/** Decompressing is left to C programs that read whatever strangers have sent: they need no rights for that. */
const nobody = { uid: 65_534, gid: 65_534 };
const environment = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
const tellEveryMilliseconds = 200;
const writtenAtOnceBytes = 256 * 1024;
const readAtOnceBytes = 256 * 1024;

/**
 * Unpacks a root file system: decompressed, judged entry by entry, written anew, and only then given to tar. It reads what
 * strangers have sent, so it belongs into a process that can be killed, with all that it starts in its process group.
 * @param onProgress Told how much of the archive has been read, 0 to 1.
 * @throws ProblemError `archive-refused`, `no-space`, `command-failed`.
 */
export async function unpackImage(
  { rootfs, meta, unpack, policy }: UnpackRequest,
  onProgress: (fraction: number) => void,
): Promise<Unpacked> {
  const metadata = meta ? await withArchive(meta, (bytes) => readMetadata(bytes)) : {};
  const notices = await withArchive(rootfs, (bytes) => unpackJudged(bytes, unpack, policy), onProgress);
  return { notices, metadata };
}

async function unpackJudged(bytes: AsyncIterable<Buffer>, [program = "", ...args]: string[], policy: ArchivePolicy): Promise<string[]> {
  const judge = createArchiveJudge(policy);
  const tar = spawn(program, args, { cwd: "/", env: environment, stdio: ["pipe", "inherit", "pipe"] });
  const exited = once(tar, "exit");
  let errors = "";
  tar.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = lastBytes(errors + text, problemOutputBytes);
    process.stderr.write(text);
  });
  // Where it has ended early, its exit code says more.
  tar.stdin.on("error", () => {});
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  const flush = async () => {
    const pieces = waiting;
    waiting = [];
    waitingBytes = 0;
    const error = await new Promise((resolve) => {
      tar.stdin.cork();
      for (const [index, piece] of pieces.entries()) tar.stdin.write(piece, index === pieces.length - 1 ? resolve : undefined);
      tar.stdin.uncork();
    });
    if (error) throw new TarEnded();
  };
  const write = (piece: Buffer): Promise<void> | undefined => {
    waiting.push(piece);
    waitingBytes += piece.length;
    return waitingBytes >= writtenAtOnceBytes ? flush() : undefined;
  };
  try {
    await readTar(bytes, async (entry, readData) => {
      const judged = judge.judge(entry);
      for (const one of judged) await write(encodeTarHeader(one));
      if (judged.length === 0 || entry.size === 0) return;
      for await (const piece of readData()) await write(piece);
      await write(tarPadding(entry.size));
    });
    const { notices } = judge.finish();
    await write(tarEnd);
    await flush();
    tar.stdin.end();
    await exited;
    if (tar.exitCode !== 0) throw new TarEnded();
    return notices;
  } catch (thrown) {
    const hasEnded = thrown instanceof TarEnded;
    if (!hasEnded) tar.kill("SIGKILL");
    await exited;
    if (!hasEnded) throw thrown;
    if (/No space left on device|Disk quota exceeded/.test(errors)) {
      throw new ProblemError({ code: "no-space", path: policy.folder, availableBytes: 0, neededBytes: 0 });
    }
    throw new ProblemError(failure([program, ...args], errors, tar.exitCode ?? undefined, tar.signalCode ?? undefined));
  }
}

class TarEnded extends Error {}

/** Gives an archive's bytes to a reader. */
async function withArchive<T>(
  { path, decompress }: ArchiveFile,
  read: (bytes: AsyncIterable<Buffer>) => Promise<T>,
  onProgress?: (fraction: number) => void,
): Promise<T> {
  const file = await open(path, "r");
  const { size } = await file.stat();
  // The program that reads it shares our place in it.
  const timer = setInterval(() => onProgress?.(Math.min(1, readPosition(file.fd) / Math.max(1, size))), tellEveryMilliseconds);
  try {
    return await (decompress ? readDecompressed(file.fd, decompress, read, nobody) : read(piecesOf(file)));
  } finally {
    clearInterval(timer);
    await file.close();
  }
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(readAtOnceBytes));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** proc_pid_fdinfo(5). */
function readPosition(file: number): number {
  return Number(/^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, "utf8"))?.[1] ?? 0);
}
