import { writeSync } from "node:fs";

/**
 * What was typed, on its way to a terminal. node-pty would take all of it at once, try again without a pause while the other
 * side reads nothing, and go on writing to the descriptor's number when that belongs to another file already. Here it waits in
 * a queue of limited length, is tried at intervals, and is thrown away with the terminal.
 */
export type PtyInput = {
  /** @returns False where more waits than anybody types or pastes: these bytes are not taken. */
  write(bytes: Uint8Array): boolean;
  waitingBytes(): number;
  end(): void;
};

/** A non-blocking descriptor, which may be closed by its owner at any time. */
export type Writable = {
  fd: number;
  isOpen(): boolean;
  /** False as long as what is written now would be thrown away on the other side. */
  isListening(): boolean;
};

export const maxWaitingInputBytes = 4 * 1024 * 1024;
const longestPauseMilliseconds = 50;
const listensMilliseconds = 5;

export function createPtyInput({ fd, isOpen, isListening }: Writable): PtyInput {
  let queue: Uint8Array[] = [];
  let waiting = 0;
  let pause = 0;
  let retry: NodeJS.Timeout | undefined;

  const end = () => {
    clearTimeout(retry);
    retry = undefined;
    queue = [];
    waiting = 0;
  };
  const flush = () => {
    retry = undefined;
    const [first] = queue;
    if (!first) return;
    if (!isOpen()) return end();
    if (!isListening()) {
      retry = setTimeout(flush, listensMilliseconds);
      return;
    }
    const written = writeSome(fd, first);
    if (written === undefined) return end();
    waiting -= written;
    if (written === first.byteLength) queue.shift();
    else queue[0] = first.subarray(written);
    pause = written > 0 ? 0 : Math.min(pause * 2 || 1, longestPauseMilliseconds);
    // Not in a loop: a terminal that takes everything must not keep others waiting.
    if (queue.length > 0) retry = setTimeout(flush, pause);
  };
  return {
    write(bytes) {
      if (bytes.byteLength === 0 || !isOpen()) return true;
      if (waiting + bytes.byteLength > maxWaitingInputBytes) return false;
      queue.push(Uint8Array.from(bytes));
      waiting += bytes.byteLength;
      if (retry === undefined) flush();
      return true;
    },
    waitingBytes: () => waiting,
    end,
  };
}

/** @returns How much was taken; undefined where nothing ever will be. */
function writeSome(fd: number, bytes: Uint8Array): number | undefined {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? 0 : undefined;
  }
}
