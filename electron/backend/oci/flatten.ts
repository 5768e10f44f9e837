import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type KnownTarEntry, readTar } from "../../../privileged-helper/archive/tar-reader.ts";
import { encodeTarHeader, tarEnd, tarPadding } from "../../../privileged-helper/archive/tar-writer.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { isDiskFull } from "../free-space.ts";
import { withLayer } from "./decompress.ts";
import { createLayerTree, renamed } from "./layer-tree.ts";

/** A layer's file, and the digest that it has to have: `sha256:` and 64 digits. */
export type Layer = { path: string; digest: string; size: number };

export type Flattened = { bytes: number; sha256: string };

const writtenAtOnceBytes = 1024 * 1024;

/**
 * Makes one archive of an image's layers, in a new file. Each is read twice, first its names and then what is left of it, so that no
 * more than names is ever in memory. Whoever unpacks the archive judges what is in it; here it only has to be what the layers say.
 * @param layers From the lowest on.
 * @param onProgress Told how much of all of it has been read, 0 to 1.
 * @throws ProblemError `archive-refused`, `no-space`, `cancelled`.
 */
export async function flatten(
  layers: readonly Layer[],
  path: string,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<Flattened> {
  const total = Math.max(
    1,
    layers.reduce((sum, { size }) => sum + size, 0),
  );
  // Each is read three times: all its bytes for the digest, and decompressed.
  let done = 0;
  const advance = ({ size }: Layer) => {
    done += size / 3;
    onProgress(Math.min(1, done / total));
  };
  for (const layer of layers) {
    await checkDigest(layer, signal);
    advance(layer);
  }
  const tree = createLayerTree();
  for (const [number, layer] of layers.entries()) {
    let place = 0;
    await withLayer(layer.path, (bytes) =>
      readTar(bytes, (entry) => {
        refuseWhenCancelled(signal);
        tree.add(number, place++, entry);
      }),
    );
    advance(layer);
  }
  const file = await open(path, "wx", 0o600);
  try {
    const out = createOutput(file);
    for (const name of tree.impliedFolders()) await out.write(encodeTarHeader(folderEntry(name)));
    for (const [number, layer] of layers.entries()) {
      const names = tree.namesIn(number);
      let place = 0;
      await withLayer(layer.path, (bytes) =>
        readTar(bytes, async (entry, readData) => {
          refuseWhenCancelled(signal);
          const [name, ...links] = names.get(place++) ?? [];
          if (name === undefined) return;
          await out.write(encodeTarHeader(renamed(entry, name)));
          if (entry.size > 0) {
            for await (const piece of readData()) await out.write(piece);
            await out.write(tarPadding(entry.size));
          }
          for (const link of links) {
            await out.write(encodeTarHeader({ ...renamed(entry, link), type: "hard-link", size: 0, target: `./${name}` }));
          }
        }),
      );
      advance(layer);
    }
    await out.write(tarEnd);
    return await out.finish();
  } catch (error) {
    throw isDiskFull(error) ? new ProblemError({ code: "no-space", path, availableBytes: 0, neededBytes: 0 }) : error;
  } finally {
    await file.close();
  }
}

function folderEntry(name: string): KnownTarEntry {
  const none = { uid: 0, gid: 0, size: 0, modifiedSeconds: 0, target: "", deviceMajor: 0, deviceMinor: 0, attributes: new Map() };
  return { ...none, name: `./${name}`, type: "folder", mode: 0o755 };
}

/** Gathers small pieces, because an archive has many of them. */
function createOutput(file: FileHandle) {
  const hash = createHash("sha256");
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  const flush = async () => {
    const all = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    hash.update(all);
    bytes += all.length;
    for (let at = 0; at < all.length; ) at += (await file.write(all, at)).bytesWritten;
  };
  return {
    async write(piece: Buffer): Promise<void> {
      waiting.push(piece);
      waitingBytes += piece.length;
      if (waitingBytes >= writtenAtOnceBytes) await flush();
    },
    async finish(): Promise<Flattened> {
      await flush();
      return { bytes, sha256: hash.digest("hex") };
    },
  };
}

async function checkDigest({ path, digest }: Layer, signal: AbortSignal): Promise<void> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: writtenAtOnceBytes })) {
    refuseWhenCancelled(signal);
    hash.update(piece as Buffer);
  }
  if (`sha256:${hash.digest("hex")}` === digest) return;
  throw new ProblemError({ code: "archive-refused", entry: digest, reason: "wrong-checksum" });
}

function refuseWhenCancelled(signal: AbortSignal) {
  if (signal.aborted) throw new ProblemError({ code: "cancelled" });
}
