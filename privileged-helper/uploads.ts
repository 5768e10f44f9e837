import { createHash, type Hash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { NextChannel } from "./channels.ts";
import { maxUnwrittenBytes } from "./contract/events.ts";
import { type Problem, ProblemError } from "./contract/problems.ts";
import { isHeld, ownProcess } from "./holder.ts";
import { freeBytes, listFiles } from "./lxc/folder.ts";

/**
 * Files that the host sends, which root could not open itself without obeying a path of somebody else's: bytes on a channel, written
 * to a file that is root's alone, and hashed meanwhile.
 *
 * A file is called `PID.START.COUNT`, so that what a killed helper left is told apart from what another one still writes.
 * An upload that cannot go on (a full disk, more bytes than announced) still takes what comes, and throws it away: whoever sends is not
 * left waiting, and whoever wants to use it is told why.
 */
export type Uploads = {
  /** @returns The channel for so many bytes. @throws ProblemError `no-space`, `too-many-requests`. */
  open(bytes: number): Promise<number>;
  /** Bytes of a channel. @returns False where it is none of an upload. */
  receive(channel: number, bytes: Uint8Array): boolean;
  /** Forgets an upload, if there is one, and its bytes. */
  close(channel: number): Promise<void>;
  /**
   * Takes a finished upload out: from now on it is the caller's to remove.
   * @throws ProblemError `not-found`, `invalid-request` where bytes are missing or too many, or what kept it from being written.
   */
  take(channel: number): Promise<Upload>;
  closeAll(): Promise<void>;
  /** Removes what helpers that were killed left. */
  removeAbandoned(): void;
};

export type Upload = { path: string; bytes: number; sha256: string; remove(): void };

type UploadsOptions = {
  directory: string;
  nextChannel: NextChannel;
  /** Told how many bytes of an upload are on disk. */
  onWritten(channel: number, bytes: number): void;
};

const maxUploads = 8;
const tellEveryBytes = 256 * 1024;

type Open = {
  path: string;
  file: FileHandle;
  bytes: number;
  hash: Hash;
  received: number;
  written: number;
  told: number;
  waiting: Uint8Array[];
  /** Settles when all that waited is written; never rejects. */
  writing: Promise<void> | undefined;
  problem?: Problem;
};

/** Of the whole process, so that no two files of it ever have one name. */
let count = 0;

export function createUploads({ directory, nextChannel, onWritten }: UploadsOptions): Uploads {
  const uploads = new Map<number, Open>();
  let opening = 0;

  const tell = (channel: number, upload: Open) => {
    const isLast = upload.written >= upload.bytes && upload.told < upload.bytes;
    if (!isLast && upload.written - upload.told < tellEveryBytes) return;
    upload.told = upload.written;
    onWritten(channel, upload.written);
  };
  const fail = (upload: Open, problem: Problem) => {
    upload.problem ??= problem;
    upload.waiting = [];
    rmSync(upload.path, { force: true });
  };
  const writeWaiting = async (channel: number, upload: Open) => {
    try {
      for (let bytes = upload.waiting.shift(); bytes !== undefined; bytes = upload.waiting.shift()) {
        upload.hash.update(bytes);
        await upload.file.appendFile(bytes);
        if (upload.problem) return;
        upload.written += bytes.byteLength;
        tell(channel, upload);
      }
    } catch (thrown) {
      fail(upload, problemOf(thrown, directory, upload.bytes - upload.written));
      throwAway(channel, upload);
    } finally {
      upload.writing = undefined;
    }
  };
  const throwAway = (channel: number, upload: Open) => {
    upload.written = Math.min(upload.received, upload.bytes);
    tell(channel, upload);
  };
  const letGo = async (channel: number, upload: Open) => {
    uploads.delete(channel);
    upload.waiting = [];
    await upload.writing;
    await upload.file.close();
  };
  const close = async (channel: number) => {
    const upload = uploads.get(channel);
    if (!upload) return;
    rmSync(upload.path, { force: true });
    await letGo(channel, upload);
  };

  return {
    async open(bytes) {
      if (uploads.size + opening >= maxUploads) throw new ProblemError({ code: "too-many-requests", limit: maxUploads });
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const availableBytes = freeBytes(directory);
      const promised = [...uploads.values()].reduce((sum, upload) => sum + upload.bytes - upload.written, 0);
      if (bytes + promised > availableBytes) throw new ProblemError(noSpace(directory, availableBytes, bytes + promised));
      const { pid, startTicks } = ownProcess();
      const path = join(directory, `${pid}.${startTicks}.${++count}`);
      opening++;
      try {
        const file = await open(path, "wx", 0o600);
        const channel = nextChannel();
        const hash = createHash("sha256");
        uploads.set(channel, { path, file, bytes, hash, received: 0, written: 0, told: 0, waiting: [], writing: undefined });
        return channel;
      } finally {
        opening--;
      }
    },
    receive(channel, bytes) {
      const upload = uploads.get(channel);
      if (!upload) return false;
      upload.received += bytes.byteLength;
      if (upload.received > upload.bytes) fail(upload, invalid("more bytes came than were announced"));
      else if (upload.received - upload.told > maxUnwrittenBytes) fail(upload, invalid("more bytes came at once than may be under way"));
      if (upload.problem) throwAway(channel, upload);
      else {
        upload.waiting.push(bytes);
        upload.writing ??= writeWaiting(channel, upload);
      }
      return true;
    },
    close,
    async take(channel) {
      const upload = uploads.get(channel);
      if (!upload) throw new ProblemError({ code: "not-found", what: `upload ${channel}` });
      await upload.writing;
      if (!upload.problem && upload.received < upload.bytes) throw new ProblemError(invalid("not all of its bytes have come"));
      // It may have been closed, or taken by another request, while it was written.
      if (uploads.get(channel) !== upload) throw new ProblemError({ code: "not-found", what: `upload ${channel}` });
      const { path, bytes, hash, problem } = upload;
      await letGo(channel, upload);
      if (problem) throw new ProblemError(problem);
      return { path, bytes, sha256: hash.digest("hex"), remove: () => rmSync(path, { force: true }) };
    },
    async closeAll() {
      await Promise.all([...uploads.keys()].map(close));
    },
    removeAbandoned() {
      for (const file of listFiles(directory)) {
        const [, pid, startTicks = ""] = /^(\d+)\.(\d+)\.\d+$/.exec(file) ?? [];
        if (pid === undefined || isHeld({ pid: Number(pid), startTicks })) continue;
        rmSync(join(directory, file), { force: true });
      }
    },
  };
}

function invalid(message: string): Problem {
  return { code: "invalid-request", issues: [{ path: "channel", message }] };
}

function noSpace(path: string, availableBytes: number, neededBytes: number): Problem {
  return { code: "no-space", path, availableBytes, neededBytes };
}

function problemOf(thrown: unknown, directory: string, neededBytes: number): Problem {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return noSpace(directory, freeBytes(directory), neededBytes);
  return { code: "internal", detail: message };
}
