import { closeSync, existsSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ContainerCgroups } from "./cgroup.ts";
import { createTextReader } from "./proc.ts";

/**
 * What the kernel counts for one container, as totals since it was started. A figure that is absent is not available on this host.
 * Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst and accounting/psi.rst of the kernel, proc_pid_net(5).
 */
export type Counters = {
  cpuNanoseconds?: number;
  /** All memory that is charged to the container, with its file cache. */
  memoryUsageBytes?: number;
  inactiveFileBytes?: number;
  activeFileBytes?: number;
  memoryLimitBytes?: number;
  diskReadBytes?: number;
  diskWriteBytes?: number;
  networkReceivedBytes?: number;
  networkSentBytes?: number;
  processes?: number;
  processesLimit?: number;
  /** How long some process has waited for a CPU, for memory, for a disk. Only cgroup v2 counts it, where the kernel has PSI. */
  cpuPressureMicroseconds?: number;
  memoryPressureMicroseconds?: number;
  diskPressureMicroseconds?: number;
  /** Cores it may use: min(quota / period, cpuset, host CPUs). */
  cpuLimit: number;
};

export type CounterReader = {
  /**
   * The counters as they are now, the very same object where none has changed; undefined once the container's cgroup is gone.
   * @param isGlance Does no more than needed for a list: as long as it has used no CPU, what else it may have got meanwhile, packets
   * for instance, is read only now and then.
   */
  read(isGlance?: boolean): Counters | undefined;
  close(): void;
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

/** memory.stat costs the kernel more than all other files together, and limits hardly ever change. */
const memoryStatEveryMilliseconds = 2_000;
const limitsEveryMilliseconds = 60_000;
/** A container that has used no CPU since has neither more memory nor more processes; what others do to it shows after this time. */
const restingMilliseconds = 30_000;
/** So long it is taken on trust at a glance. */
const glanceMilliseconds = 60_000;

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
  const memoryUsage = openFirst([cgroups.memory, "memory.usage_in_bytes"], [cgroups.memory, "memory.current"]);
  const memoryStat = openFirst([cgroups.memory, "memory.stat"]);
  const processes = openFirst([cgroups.pids, "pids.current"]);
  // Without "recursive" the controller of v1 leaves out what an init moves into cgroups of its own, as systemd does.
  const disk = openFirst(
    [cgroups.blkio, "io.stat"],
    ...(countsDisks(cgroups.blkio)
      ? ([
          [cgroups.blkio, "blkio.throttle.io_service_bytes_recursive"],
          [cgroups.blkio, "blkio.throttle.io_service_bytes"],
        ] as const)
      : []),
  );
  // A container that shares the host's network has no figures of its own.
  const network = sharesNetwork(initFolder, procFolder) ? undefined : openFirst([initFolder, "net/dev"]);
  const [cpuPressure, memoryPressure, diskPressure] = ["cpu", "memory", "io"].map((name) =>
    openFirst([cgroups.unified, `${name}.pressure`]),
  );
  const stackedDevices = parseStackedMajors(readIfThere(join(procFolder, "devices")) ?? "");

  /** What may change whatever the container does. */
  const live = [disk, network, cpuPressure, memoryPressure, diskPressure];

  let cache: { at: number; stat: Pick<Counters, "inactiveFileBytes" | "activeFileBytes">; limitBytes?: number } | undefined;
  let limits: { at: number; values: Pick<Counters, "memoryLimitBytes" | "processesLimit"> & { cpuLimit: number } } | undefined;

  const readCache = (everyMilliseconds: number) => {
    if (cache && clock() - cache.at < everyMilliseconds) return cache;
    const stat = memoryStat?.read();
    cache = stat === undefined ? { at: clock(), stat: {} } : { at: clock(), ...parseMemoryStat(stat) };
    return cache;
  };

  const memoryLimit = findFirst([cgroups.memory, "memory.limit_in_bytes"], [cgroups.memory, "memory.max"]);
  const processesLimit = findFirst([cgroups.pids, "pids.max"]);
  const quota = findFirst([cgroups.cpu, "cpu.max"], [cgroups.cpu, "cpu.cfs_quota_us"]);
  const period = findFirst([cgroups.cpu, "cpu.cfs_period_us"]);
  const cpuset = findFirst(
    [cgroups.cpuset, "cpuset.cpus.effective"],
    [cgroups.cpuset, "cpuset.effective_cpus"],
    [cgroups.cpuset, "cpuset.cpus"],
  );

  const readLimits = (hierarchicalMemoryLimit: number | undefined) => {
    if (limits && clock() - limits.at < limitsEveryMilliseconds) return limits.values;
    const memory = hierarchicalMemoryLimit ?? parseLimit(readIfThere(memoryLimit));
    const pids = parseLimit(readIfThere(processesLimit));
    limits = {
      at: clock(),
      values: {
        // Without a limit v1 gives the largest number of pages that fits.
        ...(memory !== undefined && memory < hostMemoryBytes ? { memoryLimitBytes: memory } : {}),
        ...defined("processesLimit", pids),
        cpuLimit: Math.min(
          hostCpus,
          parseQuota(readIfThere(quota), readIfThere(period)) ?? hostCpus,
          countCpus(readIfThere(cpuset)) ?? hostCpus,
        ),
      },
    };
    return limits.values;
  };

  let own: { at: number; memoryText?: string; values: Omit<Counters, "cpuNanoseconds"> } | undefined;
  /** What changes only by what the container itself does. */
  const readOwn = (isResting: boolean) => {
    if (own && isResting && clock() - own.at < restingMilliseconds) return own.values;
    const memoryText = memoryUsage?.read();
    const hasSameMemory = isResting && own?.memoryText === memoryText;
    const { stat, limitBytes } = readCache(hasSameMemory ? limitsEveryMilliseconds : memoryStatEveryMilliseconds);
    const read = {
      ...defined("memoryUsageBytes", parseNumber(memoryText)),
      ...(memoryText === undefined ? {} : stat),
      ...defined("processes", parseNumber(processes?.read())),
      ...readLimits(limitBytes),
    };
    const values = own && isDeepStrictEqual(own.values, read) ? own.values : read;
    own = { at: clock(), memoryText, values };
    return values;
  };

  let last:
    | { at: number; usage?: string; texts: (string | undefined)[]; own: Omit<Counters, "cpuNanoseconds">; counters: Counters }
    | undefined;
  return {
    read(isGlance = false) {
      try {
        const usage = cpuUsage?.read();
        const isResting = last !== undefined && usage !== undefined && last.usage === usage;
        if (isGlance && last && isResting && clock() - last.at < glanceMilliseconds) return last.counters;
        const texts = live.map((file) => file?.read());
        const [diskText, networkText, cpuPressureText, memoryPressureText, diskPressureText] = texts;
        const cpuNanoseconds = usage !== undefined && cpuUsage ? parseCpu(cpuUsage.name, usage) : undefined;
        const own = readOwn(isResting);
        if (last && isResting && last.own === own && texts.every((text, index) => text === last?.texts[index])) {
          last.at = clock();
          return last.counters;
        }
        const counters = {
          ...defined("cpuNanoseconds", cpuNanoseconds),
          ...own,
          ...(disk && diskText !== undefined ? parseDisk(disk.name, diskText, stackedDevices) : {}),
          ...(networkText !== undefined ? parseNetworkDevices(networkText) : {}),
          ...defined("cpuPressureMicroseconds", parsePressure(cpuPressureText)),
          ...defined("memoryPressureMicroseconds", parsePressure(memoryPressureText)),
          ...defined("diskPressureMicroseconds", parsePressure(diskPressureText)),
        };
        last = { at: clock(), usage, texts, own, counters };
        return counters;
      } catch (thrown) {
        if (isGone(thrown)) return undefined;
        throw thrown;
      }
    },
    close() {
      for (const file of [cpuUsage, ...live, memoryUsage, memoryStat, processes]) file?.close();
    },
  };
}

/** CPU time used, nanoseconds: `cpuacct.usage` of v1 as it is, `usage_usec` of `cpu.stat` of v2. */
export function parseCpu(file: string, text: string): number | undefined {
  if (file === "cpuacct.usage") return parseNumber(text);
  const microseconds = parseNumber(/^usage_usec (\d+)$/m.exec(text)?.[1]);
  return microseconds === undefined ? undefined : microseconds * 1000;
}

/**
 * File cache of a container with everything below it: `total_*` in v1, where the plain figures are its own cgroup's alone.
 * v1 also tells the limit that is in force, whichever cgroup above sets it.
 */
export function parseMemoryStat(text: string): { stat: Pick<Counters, "inactiveFileBytes" | "activeFileBytes">; limitBytes?: number } {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const blank = line.indexOf(" ");
    if (blank > 0) values.set(line.slice(0, blank), Number(line.slice(blank + 1)));
  }
  return {
    stat: {
      ...defined("inactiveFileBytes", values.get("total_inactive_file") ?? values.get("inactive_file")),
      ...defined("activeFileBytes", values.get("total_active_file") ?? values.get("active_file")),
    },
    ...defined("limitBytes", values.get("hierarchical_memory_limit")),
  };
}

/**
 * Bytes read from and written to disks, since the container was started.
 * @param stackedMajors Devices that pass everything on to a device below, where it would be counted a second time.
 */
export function parseDisk(
  file: string,
  text: string,
  stackedMajors: ReadonlySet<number>,
): Pick<Counters, "diskReadBytes" | "diskWriteBytes"> {
  let diskReadBytes = 0;
  let diskWriteBytes = 0;
  for (const line of text.split("\n")) {
    const [device = "", ...words] = line.split(" ");
    const major = /^(\d+):\d+$/.exec(device)?.[1];
    if (major === undefined || stackedMajors.has(Number(major))) continue;
    if (file === "io.stat") {
      for (const word of words) {
        if (word.startsWith("rbytes=")) diskReadBytes += Number(word.slice(7));
        else if (word.startsWith("wbytes=")) diskWriteBytes += Number(word.slice(7));
      }
    } else if (words[0] === "Read") diskReadBytes += Number(words[1]);
    else if (words[0] === "Write") diskWriteBytes += Number(words[1]);
  }
  return { diskReadBytes, diskWriteBytes };
}

/** Microseconds in which at least one process waited: `total` of the line "some". */
export function parsePressure(text: string | undefined): number | undefined {
  return parseNumber(/^some .*\btotal=(\d+)$/m.exec(text ?? "")?.[1]);
}

/** Bytes received and sent over all interfaces but the loopback: columns 1 and 9 of `/proc/PID/net/dev`. */
export function parseNetworkDevices(text: string): Pick<Counters, "networkReceivedBytes" | "networkSentBytes"> {
  let networkReceivedBytes = 0;
  let networkSentBytes = 0;
  for (const line of text.split("\n").slice(2)) {
    const colon = line.lastIndexOf(":");
    if (colon < 0 || line.slice(0, colon).trim() === "lo") continue;
    const columns = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    networkReceivedBytes += Number(columns[0]);
    networkSentBytes += Number(columns[8]);
  }
  return { networkReceivedBytes, networkSentBytes };
}

/** Major numbers of block devices that lie on top of others, by `/proc/devices`. */
export function parseStackedMajors(text: string): Set<number> {
  const blockDevices = text.slice(Math.max(0, text.indexOf("Block devices:")));
  const majors = new Set<number>();
  for (const [, major, name] of blockDevices.matchAll(/^ *(\d+) (\S+)$/gm)) {
    if (name && ["device-mapper", "loop", "md", "mdp"].includes(name)) majors.add(Number(major));
  }
  return majors;
}

/** How many CPUs a list such as `0-3,8` has (cpuset(7), "List format"). */
export function countCpus(list = ""): number | undefined {
  let count = 0;
  for (const range of list.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (!match) return undefined;
    count += Number(match[2] ?? match[1]) - Number(match[1]) + 1;
  }
  return count;
}

/**
 * Cores that a quota allows; undefined where there is none.
 * @param quota Of `cpu.max` of v2, "QUOTA PERIOD" with "max" for no quota; or of `cpu.cfs_quota_us` of v1, -1 for none.
 * @param period Of `cpu.cfs_period_us` of v1.
 */
export function parseQuota(quota = "", period = ""): number | undefined {
  const [quotaMicroseconds = 0, periodMicroseconds = 0] = `${quota.trim()} ${period.trim()}`.split(" ").map(Number);
  return quotaMicroseconds > 0 && periodMicroseconds > 0 ? quotaMicroseconds / periodMicroseconds : undefined;
}

/** A limit as a number; undefined for "max", which is none. */
function parseLimit(text: string | undefined): number | undefined {
  return text?.trim() === "max" ? undefined : parseNumber(text);
}

function parseNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function defined<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: number });
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

type Place = readonly [folder: string | undefined, file: string];
type OpenFile = { name: string; read(): string | undefined; close(): void };

/** Opens the first of these files that is there. */
function openFirst(...places: Place[]): OpenFile | undefined {
  for (const [folder, name] of places) {
    if (folder === undefined) continue;
    try {
      return keepOpen(name, openSync(join(folder, name), "r"));
    } catch {
      // Not on this host: the figure is not available.
    }
  }
  return undefined;
}

function keepOpen(name: string, file: number): OpenFile {
  const readText = createTextReader(file);
  let isOpen = true;
  return {
    name,
    /** The whole text. @throws ENODEV where the cgroup is gone. Undefined where the kernel refuses the figure. */
    read() {
      if (!isOpen) return undefined;
      try {
        return readText();
      } catch (thrown) {
        if (isGone(thrown)) throw thrown;
        return undefined;
      }
    },
    close() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };
}

/** What reading from a removed cgroup, or from a process that has ended, gives. */
function isGone(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === "ENODEV" || code === "ESRCH";
}

/** The path of the first of these files that is there: a refused attempt costs more than reading. */
function findFirst(...places: Place[]): string | undefined {
  for (const [folder, name] of places) if (folder !== undefined && existsSync(join(folder, name))) return join(folder, name);
  return undefined;
}

function readIfThere(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
