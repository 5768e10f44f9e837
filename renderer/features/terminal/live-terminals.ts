import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createParsedCounter } from "../../../privileged-helper/wire/credit.ts";
import type { Client } from "../../backend/client.ts";
import {
  addTerminal,
  forgetTerminal,
  type Place,
  type TerminalInfo,
  type TerminalKind,
  updateTerminal,
  useTerminals,
} from "../../state/terminals.ts";
import { createLiveTerminal, type LiveTerminal } from "./live-terminal.ts";
import { onTerminalKeys } from "./terminal-actions.ts";

/** The terminals of this page, and their channels to what runs in them. */
type Entry = { live: LiveTerminal; channel?: OpenChannel; opening?: AbortController };
type OpenChannel = { number: number; send(bytes: Uint8Array): void; end(): void };

const entries = new Map<string, Entry>();

/** A new terminal: it begins when it is shown for the first time, in the size that it then has. */
export function openTerminal(container: string, kind: TerminalKind, place: Place): TerminalInfo {
  return addTerminal(container, kind, place);
}

/** The terminal as it is drawn; made when it is asked for the first time. */
export function liveTerminal(client: Client, id: string): LiveTerminal {
  const found = entries.get(id);
  if (found) return found.live;
  const toOthers = (send: (other: Entry) => void) => {
    const { terminals } = useTerminals.getState();
    if (!terminals.get(id)?.isBroadcasting) return;
    for (const [other, entry] of entries) if (other !== id && terminals.get(other)?.isBroadcasting) send(entry);
  };
  const entry: Entry = {
    live: createLiveTerminal(id, {
      onInput: (bytes) => entry.channel?.send(bytes),
      onTyped: (text) => toOthers(({ channel }) => channel?.send(new TextEncoder().encode(text))),
      onPasted: (text) => toOthers(({ live }) => live.xterm.paste(text)),
      onResized: (columns, rows) => {
        if (entry.channel) client.call("terminal.resize", { channel: entry.channel.number, columns, rows }).catch(() => {});
      },
      onKeys: (event) => onTerminalKeys(client, id, event),
    }),
  };
  entries.set(id, entry);
  return entry.live;
}

/** The terminals that are drawn already. */
export function drawnTerminal(id: string): LiveTerminal | undefined {
  return entries.get(id)?.live;
}

/** Starts what is to run in a terminal that has its size. Does nothing where it runs already. */
export function beginTerminal(client: Client, id: string): void {
  const entry = entries.get(id);
  const info = useTerminals.getState().terminals.get(id);
  if (!entry || !info || info.status.state !== "opening" || entry.opening || entry.channel) return;
  const opening = new AbortController();
  entry.opening = opening;
  const { xterm } = entry.live;
  xterm.options.disableStdin = false;
  client.call("terminal.open", { name: info.container, columns: xterm.cols, rows: xterm.rows }).then(
    ({ channel }) => {
      entry.opening = undefined;
      if (opening.signal.aborted) return void client.call("terminal.close", { channel }).catch(() => {});
      entry.channel = joinChannel(client, id, entry, channel);
      updateTerminal(id, { status: { state: "open" }, channel, openedAt: Date.now() });
    },
    (error) => {
      entry.opening = undefined;
      if (!opening.signal.aborted) updateTerminal(id, { status: { state: "failed", problem: toProblem(error) } });
    },
  );
}

/** Starts anew what has ended. The text stays above it. */
export function reopenTerminal(client: Client, id: string): void {
  const entry = entries.get(id);
  if (!entry) return;
  entry.channel?.end();
  entry.channel = undefined;
  if (useTerminals.getState().terminals.get(id)?.status.state !== "failed") entry.live.calm();
  updateTerminal(id, { status: { state: "opening" }, channel: undefined, programTitle: undefined });
  beginTerminal(client, id);
  entry.live.xterm.focus();
}

/** Ends what runs in it, and takes it off the page. */
export function closeTerminal(client: Client, id: string): void {
  const entry = entries.get(id);
  entries.delete(id);
  const channel = useTerminals.getState().terminals.get(id)?.channel;
  forgetTerminal(id);
  if (channel !== undefined) client.call("terminal.close", { channel }).catch(() => {});
  entry?.opening?.abort();
  entry?.channel?.end();
  entry?.live.dispose();
}

function joinChannel(client: Client, id: string, { live }: Entry, channel: number): OpenChannel {
  const { xterm } = live;
  const countParsed = createParsedCounter((total) => client.acknowledge(channel, total));
  const connection = client.openChannel(channel, (bytes) => xterm.write(bytes, () => countParsed(bytes.length)));
  const stopListening = client.on("terminal.exited", (exited) => {
    if (exited.channel !== channel) return;
    end();
    updateTerminal(id, {
      status: { state: "ended", exitCode: exited.exitCode, signal: exited.signal },
      channel: undefined,
      isBroadcasting: false,
    });
  });
  const end = () => {
    stopListening();
    connection.close();
    xterm.options.disableStdin = true;
  };
  return { number: channel, send: connection.send, end };
}

/** A helper that has ended has taken its channels with it. */
useTerminals.subscribe(({ terminals }) => {
  for (const [id, entry] of entries) {
    if (terminals.get(id)?.status.state !== "lost" || !entry.channel) continue;
    entry.channel.end();
    entry.channel = undefined;
  }
});
