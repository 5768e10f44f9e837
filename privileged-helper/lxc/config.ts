import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ProblemError } from "../contract/problems.ts";

/** LXC's configuration files: what LXC itself would read out of them, and careful changes to them. Format: lxc.container.conf(5). */
export type ConfigEntry = { key: string; value: string /** Counts from 1. */; line: number };

const maxConfigBytes = 1024 * 1024;
const maxIncludeDepth = 16;
const maxIncludedFiles = 200;

/**
 * Entries in the order of the file. Like LXC (confile.c, parse_line): only lines that begin with `lxc.` count, blanks around
 * key and value are cut, and one pair of quotes around the value is removed. A carriage return ends a line, too, and a zero byte the file.
 * What only looks like a blank is none, or a line would count here that LXC passes over.
 */
export function parseConfig(text: string): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const [read = ""] = text.split("\0", 1);
  for (const [index, line] of splitLines(read).entries()) {
    const trimmed = withoutBlanks(line);
    if (!trimmed.startsWith("lxc.")) continue;
    const equals = trimmed.indexOf("=");
    if (equals < 0) continue;
    // The number of an interface is a number: `lxc.net.00` is `lxc.net.0`.
    const key = withoutBlanks(trimmed.slice(0, equals)).replace(/^lxc\.net\.0+(?=\d)/, "lxc.net.");
    entries.push({ key, value: unquote(withoutBlanks(trimmed.slice(equals + 1))), line: index + 1 });
  }
  return entries;
}

/** Lines with their ends. */
function splitLines(text: string): string[] {
  return text.split(/(?<=\n)|(?<=\r)(?!\n)/);
}

function withoutBlanks(text: string): string {
  const isBlank = (index: number) => " \t\r\n".includes(text[index] ?? "x");
  let start = 0;
  let end = text.length;
  while (isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

/** Keys that take back all that begin with them, where they are empty. */
const groups = /^lxc\.(?:net(?:\.\d+)?|hook|cgroup2?|prlimit|sysctl|proc)$/;

/** All values of a key that may be given several times. An empty value, also of a group of keys, takes back those before it. */
export function valuesOf(entries: readonly ConfigEntry[], key: string): string[] {
  let values: string[] = [];
  for (const entry of entries) {
    const isOfGroup = entry.value === "" && groups.test(entry.key) && key.startsWith(`${entry.key}.`);
    if (entry.key !== key && !isOfGroup) continue;
    if (entry.value === "") values = [];
    else values.push(entry.value);
  }
  return values;
}

/** The value of a key that is given once: the last one, or undefined where there is none or it was taken back. */
export function lastValueOf(entries: readonly ConfigEntry[], key: string): string | undefined {
  return valuesOf(entries, key).at(-1);
}

/**
 * A container's configuration with everything that it includes.
 * @returns The entries in the order in which LXC meets them, and the files that were read, the first one being `path`.
 * @throws Error where the file itself cannot be read, or includes go deeper or wider than any real configuration.
 */
export function readEffectiveConfig(path: string): { entries: ConfigEntry[]; files: string[] } {
  const files: string[] = [];
  const entries: ConfigEntry[] = [];
  const take = (file: string, own: readonly ConfigEntry[], depth: number) => {
    if (depth > maxIncludeDepth || files.length >= maxIncludedFiles) throw new Error(`${path} includes too many files`);
    files.push(file);
    for (const entry of own) {
      if (entry.key !== "lxc.include") entries.push(entry);
      else for (const included of includedFiles(entry.value)) take(included, readIncluded(included), depth + 1);
    }
  };
  take(path, parseConfig(readConfigFile(path)), 0);
  return { entries, files };
}

/**
 * The text of a container's own configuration.
 * @throws ProblemError `not-found`.
 */
export function readConfigurationText(lxcPath: string, name: string): { path: string; text: string } {
  const path = join(lxcPath, name, "config");
  try {
    return { path, text: readConfigFile(path) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new ProblemError({ code: "not-found", what: path });
    throw error;
  }
}

/**
 * Changes lines and keeps every other byte.
 * @param change.remove Says which keys go.
 * @param change.add Lines that are appended, in this order.
 * @throws ProblemError `invalid-request` for a key or value that could become more than one line.
 */
export function editConfig(
  text: string,
  change: { remove?: (key: string, value: string) => boolean; add?: readonly (readonly [key: string, value: string])[] },
): string {
  const { remove = () => false, add = [] } = change;
  const removed = new Set(
    parseConfig(text)
      .filter(({ key, value }) => remove(key, value))
      .map(({ line }) => line),
  );
  const kept = splitLines(text)
    .filter((_, index) => !removed.has(index + 1))
    .join("");
  const ended = /[^\r\n]$/.test(kept) ? `${kept}\n` : kept;
  return ended + add.map((entry) => `${toLine(...entry)}\n`).join("");
}

/**
 * Changes single lines in their places, where their order matters, and keeps every other byte.
 * @param change What an entry becomes: a key and a value, or nothing, which takes the line away; undefined keeps it as it is.
 * @throws ProblemError `invalid-request` as `editConfig`.
 */
export function replaceInConfig(
  text: string,
  change: (entry: ConfigEntry) => readonly [key: string, value: string] | "removed" | undefined,
): string {
  const changes = new Map(parseConfig(text).map((entry) => [entry.line, change(entry)]));
  return splitLines(text)
    .flatMap((line, index) => {
      const changed = changes.get(index + 1);
      if (changed === undefined) return line;
      return changed === "removed" ? [] : toLine(...changed) + (/[\r\n]*$/.exec(line)?.[0] ?? "");
    })
    .join("");
}

function toLine(key: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get in
  if (!/^lxc\.[A-Za-z0-9._-]+$/.test(key) || /[\x00-\x1f\x7f]/.test(value)) {
    throw new ProblemError({
      code: "invalid-request",
      issues: [{ path: key.slice(0, 100), message: "is not one line of a configuration" }],
    });
  }
  return `${key} = ${value}`;
}

/**
 * Replaces a configuration in one step: whoever reads it sees the old one or the new one, also after a power cut. Keeps its mode. What a helper that
 * was killed had begun to write is removed; no other one writes it now, because one operation at a time has the container.
 * @param container One that is only just made does not wait for the disk: a power cut takes it anyway.
 */
export function writeConfig(path: string, text: string, container: "kept" | "just-made" = "kept"): void {
  const folder = dirname(path);
  const stagedBy = (pid: number | string) => `.${basename(path)}.${pid}.new`;
  const staged = join(folder, stagedBy(process.pid));
  const mode = modeOf(path) ?? 0o640;
  for (const name of readdirSync(folder)) {
    const [, pid] = /\.(\d+)\.new$/.exec(name) ?? [];
    if (pid !== undefined && name === stagedBy(pid)) rmSync(join(folder, name), { force: true });
  }
  const descriptor = openSync(staged, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    fchmodSync(descriptor, mode);
    // Goes on after a short write, so that a full disk is an error and not half a configuration.
    writeFileSync(descriptor, text);
    // A file system may note the new name before it has what is in the file.
    if (container === "kept") fsyncSync(descriptor);
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(staged, path);
}

function modeOf(path: string): number | undefined {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status?.isFile() ? status.mode & 0o777 : undefined;
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote)) return value.slice(1, -1);
  return value;
}

/** A folder stands for its *.conf files in the order of their names (confile.c, do_includedir). */
function includedFiles(path: string): string[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .map((name) => join(path, name));
}

/** LXC's own include files are the same for all containers: parsed once, again only when they change. */
const parsedIncludes = new Map<string, { stamp: string; entries: ConfigEntry[] }>();

function readIncluded(path: string): ConfigEntry[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status?.isFile()) return [];
  const stamp = `${status.dev} ${status.ino} ${status.size} ${status.mtimeMs} ${status.ctimeMs}`;
  const known = parsedIncludes.get(path);
  if (known?.stamp === stamp) return known.entries;
  if (status.size > maxConfigBytes) throw new Error(`${path} is too large for a configuration`);
  const entries = parseConfig(readFileSync(path, "utf8"));
  if (parsedIncludes.size >= maxIncludedFiles) parsedIncludes.clear();
  parsedIncludes.set(path, { stamp, entries });
  return entries;
}

/** Not by its name alone: a symbolic link in a container's folder could lead root to any file. */
function readConfigFile(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error(`${path} is not a file`);
    if (status.size > maxConfigBytes) throw new Error(`${path} is too large for a configuration`);
    const bytes = Buffer.alloc(status.size);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(descriptor, bytes, filled, bytes.length - filled, filled);
      if (read === 0) break;
      filled += read;
    }
    return bytes.toString("utf8", 0, filled);
  } finally {
    closeSync(descriptor);
  }
}
