import { readdirSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { MissingFigures } from "../contract/model.ts";
import { openFirst, readIfThere } from "./counter-files.ts";
import { clockTickNanoseconds, defined, parseNetworkDevices, parseNumber, parsePressure } from "./counter-parsers.ts";
import type { CounterReader, Counters } from "./counters.ts";
import { namesIn } from "./proc.ts";

type HostCounterOptions = {
  procFolder?: string;
  sysFolder?: string;
  /** Monotonic milliseconds. */
  clock?: () => number;
  hostCpus?: number;
  hostMemoryBytes?: number;
};

/** Counting processes means reading the names of all; which devices there are hardly changes. */
const processesEveryMilliseconds = 5_000;
const devicesEveryMilliseconds = 30_000;
/** A sector of /proc/diskstats, whatever the device's own are (Documentation/admin-guide/iostats.rst of the kernel). */
const sectorBytes = 512;

/**
 * Reads what the kernel counts for the whole computer, in the same words as for a container, from descriptors that stay open.
 * Sources: proc_stat(5), proc_meminfo(5), proc_vmstat(5), proc_loadavg(5), proc_sys_kernel(5), and of the kernel
 * Documentation/admin-guide/iostats.rst and accounting/psi.rst.
 */
export function openHostCounters({
  procFolder = "/proc",
  sysFolder = "/sys",
  clock = () => performance.now(),
  hostCpus = availableParallelism(),
  hostMemoryBytes = totalmem(),
}: HostCounterOptions = {}): CounterReader {
  const open = (name: string) => openFirst([procFolder, name]);
  const stat = open("stat");
  const memory = open("meminfo");
  const events = open("vmstat");
  const disks = open("diskstats");
  // Of process 1: what /proc/net shows depends on who asks.
  const network = openFirst([procFolder, "1/net/dev"], [procFolder, "net/dev"]);
  const load = open("loadavg");
  const [cpuPressure, memoryPressure, diskPressure] = ["cpu", "memory", "io"].map((name) => open(`pressure/${name}`));
  const files = [stat, memory, events, disks, network, load, cpuPressure, memoryPressure, diskPressure];

  let devices: { at: number; disks: ReadonlySet<string>; interfaces: ReadonlySet<string> } | undefined;
  const readDevices = () => {
    if (devices && clock() - devices.at < devicesEveryMilliseconds) return devices;
    devices = { at: clock(), disks: disksOf(sysFolder), interfaces: interfacesOf(sysFolder) };
    return devices;
  };
  let processes: { at: number; count: number; limit?: number } | undefined;
  const readProcesses = () => {
    if (processes && clock() - processes.at < processesEveryMilliseconds) return processes;
    const count = readdirSync(procFolder).filter((name) => name.charCodeAt(0) <= 57 && /^\d+$/.test(name)).length;
    const limit = parseNumber(readIfThere(join(procFolder, "sys/kernel/threads-max")));
    processes = { at: clock(), count, ...defined("limit", limit) };
    return processes;
  };

  return {
    isFresh: () => true,
    missing: missingOf({ disks: disks !== undefined, network: network !== undefined, pressure: cpuPressure !== undefined }),
    read() {
      const [stat, memory, events, disks, network, load, cpuPressure, memoryPressure, diskPressure] = files.map((file) => file?.read());
      const { disks: ownDisks, interfaces } = readDevices();
      const { count, limit } = readProcesses();
      return {
        ...parseHostCpu(stat ?? ""),
        cpuLimit: hostCpus,
        ...parseHostMemory(memory ?? ""),
        memoryLimitBytes: hostMemoryBytes,
        ...defined("oomKills", parseNumber(/^oom_kill (\d+)$/m.exec(events ?? "")?.[1])),
        ...(disks === undefined ? {} : parseDiskStatistics(disks, ownDisks)),
        ...(network === undefined ? {} : parseNetworkDevices(network, (name) => interfaces.has(name))),
        processes: count,
        ...defined("threads", parseNumber(/^(?:\S+ ){3}\d+\/(\d+) /.exec(load ?? "")?.[1])),
        ...defined("processesLimit", limit),
        ...defined("cpuPressureMicroseconds", parsePressure(cpuPressure)),
        ...defined("memoryPressureMicroseconds", parsePressure(memoryPressure)),
        ...defined("diskPressureMicroseconds", parsePressure(diskPressure)),
      };
    },
    close() {
      for (const file of files) file?.close();
    },
  };
}

/**
 * CPU time by the first line of `/proc/stat`, clock ticks: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.
 * What guests used is part of user already; what was stolen, another computer on the same machine used.
 */
export function parseHostCpu(text: string): Pick<Counters, "cpuNanoseconds" | "cpuUserNanoseconds" | "cpuSystemNanoseconds"> {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (!fields) return {};
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  const cpuUserNanoseconds = (user + nice) * clockTickNanoseconds;
  const cpuSystemNanoseconds = (system + irq + softirq) * clockTickNanoseconds;
  return { cpuNanoseconds: cpuUserNanoseconds + cpuSystemNanoseconds, cpuUserNanoseconds, cpuSystemNanoseconds };
}

/**
 * Memory by `/proc/meminfo`, where used is what is not available: the kernel's own estimate counts cache as available that can be given up.
 * Usage is told with the inactive file cache, as that of containers is, so that taking it off gives the same again.
 */
export function parseHostMemory(
  text: string,
): Pick<
  Counters,
  "memoryUsageBytes" | "inactiveFileBytes" | "activeFileBytes" | "anonymousBytes" | "kernelBytes" | "swapBytes" | "swapLimitBytes"
> {
  const values = new Map<string, number>();
  for (const [, name = "", kibibytes] of text.matchAll(/^(\S+): +(\d+) kB$/gm)) values.set(name, Number(kibibytes) * 1024);
  const value = (name: string) => values.get(name);
  const [total, available] = [value("MemTotal"), value("MemAvailable")];
  const inactive = value("Inactive(file)");
  const used = total === undefined || available === undefined ? undefined : total - available + (inactive ?? 0);
  const kernel = ["SUnreclaim", "SReclaimable", "KernelStack", "PageTables", "Percpu"].map(value).filter((part) => part !== undefined);
  const [swapTotal, swapFree] = [value("SwapTotal"), value("SwapFree")];
  const swap = swapTotal === undefined || swapFree === undefined ? undefined : swapTotal - swapFree;
  return {
    ...defined("memoryUsageBytes", used),
    ...defined("inactiveFileBytes", inactive),
    ...defined("activeFileBytes", value("Active(file)")),
    ...defined("anonymousBytes", value("AnonPages")),
    ...(kernel.length > 0 ? { kernelBytes: kernel.reduce((sum, part) => sum + part, 0) } : {}),
    ...defined("swapBytes", swap),
    ...defined("swapLimitBytes", swapTotal),
  };
}

/**
 * What all disks have read and written, by `/proc/diskstats`: major, minor, name, reads, merged, sectors read, ms, writes, merged, sectors
 * written.
 * @param disks Those that are counted: a partition, or a device on top of others, would count the same a second time.
 */
export function parseDiskStatistics(
  text: string,
  disks: ReadonlySet<string>,
): Required<Pick<Counters, "diskReadBytes" | "diskWriteBytes" | "diskReads" | "diskWrites">> {
  const sum = { diskReadBytes: 0, diskWriteBytes: 0, diskReads: 0, diskWrites: 0 };
  for (const line of text.split("\n")) {
    const [, , name = "", reads, , sectorsRead, , writes, , sectorsWritten] = line.trim().split(/\s+/);
    if (!disks.has(name)) continue;
    sum.diskReads += Number(reads);
    sum.diskReadBytes += Number(sectorsRead) * sectorBytes;
    sum.diskWrites += Number(writes);
    sum.diskWriteBytes += Number(sectorsWritten) * sectorBytes;
  }
  return sum;
}

/** Whole disks that lie on nothing else: of `/sys/block`, which has no partitions, without memory and what has devices below it. */
export function disksOf(sysFolder: string): Set<string> {
  const folder = join(sysFolder, "block");
  const isDisk = (name: string) => !/^(loop|ram|zram)\d/.test(name) && namesIn(join(folder, name, "slaves")).length === 0;
  // In a folder of /sys a / of a device's name is a !.
  return new Set(
    namesIn(folder)
      .filter(isDisk)
      .map((name) => name.replaceAll("!", "/")),
  );
}

/**
 * Interfaces by which this computer reaches others: those with a device of their own, which bridges, bonds, tunnels and the ends of
 * containers have none of. Where there is none, as in a container, all that are neither a bridge nor a part of one.
 */
export function interfacesOf(sysFolder: string): Set<string> {
  const folder = join(sysFolder, "class/net");
  const interfaces = namesIn(folder).map((name) => ({ name, has: namesIn(join(folder, name)) }));
  const real = interfaces.filter(({ has }) => has.includes("device"));
  const other = interfaces.filter(({ has }) => !has.includes("bridge") && !has.includes("brport"));
  return new Set((real.length > 0 ? real : other).map(({ name }) => name));
}

function missingOf(found: { disks: boolean; network: boolean; pressure: boolean }): MissingFigures {
  return {
    ...(!found.disks && { disk: "The kernel of this computer does not count what its disks read and write." }),
    ...(!found.network && { network: "The network of this computer cannot be read." }),
    ...(!found.pressure && {
      pressure: "The kernel of this computer counts no pressure: it was started without psi=1, or built without it.",
    }),
  };
}
