import type { InterfaceSample, MetricsFigures, MetricsSample } from "./contract/model.ts";
import type { Counters } from "./lxc/counters.ts";

/** Counters as they were at a time of a clock that only ever grows, milliseconds. */
export type Reading = {
  at: number;
  /** When it was last seen that no CPU was used is `at`; what else the counters say may be older. */
  readAt: number;
  counters: Counters;
};

/** The figures of one container at one tick. */
export function sampleOf(name: string, now: Reading, before: Reading | undefined): MetricsSample {
  return addFigures({ name }, now, before);
}

/**
 * Adds the figures of one tick: totals and limits as they are, and rates over the time since the reading before. What is not known is
 * absent.
 * @param before Undefined where there is none that a rate could be made with.
 */
export function addFigures<T extends object>(target: T, now: Reading, before: Reading | undefined): T & MetricsFigures {
  const { counters } = now;
  const { memoryUsageBytes, inactiveFileBytes, activeFileBytes } = counters;
  const perSecond = (key: RateKey): number | undefined => {
    if (before === undefined) return undefined;
    const since = key === "cpuNanoseconds" ? before.at : before.readAt;
    return rate(counters[key], before.counters[key], now.at - since);
  };
  /** Per cent of one core, or of the time, from nanoseconds a second. */
  const percent = (key: RateKey): number | undefined => {
    const nanoseconds = perSecond(key);
    return nanoseconds === undefined ? undefined : nanoseconds / 1e7;
  };
  /** The kernel adds up a moment after the clock was read, so slightly more than all of the time is possible. */
  const waiting = (key: RateKey): number | undefined => {
    const microseconds = perSecond(key);
    return microseconds === undefined ? undefined : Math.min(100, microseconds / 1e4);
  };
  // Each CPU adds the time in which it was throttled by itself: on several it is more than the time that went by.
  const throttled = percent("cpuThrottledNanoseconds");
  const figures: MetricsFigures = {
    cpuPercent: percent("cpuNanoseconds"),
    cpuUserPercent: percent("cpuUserNanoseconds"),
    cpuSystemPercent: percent("cpuSystemNanoseconds"),
    cpuThrottledPercent: throttled === undefined ? undefined : Math.min(100, throttled),
    cpuNanoseconds: counters.cpuNanoseconds,
    cpuLimit: counters.cpuLimit,
    // The two come from files read one after the other, so more cache than usage is possible for a moment.
    memoryBytes: memoryUsageBytes === undefined ? undefined : Math.max(0, memoryUsageBytes - (inactiveFileBytes ?? 0)),
    memoryCacheBytes:
      inactiveFileBytes === undefined && activeFileBytes === undefined ? undefined : (inactiveFileBytes ?? 0) + (activeFileBytes ?? 0),
    memoryAnonymousBytes: counters.anonymousBytes,
    memoryKernelBytes: counters.kernelBytes,
    memoryActiveFileBytes: activeFileBytes,
    memoryInactiveFileBytes: inactiveFileBytes,
    memoryLimitBytes: counters.memoryLimitBytes,
    swapBytes: counters.swapBytes,
    swapLimitBytes: counters.swapLimitBytes,
    memoryLimitHits: counters.memoryLimitHits,
    oomKills: counters.oomKills,
    diskReadBytesPerSecond: perSecond("diskReadBytes"),
    diskWriteBytesPerSecond: perSecond("diskWriteBytes"),
    diskReadsPerSecond: perSecond("diskReads"),
    diskWritesPerSecond: perSecond("diskWrites"),
    networkReceivedBytesPerSecond: perSecond("networkReceivedBytes"),
    networkSentBytesPerSecond: perSecond("networkSentBytes"),
    networkReceivedPacketsPerSecond: perSecond("networkReceivedPackets"),
    networkSentPacketsPerSecond: perSecond("networkSentPackets"),
    networkDropsPerSecond: perSecond("networkDrops"),
    processes: counters.processes,
    threads: counters.threads,
    processesLimit: counters.processesLimit,
    cpuPressurePercent: waiting("cpuPressureMicroseconds"),
    memoryPressurePercent: waiting("memoryPressureMicroseconds"),
    diskPressurePercent: waiting("diskPressureMicroseconds"),
  };
  // Deleting what is not known would make this, and writing it as JSON, several times slower.
  const told: MetricsFigures = target;
  for (const key of Object.keys(figures) as (keyof MetricsFigures)[]) if (figures[key] !== undefined) told[key] = figures[key];
  return told as T & MetricsFigures;
}

/** The rates of each interface. One that has only just appeared has none yet. */
export function interfaceSamples(now: Reading, before: Reading | undefined): InterfaceSample[] | undefined {
  const milliseconds = now.at - (before?.readAt ?? now.at);
  return now.counters.interfaces?.map((counters) => {
    const earlier = before?.counters.interfaces?.find(({ name }) => name === counters.name);
    const rates = {
      receivedBytesPerSecond: rate(counters.receivedBytes, earlier?.receivedBytes, milliseconds),
      sentBytesPerSecond: rate(counters.sentBytes, earlier?.sentBytes, milliseconds),
      receivedPacketsPerSecond: rate(counters.receivedPackets, earlier?.receivedPackets, milliseconds),
      sentPacketsPerSecond: rate(counters.sentPackets, earlier?.sentPackets, milliseconds),
      dropsPerSecond: rate(counters.drops, earlier?.drops, milliseconds),
    } satisfies Omit<InterfaceSample, "name">;
    const sample: InterfaceSample = { name: counters.name };
    for (const key of Object.keys(rates) as (keyof typeof rates)[]) if (rates[key] !== undefined) sample[key] = rates[key];
    return sample;
  });
}

/** A second's worth of what was counted. A counter that went back was begun anew: how much it counted in between is not known. */
function rate(later: number | undefined, earlier: number | undefined, milliseconds: number): number | undefined {
  if (later === undefined || earlier === undefined || later < earlier || milliseconds <= 0) return undefined;
  return ((later - earlier) * 1000) / milliseconds;
}

type RateKey = {
  [key in keyof Counters]-?: key extends `${string}Nanoseconds` | `${string}Microseconds` | `disk${string}` | `network${string}`
    ? key
    : never;
}[keyof Counters];
