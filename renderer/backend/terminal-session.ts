import type { ParamsInputOf } from "../../privileged-helper/contract/methods.ts";
import {
  type AttachedTerminal,
  maxCheckpointLength,
  maxCheckpointPartLength,
  type TerminalEnd,
} from "../../privileged-helper/contract/terminal.ts";
import { createParsedCounter } from "../../privileged-helper/wire/credit.ts";
import type { Client } from "./client.ts";
import { createSequenceEnd } from "./sequence-end.ts";

/** What shows a terminal. */
export type TerminalDisplay = {
  /**
   * How it was when a page showed it last, before any output: set the terminal to the checkpoint's size and write this to it. With
   * `missingBytes` say that there was more before what comes now.
   */
  onRestored?(attached: AttachedTerminal, checkpoint: Uint8Array): void;
  /** Output, in order. `onParsed` is to be called once the piece is parsed, and no sooner: more comes only then. */
  onOutput(bytes: Uint8Array, onParsed: () => void): void;
  /** Nothing comes any more. */
  onEnded(end: TerminalEnd): void;
  /** Another page shows it from now on, and this session is over. */
  onTaken?(): void;
  /**
   * All that it shows, and at most so many lines that were scrolled out (all of them where undefined), as text that shows the same when it
   * is written to an empty terminal. It is called only while nothing is on its way to it.
   */
  serialize?(scrollbackLines: number | undefined): { text: string; columns: number; rows: number };
};

/** A terminal that this page shows. All of it does nothing once that has ended. */
export type TerminalSession = {
  readonly channel: number;
  readonly title: string;
  send(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  /** Ends what runs in it, and forgets its text. */
  close(): Promise<void>;
  /** Shows it no more, and lets it go on. */
  detach(): Promise<void>;
};

/** So long nothing comes before a checkpoint is made: it takes a while, and what floods would only make the next one. */
const quietMilliseconds = 300;
/** A checkpoint that is too long is made anew of less. */
const scrollbackTried = [undefined, 2000, 200, 0];

/** Opens a terminal. @throws ProblemError */
export async function openTerminal(
  client: Client,
  params: ParamsInputOf<"terminal.open">,
  display: TerminalDisplay,
): Promise<TerminalSession> {
  const { channel, title } = await client.call("terminal.open", params);
  const session = createSession(client, { channel, title, offset: 0 }, display);
  session.listen();
  return session;
}

/** Shows a terminal that another page has opened, or that was detached. @throws ProblemError `not-found` */
export async function attachTerminal(client: Client, channel: number, display: TerminalDisplay): Promise<TerminalSession> {
  const pieces: Uint8Array[] = [];
  let receive = (bytes: Uint8Array) => void pieces.push(bytes.slice());
  // It may come before the answer.
  const connection = client.openChannel(channel, (bytes) => receive(bytes));
  const attached = await client.call("terminals.attach", { channel }).catch((error: unknown) => {
    connection.close();
    throw error;
  });
  const session = createSession(client, attached, display);
  const checkpoint = new Uint8Array(attached.checkpointBytes);
  let filled = 0;
  receive = (bytes) => {
    const taken = bytes.subarray(0, checkpoint.length - filled);
    const isRestored = filled === checkpoint.length && taken.length === 0;
    checkpoint.set(taken, filled);
    filled += taken.length;
    if (!isRestored && filled === checkpoint.length) display.onRestored?.(attached, checkpoint);
    if (taken.length < bytes.length) session.receive(bytes.subarray(taken.length));
  };
  if (checkpoint.length === 0) display.onRestored?.(attached, checkpoint);
  for (const piece of pieces) receive(piece);
  session.listen(connection, receive);
  if (attached.ended) session.ended(attached.ended);
  return session;
}

type Listening = TerminalSession & {
  receive(bytes: Uint8Array): void;
  listen(connection?: { close(): void }, receive?: (bytes: Uint8Array) => void): void;
  ended(end: TerminalEnd): void;
};

function createSession(
  client: Client,
  { channel, title, offset }: { channel: number; title: string; offset: number },
  display: TerminalDisplay,
): Listening {
  const countParsed = createParsedCounter((total) => client.acknowledge(channel, total), offset);
  const sequences = createSequenceEnd();
  let connection: ReturnType<Client["openChannel"]> | undefined;
  let received = offset;
  let parsed = offset;
  let isOver = false;
  let isCheckpointWanted = false;
  let isSending = false;
  let quiet: ReturnType<typeof setTimeout> | undefined;

  const receive = (bytes: Uint8Array) => {
    if (isOver) return;
    received += bytes.length;
    sequences.add(bytes);
    display.onOutput(bytes, () => {
      parsed += bytes.length;
      countParsed(bytes.length);
      waitForQuiet();
    });
  };
  const waitForQuiet = () => {
    clearTimeout(quiet);
    if (isCheckpointWanted && !isOver) quiet = setTimeout(makeCheckpoint, quietMilliseconds);
  };
  const makeCheckpoint = () => {
    if (isSending || parsed !== received || !sequences.isComplete() || !display.serialize) return;
    for (const lines of scrollbackTried) {
      const checkpoint = display.serialize(lines);
      if (checkpoint.text.length > maxCheckpointLength) continue;
      isCheckpointWanted = false;
      isSending = true;
      // The host forgets an unfinished one by itself.
      void sendCheckpoint(client, channel, { ...checkpoint, bytes: parsed })
        .catch(() => {})
        .finally(() => {
          isSending = false;
          waitForQuiet();
        });
      return;
    }
  };
  const stops = [
    client.on("terminal.exited", ({ channel: which, ...end }) => which === channel && session.ended(end)),
    client.on("terminals.taken", ({ channel: which }) => {
      if (which !== channel || isOver) return;
      stop();
      connection?.close();
      display.onTaken?.();
    }),
    client.on("terminals.checkpointWanted", ({ channel: which }) => {
      if (which !== channel) return;
      isCheckpointWanted = true;
      waitForQuiet();
    }),
  ];
  const stop = () => {
    isOver = true;
    clearTimeout(quiet);
    for (const end of stops) end();
  };
  const leave = async (method: "terminal.close" | "terminals.detach") => {
    stop();
    try {
      await client.call(method, { channel });
    } finally {
      // What is still on its way belongs to nobody, and must not be taken for what the next one gets.
      connection?.close();
    }
  };

  const session: Listening = {
    channel,
    title,
    receive,
    listen(before, listener = receive) {
      before?.close();
      connection = client.openChannel(channel, listener);
    },
    ended(end) {
      if (isOver) return;
      stop();
      display.onEnded(end);
    },
    send(bytes) {
      if (!isOver) connection?.send(bytes);
    },
    resize(columns, rows) {
      // One that has just ended has no size.
      if (!isOver) client.call("terminal.resize", { channel, columns, rows }).catch(() => {});
    },
    close: () => leave("terminal.close"),
    detach: () => leave("terminals.detach"),
  };
  return session;
}

async function sendCheckpoint(
  client: Client,
  channel: number,
  { text, ...checkpoint }: { text: string; bytes: number; columns: number; rows: number },
) {
  for (let at = 0; at === 0 || at < text.length; at += maxCheckpointPartLength) {
    const part = text.slice(at, at + maxCheckpointPartLength);
    await client.call("terminals.checkpoint", { channel, ...checkpoint, at, part, isLast: at + part.length >= text.length });
  }
}
