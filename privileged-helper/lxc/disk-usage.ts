import { lstatSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Container, DiskUsage } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { writableFolderOf } from "./audit/writable-places.ts";
import { lastValueOf, readEffectiveConfig } from "./config.ts";
import { diskUsageArguments } from "./copy-files.ts";
import { parseRootfs } from "./list.ts";
import { run } from "./run.ts";
import { listSnapshots, snapshotsFolderOf } from "./snapshots.ts";

const rememberedMilliseconds = 60_000;
const defaultTimeoutMinutes = 5;

/** Tells how much room containers take, and has each one's files counted no more often than somebody needs that. */
export type DiskUsageReader = {
  /**
   * @param options.fresh True where an answer of the last minute is not enough.
   * @param options.signal Ends the counting, if nobody else waits for it.
   * @throws ProblemError `cancelled`, `command-failed`, `tool-missing`.
   */
  read(name: string, options: { fresh?: boolean; signal: AbortSignal }): Promise<DiskUsage>;
};

type Measure = (options: { lxcPath: string; name: string; signal: AbortSignal }) => Promise<DiskUsage>;
type ReaderOptions = {
  lxcPath: string;
  measure?: Measure;
  /** Milliseconds of a clock that only goes on. */
  now?: () => number;
};
type Measurement = { usage: Promise<DiskUsage>; controller: AbortController; callers: number };
type Remembered = { usage: DiskUsage; state: string; at: number };

export function createDiskUsageReader({
  lxcPath,
  measure = measureDiskUsage,
  now = () => performance.now(),
}: ReaderOptions): DiskUsageReader {
  const underWay = new Map<string, Measurement>();
  const remembered = new Map<string, Remembered>();

  const forgetOld = () => {
    for (const [name, { at }] of remembered) if (now() - at >= rememberedMilliseconds) remembered.delete(name);
  };

  const begin = (name: string, after: Promise<unknown> | undefined): Measurement => {
    const controller = new AbortController();
    const count = async () => {
      await after?.catch(() => {});
      const state = stateOf(lxcPath, name);
      const usage = await measure({ lxcPath, name, signal: controller.signal });
      remembered.set(name, { usage, state, at: now() });
      return usage;
    };
    const measurement: Measurement = { usage: count(), controller, callers: 0 };
    const forget = () => {
      if (underWay.get(name) === measurement) underWay.delete(name);
    };
    measurement.usage.then(forget, forget);
    underWay.set(name, measurement);
    return measurement;
  };

  return {
    async read(name, { fresh = false, signal }) {
      if (signal.aborted) throw new ProblemError({ code: "cancelled" });
      forgetOld();
      const known = remembered.get(name);
      if (!fresh && known?.state === stateOf(lxcPath, name)) return known.usage;
      const current = underWay.get(name);
      // One that everybody has left is about to end, and its answer would be that.
      if (current?.controller.signal.aborted) return wait(begin(name, current.usage), signal);
      return wait(current ?? begin(name, undefined), signal);
    },
  };
}

/** Waits together with others; whoever leaves last ends the counting. */
function wait(measurement: Measurement, signal: AbortSignal): Promise<DiskUsage> {
  measurement.callers++;
  return new Promise((resolve, reject) => {
    const leave = () => {
      measurement.callers--;
      if (measurement.callers === 0) measurement.controller.abort();
      reject(new ProblemError({ code: "cancelled" }));
    };
    signal.addEventListener("abort", leave, { once: true });
    measurement.usage.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** Tells apart what an earlier answer was about: another container may have its name by now, and snapshots come and go. */
function stateOf(lxcPath: string, name: string): string {
  const config = lstatSync(join(lxcPath, name, "config"), { throwIfNoEntry: false });
  return JSON.stringify([config?.ino, config?.mtimeMs, listSnapshots(lxcPath, name)]);
}

/**
 * Counts what a container and its snapshots take on disk, with du, which gives way to everything else.
 * @param options.timeoutMinutes For all of it; what is not counted by then is told as missing.
 * @throws ProblemError `cancelled`, `command-failed`, `tool-missing`.
 */
export async function measureDiskUsage({
  lxcPath,
  name,
  signal,
  timeoutMinutes = defaultTimeoutMinutes,
}: Parameters<Measure>[0] & { timeoutMinutes?: number }): Promise<DiskUsage> {
  const until = performance.now() + timeoutMinutes * 60_000;
  const count = async ({ folder, missing }: Place): Promise<Counted> => {
    if (folder === undefined) return { missing };
    const timeoutSeconds = (until - performance.now()) / 1000;
    const counted = timeoutSeconds > 0 ? await countBytes(folder, { signal, timeoutSeconds }) : "too-long";
    return counted === "too-long" ? { missing: `Counting its files takes longer than ${timeoutMinutes} minutes.` } : counted;
  };

  const place = findFiles(lxcPath, name);
  const { blocks, bavail, bsize } = statfsSync(place.folder ?? lxcPath);
  const own = await count(place);
  // What a container with a read-only system keeps on disk lies beside it.
  const places = writableFolderOf(lxcPath, name);
  const beside: Counted = lstatSync(places, { throwIfNoEntry: false }) ? await count({ storage: place.storage, folder: places }) : {};
  const rootfsBytes = own.bytes === undefined ? undefined : own.bytes + (beside.bytes ?? 0);
  const missing = own.missing ?? beside.missing;
  const snapshots: DiskUsage["snapshots"] = [];
  for (const snapshot of listSnapshots(lxcPath, name)) {
    const { bytes } = await count(findFiles(snapshotsFolderOf(lxcPath, name), snapshot.name));
    snapshots.push({ name: snapshot.name, ...(bytes !== undefined && { bytes }) });
  }
  return {
    ...(rootfsBytes !== undefined && { rootfsBytes }),
    ...(missing !== undefined && { missing }),
    sharesBase: place.storage === "overlay",
    snapshots,
    measuredAt: Date.now(),
    fileSystem: { totalBytes: blocks * bsize, availableBytes: bavail * bsize },
  };
}

/** The folder that holds a container's own files, or why there is none. */
type Place = { storage: Container["storage"] } & ({ folder: string; missing?: undefined } | { folder?: undefined; missing: string });
type Counted = { bytes?: number; missing?: string };

function findFiles(lxcPath: string, name: string): Place {
  let rootfs: ReturnType<typeof parseRootfs>;
  try {
    rootfs = parseRootfs(lastValueOf(readEffectiveConfig(join(lxcPath, name, "config")).entries, "lxc.rootfs.path") ?? "");
  } catch {
    return { storage: "other", missing: "Its configuration cannot be read." };
  }
  const { storage, lower, folders } = rootfs;
  const last = folders.at(-1);
  if (last === undefined || last === lower) {
    const missing =
      storage === "other" ? "Its files lie in no folder that is known." : `Its files lie in no folder: its storage is ${storage}.`;
    return { storage, missing };
  }
  // A slash at the end would lead through a link.
  const folder = resolve(last);
  const status = lstatSync(folder, { throwIfNoEntry: false });
  if (!status) return { storage, missing: `Its files are missing: ${folder}` };
  if (status.isSymbolicLink()) return { storage, missing: `Its files lie behind a link, which is not followed: ${folder}` };
  return status.isDirectory() ? { storage, folder } : { storage, missing: `Its files lie in no folder: ${folder}` };
}

async function countBytes(
  folder: string,
  { signal, timeoutSeconds }: { signal: AbortSignal; timeoutSeconds: number },
): Promise<Counted | "too-long"> {
  try {
    // 1: files went while it counted, as those of a container that runs do.
    const { output } = await run("du", diskUsageArguments(folder), { signal, timeoutSeconds, allowExitCodes: [0, 1], givesWay: true });
    const bytes = sumOf(folder, output);
    return bytes === undefined ? { missing: `Its files were removed while they were counted: ${folder}` } : { bytes };
  } catch (thrown) {
    if (thrown instanceof ProblemError && thrown.problem.code === "timed-out") return "too-long";
    throw thrown;
  }
}

/**
 * What du says that a folder takes, in bytes, beside all that it complains about; undefined where it says nothing of it. No name of a
 * file can look like that: du quotes those that it complains about, and a tab in one is then none any more.
 */
export function sumOf(folder: string, output: string): number | undefined {
  const line = output.split("\n").findLast((one) => one.endsWith(`\t${folder}`));
  const bytes = /(\d+)$/.exec(line?.slice(0, -folder.length - 1) ?? "")?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}
