import { createHash } from "node:crypto";
import { maxUnwrittenBytes } from "../../privileged-helper/contract/events.ts";
import { type Problem, ProblemError } from "../../privileged-helper/contract/problems.ts";
import type { Peer } from "../../privileged-helper/wire/peer.ts";

/** Files on their way to the helper, which opens none of the person's itself: bytes on channels, never more ahead than it allows. */
export type Uploads = {
  /** @param onWritten Told how many bytes the helper has on disk. */
  open(helper: Peer, bytes: number, onWritten?: (bytes: number) => void): Promise<Upload>;
  /** Bytes that a page sends. @returns False where the channel is none of an upload. */
  receive(channel: number, bytes: Uint8Array): boolean;
  /** The helper's `uploads.written`. */
  onWritten(channel: number, bytes: number): void;
  /** The helper is gone, and what it had with it. */
  failAll(problem: Problem): void;
};

export type Upload = {
  channel: number;
  /** Hands bytes on. */
  push(bytes: Uint8Array): void;
  /** Settles when so many more bytes may be sent. @throws ProblemError `cancelled` and what `fail` was given. */
  room(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Settles when all of it is on disk. @returns Its hash. @throws as `room` does. */
  complete(signal?: AbortSignal): Promise<string>;
  /** Whoever waits for it is told why nothing comes of it. */
  fail(problem: Problem): void;
  /** The helper forgets it, if it has it still. */
  close(): void;
};

type Waiter = { check(): void; fail(problem: Problem): void };
type Entry = Upload & { written(bytes: number): void };

export function createUploads(): Uploads {
  const uploads = new Map<number, Entry>();
  return {
    async open(helper, bytes, onWritten = () => {}) {
      const { channel } = (await helper.call("uploads.open", { bytes })) as { channel: number };
      const upload = createUpload(helper, channel, bytes, onWritten, () => uploads.delete(channel));
      uploads.set(channel, upload);
      return upload;
    },
    receive(channel, bytes) {
      uploads.get(channel)?.push(bytes);
      return uploads.has(channel);
    },
    onWritten: (channel, bytes) => uploads.get(channel)?.written(bytes),
    failAll(problem) {
      for (const upload of uploads.values()) upload.fail(problem);
    },
  };
}

function createUpload(helper: Peer, channel: number, total: number, onWritten: (bytes: number) => void, forget: () => void): Entry {
  const hash = createHash("sha256");
  const waiters = new Set<Waiter>();
  let sent = 0;
  let written = 0;
  let failure: Problem | undefined;

  const until = (isThere: () => boolean, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const settle = (act: () => void) => {
        waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        act();
      };
      const waiter: Waiter = {
        check: () => isThere() && settle(resolve),
        fail: (problem) => settle(() => reject(new ProblemError(problem))),
      };
      const onAbort = () => waiter.fail({ code: "cancelled" });
      waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (failure) waiter.fail(failure);
      else if (signal?.aborted) onAbort();
      else waiter.check();
    });

  return {
    channel,
    push(bytes) {
      hash.update(bytes);
      sent += bytes.byteLength;
      helper.sendData(channel, bytes);
    },
    room: (bytes, signal) => until(() => sent - written + bytes <= maxUnwrittenBytes, signal),
    async complete(signal) {
      await until(() => written >= total, signal);
      return hash.digest("hex");
    },
    written(bytes) {
      written = bytes;
      onWritten(bytes);
      for (const waiter of [...waiters]) waiter.check();
    },
    fail(problem) {
      failure ??= problem;
      for (const waiter of [...waiters]) waiter.fail(failure);
    },
    close() {
      forget();
      // A helper that is gone has forgotten it already.
      helper.call("uploads.close", { channel }).catch(() => {});
    },
  };
}
