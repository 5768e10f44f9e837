import { constants as fsConstants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { keptFigures } from "../../../privileged-helper/contract/history.ts";
import { type Resolution, resolutions } from "./resolutions.ts";
import { bytesOfStep, decodeStep, encodeStep, type Step } from "./step.ts";

/**
 * The files of the history: `<resolution>/<segment>/<subject>`, where a segment is a stretch of time and each step of it has its place.
 * What is written twice, by another window of this app as well, is written to the same place, so nobody has to be kept out. Nothing
 * is synced to the disk: what a power cut takes is a gap.
 */
export type Segments = {
  /** @throws Error of the file system, as where the disk is full. */
  write(resolution: Resolution, subject: string, steps: ReadonlyMap<number, Step>): Promise<void>;
  /** Steps by their number; what is not there, or not whole, is left out. */
  read(resolution: Resolution, subject: string, fromNumber: number, toNumber: number): Promise<Map<number, Step>>;
  /** Removes what is too old, and the oldest as long as all of it takes more than this. */
  trim(now: number, maxBytes: number): Promise<void>;
};

export type SegmentsOptions = {
  folder: string;
  /** A file was not what it should be, and is kept beside under another name until its time is over. */
  onBroken(path: string): void;
};

/** "LXDH", this format's version, and of how many figures each step is. */
const magic = 0x4844584c;
const formatVersion = 1;
const fileHeadBytes = 16;
const brokenSuffix = ".broken";

export function createSegments({ folder, onBroken }: SegmentsOptions): Segments {
  const pathOf = (resolution: Resolution, segment: number, subject: string) => join(folder, resolution.name, String(segment), subject);

  const setAside = async (path: string) => {
    await rename(path, `${path}${brokenSuffix}`).catch(() => {});
    onBroken(path);
  };

  /** Writes to a file of steps, which is made where there is none. One that is something else is put aside. */
  const withFile = async (path: string, work: (file: FileHandle) => Promise<void>): Promise<void> => {
    let file = await openOrMake(path);
    try {
      const head = Buffer.alloc(fileHeadBytes);
      const { bytesRead } = await file.read(head, 0, fileHeadBytes, 0);
      if (bytesRead > 0 && !(bytesRead === fileHeadBytes && head.equals(fileHead()))) {
        await file.close();
        await setAside(path);
        file = await openOrMake(path);
        await writeAll(file, fileHead(), 0);
      } else if (bytesRead === 0) await writeAll(file, fileHead(), 0);
      await work(file);
    } finally {
      await file.close();
    }
  };

  const readSegment = async (resolution: Resolution, subject: string, segment: number, first: number, last: number) => {
    const path = pathOf(resolution, segment, subject);
    const file = await open(path, "r").catch(() => undefined);
    const found = new Map<number, Step>();
    if (!file) return found;
    let isBroken = false;
    try {
      const head = Buffer.alloc(fileHeadBytes);
      const { bytesRead } = await file.read(head, 0, fileHeadBytes, 0);
      isBroken = bytesRead > 0 && !(bytesRead === fileHeadBytes && head.equals(fileHead()));
      if (isBroken || bytesRead === 0) return found;
      const size = bytesOfStep(resolution);
      const steps = Buffer.alloc((last - first + 1) * size);
      const read = await file.read(steps, 0, steps.length, fileHeadBytes + (first - segment * resolution.segmentSteps) * size);
      for (let number = first; number <= last && (number - first + 1) * size <= read.bytesRead; number++) {
        const step = decodeStep(resolution, number, steps, (number - first) * size);
        if (step) found.set(number, step);
      }
      return found;
    } catch {
      // Not a file, or a disk with a fault: as good as broken.
      isBroken = true;
      return found;
    } finally {
      await file.close();
      if (isBroken) await setAside(path);
    }
  };

  return {
    async write(resolution, subject, steps) {
      for (const [segment, own] of bySegment(resolution, steps)) {
        await withFile(pathOf(resolution, segment, subject), async (file) => {
          for (const run of runsOf(own)) {
            const size = bytesOfStep(resolution);
            const bytes = Buffer.alloc(run.length * size);
            for (const [index, [number, step]] of run.entries()) encodeStep(resolution, number, step, bytes, index * size);
            const [first] = run[0] ?? [0];
            await writeAll(file, bytes, fileHeadBytes + (first - segment * resolution.segmentSteps) * size);
          }
        });
      }
    },

    async read(resolution, subject, fromNumber, toNumber) {
      const found = new Map<number, Step>();
      const { segmentSteps } = resolution;
      for (let segment = Math.floor(fromNumber / segmentSteps); segment * segmentSteps <= toNumber; segment++) {
        const first = Math.max(fromNumber, segment * segmentSteps);
        const last = Math.min(toNumber, (segment + 1) * segmentSteps - 1);
        for (const [number, step] of await readSegment(resolution, subject, segment, first, last)) found.set(number, step);
      }
      return found;
    },

    async trim(now, maxBytes) {
      const kept: { path: string; end: number; bytes: number }[] = [];
      for (const resolution of resolutions) {
        const length = resolution.stepMilliseconds * resolution.segmentSteps;
        for (const name of await namesIn(join(folder, resolution.name))) {
          const path = join(folder, resolution.name, name);
          const end = (Number(name) + 1) * length;
          // A name that is no number is none of ours.
          if (!/^\d+$/.test(name)) continue;
          if (end < now - resolution.keptMilliseconds) await remove(path);
          // What seems to lie ahead was written while the clock was wrong, or the clock is wrong now: it goes only where room is needed.
          else kept.push({ path, end: end > now + 2 * length ? 0 : end, bytes: await bytesOn(path) });
        }
      }
      let bytes = kept.reduce((sum, segment) => sum + segment.bytes, 0);
      for (const segment of kept.sort((one, other) => one.end - other.end)) {
        if (bytes <= maxBytes) return;
        await remove(segment.path);
        bytes -= segment.bytes;
      }
    },
  };
}

function fileHead(): Buffer {
  const head = Buffer.alloc(fileHeadBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(formatVersion, 4);
  head.writeUInt32LE(keptFigures.length, 8);
  return head;
}

async function openOrMake(path: string): Promise<FileHandle> {
  // Neither "r+", which makes none, nor "a", which writes only at the end.
  const flags = fsConstants.O_RDWR | fsConstants.O_CREAT | fsConstants.O_NOFOLLOW;
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return open(path, flags, 0o600);
  }
}

/** On a disk that is nearly full a write is cut short, which is no error; the next one is. */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

function bySegment({ segmentSteps }: Resolution, steps: ReadonlyMap<number, Step>): Map<number, [number, Step][]> {
  const segments = new Map<number, [number, Step][]>();
  for (const entry of [...steps].sort(([one], [other]) => one - other)) {
    const segment = Math.floor(entry[0] / segmentSteps);
    const own = segments.get(segment);
    if (own) own.push(entry);
    else segments.set(segment, [entry]);
  }
  return segments;
}

/** Steps that follow one another are written at once. */
function runsOf(steps: readonly [number, Step][]): [number, Step][][] {
  const runs: [number, Step][][] = [];
  for (const entry of steps) {
    const last = runs.at(-1);
    if (last && last[last.length - 1]?.[0] === entry[0] - 1) last.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

/** What its files take of the disk: of one that is written here and there less than its length. */
async function bytesOn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(folder)) bytes += ((await stat(join(folder, name)).catch(() => undefined))?.blocks ?? 0) * 512;
  return bytes;
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}
