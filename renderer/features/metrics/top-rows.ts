import type { MetricsSample } from "../../../privileged-helper/contract/model.ts";
import type { MetricsPoint } from "../../state/metrics.ts";
import { formatBytes, formatPercent, formatRate } from "../../ui/format.ts";

export type TopKey = "name" | "cpu" | "memory" | "disk" | "network" | "processes";
export type TopSorting = { key: TopKey; isDescending: boolean };

type TopColumn = { key: TopKey; label: string; value?(sample: MetricsSample): number | undefined; format?(value: number): string };

export const topColumns: readonly TopColumn[] = [
  { key: "name", label: "Container" },
  { key: "cpu", label: "CPU", value: ({ cpuPercent }) => cpuPercent, format: formatPercent },
  { key: "memory", label: "Memory", value: ({ memoryBytes }) => memoryBytes, format: formatBytes },
  {
    key: "disk",
    label: "Disk I/O",
    value: ({ diskReadBytesPerSecond: read, diskWriteBytesPerSecond: written }) => sum(read, written),
    format: formatRate,
  },
  {
    key: "network",
    label: "Network",
    value: ({ networkReceivedBytesPerSecond: received, networkSentBytesPerSecond: sent }) => sum(received, sent),
    format: formatRate,
  },
  { key: "processes", label: "Processes", value: ({ processes, threads }) => processes ?? threads, format: String },
];

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Names by their newest figure; those that have none come last either way, and equal ones by name, so that rows do not jump. */
export function sortTop(
  names: readonly string[],
  { key, isDescending }: TopSorting,
  points: Readonly<Record<string, readonly MetricsPoint[]>>,
): string[] {
  const value = topColumns.find((column) => column.key === key)?.value;
  if (!value) return names.toSorted((a, b) => (isDescending ? collator.compare(b, a) : collator.compare(a, b)));
  const figures = new Map(
    names.map((name) => {
      const sample = points[name]?.at(-1)?.sample;
      return [name, sample && value(sample)];
    }),
  );
  return names.toSorted((a, b) => {
    const [x, y] = [figures.get(a), figures.get(b)];
    if (x === undefined || y === undefined) return x === y ? collator.compare(a, b) : x === undefined ? 1 : -1;
    return (isDescending ? y - x : x - y) || collator.compare(a, b);
  });
}
