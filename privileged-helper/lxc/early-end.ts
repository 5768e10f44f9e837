import { fstatSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import type { EndedAtOnce } from "../contract/model.ts";
import type { StartCause } from "../contract/start-causes.ts";
import type { OperationContext } from "./context.ts";
import { isActive } from "./list.ts";
import { findLog } from "./logs.ts";
import { readTail, withFileInside } from "./open-inside.ts";
import { createPlainText } from "./plain-text.ts";
import { readProcessStat } from "./proc.ts";
import { findUnfitInit, readStartFacts } from "./start-facts.ts";

/** A container that was started and ends again within a moment: most likely not what was wanted. */
const watchMilliseconds = 1000;
const checkEveryMilliseconds = 100;
/** LXC cleans up after a container's first program has ended. */
const cleanUpMilliseconds = 2000;
const consoleTailBytes = 4096;

/** Where the console's output of the next start begins. */
export type ConsolePlace = { folder: string; relative: string; start: number };

export function placeOfConsole(lxcPath: string, name: string): ConsolePlace {
  const place = findLog({ lxcPath, systemLogFolder: "/var/log/lxc" }, name, "console");
  const start = withFileInside(place.folder, place.relative, (file) => fstatSync(file).size) ?? 0;
  return { ...place, start };
}

/**
 * Looks at a container that was just started, from aside, so that nobody waits for that; where its first program ends within a
 * moment the task gets a notice.
 * @param started.readLog What LXC has logged since the start, at level INFO or lower.
 */
export function noticeEarlyEnd(
  { lxcPath, reader, task }: OperationContext,
  name: string,
  started: { initPid: number | undefined; console: ConsolePlace; readLog(): string },
): void {
  const startedAt = performance.now();
  const look = () => {
    const tookMilliseconds = performance.now() - startedAt;
    const isInitRunning = started.initPid !== undefined && !["Z", "X", undefined].includes(readProcessStat(started.initPid)?.state);
    if (!isInitRunning && !isActive(reader.readOne(name))) {
      const console = readConsole(started.console);
      const cause = findUnfitInit(readStartFacts(lxcPath, name)) ?? findCauseOnConsole(console);
      task.output("Its first program has ended again already.\n");
      task.endedAtOnce({
        ...howItEnded(started.readLog()),
        console,
        ...(cause && { cause }),
      });
      return;
    }
    if (tookMilliseconds < watchMilliseconds + (isInitRunning ? 0 : cleanUpMilliseconds)) setTimeout(look, checkEveryMilliseconds).unref();
  };
  look();
}

/** LXC logs it (error.c) unless all went well. */
export function howItEnded(log: string): Pick<EndedAtOnce, "exitCode" | "signal"> {
  const [, kind, number] = /Child <\d+> ended on (error|signal)[^(\n]*\((\d+)\)/.exec(log) ?? [];
  if (kind === "error") return { exitCode: Number(number) };
  if (kind === "signal") {
    const name = Object.entries(systemConstants.signals).find(([, value]) => value === Number(number))?.[0];
    return { signal: name ?? `signal ${number}` };
  }
  return log === "" ? {} : { exitCode: 0 };
}

/** systemd says so when it cannot watch files: each container takes a few of what root may watch at the same time. */
export function findCauseOnConsole(text: string): StartCause | undefined {
  return /inotify.*Too many open files|Failed to allocate manager object: Too many open files/i.test(text)
    ? { id: "too-many-files" }
    : undefined;
}

function readConsole(place: ConsolePlace): string {
  const bytes = withFileInside(place.folder, place.relative, (file) =>
    // A smaller file than before is another one.
    readTail(file, consoleTailBytes, fstatSync(file).size < place.start ? 0 : place.start),
  );
  return bytes === undefined ? "" : createPlainText().push(bytes);
}
