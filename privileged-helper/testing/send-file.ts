import { readFileSync } from "node:fs";
import { maxUnwrittenBytes } from "../contract/events.ts";
import type { Uploads } from "../uploads.ts";

const pieceBytes = 65_536;

/** Uploads a file as the host does. @param written What `onWritten` has told of each channel. @returns Its channel. */
export async function sendFile(path: string, uploads: Uploads, written: ReadonlyMap<number, number>): Promise<number> {
  const bytes = readFileSync(path);
  const channel = await uploads.open(bytes.length);
  for (let sent = 0; sent < bytes.length; sent += pieceBytes) {
    while (sent + pieceBytes - (written.get(channel) ?? 0) > maxUnwrittenBytes) await new Promise((resolve) => setImmediate(resolve));
    uploads.receive(channel, bytes.subarray(sent, sent + pieceBytes));
  }
  return channel;
}
