import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { keepOwnTerminal, ownTerminal } from "../../backend/own-terminal.ts";
import { attachTerminal, openTerminal as openSession, type TerminalDisplay, type TerminalSession } from "../../backend/terminal-session.ts";
import { endedStatus, forgetTerminal, type TerminalInfo, updateTerminal, useTerminals } from "../../state/terminals.ts";
import { createLiveTerminal, type LiveTerminal } from "./live-terminal.ts";

/** A terminal of this page, and what runs in it. */
type Entry = {
  live: LiveTerminal;
  session?: TerminalSession;
  /** The connection by which it was asked for; another one knows nothing of it. */
  client?: Client;
  /** What was typed while it was being opened. */
  early: Uint8Array[];
  /** It takes in what it was asked long ago: the answers were given then, and would be typed into the shell now. */
  isReplaying: boolean;
};

const entries = new Map<string, Entry>();
const encoder = new TextEncoder();
let lastClosing: Promise<void> = Promise.resolve();
/** Nobody types more than that while a shell is opened. */
const maxEarlyPieces = 1_000;

/** The terminal as it is drawn; made when it is asked for the first time. */
export function liveTerminal(id: string): LiveTerminal {
  return entryOf(id).live;
}

/** The same, where it was made already. */
export function drawnTerminal(id: string): LiveTerminal | undefined {
  return entries.get(id)?.live;
}

/** Starts what is to run in a terminal, or goes on with what runs in it already. Does nothing where that is done. */
export function beginTerminal(client: Client, id: string): void {
  const info = useTerminals.getState().terminals.get(id);
  if (!info || info.isElsewhere || (info.status.state !== "opening" && info.channel === undefined)) return;
  const entry = entryOf(id);
  if (entry.client === client) return;
  entry.client = client;
  entry.session = undefined;
  if (info.status.state === "opening") void open(client, entry, info);
  else void attach(client, entry, info);
}

/** Takes in what comes for terminals that were open before this page was, also while they are out of sight. */
export function beginAll(client: Client): void {
  for (const { id, status } of useTerminals.getState().terminals.values()) if (status.state !== "opening") beginTerminal(client, id);
}

/** Shows a terminal here that another window shows. */
export function takeTerminal(client: Client, id: string): void {
  updateTerminal(id, { isElsewhere: false });
  beginTerminal(client, id);
}

/** Leaves a terminal to another window, which shows it when it hears of that. */
export async function leaveTerminal(id: string): Promise<void> {
  const entry = entries.get(id);
  const { session } = entry ?? {};
  if (entry) forgetSession(entry);
  updateTerminal(id, shownElsewhere);
  // Where nobody answers, there is nothing left to be shown.
  await session?.detach().catch(() => {});
}

/** Settles when what was closed last is closed. A window that goes sooner would give its terminal back. */
export function closingDone(): Promise<void> {
  return lastClosing;
}

/** Starts anew what has ended. The text stays above it. */
export function reopenTerminal(client: Client, id: string): void {
  const entry = entries.get(id);
  const info = useTerminals.getState().terminals.get(id);
  if (!entry || !info) return;
  if (info.status.state !== "failed") entry.live.calm();
  letGo(client, entry, info);
  updateTerminal(id, { status: { state: "opening" }, channel: undefined, programTitle: undefined });
  beginTerminal(client, id);
  entry.live.xterm.focus();
}

/** Ends what runs in it, and takes it off the page. */
export function closeTerminal(client: Client, id: string): void {
  const entry = entries.get(id);
  const info = useTerminals.getState().terminals.get(id);
  entries.delete(id);
  forgetTerminal(id);
  if (info) letGo(client, entry, info);
  entry?.live.dispose();
}

function entryOf(id: string): Entry {
  const found = entries.get(id);
  if (found) return found;
  const toOthers = (send: (other: Entry) => void) => {
    const { terminals } = useTerminals.getState();
    if (!terminals.get(id)?.isBroadcasting) return;
    for (const [other, entry] of entries) if (other !== id && terminals.get(other)?.isBroadcasting) send(entry);
  };
  const entry: Entry = {
    early: [],
    isReplaying: false,
    live: createLiveTerminal(id, {
      onInput(bytes) {
        if (entry.isReplaying) return;
        if (entry.session) entry.session.send(bytes);
        else if (entry.early.length < maxEarlyPieces) entry.early.push(bytes);
      },
      onTyped(text) {
        if (entry.isReplaying) entry.session?.send(encoder.encode(text));
        toOthers(({ session }) => session?.send(encoder.encode(text)));
      },
      onPasted: (text) => toOthers(({ live }) => live.xterm.paste(text)),
      onResized: (columns, rows) => entry.session?.resize(columns, rows),
    }),
  };
  entries.set(id, entry);
  return entry;
}

async function open(client: Client, entry: Entry, { id, container, kind }: TerminalInfo) {
  const { xterm } = entry.live;
  xterm.options.disableStdin = false;
  entry.early = [];
  entry.isReplaying = false;
  try {
    await entry.live.settled();
    const params = { name: container, kind, columns: xterm.cols, rows: xterm.rows };
    const session = await openSession(client, params, displayFor(id, entry));
    if (entries.get(id) !== entry || entry.client !== client) return void session.close().catch(() => {});
    entry.session = session;
    for (const bytes of entry.early.splice(0)) session.send(bytes);
    // It may have got another size, or have ended, meanwhile.
    session.resize(xterm.cols, xterm.rows);
    const isOpening = useTerminals.getState().terminals.get(id)?.status.state === "opening";
    if (ownTerminal !== undefined) keepOwnTerminal(session.channel);
    updateTerminal(id, { channel: session.channel, openedAt: Date.now(), ...(isOpening ? { status: { state: "open" } } : {}) });
  } catch (error) {
    if (entry.client !== client) return;
    entry.client = undefined;
    updateTerminal(id, { status: { state: "failed", problem: toProblem(error) } });
  }
}

async function attach(client: Client, entry: Entry, { id, channel, status }: TerminalInfo) {
  if (channel === undefined) return;
  const { xterm } = entry.live;
  xterm.options.disableStdin = status.state !== "open";
  entry.isReplaying = true;
  try {
    const session = await attachTerminal(client, channel, displayFor(id, entry));
    if (entries.get(id) !== entry || entry.client !== client) return void session.detach().catch(() => {});
    entry.session = session;
    // Behind all that the host had kept.
    xterm.write("", () => {
      entry.isReplaying = false;
    });
    session.resize(xterm.cols, xterm.rows);
  } catch (error) {
    if (entry.client !== client) return;
    entry.client = undefined;
    entry.isReplaying = false;
    const problem = toProblem(error);
    // A connection that has gone is shown elsewhere, and the next one brings the terminal back.
    if (problem.code === "not-found") updateTerminal(id, { status: { state: "lost" }, channel: undefined });
  }
}

function displayFor(id: string, entry: Entry): TerminalDisplay {
  const { live } = entry;
  return {
    onRestored({ checkpointColumns, checkpointRows, missingBytes }, checkpoint) {
      live.restore({ columns: checkpointColumns, rows: checkpointRows }, checkpoint, missingBytes > 0);
    },
    onOutput: (bytes, onParsed) => live.xterm.write(bytes, onParsed),
    onEnded(end) {
      live.xterm.options.disableStdin = true;
      updateTerminal(id, { status: endedStatus(end), isBroadcasting: false });
    },
    onTaken() {
      forgetSession(entry);
      updateTerminal(id, shownElsewhere);
    },
    serialize: live.serialize,
  };
}

const shownElsewhere = { isElsewhere: true, isBroadcasting: false, clipboardText: undefined } satisfies Partial<TerminalInfo>;

function forgetSession(entry: Entry) {
  entry.session = undefined;
  entry.client = undefined;
}

/** The host forgets it, too. */
function letGo(client: Client, entry: Entry | undefined, { channel }: TerminalInfo) {
  const { session } = entry ?? {};
  if (entry) forgetSession(entry);
  // Where nobody answers, there is nothing left to be closed.
  if (session) lastClosing = session.close().catch(() => {});
  else if (channel !== undefined) lastClosing = client.call("terminal.close", { channel }).catch(() => {});
}
