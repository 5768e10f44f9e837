import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import {
  type AttachedTerminal,
  type ListedTerminal,
  maxCheckpointLength,
  type OpenTerminal,
  type TerminalEnd,
  type TerminalKind,
} from "../../../privileged-helper/contract/terminal.ts";
import { createOutputBuffer, type OutputBuffer } from "./output-buffer.ts";

/**
 * Terminals belong to the app and not to a page: what one has shown is kept here, so that the next page shows it, too. That is a checkpoint,
 * which a page has made of all output up to some place, and the output after it as it came. One page shows a terminal at a time: whoever
 * attaches to it takes it from the one before.
 *
 * Nothing grows without a bound. While a page shows a terminal, the page tells the helper how far it is, and of output that is too much
 * to keep the oldest goes. While none does, we tell the helper that we have what we keep, and say nothing more when that is enough: so the
 * helper stops reading, as it does for a slow page, and nothing is lost.
 */
export type KeptTerminals<Page> = {
  /** A terminal that the helper has opened for a page. */
  opened(page: Page, terminal: Pick<OpenTerminal, "channel" | "name" | "kind" | "title" | "columns" | "rows">): void;
  /** Bytes of the helper's. Those of a terminal that is just being opened may come before `opened`, and wait for it. */
  receive(channel: number, bytes: Uint8Array): void;
  /** A page's `terminal.ack`. */
  acknowledge(page: Page, channel: number, bytes: number): void;
  /** True while this page shows it. */
  isShownBy(page: Page, channel: number): boolean;
  exited(channel: number, end: TerminalEnd): void;
  resized(size: { channel: number; columns: number; rows: number }): void;
  closed(channel: number): void;
  /** The helper is gone, and all that ran in them. */
  helperLost(): void;
  /** It shows none any more; others may come. @returns True where it has shown any. */
  pageGone(page: Page): boolean;
  /** Forgets all. */
  clear(): void;
  /** @param page The one that asks. */
  list(page?: Page): ListedTerminal[];
  /** Sends what a page needs to show it, and from then on what comes. @throws ProblemError `not-found`. */
  attach(page: Page, channel: number): AttachedTerminal;
  detach(page: Page, channel: number): void;
  checkpoint(page: Page, part: CheckpointPart): void;
};

type CheckpointPart = {
  channel: number;
  bytes: number;
  columns: number;
  rows: number;
  at: number;
  part: string;
  isLast: boolean;
};

type Outlets<Page> = {
  sendToPage(page: Page, channel: number, bytes: Uint8Array): void;
  wantCheckpoint(page: Page, channel: number): void;
  /** Another page has attached to what this one shows. */
  taken(page: Page, channel: number): void;
  /** Tells the helper. */
  acknowledge(channel: number, bytes: number): void;
};

type Checkpoint = { text: Uint8Array; offset: number; columns: number; rows: number };
type Entry<Page> = {
  info: OpenTerminal;
  /** The one that shows it. */
  page: Page | undefined;
  output: OutputBuffer;
  checkpoint: Checkpoint | undefined;
  /** What has come of one so far. */
  arriving: { offset: number; parts: string[]; length: number } | undefined;
  isAsked: boolean;
};

/** So much output is kept after the checkpoint: more than any scrollback shows. */
const keptBytes = 2 * 1024 * 1024;
/** While no page is there we take so much; with what the helper may have under way, that is still less than is kept. */
const takenUnseenBytes = keptBytes - 512 * 1024;
const wantCheckpointAboveBytes = 512 * 1024;
/** Where the beginning is lost, what is shown begins with a line: looked for in so many bytes. */
const lookForLineBytes = 4096;
const lineFeed = 0x0a;
const maxEnded = 64;

export function createKeptTerminals<Page>({ sendToPage, wantCheckpoint, taken, acknowledge }: Outlets<Page>): KeptTerminals<Page> {
  const entries = new Map<number, Entry<Page>>();
  /** What has come for terminals that are just being opened. */
  const early = new Map<number, OutputBuffer>();

  const find = (channel: number) => {
    const entry = entries.get(channel);
    if (!entry) throw new ProblemError({ code: "not-found", what: "terminal" });
    return entry;
  };
  const keepWithinBounds = (entry: Entry<Page>) => {
    const { channel } = entry.info;
    const bytes = entry.output.end() - entry.output.start();
    if (entry.page === undefined) {
      if (bytes <= takenUnseenBytes && !entry.info.ended) acknowledge(channel, entry.output.end());
      return;
    }
    if (bytes > keptBytes) entry.output.dropTo(keptBytes);
    if (bytes <= wantCheckpointAboveBytes || entry.isAsked) return;
    entry.isAsked = true;
    wantCheckpoint(entry.page, channel);
  };
  const hide = (entry: Entry<Page>) => {
    entry.page = undefined;
    entry.arriving = undefined;
    keepWithinBounds(entry);
  };
  /** Those that have ended and that nobody closes do not become more and more. */
  const forgetOldest = () => {
    const ended = [...entries.values()].filter(({ info }) => info.ended);
    for (const { info } of ended.slice(0, Math.max(0, ended.length - maxEnded))) entries.delete(info.channel);
  };

  return {
    opened(page, terminal) {
      const output = early.get(terminal.channel) ?? createOutputBuffer();
      early.delete(terminal.channel);
      for (const piece of output.from(0)) sendToPage(page, terminal.channel, piece);
      entries.set(terminal.channel, {
        info: { ...terminal, openedAt: Date.now() },
        page,
        output,
        checkpoint: undefined,
        arriving: undefined,
        isAsked: false,
      });
    },
    receive(channel, bytes) {
      const entry = entries.get(channel);
      if (!entry) {
        // The helper stops by itself: nobody says that anything of it was parsed.
        const output = early.get(channel) ?? createOutputBuffer();
        early.set(channel, output);
        return output.append(bytes);
      }
      entry.output.append(bytes);
      if (entry.page !== undefined) sendToPage(entry.page, channel, bytes);
      keepWithinBounds(entry);
    },
    acknowledge(page, channel, bytes) {
      if (entries.get(channel)?.page === page) acknowledge(channel, bytes);
    },
    isShownBy: (page, channel) => entries.get(channel)?.page === page,
    exited(channel, end) {
      const entry = entries.get(channel);
      if (!entry) return;
      entry.info = { ...entry.info, ended: end };
      forgetOldest();
    },
    resized({ channel, columns, rows }) {
      const entry = entries.get(channel);
      if (entry) entry.info = { ...entry.info, columns, rows };
    },
    closed(channel) {
      entries.delete(channel);
      early.delete(channel);
    },
    helperLost() {
      early.clear();
      for (const entry of entries.values()) entry.info = { ...entry.info, ended: entry.info.ended ?? { lost: true } };
      forgetOldest();
    },
    pageGone(page) {
      const shown = [...entries.values()].filter((entry) => entry.page === page);
      for (const entry of shown) hide(entry);
      return shown.length > 0;
    },
    clear() {
      entries.clear();
      early.clear();
    },
    list: (asking) =>
      [...entries.values()].map(({ info, page }) => ({
        ...info,
        shownBy: page === undefined ? "none" : page === asking ? "this-page" : "another-page",
      })),
    attach(page, channel) {
      const entry = find(channel);
      if (entry.page !== undefined && entry.page !== page) taken(entry.page, channel);
      const { output, checkpoint } = entry;
      const after = checkpoint?.offset ?? 0;
      const missingBytes = Math.max(0, output.start() - after);
      if (missingBytes > 0) output.dropBefore(nextLine(output));
      const offset = Math.max(output.start(), after);
      if (checkpoint) for (const piece of piecesOf(checkpoint.text)) sendToPage(page, channel, piece);
      for (const piece of output.from(offset)) sendToPage(page, channel, piece);
      entry.page = page;
      entry.arriving = undefined;
      entry.isAsked = false;
      return {
        ...entry.info,
        checkpointBytes: checkpoint?.text.byteLength ?? 0,
        checkpointColumns: checkpoint?.columns ?? entry.info.columns,
        checkpointRows: checkpoint?.rows ?? entry.info.rows,
        offset,
        missingBytes,
      };
    },
    detach(page, channel) {
      const entry = entries.get(channel);
      if (entry?.page === page) hide(entry);
    },
    checkpoint(page, { channel, bytes, columns, rows, at, part, isLast }) {
      const entry = entries.get(channel);
      if (entry?.page !== page) return;
      const isOfUse = bytes <= entry.output.end() && bytes >= (entry.checkpoint?.offset ?? 0);
      if (at === 0) entry.arriving = isOfUse ? { offset: bytes, parts: [], length: 0 } : undefined;
      const { arriving } = entry;
      if (arriving?.offset !== bytes || arriving.length !== at || at + part.length > maxCheckpointLength) return;
      arriving.parts.push(part);
      arriving.length += part.length;
      if (!isLast) return;
      entry.arriving = undefined;
      entry.isAsked = false;
      entry.checkpoint = { text: new TextEncoder().encode(arriving.parts.join("")), offset: bytes, columns, rows };
      entry.output.dropBefore(bytes);
      // What has come meanwhile may be enough for another one.
      keepWithinBounds(entry);
    },
  };
}

/** What was asked for, as a terminal is listed. */
export function kindOf({ kind }: ParamsInputOf<"terminal.open">): TerminalKind {
  return kind ?? { type: "shell" };
}

const pieceBytes = 64 * 1024;
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / pieceBytes) }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}

/** Where the first whole line begins, or the beginning where there is none near it. */
function nextLine(output: OutputBuffer): number {
  const [first] = output.from(output.start());
  const at = first?.subarray(0, lookForLineBytes).indexOf(lineFeed) ?? -1;
  return output.start() + at + 1;
}
