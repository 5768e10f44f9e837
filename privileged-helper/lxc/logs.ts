import { closeSync, fstatSync, readSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import type { Events } from "../contract/events.ts";
import type { LogKind, LogText } from "../contract/model.ts";
import { lastValueOf, readEffectiveConfig } from "./config.ts";
import { watchPath } from "./inotify.ts";
import { openInside } from "./open-inside.ts";
import { createPlainText, type PlainText } from "./plain-text.ts";

type LogAppended = Events["logs.appended"];

/** Shows the end of one log and follows it. */
export type LogWatch = {
  /** Replaces what was watched before. What is written after the returned text comes by `onAppended`. */
  watch(name: string, log: LogKind, onAppended: (event: LogAppended) => void): LogText;
  stop(): void;
};

/** As much of a log as is read at once: thousands of lines. */
export const tailBytes = 256 * 1024;
/** A console that floods is shown ten times a second, with its last lines. */
const coalesceMilliseconds = 100;
const pollMilliseconds = 1_000;

export type LogWatchOptions = {
  lxcPath: string;
  /** Where LXC itself logs when nobody says otherwise (its LOGPATH). */
  systemLogFolder?: string;
};

export function createLogWatch({ lxcPath, systemLogFolder = "/var/log/lxc" }: LogWatchOptions): LogWatch {
  let stop = () => {};
  return {
    watch(name, log, onAppended) {
      stop();
      const place = findLog({ lxcPath, systemLogFolder }, name, log);
      const follower = createFollower(place);
      // Following begins before reading, so that nothing written in between is missed.
      stop = followChanges(place, () => {
        const more = follower.next();
        if (more) onAppended({ name, log, ...more });
      });
      const { text, truncated, exists } = follower.start();
      return { text, truncated, exists, path: join(place.folder, place.relative) };
    },
    stop: () => stop(),
  };
}

type Place = { folder: string; relative: string };

/**
 * Where a log is: the one that this app makes, else the one that the container's configuration names, else LXC's own. A path
 * from a configuration counts only inside the container's folder or the system's folder for LXC's logs.
 */
export function findLog({ lxcPath, systemLogFolder }: Required<LogWatchOptions>, name: string, log: LogKind): Place {
  const folder = join(lxcPath, name);
  const places: Place[] = [];
  const addNamed = (keys: readonly string[]) => {
    for (const value of keys.flatMap((key) => configValue(join(folder, "config"), key) ?? [])) {
      const place = placeOf(value, [folder, systemLogFolder]);
      if (place) places.push(place);
    }
  };
  if (log === "lxc") {
    places.push({ folder, relative: "lxc.log" });
    addNamed(["lxc.log.file", "lxc.logfile"]);
    places.push({ folder: systemLogFolder, relative: `${name}.log` });
  } else {
    addNamed(["lxc.console.logfile"]);
    places.push({ folder, relative: "console.log" });
  }
  const existing = places.find((place) => {
    const file = openInside(place.folder, place.relative);
    if (file !== undefined) closeSync(file);
    return file !== undefined;
  });
  return existing ?? places[0] ?? { folder, relative: "console.log" };
}

/** A path as a place below one of the folders; undefined where it is none or leads out again. */
function placeOf(path: string, folders: readonly string[]): Place | undefined {
  if (!path.startsWith("/") || path.split("/").includes("..")) return undefined;
  const plain = normalize(path);
  for (const folder of folders) {
    if (plain.startsWith(`${folder}/`)) return { folder, relative: plain.slice(folder.length + 1) };
  }
  return undefined;
}

function configValue(path: string, key: string): string | undefined {
  try {
    return lastValueOf(readEffectiveConfig(path).entries, key) || undefined;
  } catch {
    // A configuration that cannot be read names no log.
    return undefined;
  }
}

/** Reads the end of a file, and then what is written behind it, also when another file takes its place. */
function createFollower({ folder, relative }: Place) {
  let position = 0;
  let identity: string | undefined;
  let plainText: PlainText = createPlainText();

  const readFrom = (file: number, start: number, end: number): Buffer => {
    const bytes = Buffer.alloc(end - start);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, start + length);
      if (count === 0) break;
      length += count;
    }
    position = start + length;
    return bytes.subarray(0, length);
  };

  const readTail = (file: number, size: number): { text: string; truncated: boolean } => {
    const start = Math.max(0, size - tailBytes);
    plainText = createPlainText();
    const bytes = readFrom(file, start, size);
    // The first line is cut somewhere, maybe within a character or a sequence: the text begins with the one after it.
    const firstLine = start > 0 ? bytes.indexOf(0x0a) + 1 : 0;
    return { text: plainText.push(bytes.subarray(firstLine)), truncated: start > 0 };
  };

  const withFile = <T>(work: (file: number, stat: { size: number; identity: string }) => T): T | undefined => {
    const file = openInside(folder, relative);
    if (file === undefined) return undefined;
    try {
      const { size, dev, ino } = fstatSync(file);
      return work(file, { size, identity: `${dev}:${ino}` });
    } finally {
      closeSync(file);
    }
  };

  return {
    start(): { text: string; truncated: boolean; exists: boolean } {
      const tail = withFile((file, stat) => {
        identity = stat.identity;
        return readTail(file, stat.size);
      });
      return { text: "", truncated: false, ...tail, exists: tail !== undefined };
    },

    /** What has been written since; undefined where that is nothing. */
    next(): { text: string; reset: boolean } | undefined {
      const read = withFile((file, stat) => {
        const isSame = identity === stat.identity && stat.size >= position && stat.size - position <= tailBytes;
        identity = stat.identity;
        if (isSame) return { text: plainText.push(readFrom(file, position, stat.size)), reset: false };
        return { text: readTail(file, stat.size).text, reset: true };
      });
      if (read) return read.text === "" && !read.reset ? undefined : read;
      const wasThere = identity !== undefined;
      identity = undefined;
      position = 0;
      return wasThere ? { text: "", reset: true } : undefined;
    },
  };
}

/** Calls back when the file may have changed, at most once in a short while. Where nothing can be watched it looks every second. */
function followChanges({ folder, relative }: Place, onMaybeChanged: () => void): () => void {
  const path = join(folder, relative);
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      onMaybeChanged();
    }, coalesceMilliseconds).unref();
  };
  const watched = watchPath(dirname(path), (entry) => {
    if (entry === undefined || entry === basename(path)) soon();
  });
  const poll = watched.state === "watched" ? undefined : setInterval(onMaybeChanged, pollMilliseconds).unref();
  return () => {
    if (watched.state === "watched") watched.close();
    clearInterval(poll);
    clearTimeout(timer);
  };
}
