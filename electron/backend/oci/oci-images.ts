import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { OciImage } from "../../../privileged-helper/contract/model.ts";
import { formatOciReference, type OciReference, ociTitle } from "../../../privileged-helper/contract/oci-reference.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { requireSpace } from "../free-space.ts";
import type { HostTaskContext } from "../host-tasks.ts";
import { createRate } from "../images/rate.ts";
import { type Flattened, flatten } from "./flatten.ts";
import { type Blob, digestOf, ownPlatform, type Platform, parseImageConfig, parseManifest } from "./manifest.ts";
import { copy, downloadFailed, inspect, notUnderstood, type SkopeoRun } from "./skopeo.ts";
import { makeWorkFolder, removeAbandoned } from "./work-folder.ts";

/**
 * Images of Docker and OCI, from registries and archives. What is downloaded is kept blob by blob in a folder of the person's own, so that
 * a layer that is here is not downloaded again; everything else is in a work folder.
 */
export type OciImages = {
  /** What an image is, without downloading it. @throws ProblemError. */
  inspect(reference: OciReference, signal: AbortSignal): Promise<OciImage>;
  /**
   * Looks at an image and, where nothing was made of it yet, downloads it and makes one archive of its layers.
   * @param manifest The one that it has to be, where that is known.
   * @param known What was made of it before; undefined where that is nothing.
   * @param make Makes it of the archive, which is gone afterwards.
   */
  fetch<T>(
    wanted: { reference: OciReference; manifest?: string | undefined },
    task: HostTaskContext,
    known: (image: OciImage) => Promise<T | undefined>,
    make: (image: OciImage, archive: Flattened & { path: string }) => Promise<T>,
  ): Promise<T>;
  /** Settles when nothing is fetched any more, and what others left is gone. */
  idle(): Promise<void>;
};

export type OciImagesOptions = {
  folder: string;
  platform?: Platform;
  stallMilliseconds: number;
  /** The blobs that are kept between two downloads. */
  keptBytes: number;
};

type Found = OciImage & { config: Blob; blobs: Blob[]; source: OciReference };

const lookEveryMilliseconds = 250;
/** What another window is just using has been touched since. */
const freshMilliseconds = 3600_000;

export function createOciImages({ folder, platform = ownPlatform(), stallMilliseconds, keptBytes }: OciImagesOptions): OciImages {
  // Whoever never fetches one again is to have the room back all the same.
  const underWay = new Set<Promise<unknown>>([removeAbandoned(folder)]);
  const blobFolder = join(folder, "blobs");
  const blobPath = ({ digest }: { digest: string }) => join(blobFolder, "sha256", digest.replace(/^sha256:/, ""));

  /** Asks for a text, and does not wait for a server for ever; a large archive takes its time. */
  const ask = async (reference: OciReference, what: "manifest" | "config", options: SkopeoRun): Promise<string> => {
    if (reference.type !== "registry") return inspect(reference, what, options);
    const patience = AbortSignal.timeout(stallMilliseconds);
    try {
      return await inspect(reference, what, { ...options, signal: AbortSignal.any([options.signal, patience]) });
    } catch (error) {
      throw patience.aborted && !options.signal.aborted ? stalled(reference) : error;
    }
  };
  const stalled = (reference: OciReference) => downloadFailed(reference, "stalled", `Nothing came for ${stallMilliseconds / 1000} s.`);

  /** @throws ProblemError where it is none for this computer, or another one than was looked at. */
  const look = async (reference: OciReference, options: SkopeoRun): Promise<Found> => {
    const first = await ask(reference, "manifest", options);
    requireDigest(reference, reference.type === "registry" ? reference.digest : undefined, first);
    let source = reference;
    let text = first;
    let parsed = parseManifest(first);
    if (typeof parsed !== "string" && parsed.type === "index") {
      if (reference.type !== "registry") {
        throw new ProblemError({
          code: "not-supported",
          what: "This archive holds images for several kinds of computers. Save the one for this computer alone.",
        });
      }
      const chosen = parsed.choose(platform);
      if (chosen === undefined) {
        const others = parsed.platforms.join(", ") || "none that it names";
        throw new ProblemError({
          code: "not-supported",
          what: `${ociTitle(reference)} has no image for this computer (linux/${platform.architecture}), only for others: ${others}.`,
        });
      }
      source = pinned(reference, chosen);
      text = await ask(source, "manifest", options);
      requireDigest(reference, chosen, text);
      parsed = parseManifest(text);
    }
    if (typeof parsed === "string") throw notUnderstood(reference, parsed);
    if (parsed.type === "index") throw notUnderstood(reference, "It is a list of lists of images.");
    const manifest = digestOf(text);
    source = pinned(reference, manifest);
    const configText = await ask(source, "config", options);
    requireDigest(reference, parsed.config.digest, configText);
    const config = parseImageConfig(configText);
    if (typeof config === "string") throw notUnderstood(reference, config);
    return {
      ...config,
      title: ociTitle(reference),
      manifest: manifest.replace(/^sha256:/, ""),
      bytes: sum(parsed.layers.map(({ size }) => size)),
      layers: parsed.layers.length,
      config: parsed.config,
      blobs: parsed.layers,
      source,
    };
  };

  const download = async ({ source, blobs, bytes }: Found, place: string, task: HostTaskContext) => {
    const missing = blobs.filter((blob) => !existsSync(blobPath(blob)));
    const here = sum(blobs.filter((blob) => !missing.includes(blob)).map(({ size }) => size));
    if (here > 0) task.output(`${blobs.length - missing.length} of ${blobs.length} layers are here already.\n`);
    if (missing.length === 0) return;
    await requireSpace(folder, bytes - here);
    const stalls = new AbortController();
    const rate = createRate();
    let last = -1;
    let lastAt = performance.now();
    const watch = setInterval(async () => {
      const now = performance.now();
      const arrived = sum(await Promise.all(missing.map((blob) => bytesOf(blobPath(blob))))) + (await bytesUnderWay(join(place, "layout")));
      if (arrived !== last) {
        last = arrived;
        lastAt = now;
      } else if (source.type === "registry" && now - lastAt > stallMilliseconds) stalls.abort();
      task.step(rate.text(here + arrived, bytes, now), bytes === 0 ? undefined : Math.min(1, (here + arrived) / bytes));
    }, lookEveryMilliseconds);
    try {
      await copy(source, {
        ...runOf(task),
        signal: AbortSignal.any([task.signal, stalls.signal]),
        layout: "layout",
        blobs: blobFolder,
        temporary: place,
        folder: place,
      });
    } catch (error) {
      if (!stalls.signal.aborted || task.signal.aborted) throw error;
      throw stalled(source);
    } finally {
      clearInterval(watch);
    }
    const absent = blobs.find((blob) => !existsSync(blobPath(blob)));
    if (absent) throw notUnderstood(source, `skopeo did not bring ${absent.digest}.`);
  };

  const fetch: OciImages["fetch"] = async ({ reference, manifest }, task, known, make) => {
    task.step(`Asking ${reference.type === "registry" ? reference.host : reference.path}`);
    const found = await look(reference, runOf(task));
    if (manifest !== undefined && manifest !== found.manifest) {
      throw downloadFailed(reference, "wrong-checksum", "It is another image by now than the one that was looked at. Look at it again.");
    }
    const image = toImage(found);
    const before = await known(image);
    if (before !== undefined) {
      task.output("A ready image of it is on this computer already.\n");
      return before;
    }
    await mkdir(blobFolder, { recursive: true, mode: 0o700 });
    await removeAbandoned(folder);
    const place = await makeWorkFolder(folder);
    try {
      await download(found, place, task);
      const now = new Date();
      for (const blob of found.blobs) await utimes(blobPath(blob), now, now);
      task.step("Laying its layers over each other");
      const path = join(place, "rootfs.tar");
      const layers = found.blobs.map((blob) => ({ ...blob, path: blobPath(blob) }));
      const archive = await flatten(layers, path, task.signal, (fraction) =>
        task.step("Laying its layers over each other", fraction),
      ).catch(async (error: unknown) => {
        // A blob that is not what its name says would be found here again and again.
        if (isWrong(error)) await Promise.all(layers.map((layer) => rm(layer.path, { force: true })));
        throw error;
      });
      return await make(image, { ...archive, path });
    } finally {
      await rm(place, { recursive: true, force: true });
      await dropOldBlobs(join(blobFolder, "sha256"), keptBytes);
    }
  };

  return {
    async inspect(reference, signal) {
      return toImage(await look(reference, { signal }));
    },
    fetch(...args) {
      const ended = fetch(...args).finally(() => underWay.delete(ended));
      underWay.add(ended);
      return ended;
    },
    async idle() {
      await Promise.allSettled(underWay);
    },
  };
}
function runOf({ signal, command, output }: HostTaskContext): SkopeoRun {
  return { signal, onCommand: command, onOutput: output };
}

function toImage({ title, manifest, bytes, layers, architecture, createdAt, application }: Found): OciImage {
  return { title, manifest, bytes, layers, architecture, application, ...(createdAt !== undefined && { createdAt }) };
}

/** The same image by its digest, so that nothing else comes under its name. An archive has no such names. */
function pinned(reference: OciReference, digest: string): OciReference {
  return reference.type === "registry" ? { ...reference, digest } : reference;
}

function requireDigest(reference: OciReference, digest: string | undefined, text: string) {
  if (digest === undefined || digestOf(text) === digest) return;
  throw downloadFailed(reference, "wrong-checksum", `${formatOciReference(reference)} is not what its digest says.`);
}

/** Forgets those that were used longest ago, until the others are few enough. */
async function dropOldBlobs(folder: string, keptBytes: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const all = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name)).catch(() => ({ size: 0, mtimeMs: Date.now() }));
      return { path: join(folder, name), size, mtimeMs };
    }),
  );
  let left = sum(all.map(({ size }) => size));
  for (const { path, size, mtimeMs } of all.toSorted((one, other) => one.mtimeMs - other.mtimeMs)) {
    if (left <= keptBytes || Date.now() - mtimeMs < freshMilliseconds) return;
    await rm(path, { force: true });
    left -= size;
  }
}

/** skopeo writes a blob beside the layout's own files until it has its name. */
async function bytesUnderWay(layout: string): Promise<number> {
  const names = await readdir(layout).catch(() => []);
  return sum(await Promise.all(names.filter((name) => name.startsWith("oci-put-blob")).map((name) => bytesOf(join(layout, name)))));
}

async function bytesOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function isWrong(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === "archive-refused" && error.problem.reason === "wrong-checksum";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
