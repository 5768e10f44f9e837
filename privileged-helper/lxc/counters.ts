import { readlinkSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { MissingFigures } from "../contract/model.ts";
import type { ContainerCgroups } from "./cgroup.ts";
import { findFirst, foldersWith, isGone, openFirst, readIfThere } from "./counter-files.ts";
import {
  countCpus,
  defined,
  type MemoryParts,
  parseCpu,
  parseCpuParts,
  parseDisk,
  parseLimit,
  parseMemoryEvents,
  parseMemoryStat,
  parseNetworkDevices,
  parseNumber,
  parseOldDisk,
  parsePressure,
  parseQuota,
  parseStackedMajors,
  parseThrottled,
} from "./counter-parsers.ts";
import { countProcesses } from "./process-count.ts";

/**
 * What the kernel counts for one container, or the whole computer, as totals since it was started. A figure that is absent is not
 * available on this host, or was not asked for.
 * Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst and accounting/psi.rst of the kernel, proc_pid_net(5).
 */
export type Counters = {
  cpuNanoseconds?: number;
  cpuUserNanoseconds?: number;
  cpuSystemNanoseconds?: number;
  /** How long its quota kept it from running, added up over the CPUs. */
  cpuThrottledNanoseconds?: number;
  /** All memory that is charged to the container, with its file cache. */
  memoryUsageBytes?: number;
  inactiveFileBytes?: number;
  activeFileBytes?: number;
  anonymousBytes?: number;
  kernelBytes?: number;
  memoryLimitBytes?: number;
  swapBytes?: number;
  swapLimitBytes?: number;
  memoryLimitHits?: number;
  oomKills?: number;
  diskReadBytes?: number;
  diskWriteBytes?: number;
  diskReads?: number;
  diskWrites?: number;
  networkReceivedBytes?: number;
  networkSentBytes?: number;
  networkReceivedPackets?: number;
  networkSentPackets?: number;
  networkDrops?: number;
  interfaces?: readonly InterfaceCounters[];
  processes?: number;
  threads?: number;
  processesLimit?: number;
  /** How long some process has waited for a CPU, for memory, for a disk. Only cgroup v2 counts it, where the kernel has PSI. */
  cpuPressureMicroseconds?: number;
  memoryPressureMicroseconds?: number;
  diskPressureMicroseconds?: number;
  /** Cores it may use: min(quota / period, cpuset, host CPUs). */
  cpuLimit: number;
};

export type InterfaceCounters = {
  name: string;
  receivedBytes: number;
  sentBytes: number;
  receivedPackets: number;
  sentPackets: number;
  /** In both directions. */
  drops: number;
};

/**
 * How much is read. `glance`: what a list shows; as long as the container has used no CPU, what else it may have got meanwhile, packets
 * for instance, only now and then. `full`: all figures. `close`: all of them as fresh as a person wants who looks at this one.
 */
export type Depth = "glance" | "full" | "close";

export type CounterReader = {
  /** The counters as they are now, the very same object where none has changed; undefined once the container's cgroup is gone. */
  read(depth?: Depth): Counters | undefined;
  /** False where the last answer was given on trust, without a look at what others may have done to the container. */
  isFresh(): boolean;
  close(): void;
  /** Why there are no figures at all of some kind. */
  missing: MissingFigures;
};

export type CounterFolders = Pick<ContainerCgroups, "cpuacct" | "cpu" | "cpuset" | "memory" | "pids" | "blkio" | "unified">;

type CounterOptions = {
  cgroups: CounterFolders;
  /** `/proc/PID` of the container's init. */
  initFolder: string;
  /** Monotonic milliseconds. */
  clock?: () => number;
  /** `/proc` of the host. */
  procFolder?: string;
  hostCpus?: number;
  hostMemoryBytes?: number;
};

/**
 * memory.stat costs the kernel more than all other files together, and limits hardly ever change. But what is told as held is usage
 * without cache, so both have to be of the same time where either moves.
 */
const memoryStatEveryMilliseconds = 2_000;
const sameMemoryBytes = 1024 * 1024;
const limitsEveryMilliseconds = 60_000;
/** A container that has used no CPU since has neither more memory nor more processes; what others do to it shows after this time. */
const restingMilliseconds = 30_000;
/** So long it is taken on trust at a glance. */
const glanceMilliseconds = 60_000;
/** Counting processes means looking into each cgroup that a container has made, of which systemd makes dozens: the more there are, the less often. */
const processesEveryMilliseconds = 5_000;
const processesPerCgroupMilliseconds = 2_000;

/**
 * Reads a container's counters from descriptors that stay open: a positioned read costs a quarter of open, read and close.
 * Which files there are decides between cgroup v1 and v2, controller by controller, so a hybrid host needs no case of its own.
 */
export function openCounters({
  cgroups,
  initFolder,
  clock = () => performance.now(),
  procFolder = "/proc",
  hostCpus = availableParallelism(),
  hostMemoryBytes = totalmem(),
}: CounterOptions): CounterReader {
  const cpuUsage = openFirst([cgroups.cpuacct, "cpuacct.usage"], [cgroups.unified, "cpu.stat"]);
  const isNewCpu = cpuUsage?.name === "cpu.stat";
  const cpuParts = isNewCpu ? undefined : openFirst([cgroups.cpuacct, "cpuacct.stat"]);
  const throttling = isNewCpu ? undefined : openFirst([cgroups.cpu, "cpu.stat"]);
  const memoryUsage = openFirst([cgroups.memory, "memory.usage_in_bytes"], [cgroups.memory, "memory.current"]);
  const memoryStat = openFirst([cgroups.memory, "memory.stat"]);
  const kernelMemory = openFirst([cgroups.memory, "memory.kmem.usage_in_bytes"]);
  const memoryEvents = openFirst([cgroups.memory, "memory.events"], [cgroups.memory, "memory.oom_control"]);
  const memoryFailures = openFirst([cgroups.memory, "memory.failcnt"]);
  const swap = openFirst([cgroups.memory, "memory.swap.current"]);
  const countsOldSwap = findFirst([cgroups.memory, "memory.memsw.usage_in_bytes"]) !== undefined;
  const threads = openFirst([cgroups.pids, "pids.current"]);
  const countsDisk = countsDisks(cgroups.blkio);
  // Without "recursive" the controller of v1 leaves out what an init moves into cgroups of its own, as systemd does.
  const openOldDisk = (name: string) => (countsDisk ? openFirst([cgroups.blkio, `${name}_recursive`], [cgroups.blkio, name]) : undefined);
  const disk = openFirst([cgroups.blkio, "io.stat"]) ?? openOldDisk("blkio.throttle.io_service_bytes");
  const diskOperations = disk?.name === "io.stat" ? undefined : openOldDisk("blkio.throttle.io_serviced");
  // A container that shares the host's network has no figures of its own.
  const isOfHostNetwork = sharesNetwork(initFolder, procFolder);
  const network = isOfHostNetwork ? undefined : openFirst([initFolder, "net/dev"]);
  const [cpuPressure, memoryPressure, diskPressure] = ["cpu", "memory", "io"].map((name) =>
    openFirst([cgroups.unified, `${name}.pressure`]),
  );
  const stackedDevices = parseStackedMajors(readIfThere(join(procFolder, "devices")) ?? "");
  const processFolder = cgroups.pids ?? cgroups.unified ?? cgroups.memory;

  /** What may change whatever the container does. */
  const live = [disk, network, cpuPressure, memoryPressure, diskPressure];

  let parts: ({ at: number; usage: number; stat: MemoryParts } & Omit<ReturnType<typeof parseMemoryStat>, "stat">) | undefined;
  let limits:
    | { at: number; values: Pick<Counters, "memoryLimitBytes" | "swapLimitBytes" | "processesLimit"> & { cpuLimit: number } }
    | undefined;
  let counted: { at: number; processes?: number; cgroups: number } | undefined;

  const readParts = (usage: number, everyMilliseconds: number) => {
    if (parts && clock() - parts.at < everyMilliseconds && Math.abs(usage - parts.usage) < sameMemoryBytes) return parts;
    const text = memoryStat?.read();
    const { stat, ...inForce } = text === undefined ? { stat: {} } : parseMemoryStat(text);
    const { swapBytes: oldSwap, ...rest } = stat as MemoryParts;
    parts = {
      at: clock(),
      usage,
      stat: {
        ...rest,
        ...defined("kernelBytes", parseNumber(kernelMemory?.read()) ?? rest.kernelBytes),
        ...(countsOldSwap ? defined("swapBytes", oldSwap) : {}),
      },
      ...inForce,
    };
    return parts;
  };

  const memoryLimit = findFirst([cgroups.memory, "memory.limit_in_bytes"], [cgroups.memory, "memory.max"]);
  const memoryFolders = foldersWith(memoryLimit);
  const swapLimit = foldersWith(findFirst([cgroups.memory, "memory.swap.max"]));
  const processesLimit = foldersWith(findFirst([cgroups.pids, "pids.max"]));
  const quota = findFirst([cgroups.cpu, "cpu.max"], [cgroups.cpu, "cpu.cfs_quota_us"]);
  const quotaFolders = foldersWith(quota);
  const cpuset = findFirst(
    [cgroups.cpuset, "cpuset.cpus.effective"],
    [cgroups.cpuset, "cpuset.effective_cpus"],
    [cgroups.cpuset, "cpuset.cpus"],
  );

  const readLimits = (hierarchicalMemoryLimit: number | undefined, hierarchicalSwapLimit: number | undefined) => {
    if (limits && clock() - limits.at < limitsEveryMilliseconds) return limits.values;
    const lowest = (folders: readonly string[], name: string) =>
      smallest(folders.map((folder) => parseLimit(readIfThere(join(folder, name)))));
    const memory = hierarchicalMemoryLimit ?? lowest(memoryFolders, memoryLimit?.[1] ?? "");
    // v1 limits memory and swap together.
    const oldSwap =
      countsOldSwap && hierarchicalSwapLimit !== undefined && hierarchicalSwapLimit < noLimitBytes && memory !== undefined
        ? Math.max(0, hierarchicalSwapLimit - memory)
        : undefined;
    const quotas = quotaFolders.map((folder) =>
      parseQuota(
        readIfThere(join(folder, quota?.[1] ?? "")),
        quota?.[1] === "cpu.max" ? undefined : readIfThere(join(folder, "cpu.cfs_period_us")),
      ),
    );
    limits = {
      at: clock(),
      values: {
        // Without a limit v1 gives the largest number of pages that fits.
        ...(memory !== undefined && memory < hostMemoryBytes ? { memoryLimitBytes: memory } : {}),
        ...defined("swapLimitBytes", oldSwap ?? lowest(swapLimit, "memory.swap.max")),
        ...defined("processesLimit", lowest(processesLimit, "pids.max")),
        cpuLimit: Math.min(
          hostCpus,
          smallest(quotas) ?? hostCpus,
          countCpus(cpuset && readIfThere(join(cpuset[0] ?? "", cpuset[1]))) ?? hostCpus,
        ),
      },
    };
    return limits.values;
  };

  const readProcesses = (isClose: boolean) => {
    const every = Math.max(processesEveryMilliseconds, isClose ? 0 : (counted?.cgroups ?? 0) * processesPerCgroupMilliseconds);
    if (counted && clock() - counted.at < every) return counted.processes;
    const now = processFolder === undefined ? undefined : countProcesses(processFolder);
    counted = { at: clock(), cgroups: now?.cgroups ?? 0, ...defined("processes", now?.processes) };
    return counted.processes;
  };

  let own: { at: number; isSettled: boolean; depth: Depth; memoryText?: string; values: OwnCounters } | undefined;
  /** What changes only by what the container itself does. */
  const readOwn = (isResting: boolean, depth: Depth, cpuText: string | undefined): OwnCounters => {
    if (own?.isSettled && isResting && clock() - own.at < restingMilliseconds && (depth === "glance" || own.depth !== "glance"))
      return own.values;
    const memoryText = memoryUsage?.read();
    const hasSameMemory = isResting && own?.memoryText === memoryText;
    const usage = parseNumber(memoryText);
    const { stat, limitBytes, withSwapLimitBytes } = readParts(
      usage ?? 0,
      hasSameMemory ? limitsEveryMilliseconds : memoryStatEveryMilliseconds,
    );
    const read: OwnCounters = {
      ...defined("memoryUsageBytes", usage),
      ...(memoryText === undefined ? {} : stat),
      ...defined("threads", parseNumber(threads?.read())),
      ...defined("processes", readProcesses(depth === "close")),
      ...readLimits(limitBytes, withSwapLimitBytes),
      ...(depth === "glance" ? {} : readMore(cpuText)),
    };
    const values = own && isDeepStrictEqual(own.values, read) ? own.values : read;
    own = { at: clock(), isSettled: isResting, depth, ...(memoryText !== undefined && { memoryText }), values };
    return values;
  };

  /** What no list shows. */
  const readMore = (cpuText: string | undefined): Partial<Counters> => {
    const partsText = isNewCpu ? cpuText : cpuParts?.read();
    const throttledText = isNewCpu ? cpuText : throttling?.read();
    const eventsText = memoryEvents?.read();
    return {
      ...(partsText === undefined ? {} : parseCpuParts(isNewCpu ? "cpu.stat" : "cpuacct.stat", partsText)),
      ...defined("cpuThrottledNanoseconds", parseThrottled(throttledText ?? "")),
      ...(memoryEvents && eventsText !== undefined ? parseMemoryEvents(memoryEvents.name, eventsText, memoryFailures?.read()) : {}),
      ...defined("swapBytes", parseNumber(swap?.read())),
    };
  };

  let isFresh = true;
  let last: { at: number; usage?: string; texts: (string | undefined)[]; own: OwnCounters; counters: Counters } | undefined;
  return {
    isFresh: () => isFresh,
    missing: missingOf({
      cpu: cpuUsage !== undefined,
      memory: memoryUsage !== undefined,
      swap: swap !== undefined || countsOldSwap,
      isOldMemory: memoryUsage?.name === "memory.usage_in_bytes",
      disk: disk !== undefined,
      isOldDisk: findFirst([cgroups.blkio, "blkio.throttle.io_service_bytes"]) !== undefined,
      network: network !== undefined,
      isOfHostNetwork,
      processes: threads !== undefined,
      pressure: cpuPressure !== undefined,
      hasPressure: readIfThere(join(procFolder, "pressure/cpu")) !== undefined,
    }),
    read(depth = "full") {
      try {
        const usage = cpuUsage?.read();
        const isResting = last !== undefined && usage !== undefined && last.usage === usage;
        isFresh = !(depth === "glance" && last && isResting && clock() - last.at < glanceMilliseconds);
        if (last && !isFresh) return last.counters;
        const texts = [...live.map((file) => file?.read()), depth === "glance" ? undefined : diskOperations?.read()];
        const [diskText, networkText, cpuPressureText, memoryPressureText, diskPressureText, operationsText] = texts;
        const [diskReads, diskWrites] = operationsText === undefined ? [] : parseOldDisk(operationsText, stackedDevices);
        const cpuNanoseconds = usage !== undefined && cpuUsage ? parseCpu(cpuUsage.name, usage) : undefined;
        const own = readOwn(isResting, depth, usage);
        if (last && isResting && last.own === own && texts.every((text, index) => text === last?.texts[index])) {
          last.at = clock();
          return last.counters;
        }
        const counters: Counters = {
          ...defined("cpuNanoseconds", cpuNanoseconds),
          ...own,
          ...(disk && diskText !== undefined ? parseDisk(disk.name, diskText, stackedDevices) : {}),
          ...defined("diskReads", diskReads),
          ...defined("diskWrites", diskWrites),
          ...(networkText !== undefined ? parseNetworkDevices(networkText) : {}),
          ...defined("cpuPressureMicroseconds", parsePressure(cpuPressureText)),
          ...defined("memoryPressureMicroseconds", parsePressure(memoryPressureText)),
          ...defined("diskPressureMicroseconds", parsePressure(diskPressureText)),
        };
        last = { at: clock(), ...(usage !== undefined && { usage }), texts, own, counters };
        return counters;
      } catch (thrown) {
        if (isGone(thrown)) return undefined;
        throw thrown;
      }
    },
    close() {
      const more = [
        cpuParts,
        throttling,
        memoryUsage,
        memoryStat,
        kernelMemory,
        memoryEvents,
        memoryFailures,
        swap,
        threads,
        diskOperations,
      ];
      for (const file of [cpuUsage, ...live, ...more]) file?.close();
    },
  };
}

type OwnCounters = Omit<Counters, "cpuNanoseconds">;

/** What v1 tells of no limit: the largest number of pages that fits, whatever the size of a page is. */
const noLimitBytes = 2 ** 62;

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

type Found = Record<
  | "cpu"
  | "memory"
  | "swap"
  | "isOldMemory"
  | "disk"
  | "isOldDisk"
  | "network"
  | "isOfHostNetwork"
  | "processes"
  | "pressure"
  | "hasPressure",
  boolean
>;

/** Why the figures of a container that were not found are not there. */
function missingOf(found: Found): MissingFigures {
  const lacks = (controller: string) => `The kernel of this computer has no controller “${controller}” for containers.`;
  const swap = "The kernel of this computer counts no swap for containers";
  const disk = "The kernel of this computer counts what containers read and write only once a limit for disks is set.";
  const network = found.isOfHostNetwork ? "It shares this computer's network." : "Its network cannot be read.";
  const pressure = found.hasPressure
    ? "The pressure of a container is counted only by version 2 of control groups, which it has none of."
    : "The kernel of this computer counts no pressure: it was started without psi=1, or built without it.";
  return {
    ...(!found.cpu && { cpu: lacks("cpu") }),
    ...(!found.memory && { memory: lacks("memory"), events: lacks("memory") }),
    ...(!found.swap && { swap: found.isOldMemory ? `${swap}: it was started without swapaccount=1.` : `${swap}.` }),
    ...(!found.disk && { disk: found.isOldDisk ? disk : lacks("io") }),
    ...(!found.network && { network }),
    ...(!found.processes && { processes: lacks("pids") }),
    ...(!found.pressure && { pressure }),
  };
}

function sharesNetwork(initFolder: string, procFolder: string): boolean {
  try {
    return readlinkSync(join(initFolder, "ns/net")) === readlinkSync(join(procFolder, "self/ns/net"));
  } catch {
    return true;
  }
}

/**
 * True where v1 counts bytes at all. Newer kernels begin only when some limit on disks is set, and give a lone "Total 0"
 * until then, also for the whole host, which certainly has read from a disk.
 */
function countsDisks(folder: string | undefined): boolean {
  const read = (path: string) => readIfThere(join(path, "blkio.throttle.io_service_bytes"));
  if (folder === undefined) return false;
  let top = folder;
  while (top !== "/" && read(dirname(top)) !== undefined) top = dirname(top);
  return /^\d+:\d+ /m.test(read(top) ?? "");
}
