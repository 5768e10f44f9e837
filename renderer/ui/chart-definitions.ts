import type { KeptFigure } from "../../privileged-helper/contract/history.ts";
import type { MetricsFigures, MetricsSubject } from "../../privileged-helper/contract/model.ts";
import { formatBytes, formatPercent, formatRate } from "./format.ts";

/** One chart of figures: what it is called, which lines it has, and what is said of them in words. */
export type ChartDefinition = {
  name: string;
  subject: MetricsSubject;
  /** Said in the head of an exported column. */
  unit: string;
  lines: readonly { figure: KeptFigure; label: string; isBand?: boolean }[];
  format(value: number): string;
  /** The axis reaches at least this far. */
  atLeast: number;
  base: 10 | 1024;
  /** Undefined while it is not known. */
  headline(sample: MetricsFigures): string | undefined;
  limit?(sample: MetricsFigures): number | undefined;
  limitText?(sample: MetricsFigures): string | undefined;
};

const kibibyte = 1024;
const mebibyte = 1024 * 1024;

export const cpuChart: ChartDefinition = {
  name: "CPU",
  subject: "cpu",
  unit: "% of one core",
  lines: [
    { figure: "cpuPercent", label: "Total" },
    { figure: "cpuUserPercent", label: "In programs" },
    { figure: "cpuSystemPercent", label: "In the kernel" },
  ],
  format: formatPercent,
  atLeast: 100,
  base: 10,
  headline: ({ cpuPercent }) => said(cpuPercent, formatPercent),
  limit: ({ cpuLimit }) => cpuLimit && cpuLimit * 100,
  limitText: ({ cpuPercent, cpuLimit }) => {
    if (cpuLimit === undefined || cpuPercent === undefined) return undefined;
    return `of a core, ${formatPercent(cpuPercent / cpuLimit)} of ${formatCores(cpuLimit)}`;
  },
};

export const throttledChart: ChartDefinition = {
  name: "Held back by the CPU limit",
  subject: "cpu",
  unit: "% of the time",
  lines: [{ figure: "cpuThrottledPercent", label: "Held back" }],
  format: formatPercent,
  atLeast: 10,
  base: 10,
  headline: ({ cpuThrottledPercent }) => said(cpuThrottledPercent, (value) => `${formatPercent(value)} of the time`),
};

export const memoryChart: ChartDefinition = {
  name: "Memory",
  subject: "memory",
  unit: "bytes",
  lines: [
    { figure: "memoryAnonymousBytes", label: "Held by programs", isBand: true },
    { figure: "memoryKernelBytes", label: "Kernel", isBand: true },
    { figure: "memoryActiveFileBytes", label: "Files in use", isBand: true },
    { figure: "memoryInactiveFileBytes", label: "File cache", isBand: true },
  ],
  format: formatBytes,
  atLeast: mebibyte,
  base: 1024,
  headline: ({ memoryBytes }) => said(memoryBytes, formatBytes),
  limit: ({ memoryLimitBytes }) => memoryLimitBytes,
  limitText: ({ memoryLimitBytes }) => said(memoryLimitBytes, (limit) => `of ${formatBytes(limit)}`),
};

/** Where the kernel does not tell what its memory consists of, or there is room for little. */
export const memoryUsedChart: ChartDefinition = { ...memoryChart, lines: [{ figure: "memoryBytes", label: "Used" }] };

export const swapChart: ChartDefinition = {
  name: "Swap",
  subject: "swap",
  unit: "bytes",
  lines: [{ figure: "swapBytes", label: "Swapped out" }],
  format: formatBytes,
  atLeast: mebibyte,
  base: 1024,
  headline: ({ swapBytes }) => said(swapBytes, formatBytes),
  limit: ({ swapLimitBytes }) => swapLimitBytes,
  limitText: ({ swapLimitBytes }) => said(swapLimitBytes, (limit) => `of ${formatBytes(limit)}`),
};

export const diskChart: ChartDefinition = {
  name: "Disk I/O",
  subject: "disk",
  unit: "bytes per second",
  lines: [
    { figure: "diskReadBytesPerSecond", label: "Read" },
    { figure: "diskWriteBytesPerSecond", label: "Written" },
  ],
  format: formatRate,
  atLeast: kibibyte,
  base: 1024,
  headline: ({ diskReadBytesPerSecond, diskWriteBytesPerSecond }) => together(diskReadBytesPerSecond, diskWriteBytesPerSecond, formatRate),
};

export const diskOperationsChart: ChartDefinition = {
  name: "Disk operations",
  subject: "disk",
  unit: "operations per second",
  lines: [
    { figure: "diskReadsPerSecond", label: "Reads" },
    { figure: "diskWritesPerSecond", label: "Writes" },
  ],
  format: formatPerSecond,
  atLeast: 10,
  base: 10,
  headline: ({ diskReadsPerSecond, diskWritesPerSecond }) => together(diskReadsPerSecond, diskWritesPerSecond, formatPerSecond),
};

export const networkChart: ChartDefinition = {
  name: "Network",
  subject: "network",
  unit: "bytes per second",
  lines: [
    { figure: "networkReceivedBytesPerSecond", label: "Received" },
    { figure: "networkSentBytesPerSecond", label: "Sent" },
  ],
  format: formatRate,
  atLeast: kibibyte,
  base: 1024,
  headline: ({ networkReceivedBytesPerSecond, networkSentBytesPerSecond }) =>
    together(networkReceivedBytesPerSecond, networkSentBytesPerSecond, formatRate),
};

export const packetsChart: ChartDefinition = {
  name: "Packets",
  subject: "network",
  unit: "packets per second",
  lines: [
    { figure: "networkReceivedPacketsPerSecond", label: "Received" },
    { figure: "networkSentPacketsPerSecond", label: "Sent" },
    { figure: "networkDropsPerSecond", label: "Dropped" },
  ],
  format: formatPerSecond,
  atLeast: 10,
  base: 10,
  headline: ({ networkReceivedPacketsPerSecond, networkSentPacketsPerSecond }) =>
    together(networkReceivedPacketsPerSecond, networkSentPacketsPerSecond, formatPerSecond),
};

export const processesChart: ChartDefinition = {
  name: "Processes and threads",
  subject: "processes",
  unit: "number",
  lines: [
    { figure: "processes", label: "Processes" },
    { figure: "threads", label: "Threads" },
  ],
  format: formatCount,
  atLeast: 10,
  base: 10,
  headline: ({ processes, threads }) =>
    processes === undefined ? said(threads, (count) => `${formatCount(count)} threads`) : `${formatCount(processes)} processes`,
  limit: ({ processesLimit }) => processesLimit,
  limitText: ({ processesLimit }) => said(processesLimit, (limit) => `of ${formatCount(limit)} threads`),
};

export const pressureChart: ChartDefinition = {
  name: "Pressure",
  subject: "pressure",
  unit: "% of the time",
  lines: [
    { figure: "cpuPressurePercent", label: "Waits for a CPU" },
    { figure: "memoryPressurePercent", label: "Waits for memory" },
    { figure: "diskPressurePercent", label: "Waits for disks" },
  ],
  format: formatPercent,
  atLeast: 10,
  base: 10,
  headline: ({ cpuPressurePercent = 0, memoryPressurePercent = 0, diskPressurePercent = 0 }) =>
    `${formatPercent(Math.max(cpuPressurePercent, memoryPressurePercent, diskPressurePercent))} of the time`,
};

/** 1 -> "1 CPU", 1.5 -> "1.5 CPUs" */
function formatCores(cores: number): string {
  return `${Number(cores.toFixed(2))} ${cores === 1 ? "CPU" : "CPUs"}`;
}

function formatPerSecond(value: number): string {
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}/s`;
}

function formatCount(value: number): string {
  return value >= 10_000 ? `${Number((value / 1_000).toFixed(1))}k` : String(Math.round(value));
}

function said(value: number | undefined, format: (value: number) => string): string | undefined {
  return value === undefined ? undefined : format(value);
}

function together(one: number | undefined, other: number | undefined, format: (value: number) => string): string | undefined {
  return one === undefined && other === undefined ? undefined : format((one ?? 0) + (other ?? 0));
}
