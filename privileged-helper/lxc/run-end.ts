import { join } from "node:path";
import type { RunEnd } from "../contract/model.ts";
import { howItEnded } from "./early-end.ts";
import { readTail, withFileInside } from "./open-inside.ts";

/** The end of the log that is read: a run that says little else ends with how it ended. */
const logTailBytes = 64 * 1024;

/**
 * How a run ended, out of LXC's log of it (start.c, error.c): a container that this app has started logs at level INFO into its own folder. One
 * that was started in another way logs failures alone, and elsewhere.
 * @param initPid The init of that run, as the host saw it.
 * @returns Empty where the log does not tell.
 */
export function readRunEnd(lxcPath: string, name: string, initPid: number): Pick<RunEnd, "exitCode" | "signal"> {
  const text = withFileInside(join(lxcPath, name), "lxc.log", (file) => readTail(file, logTailBytes).toString());
  return findRunEnd(text ?? "", initPid);
}

/** @param log Of LXC's, that ends with or after that run's end. */
export function findRunEnd(log: string, initPid: number): Pick<RunEnd, "exitCode" | "signal"> {
  // What hooks print is in the log, too, each line in one of LXC's own.
  const lines = log.split("\n").filter((line) => !line.includes("produced output"));
  const started = lines.findLastIndex((line) => /start\.c:\w+:\d+ - Started ".*" with pid "(\d+)"$/.exec(line)?.[1] === String(initPid));
  const ended = lines.findLast((line, index) => index > started && line.includes(` - Child <${initPid}> ended on `));
  if (ended !== undefined) return howItEnded(ended);
  // LXC says nothing of an init that went well.
  return started < 0 ? {} : { exitCode: 0 };
}
