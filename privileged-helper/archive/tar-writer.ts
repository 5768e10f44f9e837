import { type KnownTarEntry, type KnownTarType, paddingOf, type TarEntry, tarBlockBytes } from "./tar-reader.ts";

/** Writes archives that GNU tar reads: POSIX ustar, with pax headers for what that cannot hold. Names are bytes as characters (latin1). */

/** What goes before an entry's data. */
export function encodeTarHeader(entry: KnownTarEntry): Buffer {
  const { name, target, attributes } = entry;
  const records = [
    ...(name.length > 100 ? [paxRecord("path", Buffer.from(name, "latin1"))] : []),
    ...(target.length > 100 ? [paxRecord("linkpath", Buffer.from(target, "latin1"))] : []),
    ...[...attributes].map(([attribute, value]) => paxRecord(`SCHILY.xattr.${attribute}`, value)),
  ];
  if (records.length === 0) return encodeHeader(entry, flags[entry.type]);
  const pax = Buffer.concat(records);
  const header = { ...entry, name: "pax", target: "", size: pax.length, mode: 0o600, attributes: new Map() };
  return Buffer.concat([encodeHeader(header, "x"), pax, tarPadding(pax.length), encodeHeader(entry, flags[entry.type])]);
}

/** What goes after so many bytes of data. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc(paddingOf(size));
}

/** What goes at the end of an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * tarBlockBytes);

const flags: Record<KnownTarType, string> = {
  file: "0",
  "hard-link": "1",
  "symbolic-link": "2",
  "character-device": "3",
  "block-device": "4",
  folder: "5",
  pipe: "6",
};

function encodeHeader(entry: TarEntry, flag: string): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  block.write(entry.name.slice(0, 100), 0, "latin1");
  writeNumber(block, 100, 8, entry.mode);
  writeNumber(block, 108, 8, entry.uid);
  writeNumber(block, 116, 8, entry.gid);
  writeNumber(block, 124, 12, entry.size);
  writeNumber(block, 136, 12, Math.max(0, entry.modifiedSeconds));
  block.fill(0x20, 148, 156);
  block.write(flag, 156, "latin1");
  block.write(entry.target.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  writeNumber(block, 329, 8, entry.deviceMajor);
  writeNumber(block, 337, 8, entry.deviceMinor);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal digits, or where they are too many a big-endian number of which the first bit is set (GNU). */
function writeNumber(block: Buffer, at: number, length: number, value: number) {
  const digits = value.toString(8);
  if (digits.length < length) {
    block.write(`${digits.padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  let left = value;
  for (let index = at + length - 1; index > at; index--) {
    block[index] = left % 256;
    left = Math.floor(left / 256);
  }
  block[at] = 0x80;
}

/** The length that it begins with counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
