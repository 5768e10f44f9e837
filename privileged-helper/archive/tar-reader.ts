import { ProblemError } from "../contract/problems.ts";

/**
 * Reads tar archives: the old Unix header, POSIX ustar and pax, and GNU's long names (tar(5) of libarchive, POSIX.1 pax). What is
 * read here is written anew (`tar-writer.ts`) for whoever unpacks it, so that no second reader can take it for something else.
 *
 * Names and values are bytes; as text each byte is one character (latin1), so that nothing is lost where they are not UTF-8.
 */
export type TarEntry = {
  name: string;
  type: TarType;
  mode: number;
  uid: number;
  gid: number;
  /** Of what comes as data. */
  size: number;
  modifiedSeconds: number;
  /** What a link leads to. */
  target: string;
  deviceMajor: number;
  deviceMinor: number;
  /** Extended attributes by their names. */
  attributes: Map<string, Buffer>;
};
/** `unknown` is what tar can hold besides and no root file system needs: sparse files, volume labels, parts of other archives. */
export type TarType = KnownTarType | "unknown";
export type KnownTarType = "file" | "hard-link" | "symbolic-link" | "character-device" | "block-device" | "folder" | "pipe";
export type KnownTarEntry = TarEntry & { type: KnownTarType };

export const tarBlockBytes = 512;
const emptyBlock = Buffer.alloc(tarBlockBytes);
const maxLongNameBytes = 64 * 1024;
const maxPaxBytes = 1024 * 1024;
/** Of an archive's own, which each of its entries has: git and pax write a comment or a few names there. */
const maxGlobalRecords = 100;
const maxGlobalBytes = 64 * 1024;
/** Before one entry. Programs write at most one of each kind; without a bound a small archive keeps its reader busy for hours and tells of nothing. */
const maxHeadersBefore = 16;
/** After its end. Programs fill up what they write at once, which is some KiB, or some MiB on tapes. */
const maxBytesAfterEnd = 64 * 1024 * 1024;
const attributePrefix = "SCHILY.xattr.";

const types: Record<string, TarType> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hard-link",
  "2": "symbolic-link",
  "3": "character-device",
  "4": "block-device",
  "5": "folder",
  "6": "pipe",
};

/**
 * Calls back for each entry; its data has to be read before that settles, what is left of it is skipped.
 * @param readData Gives the entry's data in pieces.
 * @throws ProblemError `archive-refused` where this is no archive, or not all of one.
 */
export async function readTar(
  source: AsyncIterable<Buffer>,
  onEntry: (entry: TarEntry, readData: () => AsyncIterable<Buffer>) => Promise<void> | void,
): Promise<void> {
  const bytes = createByteReader(source);
  let global = new Map<string, Buffer>();
  let own: Map<string, Buffer> | undefined;
  let longName: string | undefined;
  let longTarget: string | undefined;
  let headersBefore = 0;

  for (;;) {
    const block = await bytes.take(tarBlockBytes);
    if (block.equals(emptyBlock)) break;
    const header = parseHeader(block);
    const take = async (maxBytes: number) => {
      if (++headersBefore > maxHeadersBefore) throw damaged("more headers than an entry has");
      if (header.size > maxBytes) throw damaged(`a header of ${header.size} bytes`);
      const data = await bytes.take(header.size);
      await bytes.skip(paddingOf(header.size));
      return data;
    };
    if (header.flag === "g") global = joinGlobal(global, parsePax(await take(maxPaxBytes)));
    else if (header.flag === "x") own = parsePax(await take(maxPaxBytes));
    else if (header.flag === "L") longName = untilNul(await take(maxLongNameBytes));
    else if (header.flag === "K") longTarget = untilNul(await take(maxLongNameBytes));
    else {
      const pax = own ? new Map([...global, ...own]) : global;
      const entry = toEntry(header, pax, longName, longTarget);
      own = longName = longTarget = undefined;
      headersBefore = 0;
      let left = entry.size;
      await onEntry(entry, async function* () {
        while (left > 0) {
          const piece = await bytes.takeSome(left);
          left -= piece.length;
          yield piece;
        }
      });
      await bytes.skip(left + paddingOf(entry.size));
    }
  }
  // Whoever decompresses it has to come to its end, and says then whether all of it was right.
  if (!(await bytes.drain(maxBytesAfterEnd))) throw damaged("more after its end than any program writes");
}

type Header = TarEntry & { flag: string };

function parseHeader(block: Buffer): Header {
  let sum = 8 * 0x20;
  for (let at = 0; at < tarBlockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  if (sum !== numberAt(block, 148, 8)) throw damaged("a header whose checksum is wrong");
  const magic = block.toString("latin1", 257, 263);
  const flag = block.toString("latin1", 156, 157);
  const prefix = magic === "ustar\0" ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  // Old archives know a folder by the slash at the end of its name.
  const type = (flag === "0" || flag === "\0") && name.endsWith("/") ? "folder" : (types[flag] ?? "unknown");
  return {
    flag,
    name: prefix === "" ? name : `${prefix}/${name}`,
    type,
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size: numberAt(block, 124, 12),
    modifiedSeconds: numberAt(block, 136, 12),
    target: textAt(block, 157, 100),
    deviceMajor: type.endsWith("device") ? numberAt(block, 329, 8) : 0,
    deviceMinor: type.endsWith("device") ? numberAt(block, 337, 8) : 0,
    attributes: new Map(),
  };
}

function toEntry({ flag, ...header }: Header, pax: Map<string, Buffer>, longName?: string, longTarget?: string): TarEntry {
  const text = (key: string) => pax.get(key)?.toString("latin1");
  const number = (key: string, otherwise: number) => {
    const value = text(key);
    if (value === undefined) return otherwise;
    if (!/^-?\d{1,15}(\.\d*)?$/.test(value)) throw damaged(`${key} is ${JSON.stringify(value.slice(0, 100))}`);
    return Math.floor(Number(value));
  };
  const attributes = [...pax].filter(([key]) => key.startsWith(attributePrefix));
  const isSparse = [...pax.keys()].some((key) => key.startsWith("GNU.sparse."));
  const entry: TarEntry = {
    ...header,
    name: text("path") ?? longName ?? header.name,
    target: text("linkpath") ?? longTarget ?? header.target,
    uid: number("uid", header.uid),
    gid: number("gid", header.gid),
    size: number("size", header.size),
    modifiedSeconds: number("mtime", header.modifiedSeconds),
    attributes: new Map(attributes.map(([key, value]) => [key.slice(attributePrefix.length), value])),
    ...(isSparse && { type: "unknown" as const }),
  };
  if (entry.size < 0 || entry.uid < 0 || entry.gid < 0) throw damaged("a number below zero");
  // What else has a size there, has no data all the same (POSIX).
  return entry.type === "file" || entry.type === "unknown" ? entry : { ...entry, size: 0 };
}

/** `LENGTH KEY=VALUE\n`, the length counting all of it. */
function parsePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < data.length; ) {
    const blank = data.indexOf(0x20, at);
    const digits = blank < 0 ? "" : data.toString("latin1", at, blank);
    const end = /^[1-9]\d{0,6}$/.test(digits) ? at + Number(digits) : -1;
    const equals = data.indexOf(0x3d, blank);
    if (end > data.length || equals < 0 || equals >= end || data[end - 1] !== 0x0a) throw damaged("a pax header that is none");
    records.set(data.toString("latin1", blank + 1, equals), Buffer.from(data.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

/** Later records take the place of earlier ones. What is in them comes with every entry, so that a little of it becomes very much. */
function joinGlobal(before: Map<string, Buffer>, more: Map<string, Buffer>): Map<string, Buffer> {
  const all = new Map([...before, ...more]);
  const bytes = [...all].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (all.size > maxGlobalRecords || bytes > maxGlobalBytes) throw damaged("more global headers than any program writes");
  return all;
}

/** Octal digits between blanks and zero bytes, or, as GNU has it, a big-endian number of which the first bit is set. */
function numberAt(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) {
    const isNegative = (first & 0x40) !== 0;
    const value = block.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + (isNegative ? 255 - byte : byte), 0);
    if (value > Number.MAX_SAFE_INTEGER) throw damaged("a number that is too large");
    return isNegative ? -1 - value : value;
  }
  const digits = block
    .toString("latin1", at, at + length)
    .replace(/^[ \0]+/, "")
    .replace(/[ \0].*$/s, "");
  if (!/^[0-7]*$/.test(digits)) throw damaged("a number that is none");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function textAt(block: Buffer, at: number, length: number): string {
  return untilNul(block.subarray(at, at + length));
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
}

export function paddingOf(size: number): number {
  return (tarBlockBytes - (size % tarBlockBytes)) % tarBlockBytes;
}

export function damaged(detail: string): ProblemError {
  return new ProblemError({ code: "archive-refused", entry: detail, reason: "not-an-archive" });
}

/** Takes a stream of pieces apart at other places. */
function createByteReader(source: AsyncIterable<Buffer>) {
  const pieces = source[Symbol.asyncIterator]();
  let current: Buffer = Buffer.alloc(0);
  let at = 0;

  const fill = async (): Promise<boolean> => {
    while (at >= current.length) {
      const { value, done } = await pieces.next();
      if (done) return false;
      current = value;
      at = 0;
    }
    return true;
  };
  /** At least one byte, and at most so many. */
  const takeSome = async (maxBytes: number): Promise<Buffer> => {
    if (!(await fill())) throw damaged("it ends too early");
    const piece = current.subarray(at, at + maxBytes);
    at += piece.length;
    return piece;
  };
  return {
    takeSome,
    async take(length: number): Promise<Buffer> {
      const parts: Buffer[] = [];
      for (let left = length; left > 0; ) {
        const piece = await takeSome(left);
        parts.push(piece);
        left -= piece.length;
      }
      return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    },
    async skip(length: number): Promise<void> {
      for (let left = length; left > 0; ) left -= (await takeSome(left)).length;
    },
    /** @returns False where more than so many bytes come. */
    async drain(maxBytes: number): Promise<boolean> {
      let drained = 0;
      at = current.length;
      while (drained <= maxBytes && (await fill())) {
        drained += current.length;
        at = current.length;
      }
      return drained <= maxBytes;
    },
  };
}
