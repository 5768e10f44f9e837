import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { type HistoryEvent, historyEventKinds } from "../../../privileged-helper/contract/history.ts";

/** What happened to containers, a line each in a file that begins anew when it is long; the one before it is kept beside. */
export type EventFile = {
  add(event: HistoryEvent): void;
  /** The oldest first. */
  between(from: number, to: number, container: string | undefined): HistoryEvent[];
  clear(): void;
};

const maxFileBytes = 512 * 1024;
const maxDetailLength = 500;
/** Two windows of this app write the same down, a moment apart. */
const sameEventMilliseconds = 500;

/** A newer version's line may have more. */
const line = z.object({
  time: z.number(),
  container: z.string().max(255),
  kind: z.enum(historyEventKinds),
  detail: z.string().max(maxDetailLength).optional(),
});

/** Where the file cannot be written, what happens is known until the app ends, even so. */
export function createEventFile(path: string): EventFile {
  const before = `${path}.old`;
  let events = [...read(before), ...read(path)].sort((one, other) => one.time - other.time);
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  let bytesInMemory = 0;
  return {
    add(event) {
      const kept = event.detail === undefined ? event : { ...event, detail: event.detail.slice(0, maxDetailLength) };
      const text = `${JSON.stringify(kept)}\n`;
      events.push(kept);
      bytesInMemory += text.length;
      // As much as the files would hold, whether they could be written or not.
      if (bytesInMemory > 2 * maxFileBytes) {
        events = events.slice(Math.floor(events.length / 2));
        bytesInMemory = 0;
      }
      try {
        if (bytes > maxFileBytes) {
          renameSync(path, before);
          bytes = 0;
        }
        if (bytes === 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        appendFileSync(path, text, { mode: 0o600 });
        bytes += text.length;
      } catch {
        // A full disk: the figures tell of it.
      }
    },
    between(from, to, container) {
      const found = events.filter(({ time, container: of }) => time >= from && time <= to && (container ?? of) === of);
      return withoutTwins(found.sort((one, other) => one.time - other.time));
    },
    clear() {
      events = [];
      bytes = 0;
      bytesInMemory = 0;
      rmSync(path, { force: true });
      rmSync(before, { force: true });
    },
  };
}

function withoutTwins(events: readonly HistoryEvent[]): HistoryEvent[] {
  const last = new Map<string, number>();
  return events.filter(({ time, container, kind }) => {
    const key = `${kind} ${container}`;
    const isTwin = time - (last.get(key) ?? Number.NEGATIVE_INFINITY) < sameEventMilliseconds;
    if (!isTwin) last.set(key, time);
    return !isTwin;
  });
}

/** A line that was cut off, or is something else, is left out. */
function read(path: string): HistoryEvent[] {
  let text: string;
  try {
    if (statSync(path).size > 4 * maxFileBytes) return [];
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((each) => {
    try {
      return line.safeParse(JSON.parse(each)).data ?? [];
    } catch {
      return [];
    }
  });
}
