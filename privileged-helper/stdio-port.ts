import { Socket } from "node:net";
import { createFrameReader, encodeFrame, FrameError, maxRequestBytes } from "./wire/frames.ts";
import type { Port } from "./wire/port.ts";

/** When this much waits unread, the host has stopped reading: nothing of ours grows without a bound. */
const maxWaitingBytes = 64 * 1024 * 1024;

/**
 * Standard input and output as a port. Not `process.stdout`: that one writes synchronously to a pipe, and a host that is
 * stopped would stop the helper, which then could not even notice that heartbeats are missing.
 */
export function createStdioPort(): Port & { /** Bytes that the host has not read yet. */ waitingBytes(): number } {
  const input = new Socket({ fd: 0, readable: true, writable: false });
  const output = new Socket({ fd: 1, readable: false, writable: true });
  let closed = false;
  let onMessage: (message: Uint8Array) => void = () => {};
  let onClose: (reason: string) => void = () => {};

  const close = (reason: string) => {
    if (closed) return;
    closed = true;
    input.destroy();
    output.end();
    onClose(reason);
  };
  const read = createFrameReader((message) => {
    if (!closed) onMessage(message);
  }, maxRequestBytes);

  input.on("data", (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      close(`protocol error: ${error.message}`);
    }
  });
  input.on("end", () => close("end of input"));
  input.on("error", (error) => close(error.message));
  output.on("error", (error) => close(error.message));

  return {
    send(message) {
      if (closed) return;
      output.write(encodeFrame(message));
      if (output.writableLength > maxWaitingBytes) close("the host does not read");
    },
    onMessage(listener) {
      onMessage = listener;
    },
    onClose(listener) {
      onClose = listener;
    },
    close: (reason = "closed") => close(reason),
    waitingBytes: () => output.writableLength,
  };
}
