import type { Counters, InterfaceCounters } from "./counters.ts";

/** Nanoseconds of a clock tick: USER_HZ is 100 on every architecture that Linux has containers on (proc_pid_stat(5), sysconf(3)). */
export const clockTickNanoseconds = 1e7;

/** CPU time used, nanoseconds: `cpuacct.usage` of v1 as it is, `usage_usec` of `cpu.stat` of v2. */
export function parseCpu(file: string, text: string): number | undefined {
  if (file === "cpuacct.usage") return parseNumber(text);
  return parseMicroseconds(/^usage_usec (\d+)$/m.exec(text)?.[1]);
}

/**
 * CPU time spent in programs and in the kernel for them: of `cpu.stat` of v2, microseconds, or of `cpuacct.stat` of v1, clock ticks.
 * v1 has them in nanoseconds as well (`cpuacct.usage_user`), but those are not corrected to add up to what was used.
 */
export function parseCpuParts(file: string, text: string): Pick<Counters, "cpuUserNanoseconds" | "cpuSystemNanoseconds"> {
  const value = (name: string) => parseNumber(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  const inUnits = (value: number | undefined, unit: number) => (value === undefined ? undefined : value * unit);
  const [user, system, unit] =
    file === "cpuacct.stat" ? [value("user"), value("system"), clockTickNanoseconds] : [value("user_usec"), value("system_usec"), 1000];
  return {
    ...defined("cpuUserNanoseconds", inUnits(user, unit)),
    ...defined("cpuSystemNanoseconds", inUnits(system, unit)),
  };
}

/** How long its CPUs were kept from running by its quota, together: `cpu.stat`, of v1 in nanoseconds, of v2 in microseconds. */
export function parseThrottled(text: string): number | undefined {
  return parseNumber(/^throttled_time (\d+)$/m.exec(text)?.[1]) ?? parseMicroseconds(/^throttled_usec (\d+)$/m.exec(text)?.[1]);
}

export type MemoryParts = Pick<Counters, "inactiveFileBytes" | "activeFileBytes" | "anonymousBytes" | "kernelBytes" | "swapBytes">;

/** What kernels before 5.18 tell of their own memory, in parts. */
const kernelParts = ["kernel_stack", "pagetables", "sec_pagetables", "percpu", "sock", "vmalloc", "slab"];

/**
 * The parts of the memory of a container with everything below it: `total_*` in v1, where the plain figures are its own cgroup's alone.
 * v1 also tells the limits that are in force, whichever cgroup above sets them, and swap, where the kernel counts that.
 */
export function parseMemoryStat(text: string): { stat: MemoryParts; limitBytes?: number; withSwapLimitBytes?: number } {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const blank = line.indexOf(" ");
    if (blank > 0) values.set(line.slice(0, blank), Number(line.slice(blank + 1)));
  }
  const isOld = values.has("total_inactive_file") || values.has("total_rss");
  const parts = kernelParts.map((name) => values.get(name)).filter((value) => value !== undefined);
  const kernel = values.get("kernel") ?? (parts.length > 0 ? parts.reduce((sum, value) => sum + value, 0) : undefined);
  return {
    stat: {
      ...defined("inactiveFileBytes", values.get("total_inactive_file") ?? values.get("inactive_file")),
      ...defined("activeFileBytes", values.get("total_active_file") ?? values.get("active_file")),
      ...defined("anonymousBytes", values.get("total_rss") ?? values.get("anon")),
      ...(isOld ? {} : defined("kernelBytes", kernel)),
      ...defined("swapBytes", values.get("total_swap")),
    },
    ...defined("limitBytes", values.get("hierarchical_memory_limit")),
    ...defined("withSwapLimitBytes", values.get("hierarchical_memsw_limit")),
  };
}

/** How often the memory limit was reached, and how many processes were killed for it: `memory.events` of v2, or the two files of v1. */
export function parseMemoryEvents(file: string, text: string, failures?: string): Pick<Counters, "memoryLimitHits" | "oomKills"> {
  const value = (pattern: RegExp) => parseNumber(pattern.exec(text)?.[1]);
  return {
    ...defined("memoryLimitHits", file === "memory.events" ? value(/^max (\d+)$/m) : parseNumber(failures)),
    ...defined("oomKills", value(/^oom_kill (\d+)$/m)),
  };
}

/**
 * Bytes or operations, read from and written to disks, since the container was started.
 * @param stackedMajors Devices that pass everything on to a device below, where it would be counted a second time.
 */
function addDisks(text: string, stackedMajors: ReadonlySet<number>, add: (words: readonly string[]) => void): void {
  for (const line of text.split("\n")) {
    const [device = "", ...words] = line.split(" ");
    const major = /^(\d+):\d+$/.exec(device)?.[1];
    if (major !== undefined && !stackedMajors.has(Number(major))) add(words);
  }
}

/** Bytes read from and written to disks since the container was started; of v2 operations, too, which v1 has in a file of their own. */
export function parseDisk(file: string, text: string, stackedMajors: ReadonlySet<number>): DiskCounters {
  if (file !== "io.stat") {
    const [diskReadBytes, diskWriteBytes] = parseOldDisk(text, stackedMajors);
    return { diskReadBytes, diskWriteBytes };
  }
  const sums = { rbytes: 0, wbytes: 0, rios: 0, wios: 0 };
  addDisks(text, stackedMajors, (words) => {
    for (const word of words) {
      const [key = "", value] = word.split("=");
      if (key in sums) sums[key as keyof typeof sums] += Number(value);
    }
  });
  return { diskReadBytes: sums.rbytes, diskWriteBytes: sums.wbytes, diskReads: sums.rios, diskWrites: sums.wios };
}
type DiskCounters = Pick<Counters, "diskReadBytes" | "diskWriteBytes" | "diskReads" | "diskWrites">;

/** What a file of `blkio.throttle` of v1 adds up to. @returns Read and written. */
export function parseOldDisk(text: string, stackedMajors: ReadonlySet<number>): [read: number, written: number] {
  let read = 0;
  let written = 0;
  addDisks(text, stackedMajors, ([kind, value]) => {
    if (kind === "Read") read += Number(value);
    else if (kind === "Write") written += Number(value);
  });
  return [read, written];
}

/** Microseconds in which at least one process waited: `total` of the line "some". */
export function parsePressure(text: string | undefined): number | undefined {
  return parseNumber(/^some .*\btotal=(\d+)$/m.exec(text ?? "")?.[1]);
}

/**
 * What went over each interface but the loopback and those that are left out, and over all together: columns 1, 2, 4, 9, 10 and 12 of
 * `/proc/PID/net/dev` (proc_pid_net(5)).
 */
export function parseNetworkDevices(text: string, isCounted: (name: string) => boolean = () => true): NetworkCounters {
  const interfaces: InterfaceCounters[] = [];
  const sum = { networkReceivedBytes: 0, networkSentBytes: 0, networkReceivedPackets: 0, networkSentPackets: 0, networkDrops: 0 };
  for (const line of text.split("\n").slice(2)) {
    const colon = line.lastIndexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trim();
    if (colon < 0 || name === "lo" || !isCounted(name)) continue;
    const columns = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [receivedBytes = 0, receivedPackets = 0, , receivedDrops = 0, , , , , sentBytes = 0, sentPackets = 0, , sentDrops = 0] = columns;
    const drops = receivedDrops + sentDrops;
    interfaces.push({ name, receivedBytes, sentBytes, receivedPackets, sentPackets, drops });
    sum.networkReceivedBytes += receivedBytes;
    sum.networkSentBytes += sentBytes;
    sum.networkReceivedPackets += receivedPackets;
    sum.networkSentPackets += sentPackets;
    sum.networkDrops += drops;
  }
  return { ...sum, interfaces };
}
type NetworkCounters = Pick<
  Counters,
  "networkReceivedBytes" | "networkSentBytes" | "networkReceivedPackets" | "networkSentPackets" | "networkDrops" | "interfaces"
>;

/** Major numbers of block devices that lie on top of others, by `/proc/devices`. */
export function parseStackedMajors(text: string): Set<number> {
  const blockDevices = text.slice(Math.max(0, text.indexOf("Block devices:")));
  const majors = new Set<number>();
  for (const [, major, name] of blockDevices.matchAll(/^ *(\d+) (\S+)$/gm)) {
    if (name && ["device-mapper", "loop", "md", "mdp", "drbd", "bcache"].includes(name)) majors.add(Number(major));
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
export function parseLimit(text: string | undefined): number | undefined {
  return text?.trim() === "max" ? undefined : parseNumber(text);
}

export function parseNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function parseMicroseconds(text: string | undefined): number | undefined {
  const microseconds = parseNumber(text);
  return microseconds === undefined ? undefined : microseconds * 1000;
}

/** A property that is left out where there is nothing to say. */
export function defined<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: number });
}
