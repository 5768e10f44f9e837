import type { KnownTarEntry, KnownTarType } from "../tar-reader.ts";
import { encodeTarHeader, tarEnd, tarPadding } from "../tar-writer.ts";

/** An entry of an archive as a test needs it. */
export type Wanted = Partial<Omit<KnownTarEntry, "type" | "attributes">> & {
  name: string;
  type?: KnownTarType;
  data?: string | Buffer;
  attributes?: Record<string, Buffer>;
};

/** An archive of whatever entries, hostile ones included. */
export function tarOf(...entries: Wanted[]): Buffer {
  const parts = entries.flatMap(({ data = "", attributes = {}, ...wanted }) => {
    const bytes = Buffer.from(data);
    return [encodeTarHeader(entryOf({ ...wanted, attributes, size: wanted.size ?? bytes.length })), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

export function entryOf({ attributes = {}, data: _, ...wanted }: Wanted): KnownTarEntry {
  return {
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    modifiedSeconds: 1_700_000_000,
    target: "",
    deviceMajor: 0,
    deviceMinor: 0,
    ...wanted,
    attributes: new Map(Object.entries(attributes)),
  };
}

/** Bytes as a stream, cut at these places. */
export async function* inPieces(bytes: Buffer, ...lengths: number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
  yield bytes.subarray(at);
}
