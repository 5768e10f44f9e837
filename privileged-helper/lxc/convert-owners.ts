import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lchownSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { IdRange } from "./idmap.ts";
import { type IdShift, NotShiftable, type OwnerAttribute, ownerAttributes, shiftAttribute } from "./owner-attributes.ts";

/** A folder whose files are the container's, and where it has them: its root file system, or a place that lies beside that. */
export type ConvertedFolder = { path: string; inside: string };

/** Which files of a container are to belong to which other ids. */
export type ConvertRequest = {
  folders: readonly ConvertedFolder[];
  from: IdRange;
  to: IdRange;
  /**
   * `look` changes nothing. `return` takes a conversion back that was cut short: some files have their new owners and some do not, and what
   * chown(2) has taken from programs is in the manifest.
   */
  mode: "look" | "convert" | "return";
  /** Where it is written down, before the first change, what a change of owners takes from files. A folder that root alone writes to. */
  manifest: string;
  /** Absolute paths. */
  tools: Record<"find" | "chown" | "getfattr" | "setfattr", string>;
};

/** What the process tells whoever has started it. */
export type ConvertReport = { counted: number } | { done: number } | { refused: string };

/** A file system that cannot be converted as it is: a sentence for people. */
export class Refused extends Error {}

/** Most files belong to root; for the few others, and those that are more than an owner and a mode, there is a record each. */
type FileRecord = {
  /** Which of the folders it is below. */ folder: number;
  path: string;
  uid: number;
  gid: number;
  mode: number;
  type: string;
  inode: number;
};
type Kept = FileRecord & { attributes: Partial<Record<OwnerAttribute, string>> };

/** Names are bytes; latin1 keeps each as it is. */
const asBytes = "latin1";
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** Opens nothing but the name itself, so that no device acts on it: open(2). Node has no name for it. */
const O_PATH = 0o10000000;
const maxRecords = 2_000_000;
const maxKept = 200_000;
const maxNamed = 5;
/** With fewer files it is over before anybody could read how far it is; chown(1) takes four times as long where it has to tell each. */
const tellFromFiles = 300_000;
const tellEveryMilliseconds = 200;
const filesAtOnce = 256;
const maxErrorCharacters = 2000;

/**
 * Gives the files of a container to other ids: owners, access lists and capabilities. Device files stay whose they are. C programs that
 * keep descriptors of folders walk the tree (`find`, `chown -R`): each file by itself in Node would take several times as long. What they do not
 * do is done one by one here, by descriptors that no link leads astray. It may meet a file system that does not answer, so it belongs into a
 * process that can be killed, with all that it starts in its process group.
 * @throws Refused before the first change; Error.
 */
export async function convertOwners(request: ConvertRequest, report: (line: ConvertReport) => void): Promise<void> {
  const { folders, mode, from, to, manifest } = request;
  const before = mode === "return" ? readManifest(manifest) : undefined;
  // Nothing was changed without it.
  if (mode === "return" && !before) return;
  const roots = folders.map(({ path }) => openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const shift = shiftFor(from, to, mode === "return");
  // A file may have names in several of them: all is known before any is changed.
  const found = await lookThrough(request, roots);
  const files = openerBelow(roots);
  if (mode !== "return") refuseForeign(request, found, shift);
  report({ counted: found.count });
  if (mode === "look") return;
  // Of what was written down the one before is the truth; what has come since, because the container was started once, is as it is now.
  const nameOf = ({ folder, path }: FileRecord) => `${folder} ${path}`;
  const writtenDown = new Set(before?.map(nameOf));
  const isNew = (record: FileRecord) => !writtenDown.has(nameOf(record));
  const kept = [...(before ?? []), ...files.withInodes(found.kept.filter(isNew))];
  if (mode === "convert") writeManifest(manifest, kept);

  let isDone = 0;
  for (const root of roots) {
    const alreadyDone = isDone;
    isDone += await chownMost(request, hereIn(root), found.count, (done) => report({ done: Math.min(alreadyDone + done, found.count) }));
  }
  for (const record of found.records) {
    const { path, uid, gid, type } = record;
    if (isDevice(type)) continue;
    const target = [shift(uid), shift(gid)] as const;
    if (target[0] === undefined || target[1] === undefined) throw new Error(`${path} has changed its owner meanwhile`);
    if (target[0] !== uid || target[1] !== gid) lchownSync(files.pathOf(record), target[0], target[1]);
  }
  for (const record of kept) {
    if (isDevice(record.type)) files.use(record, (path) => chownSync(path, record.uid, record.gid));
    // chown(2) has cleared these, so that nobody gets a program that acts as somebody else; here it stays the same somebody.
    else if (record.type === "f" && (record.mode & 0o6000) !== 0) files.use(record, (path) => chmodSync(path, record.mode));
  }
  await writeAttributes(request, kept, files, (record, name, value) => (isNew(record) ? shiftAttribute(name, value, shift) : value));
  files.close();
  roots.forEach(closeSync);
  report({ done: found.count });
}

function hereIn(root: number): string {
  return `/proc/self/fd/${root}`;
}

type Found = { count: number; records: FileRecord[]; kept: Kept[] };

async function lookThrough(request: ConvertRequest, roots: readonly number[]): Promise<Found> {
  const found: Found = { count: 0, records: [], kept: [] };
  for (const [folder, root] of roots.entries()) {
    const [{ count, records }, attributes] = await Promise.all([
      findFiles(request, { folder, here: hereIn(root), maxRecords: maxRecords - found.records.length }),
      readAttributes(request, hereIn(root)),
    ]);
    found.count += count;
    found.kept = found.kept.concat(keptOf(folder, records, attributes));
    if (found.kept.length > maxKept) throw new Refused("Too many of its files have rights of their own.");
    found.records = found.records.concat(records);
  }
  return found;
}

/** @param isHalfDone Some have their new owner already. */
export function shiftFor(from: IdRange, to: IdRange, isHalfDone: boolean): IdShift {
  return (id) => {
    if (id >= from.first && id < from.first + from.count && id - from.first < to.count) return id - from.first + to.first;
    return isHalfDone && id >= to.first && id < to.first + to.count ? id : undefined;
  };
}

function isDevice(type: string): boolean {
  return type === "b" || type === "c";
}

/** Every file is counted; those that are root's and nothing more are only that. */
async function findFiles(
  { tools, from }: ConvertRequest,
  { folder, here, maxRecords }: { folder: number; here: string; maxRecords: number },
): Promise<{ count: number; records: FileRecord[] }> {
  const isPlain = `-uid ${from.first} -gid ${from.first} ! -perm /6000 ! -type b ! -type c`.split(" ");
  const args = ["-P", ".", "(", ...isPlain, "-printf", ".", ")", "-o", "-printf", "x%U %G %m %y %i %p\\0"];
  const records: FileRecord[] = [];
  let count = 0;
  let rest = "";
  await runIn(here, tools.find, args, (piece) => {
    const parts = (rest + piece.toString(asBytes)).split("\0");
    rest = parts.pop() ?? "";
    // What comes before a record are dots, one for each plain file.
    if (rest !== "" && !rest.includes("x")) {
      count += rest.length;
      rest = "";
    }
    for (const part of parts) {
      const start = part.indexOf("x");
      const [, uid, gid, mode = "", type = "", inode, path = ""] =
        /^x(\d+) (\d+) (\d+) (\S) (\d+) (.*)$/s.exec(part.slice(start)) ?? throwUnreadable();
      count += start + 1;
      records.push({ folder, path, uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8), type, inode: Number(inode) });
    }
    if (records.length > maxRecords) throw new Refused("Too many of its files belong to others than root.");
  });
  return { count: count + rest.length, records };
}

function throwUnreadable(): never {
  throw new Error("find has printed something else than it was asked for");
}

/** By path, as `find` names it. */
async function readAttributes({ tools }: ConvertRequest, here: string): Promise<Map<string, Kept["attributes"]>> {
  const wanted = `^(${ownerAttributes.join("|").replaceAll(".", "\\.")})$`;
  const pieces: Buffer[] = [];
  const args = ["-R", "-P", "-h", "-d", "-m", wanted, "-e", "hex", "--absolute-names", "."];
  await runIn(here, tools.getfattr, args, (piece) => void pieces.push(piece)).catch((error: Error) => {
    throw error.message.includes("File name too long") ? new Refused("Its folders lie too deep in each other.") : error;
  });
  return parseAttributes(Buffer.concat(pieces).toString(asBytes));
}

/** getfattr(1): `# file: PATH`, lines `NAME=0xHEX`, an empty line. Bytes that would not be on one line are octal. */
export function parseAttributes(text: string): Map<string, Kept["attributes"]> {
  const files = new Map<string, Kept["attributes"]>();
  let attributes: Kept["attributes"] = {};
  for (const line of text.split("\n")) {
    if (line.startsWith("# file: ")) {
      const path = line.slice("# file: ".length).replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
      attributes = {};
      files.set(path, attributes);
      continue;
    }
    const [, name, hex] = /^([^=]+)=0x([0-9a-f]*)$/.exec(line) ?? [];
    const known = ownerAttributes.find((one) => one === name);
    if (known && hex !== undefined) attributes[known] = hex;
  }
  return files;
}

/** What a change of owners takes from files, or what has to be written for each anew. */
function keptOf(folder: number, records: readonly FileRecord[], attributes: ReadonlyMap<string, Kept["attributes"]>): Kept[] {
  const special = records.filter(({ mode, type }) => isDevice(type) || (type === "f" && (mode & 0o6000) !== 0));
  const kept = new Map(special.map((record): [string, Kept] => [record.path, { ...record, attributes: {} }]));
  for (const [path, values] of attributes) {
    const known = kept.get(path);
    if (known) known.attributes = values;
    else kept.set(path, { folder, path, uid: -1, gid: -1, mode: 0, type: "", inode: 0, attributes: values });
  }
  return [...kept.values()];
}

function refuseForeign({ folders, from: { count } }: ConvertRequest, { records, kept }: Found, shift: IdShift) {
  const reasons: string[] = [];
  const named = ({ folder, path }: FileRecord) =>
    JSON.stringify(join(folders[folder]?.inside ?? "/", Buffer.from(path, asBytes).toString("utf8")));
  for (const record of records) {
    const { uid, gid, type } = record;
    const foreign = isDevice(type) ? undefined : [uid, gid].find((id) => shift(id) === undefined);
    if (foreign !== undefined) reasons.push(`${named(record)} belongs to id ${foreign}`);
  }
  for (const record of kept) {
    for (const [name, hex] of Object.entries(record.attributes) as [OwnerAttribute, string][]) {
      try {
        shiftAttribute(name, Buffer.from(hex, "hex"), shift);
      } catch (thrown) {
        if (!(thrown instanceof NotShiftable)) throw thrown;
        reasons.push(`of ${named(record)}: ${thrown.message}`);
      }
    }
  }
  if (reasons.length === 0) return;
  const more = reasons.length > maxNamed ? `, and ${reasons.length - maxNamed} more` : "";
  throw new Refused(
    `Some of its files have ids that are none of the container's ${count}: ${reasons.slice(0, maxNamed).join("; ")}${more}.`,
  );
}

/** Of a killed conversion; undefined where it had not begun to change anything. */
function readManifest(path: string): Kept[] | undefined {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { kept: Kept[] }).kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeManifest(path: string, kept: readonly Kept[]) {
  const staged = `${path}.new`;
  rmSync(staged, { force: true });
  const file = openSync(staged, "wx", 0o600);
  writeFileSync(file, JSON.stringify({ kept }));
  fsyncSync(file);
  closeSync(file);
  renameSync(staged, path);
}

/**
 * All that are root's, and no others. With `+` a number is never taken for a name.
 * @param count Of all folders.
 * @returns How many it has told.
 */
async function chownMost(
  { tools, from, to }: ConvertRequest,
  here: string,
  count: number,
  onDone: (done: number) => void,
): Promise<number> {
  const pair = (id: number) => `+${id}:+${id}`;
  const tells = count >= tellFromFiles;
  let done = 0;
  let toldAt = performance.now();
  const args = ["-h", "-R", "-P", ...(tells ? ["-c"] : []), `--from=${pair(from.first)}`, pair(to.first), "."];
  await runIn(here, tools.chown, args, (piece) => {
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) done++;
    if (performance.now() - toldAt < tellEveryMilliseconds) return;
    toldAt = performance.now();
    onDone(done);
  });
  return done;
}

type Files = {
  /** A path that leads to this name in its folder and nowhere else, whatever is there. Good until the next call. */
  pathOf(record: Pick<Kept, "folder" | "path">): Buffer;
  /** Opens this very file; undefined where another one has its name now, or none. */
  open(record: Pick<Kept, "folder" | "path" | "inode">): number | undefined;
  /** Does something with this very file, where it is still there. */
  use(record: Pick<Kept, "folder" | "path" | "inode">, act: (path: string) => void): void;
  /** The same records, each with the number of its file. */
  withInodes(records: readonly Kept[]): Kept[];
  close(): void;
};

/** Each folder on the way is opened in the one before it, and none that is a link (Node has no openat2(2)). */
function openerBelow(roots: readonly number[]): Files {
  let at: { root: number | undefined; folder: string; descriptor: number } | undefined;
  const close = () => {
    if (at) closeSync(at.descriptor);
    at = undefined;
  };
  const inFolder = (folder: number, name: string) => Buffer.from(`/proc/self/fd/${folder}/${name}`, asBytes);
  const enter = (root: number | undefined, folder: string): number => {
    if (at?.root === root && at?.folder === folder) return at.descriptor;
    close();
    let descriptor = openSync(`/proc/self/fd/${root}`, O_PATH | O_DIRECTORY);
    for (const name of folder.split("/").slice(1)) {
      const next = openSync(inFolder(descriptor, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      closeSync(descriptor);
      descriptor = next;
    }
    at = { root, folder, descriptor };
    return descriptor;
  };
  const pathOf: Files["pathOf"] = ({ folder, path }) => {
    const root = roots[folder];
    if (path === ".") return inFolder(enter(root, "."), ".");
    const slash = path.lastIndexOf("/");
    return inFolder(enter(root, path.slice(0, slash)), path.slice(slash + 1));
  };
  const open: Files["open"] = (record) => {
    let descriptor: number;
    try {
      descriptor = openSync(pathOf(record), O_PATH | O_NOFOLLOW);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw error;
    }
    const stats = fstatSync(descriptor);
    if (!stats.isSymbolicLink() && (record.inode === 0 || stats.ino === record.inode)) return descriptor;
    closeSync(descriptor);
    return undefined;
  };
  return {
    pathOf,
    open,
    use(record, act) {
      const descriptor = open(record);
      if (descriptor === undefined) return;
      act(`/proc/self/fd/${descriptor}`);
      closeSync(descriptor);
    },
    withInodes: (records) =>
      records.map((record) => {
        const descriptor = record.inode === 0 ? open(record) : undefined;
        if (descriptor === undefined) return record;
        const inode = fstatSync(descriptor).ino;
        closeSync(descriptor);
        return { ...record, inode };
      }),
    close,
  };
}

/** One program for many files: it is given descriptors of ours as names. */
async function writeAttributes(
  { tools }: ConvertRequest,
  kept: readonly Kept[],
  files: Files,
  finalValue: (record: Kept, name: OwnerAttribute, value: Buffer) => Buffer,
) {
  const withAttributes = kept.filter(({ attributes }) => Object.keys(attributes).length > 0);
  for (let from = 0; from < withAttributes.length; from += filesAtOnce) {
    const opened: number[] = [];
    let text = "";
    for (const record of withAttributes.slice(from, from + filesAtOnce)) {
      const descriptor = files.open(record);
      if (descriptor === undefined) continue;
      opened.push(descriptor);
      text += `# file: /proc/${process.pid}/fd/${descriptor}\n`;
      for (const [name, hex] of Object.entries(record.attributes) as [OwnerAttribute, string][]) {
        text += `${name}=0x${finalValue(record, name, Buffer.from(hex, "hex")).toString("hex")}\n`;
      }
      text += "\n";
    }
    await runIn("/", tools.setfattr, ["--restore=-"], () => {}, text);
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Runs a program in a folder to its end. @throws Error with what it has said, where it fails. */
async function runIn(folder: string, program: string, args: readonly string[], onOutput: (piece: Buffer) => void, input?: string) {
  const child = spawn(program, args, { cwd: folder, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  const exited = once(child, "close");
  let errors = "";
  let thrown: unknown;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-maxErrorCharacters);
  });
  (child.stdout as Readable).on("data", (piece: Buffer) => {
    try {
      if (thrown === undefined) onOutput(piece);
    } catch (error) {
      thrown = error;
      child.kill("SIGKILL");
    }
  });
  // One that has ended early reads no more; how it ended tells why.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const [exitCode, signal] = await exited;
  if (thrown !== undefined) throw thrown;
  if (exitCode !== 0) throw new Error(`${program} has ended with ${signal ?? exitCode}: ${errors}`);
}
