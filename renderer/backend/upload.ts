import { maxUnwrittenBytes } from "../../privileged-helper/contract/events.ts";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import type { Client } from "./client.ts";

const chunkBytes = 256 * 1024;

type Sending = {
  channel: number;
  /** Ends it early. */
  signal?: AbortSignal | undefined;
  /** Told how much of it is on disk at the other end. */
  onWritten?(bytes: number): void;
};

/**
 * Sends a file of the person's on a channel while something waits for it.
 * @param work Waits for it; its signal aborts where nothing comes of it.
 * @throws ProblemError `file-unreadable` where the file cannot be read (any more), and what the work throws.
 */
export async function sendFileFor<T>(client: Client, file: File, to: Sending, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const sending = new AbortController();
  const working = new AbortController();
  let unreadable: unknown;
  const giveUp = () => working.abort();
  to.signal?.addEventListener("abort", giveUp);
  if (to.signal?.aborted) giveUp();
  const sent = sendFile(client, file, { ...to, signal: sending.signal }).catch((error: unknown) => {
    unreadable = error;
    working.abort();
  });
  try {
    return await work(working.signal);
  } catch (error) {
    throw unreadable ? new ProblemError({ code: "file-unreadable", name: file.name.slice(0, 255) }) : error;
  } finally {
    to.signal?.removeEventListener("abort", giveUp);
    sending.abort();
    await sent;
  }
}

/** No further ahead than what is on disk at the other end allows. @throws DOMException where the file cannot be read (any more). */
async function sendFile(client: Client, file: Blob, { channel, signal, onWritten }: Sending & { signal: AbortSignal }): Promise<void> {
  let written = 0;
  let wake = () => {};
  const stopListening = client.on("uploads.written", (told) => {
    if (told.channel !== channel) return;
    written = told.bytes;
    onWritten?.(written);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  const out = client.openChannel(channel, () => {});
  try {
    for (let at = 0; at < file.size && !signal.aborted; at += chunkBytes) {
      const bytes = new Uint8Array(await file.slice(at, at + chunkBytes).arrayBuffer());
      while (at + bytes.length - written > maxUnwrittenBytes && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (!signal.aborted) out.send(bytes);
    }
  } finally {
    out.close();
    stopListening();
    signal.removeEventListener("abort", onAbort);
  }
}
