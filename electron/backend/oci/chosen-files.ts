import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OciFile } from "../../../privileged-helper/contract/model.ts";
import type { OciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import { type Problem, ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { isDiskFull, requireSpace } from "../free-space.ts";
import { imagesInFile } from "./images-in-file.ts";
import { makeWorkFolder, removeAbandoned } from "./work-folder.ts";

/**
 * Files with images of OCI that a person has chosen in the page, which is told no path of them: their bytes come on a channel, and lie
 * here as a copy for as long as the page, or what is being made of it, needs that.
 */
export type ChosenFiles = {
  /** @returns Where the bytes are expected. @throws ProblemError `no-space`. */
  open(name: string, bytes: number): Promise<{ channel: number }>;
  /** Bytes that a page sends. @returns False where the channel is none of a file. */
  receive(channel: number, bytes: Uint8Array): boolean;
  /** What is in it, once all of it has come. @throws ProblemError `cancelled`, `no-space` and what `imagesInFile` throws. */
  lookInto(channel: number, signal: AbortSignal): Promise<OciFile>;
  forget(channel: number): void;
  /** The page is gone. */
  forgetAll(): void;
  /** True for the path of a copy, also of one that is gone. */
  has(path: string): boolean;
  /** Works with what may be a copy, which stays until that has ended. */
  keepDuring<T>(reference: OciReference, work: () => Promise<T>): Promise<T>;
  /** Settles when no copy is left. */
  close(): Promise<void>;
};

type Copy = {
  channel: number;
  folder: string;
  path: string;
  bytes: number;
  stream: WriteStream;
  written: number;
  /** How many of these the page knows of. */
  told: number;
  arrived: Promise<void>;
  fail(problem: Problem): void;
  users: number;
  isForgotten: boolean;
};

/** The helper gives numbers to its own channels, from 1 on. */
const firstChannel = 0x8000_0000;
/** Less than the page may have under way, so that it is never kept waiting. */
const tellEveryBytes = 128 * 1024;

/** @param onWritten Told how many bytes of a file are on disk. */
export function createChosenFiles(base: string, onWritten: (channel: number, bytes: number) => void): ChosenFiles {
  const copies = new Map<number, Copy>();
  const removing = new Set<Promise<void>>();
  let nextChannel = firstChannel;
  void removeAbandoned(base);

  const remove = (copy: Copy) => {
    copies.delete(copy.channel);
    copy.fail({ code: "cancelled" });
    const removed = ended(copy.stream)
      .then(() => rm(copy.folder, { recursive: true, force: true }))
      .finally(() => removing.delete(removed));
    removing.add(removed);
  };
  const forget = (copy: Copy) => {
    copy.isForgotten = true;
    if (copy.users === 0) remove(copy);
  };
  const use = async <T>(copy: Copy, work: () => Promise<T>): Promise<T> => {
    copy.users += 1;
    try {
      return await work();
    } finally {
      copy.users -= 1;
      if (copy.users === 0 && copy.isForgotten) remove(copy);
    }
  };

  return {
    async open(name, bytes) {
      await mkdir(base, { recursive: true, mode: 0o700 });
      await requireSpace(base, bytes);
      const folder = await makeWorkFolder(base);
      const path = join(folder, safeName(name));
      const channel = nextChannel++;
      const stream = createWriteStream(path, { flags: "wx", mode: 0o600 });
      let fail: Copy["fail"] = () => {};
      const arrived = new Promise<void>((resolve, reject) => {
        fail = (problem) => reject(new ProblemError(problem));
        stream.once("finish", resolve);
        stream.once("error", (error) => reject(new ProblemError(explainDisk(error, base))));
      });
      // Whoever looks into it is told.
      arrived.catch(() => {});
      copies.set(channel, { channel, folder, path, bytes, stream, written: 0, told: 0, arrived, fail, users: 0, isForgotten: false });
      return { channel };
    },
    receive(channel, bytes) {
      const copy = copies.get(channel);
      if (!copy) return channel >= firstChannel;
      const { stream } = copy;
      stream.write(bytes, (error) => {
        if (error) return;
        copy.written += bytes.byteLength;
        const isAll = copy.written >= copy.bytes;
        if (isAll || copy.written - copy.told >= tellEveryBytes) {
          copy.told = copy.written;
          onWritten(channel, copy.written);
        }
        if (isAll) stream.end();
      });
      return true;
    },
    async lookInto(channel, signal) {
      const copy = copies.get(channel);
      if (!copy) throw new ProblemError({ code: "cancelled" });
      const onAbort = () => copy.fail({ code: "cancelled" });
      signal.addEventListener("abort", onAbort);
      try {
        await copy.arrived;
        return await use(copy, () => imagesInFile(copy.path));
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    forget(channel) {
      const copy = copies.get(channel);
      if (copy) forget(copy);
    },
    forgetAll() {
      for (const copy of copies.values()) forget(copy);
    },
    has: (path) => path.startsWith(`${base}/`),
    keepDuring(reference, work) {
      const copy = reference.type === "registry" ? undefined : [...copies.values()].find(({ path }) => path === reference.path);
      return copy ? use(copy, work) : work();
    },
    async close() {
      for (const copy of copies.values()) remove(copy);
      await Promise.all(removing);
    },
  };
}

/** Whatever it is at, it makes no file any more. */
function ended(stream: WriteStream): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once("close", resolve);
    stream.destroy();
  });
}

function explainDisk(error: unknown, path: string): Problem {
  return isDiskFull(error) ? { code: "no-space", path, availableBytes: 0, neededBytes: 0 } : toProblem(error);
}

/** The file's own, because people know it by that; skopeo reads what follows a colon as something else. */
function safeName(name: string): string {
  const safe = name.replace(/[\p{C}\p{Zl}\p{Zp}/:]/gu, "_").slice(-60);
  return /^\.*$/.test(safe) ? "archive" : safe;
}
