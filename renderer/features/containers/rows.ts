import type { Container } from "../../../privileged-helper/contract/model.ts";
import type { MetricsPoint } from "../../state/metrics.ts";
import { filterWords } from "../../ui/filter-words.ts";

export type SortKey = "name" | "state" | "address" | "cpu" | "memory" | "processes" | "uptime" | "autostart" | "type";
export type Sorting = { key: SortKey; isDescending: boolean };

/** Those of which the filter's words are all found in their name, state or addresses. */
export function filterContainers(containers: Iterable<Container>, filter: string): Container[] {
  const words = filterWords(filter);
  return [...containers].filter((container) => {
    const text = `${container.name} ${container.state} ${container.ipv4.join(" ")} ${container.ipv6.join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Sorted by a column; equal ones by name, with numbers in names as numbers. What has no figure comes last either way. */
export function sortContainers(
  containers: readonly Container[],
  { key, isDescending }: Sorting,
  points: Readonly<Record<string, readonly MetricsPoint[]>>,
): Container[] {
  const sortValue = (container: Container): string | number | undefined => {
    const sample = container.state === "running" ? points[container.name]?.at(-1)?.sample : undefined;
    switch (key) {
      case "name":
        return container.name;
      case "state":
        return container.state;
      case "address":
        return container.ipv4[0] ? addressOrder(container.ipv4[0]) : undefined;
      case "cpu":
        return sample?.cpuPercent;
      case "memory":
        return sample?.memoryBytes;
      case "processes":
        return sample?.processes;
      case "uptime":
        return container.startedAt === undefined ? undefined : -container.startedAt;
      case "autostart":
        return container.autostart ? 0 : 1;
      case "type":
        return container.privileged ? 1 : 0;
    }
  };
  return [...containers].sort((a, b) => {
    const [x, y] = [sortValue(a), sortValue(b)];
    if (x === undefined || y === undefined) return x === y ? byName(a, b) : x === undefined ? 1 : -1;
    const order = typeof x === "number" && typeof y === "number" ? x - y : compareText(String(x), String(y));
    return (isDescending ? -order : order) || byName(a, b);
  });
}

const collator = new Intl.Collator("en", { numeric: true });
const compareText = (a: string, b: string) => collator.compare(a, b);
const byName = (a: Container, b: Container) => compareText(a.name, b.name);

function addressOrder(ipv4: string): number {
  return ipv4.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
