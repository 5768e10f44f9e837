import { create } from "zustand";
import type { Problem } from "../../privileged-helper/contract/problems.ts";
import type { ListedTerminal, TerminalEnd, TerminalKind } from "../../privileged-helper/contract/terminal.ts";
import type { Client } from "../backend/client.ts";
import { ownTerminal } from "../backend/own-terminal.ts";
import { addTab, noTabs, reconcile, removeTerminal, type SplitDirection, splitAt, type TabRow, terminalsIn } from "./terminal-layout.ts";

export type TerminalState =
  /** Nothing runs yet. */
  | { state: "opening" }
  | { state: "open" }
  | { state: "ended"; exitCode?: number | undefined; signal?: number | undefined }
  | { state: "failed"; problem: Problem }
  /** The helper has ended, and all that ran in its terminals. */
  | { state: "lost" };

export type TerminalInfo = {
  id: string;
  container: string;
  kind: TerminalKind;
  /** What runs in it, as the app calls it. */
  title: string;
  /** What a program in it calls itself: clean, but not to be believed. */
  programTitle?: string;
  status: TerminalState;
  /** Milliseconds since the epoch. */
  openedAt: number;
  /** As the host knows it, also after it has ended. */
  channel?: number | undefined;
  /** A bell rang while it was out of sight. */
  hasRung: boolean;
  isBroadcasting: boolean;
  /** Another window shows it. */
  isElsewhere: boolean;
  /** What a program in it would like to have copied. The first one stays until it is answered. */
  clipboardText?: string;
  /** What programs in it would like to have copied is refused without asking. */
  refusesClipboard: boolean;
};

/** Where a new terminal is put. */
export type Place =
  | { type: "tab" }
  | { type: "beside"; terminal: string; direction: SplitDirection }
  | /** Shown by whoever opens it. */ { type: "none" };

type TerminalsStore = {
  terminals: ReadonlyMap<string, TerminalInfo>;
  /** By container. */
  rows: Readonly<Record<string, TabRow>>;
  /** Which there are already is known: those that were open before the page was loaded are among them. */
  isKnown: boolean;
};

const keptKey = "lxc-desktop-terminals";

/** All terminals that this page has, those that have ended and are still shown among them. */
export const useTerminals = create<TerminalsStore>(() => ({ terminals: new Map(), rows: {}, isKnown: false }));

let count = 0;

/** @returns The new terminal. */
export function addTerminal(container: string, kind: TerminalKind, place: Place, known: Partial<TerminalInfo> = {}): TerminalInfo {
  const info: TerminalInfo = {
    id: known.id ?? `terminal-${Date.now().toString(36)}-${(count++).toString(36)}`,
    container,
    kind,
    title: numbered(container, titleOf(kind)),
    status: { state: "opening" },
    openedAt: Date.now(),
    hasRung: false,
    isBroadcasting: false,
    isElsewhere: false,
    refusesClipboard: false,
    ...known,
  };
  useTerminals.setState(({ terminals }) => ({ terminals: new Map(terminals).set(info.id, info) }));
  if (place.type === "tab") changeRow(container, (row) => addTab(row, `tab-${info.id}`, info.id));
  if (place.type === "beside") changeRow(container, (row) => splitAt(row, place.terminal, info.id, place.direction));
  return info;
}

export function updateTerminal(id: string, change: Partial<TerminalInfo>): void {
  const { terminals } = useTerminals.getState();
  const before = terminals.get(id);
  if (!before) return;
  useTerminals.setState({ terminals: new Map(terminals).set(id, { ...before, ...change }) });
  if (change.channel !== undefined) keep();
}

/** Takes it off the page; whoever does that ends what runs in it. */
export function forgetTerminal(id: string): void {
  const { terminals } = useTerminals.getState();
  const info = terminals.get(id);
  if (!info) return;
  const left = new Map(terminals);
  left.delete(id);
  useTerminals.setState({ terminals: left });
  if (useTerminals.getState().rows[info.container]) changeRow(info.container, (row) => removeTerminal(row, id));
}

export function changeRow(container: string, change: (row: TabRow) => TabRow): void {
  useTerminals.setState(({ rows }) => ({ rows: { ...rows, [container]: change(rows[container] ?? noTabs) } }));
  keep();
}

/** What ran in any terminal has ended with its helper. */
export function loseTerminals(): void {
  useTerminals.setState(({ terminals }) => ({
    terminals: new Map(
      [...terminals].map(([id, info]) => [
        id,
        info.status.state === "open" || info.status.state === "opening"
          ? { ...info, status: { state: "lost" }, isBroadcasting: false }
          : info,
      ]),
    ),
  }));
}

/**
 * Learns which terminals there are, and which of them other windows show: the host keeps them when a page goes. Those that this page has
 * and the host has not have ended.
 * @returns A function that ends it.
 */
export function startTerminals(client: Client): () => void {
  let isGone = false;
  const learn = () =>
    client.call("terminals.list", {}).then(
      (list) => {
        if (!isGone) takeOver(list);
      },
      // The connection is gone, or the helper; the next one is asked again.
      () => {},
    );
  const stops = [
    client.on("terminals.changed", () => void learn()),
    client.on("terminal.exited", ({ channel, ...end }) => {
      const info = [...useTerminals.getState().terminals.values()].find((one) => one.channel === channel);
      if (info?.isElsewhere) updateTerminal(info.id, { status: endedStatus(end) });
    }),
  ];
  void learn();
  return () => {
    isGone = true;
    for (const stop of stops) stop();
  };
}

function takeOver(list: readonly ListedTerminal[]) {
  const listed = new Map(list.map((one) => [one.channel, one]));
  for (const { id, channel, status, isElsewhere } of useTerminals.getState().terminals.values()) {
    const one = channel === undefined ? undefined : listed.get(channel);
    if (one) {
      const isShownElsewhere = one.shownBy === "another-page";
      if (isElsewhere && !isShownElsewhere) updateTerminal(id, { isElsewhere: false });
    } else if (isElsewhere) forgetTerminal(id);
    else if (status.state === "open") updateTerminal(id, { status: { state: "lost" }, channel: undefined, isBroadcasting: false });
  }
  const known = new Set([...useTerminals.getState().terminals.values()].map(({ channel }) => channel));
  const before = readKept().channels;
  const added: TerminalInfo[] = [];
  for (const { channel, name, kind, openedAt, ended, shownBy } of list) {
    // What this page has opened or closed just now is no news.
    if (known.has(channel) || shownBy === "this-page" || (ownTerminal !== undefined && channel !== ownTerminal)) continue;
    const id = Object.entries(before).find(([, kept]) => kept === channel)?.[0];
    const status: TerminalState = ended ? endedStatus(ended) : { state: "open" };
    const isElsewhere = ownTerminal === undefined && shownBy === "another-page";
    added.push(addTerminal(name, kind, { type: "none" }, { ...(id === undefined ? {} : { id }), channel, openedAt, status, isElsewhere }));
  }
  if (ownTerminal === undefined) arrangeAsBefore(added);
  useTerminals.setState({ isKnown: true });
}

/** How a terminal that has ended is shown. */
export function endedStatus({ lost, exitCode, signal }: TerminalEnd): TerminalState {
  return lost ? { state: "lost" } : { state: "ended", exitCode, signal };
}

type Kept = { rows: Record<string, TabRow>; channels: Record<string, number> };

/** Puts back what was arranged before, as far as it still is. */
function arrangeAsBefore(added: readonly TerminalInfo[]): void {
  const { terminals, rows } = useTerminals.getState();
  const before = readKept().rows;
  const next: Record<string, TabRow> = { ...rows };
  for (const container of new Set([...Object.keys(rows), ...added.map((info) => info.container)])) {
    const row = rows[container] ?? before[container] ?? noTabs;
    const inTabs = row.tabs.flatMap(({ root }) => terminalsIn(root)).filter((id) => terminals.has(id));
    const others = added.filter((info) => info.container === container && !inTabs.includes(info.id));
    next[container] = reconcile(row, [...inTabs, ...others.map(({ id }) => id)]);
  }
  useTerminals.setState({ rows: next });
  keep();
}

/** What a tab or a row of a list says of what runs in a terminal. */
export function titleOf(kind: TerminalKind): string {
  if (kind.type === "console") return "Console";
  if (kind.type === "command") return kind.argv.join(" ").slice(0, 80);
  return kind.user === undefined || kind.user === "root" ? "Shell" : `Shell of ${kind.user}`;
}

/** Told apart from others of that container. */
function numbered(container: string, title: string): string {
  const taken = new Set(
    [...useTerminals.getState().terminals.values()].flatMap((info) => (info.container === container ? [info.title] : [])),
  );
  let number = 1;
  while (taken.has(number === 1 ? title : `${title} ${number}`)) number += 1;
  return number === 1 ? title : `${title} ${number}`;
}

/** For this tab of the browser alone: it is of no use to any other. */
function keep() {
  if (ownTerminal !== undefined) return;
  const { terminals, rows } = useTerminals.getState();
  const channels: Record<string, number> = {};
  for (const { id, channel } of terminals.values()) if (channel !== undefined) channels[id] = channel;
  try {
    sessionStorage.setItem(keptKey, JSON.stringify({ rows, channels } satisfies Kept));
  } catch {
    // Full, or forbidden: then tabs are in a row of their own after a reload.
  }
}

function readKept(): Kept {
  const nothing: Kept = { rows: {}, channels: {} };
  try {
    return { ...nothing, ...JSON.parse(sessionStorage.getItem(keptKey) ?? "{}") };
  } catch {
    return nothing;
  }
}
