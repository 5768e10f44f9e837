import { maxUnwrittenBytes } from "../../privileged-helper/contract/events.ts";
import type { Client } from "./client.ts";

const chunkBytes = 256 * 1024;

/**
 * Sends a file of the person's on a channel, no further ahead than what is on disk at the other end allows.
 * @param signal Ends it early.
 * @throws DOMException where the file cannot be read (any more).
 */
export async function sendFile(client: Client, channel: number, file: Blob, signal: AbortSignal): Promise<void> {
  let written = 0;
  let wake = () => {};
  const stopListening = client.on("uploads.written", (told) => {
    if (told.channel !== channel) return;
    written = told.bytes;
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
