/** One end of a two-way message connection: a pair of pipes, a MessagePort, a WebSocket. */
export type Port = {
  send(message: Uint8Array): void;
  onMessage(listener: (message: Uint8Array) => void): void;
  /** Called once, with a sentence for the log. */
  onClose(listener: (reason: string) => void): void;
  close(reason?: string): void;
};

/** Two ports joined in memory; messages arrive in order, in later microtasks. For tests and for one-process hosts. */
export function createPortPair(): [Port, Port] {
  const ends = [createEnd(), createEnd()] as const;
  ends[0].join(ends[1]);
  ends[1].join(ends[0]);
  return [ends[0].port, ends[1].port];
}

type End = { port: Port; join(other: End): void; deliver(message: Uint8Array): void; closed(reason: string): void };

function createEnd(): End {
  let other: End | undefined;
  let onMessage: ((message: Uint8Array) => void) | undefined;
  let onClose: ((reason: string) => void) | undefined;
  let isClosed = false;
  const waiting: Uint8Array[] = [];

  const end: End = {
    join(joined) {
      other = joined;
    },
    deliver(message) {
      queueMicrotask(() => {
        if (isClosed) return;
        if (onMessage) onMessage(message);
        else waiting.push(message);
      });
    },
    closed(reason) {
      if (isClosed) return;
      isClosed = true;
      onClose?.(reason);
    },
    port: {
      send(message) {
        if (!isClosed) other?.deliver(message.slice());
      },
      onMessage(listener) {
        onMessage = listener;
        for (const message of waiting.splice(0)) listener(message);
      },
      onClose(listener) {
        onClose = listener;
      },
      close(reason = "closed") {
        if (isClosed) return;
        end.closed(reason);
        queueMicrotask(() => other?.closed(reason));
      },
    },
  };
  return end;
}
