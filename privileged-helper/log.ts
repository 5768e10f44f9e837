import { closeSync, constants, fstatSync, openSync, renameSync, statSync, writeSync } from "node:fs";

/**
 * The record of what the helper did for whom: one line per privileged call and per refusal. Root's alone to read, because
 * it names containers and users.
 */
export type Log = (event: string, fields: Record<string, string | number | undefined>) => void;

export const logPath = "/var/log/lxc-desktop.log";
/** The file before is kept once, so the log never takes more than twice this. */
const rotateAboveBytes = 1024 * 1024;
const maxFieldLength = 512;

/**
 * A log that appends to a file; where that is not possible the line is dropped, for the work itself must go on.
 * @param tellSystem Gets what needed a right, or was refused one, as a line without an end; `right` marks it.
 */
export function createLog(path = logPath, tellSystem?: (line: string, isFailure: boolean) => void): Log {
  return (event, fields) => {
    try {
      append(path, formatLine(new Date(), event, fields));
    } catch {
      // A full or read-only /var/log is no reason to refuse a stop.
    }
    if (fields.right !== undefined) tellSystem?.(formatEvent(event, fields), event !== "done");
  };
}

const minuteMilliseconds = 60_000;

/**
 * The same log, in which refusals and failures cannot crowd out what was done: above a number of them per minute only how many
 * there were is written down, as soon as there is anything else to write.
 */
export function limitNoise(log: Log, { perMinute = 60, now = () => performance.now() } = {}): Log {
  let left = perMinute;
  let since = now();
  let dropped = 0;
  return (event, fields) => {
    if (now() - since >= minuteMilliseconds) {
      left = perMinute;
      since = now();
    }
    const isNoise = event === "refused" || event === "failed";
    if (isNoise && left === 0) {
      dropped += 1;
      return;
    }
    if (isNoise) left -= 1;
    if (dropped > 0) log("left-out", { refusals: dropped });
    dropped = 0;
    log(event, fields);
  };
}

/** One line whatever the fields hold: `TIME EVENT key=value key="value with blanks"`. */
export function formatLine(time: Date, event: string, fields: Record<string, string | number | undefined>): string {
  return `${time.toISOString()} lxc-desktop[${process.pid}] ${formatEvent(event, fields)}\n`;
}

function formatEvent(event: string, fields: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const text = String(value).slice(0, maxFieldLength);
      return `${key}=${/^[\w./:@-]+$/.test(text) ? text : escapeText(text)}`;
    });
  return [event, ...pairs].join(" ");
}

/** JSON escapes controls below 32 and quotes; what it leaves and a terminal or a reader might obey is escaped, too. */
function escapeText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function append(path: string, line: string) {
  let file = openLog(path);
  try {
    const { size, ino } = fstatSync(file);
    if (size > rotateAboveBytes) {
      closeSync(file);
      // Another helper may have done so just now.
      if (statSync(path).ino === ino) renameSync(path, `${path}.1`);
      file = openLog(path);
    }
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
}

function openLog(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}
