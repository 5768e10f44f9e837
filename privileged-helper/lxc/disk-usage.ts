import { lstatSync, statfsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { DiskUsage } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { lastValueOf, readEffectiveConfig } from "./config.ts";
import { parseRootfs } from "./list.ts";
import { run, toolPath } from "./run.ts";
import { listSnapshots, snapshotsFolderOf } from "./snapshots.ts";

export type DiskUsages = {
  /**
   * What a container and its snapshots store. What was counted within the last minute is told again; who asks while it is being counted
   * gets the same answer.
   * @throws ProblemError `cancelled`, `tool-missing`.
   */
  measure(name: string, signal: AbortSignal): Promise<DiskUsage>;
};

type DiskUsageOptions = {
  lxcPath: string;
  /** Bytes that the files in a folder take on its file system; undefined where it cannot be told in time. @throws ProblemError */
  measureFolder?: (folder: string, signal: AbortSignal) => Promise<number | undefined>;
  now?: () => number;
};

const keptMilliseconds = 60_000;
/** One folder may take so long; a person waits for it. */
const folderTimeoutSeconds = 60;
/** So many snapshots are counted; the rest is only named. */
const maxSnapshots = 50;

export function createDiskUsages({ lxcPath, measureFolder = duOf, now = Date.now }: DiskUsageOptions): DiskUsages {
  const known = new Map<string, DiskUsage>();
  const running = new Map<string, Counting>();

  const count = async (name: string, signal: AbortSignal): Promise<DiskUsage> => {
    const own = ownFilesOf(join(lxcPath, name));
    const rootfsBytes = "folder" in own ? await measureFolder(own.folder, signal) : undefined;
    const snapshots: DiskUsage["snapshots"] = [];
    for (const [index, snapshot] of listSnapshots(lxcPath, name).entries()) {
      const files = index < maxSnapshots ? ownFilesOf(join(snapshotsFolderOf(lxcPath, name), snapshot.name)) : undefined;
      const bytes = files && "folder" in files ? await measureFolder(files.folder, signal) : undefined;
      snapshots.push({ name: snapshot.name, ...(bytes !== undefined && { bytes }) });
    }
    const { blocks, bavail, bsize } = statfsSync("folder" in own ? own.folder : join(lxcPath, name));
    const missing = missingReason(own, rootfsBytes);
    const usage: DiskUsage = {
      ...(rootfsBytes !== undefined && { rootfsBytes }),
      ...("folder" in own && own.isLayer && { isLayer: true }),
      snapshots,
      measuredAt: now(),
      fileSystem: { totalBytes: blocks * bsize, availableBytes: bavail * bsize },
      ...(missing !== undefined && { missing }),
    };
    known.set(name, usage);
    return usage;
  };

  const begin = (name: string): Counting => {
    const controller = new AbortController();
    const result = count(name, controller.signal).finally(() => running.delete(name));
    // Each who waits hears of a failure by what it was given itself.
    result.catch(() => {});
    const counting = { controller, result, waiting: 0 };
    running.set(name, counting);
    return counting;
  };

  return {
    async measure(name, signal) {
      for (const [other, { measuredAt }] of known) if (now() - measuredAt >= keptMilliseconds) known.delete(other);
      const recent = known.get(name);
      if (recent) return recent;
      const counting = running.get(name) ?? begin(name);
      counting.waiting += 1;
      try {
        return await Promise.race([counting.result, cancelled(signal)]);
      } finally {
        counting.waiting -= 1;
        // The last one that waits takes the work with it.
        if (counting.waiting === 0) counting.controller.abort();
      }
    },
  };
}

type Counting = { controller: AbortController; result: Promise<DiskUsage>; waiting: number };
type OwnFiles = { folder: string; isLayer: boolean } | { reason: string };

/** The folder that holds what a container has stored itself: of an overlay its uppermost layer, because the others belong to its base. */
function ownFilesOf(folder: string): OwnFiles {
  const { entries } = readEffectiveConfig(join(folder, "config"));
  const { storage, folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  const own = folders.at(-1);
  if (own === undefined || (storage === "overlay" && folders.length < 2)) {
    return { reason: "What it stores cannot be counted: its files are not in a folder of this computer." };
  }
  if (!isAbsolute(own) || !lstatSync(own, { throwIfNoEntry: false })?.isDirectory())
    return { reason: `Its root file system is missing: ${own}` };
  return { folder: own, isLayer: storage === "overlay" };
}

function missingReason(own: OwnFiles, rootfsBytes: number | undefined): string | undefined {
  if ("reason" in own) return own.reason;
  return rootfsBytes === undefined ? `Its files could not be counted within ${folderTimeoutSeconds} seconds.` : undefined;
}

async function duOf(folder: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    // What others wait for goes first, at the disk (class 3 is "idle", ionice(1)) and at the CPU.
    const args = [
      "-c",
      "3",
      toolPath("nice"),
      "-n",
      "19",
      toolPath("du"),
      "--summarize",
      "--one-file-system",
      "--block-size=1",
      "--",
      folder,
    ];
    // Files that vanish meanwhile make it end with 1, and the sum is right all the same.
    const { output } = await run("ionice", args, { signal, timeoutSeconds: folderTimeoutSeconds, allowExitCodes: [0, 1] });
    const bytes = /^(\d+)\t/m.exec(output)?.[1];
    return bytes === undefined ? undefined : Number(bytes);
  } catch (thrown) {
    if (thrown instanceof ProblemError && thrown.problem.code === "timed-out") return undefined;
    throw thrown;
  }
}

function cancelled(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(new ProblemError({ code: "cancelled" }));
    if (signal.aborted) fail();
    signal.addEventListener("abort", fail, { once: true });
  });
}
