import { readFileSync } from "node:fs";
import type { AuditEntry } from "./contract/model.ts";
import { logPath } from "./log.ts";

/** The newest are told; the log on disk has more. */
const maxEntries = 500;
const linePattern = /^(\S+) lxc-desktop\[\d+\] (done|failed) (.+)$/;
const fieldPattern = /(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)/g;

/**
 * What was done with a right above looking, and what was refused for lack of one, the newest first: read from the helper's own log, because
 * that is there on every computer.
 * @param nameOf What a user is called.
 */
export async function readAuditRecord(nameOf: (uid: number) => Promise<string | undefined>, path = logPath): Promise<AuditEntry[]> {
  const lines = [`${path}.1`, path].flatMap((one) => readLines(one));
  const entries: AuditEntry[] = [];
  for (let at = lines.length - 1; at >= 0 && entries.length < maxEntries; at--) {
    const entry = parseAuditLine(lines[at] ?? "");
    if (entry) entries.push(entry);
  }
  const names = new Map<number, Promise<string | undefined>>();
  for (const { uid } of entries)
    if (!names.has(uid))
      names.set(
        uid,
        nameOf(uid).catch(() => undefined),
      );
  return Promise.all(entries.map(async (entry) => ({ ...entry, user: await names.get(entry.uid) })));
}

/** @returns undefined for every other line, and for one that was torn. */
export function parseAuditLine(line: string): AuditEntry | undefined {
  const [, time = "", event, rest = ""] = linePattern.exec(line) ?? [];
  const fields = new Map([...rest.matchAll(fieldPattern)].map(([, key = "", value = ""]) => [key, unquote(value)]));
  const [method, right, uid] = [fields.get("method"), fields.get("right"), Number(fields.get("uid"))];
  const at = Date.parse(time);
  if (event === undefined || !method || !right || !Number.isInteger(uid) || Number.isNaN(at)) return undefined;
  return { at, uid, method, rights: right.split("+"), container: fields.get("container"), problem: fields.get("problem") };
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
