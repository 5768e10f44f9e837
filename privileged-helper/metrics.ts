import type { Container, MetricsFigures, MetricsSample, MetricsTick } from "./contract/model.ts";
import { type CounterReader, type Counters, openCounters } from "./lxc/counters.ts";
import { payloadCgroups } from "./lxc/payload.ts";
import { readProcessStat, startTimeMilliseconds } from "./lxc/proc.ts";
import type { ContainerWatch } from "./watch.ts";

/** Figures of running containers at an interval, one tick for all of them. Nothing is read while nobody looks. */
export type Metrics = {
  /**
   * Replaces what is sampled. There is a tick at once, with what needs no second reading, and one with rates soon after.
   * @param containers Names, or all that run; containers that start later are taken in, those that stop are left out.
   */
  watch(containers: "running" | readonly string[], intervalMilliseconds: number, onTick: (tick: MetricsTick) => void): void;
  stop(): void;
};

export type MetricsOptions = {
  /** Where containers are learned of: which run, and with which init process. */
  containers: Pick<ContainerWatch, "snapshot" | "onChanged">;
  /** Opens the counters of a running container; undefined where its init has gone meanwhile. */
  open?: (container: RunningContainer) => CounterReader | undefined;
  /** True while nobody takes what is told: then there is no tick. */
  isBehind?: () => boolean;
  /** Milliseconds that only ever grow. */
  clock?: () => number;
};

export type RunningContainer = { name: string; initPid: number; startedAt: number | undefined };

type Reading = {
  at: number;
  /** When it was last seen that no CPU was used is `at`; what else the counters say may be older. */
  readAt: number;
  counters: Counters;
};
type Metered = {
  container: RunningContainer;
  reader: CounterReader;
  last: Reading | undefined;
  /** What its last sample was made of, if nothing had moved then: as long as nothing does, each further one would be the same. */
  toldAtRest?: Counters;
};

/** The second tick comes early, so that rates need not be waited for. */
const secondTickAfterMilliseconds = 250;
/** Over less time than this a rate is noise. */
const shortestRateMilliseconds = 100;
/** After so many ticks that did not come, a rate would be an average over what nobody saw. */
const gapAfterIntervals = 3;

export function createMetrics({
  containers,
  open = openRunning,
  isBehind = () => false,
  clock = () => performance.now(),
}: MetricsOptions): Metrics {
  const metered = new Map<string, Metered>();
  let unwatch: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wanted: "running" | ReadonlySet<string> = new Set();
  let interval = 1_000;
  let onTick: (tick: MetricsTick) => void = () => {};
  let ticksOfThisWatch = 0;
  let lastTick: { at: number; time: number } | undefined;

  const isWanted = (name: string) => wanted === "running" || wanted.has(name);

  const forget = (name: string) => {
    metered.get(name)?.reader.close();
    metered.delete(name);
  };

  /** Begins or ends metering a container, as it runs or not. */
  const follow = (container: Container) => {
    const { name, initPid, startedAt } = container;
    const before = metered.get(name);
    if (before && before.container.initPid === initPid && before.container.startedAt === startedAt && isWanted(name)) return;
    forget(name);
    if (initPid === undefined || !isWanted(name)) return;
    const running = { name, initPid, startedAt };
    const reader = open(running);
    if (!reader) return;
    const entry: Metered = { container: running, reader, last: undefined };
    metered.set(name, entry);
    // The baseline is taken now, so that the next tick has rates already.
    take(entry);
  };

  /** Reads a container. Undefined, and forgotten, where it is gone. */
  function take(entry: Metered): Reading | undefined {
    const counters = entry.reader.read(wanted === "running");
    if (!counters) {
      forget(entry.container.name);
      return undefined;
    }
    const at = clock();
    const reading = { at, readAt: entry.last?.counters === counters ? entry.last.readAt : at, counters };
    entry.last ??= reading;
    return reading;
  }

  const tick = () => {
    if (isBehind()) return schedule(interval);
    ticksOfThisWatch += 1;
    const at = clock();
    const time = Date.now();
    // The monotonic clock stands still while the computer sleeps, the other one does not.
    const since = lastTick && Math.max(at - lastTick.at, time - lastTick.time);
    const afterGap = since === undefined || since > gapAfterIntervals * interval;
    const samples: MetricsSample[] = [];
    const unchanged: string[] = [];
    let isOneLost = false;
    for (const entry of [...metered.values()]) {
      const before = entry.last;
      const now = take(entry);
      if (!now || !before) {
        isOneLost ||= !now;
        continue;
      }
      const elapsed = now.at - before.at;
      const hasRate = elapsed >= shortestRateMilliseconds && elapsed <= gapAfterIntervals * interval;
      if (elapsed >= shortestRateMilliseconds) entry.last = now;
      if (hasRate && entry.toldAtRest === now.counters) {
        unchanged.push(entry.container.name);
        continue;
      }
      samples.push(sampleOf(entry.container.name, now, hasRate ? before : undefined));
      entry.toldAtRest = hasRate && before.counters === now.counters ? now.counters : undefined;
    }
    // It has ended, or been started again: then it is metered anew.
    if (isOneLost) for (const container of containers.snapshot().containers) follow(container);
    schedule();
    if (samples.length + unchanged.length === 0) return;
    lastTick = { at, time };
    onTick({ time, afterGap, samples, unchanged });
  };

  const usualDelay = () => (ticksOfThisWatch === 0 ? 0 : ticksOfThisWatch === 1 ? secondTickAfterMilliseconds : interval);
  const schedule = (delay = usualDelay()) => {
    clearTimeout(timer);
    timer = undefined;
    if (metered.size === 0 || !unwatch) return;
    timer = setTimeout(tick, delay).unref();
  };

  const stop = () => {
    unwatch?.();
    unwatch = undefined;
    clearTimeout(timer);
    timer = undefined;
    for (const name of [...metered.keys()]) forget(name);
  };

  return {
    watch(names, intervalMilliseconds, listener) {
      wanted = names === "running" ? names : new Set(names);
      interval = intervalMilliseconds;
      onTick = listener;
      ticksOfThisWatch = 0;
      for (const entry of metered.values()) entry.toldAtRest = undefined;
      if (wanted !== "running" && wanted.size === 0) return stop();
      unwatch ??= containers.onChanged(({ changed, removed }) => {
        for (const name of removed) forget(name);
        for (const container of changed) follow(container);
        if (!timer) schedule();
      });
      const all = containers.snapshot().containers;
      const present = new Set(all.map(({ name }) => name));
      for (const name of [...metered.keys()]) if (!present.has(name)) forget(name);
      for (const container of all) follow(container);
      schedule();
    },
    stop,
  };
}

/** The figures of one tick: totals and limits as they are, and rates over the time since the reading before. */
export function sampleOf(name: string, now: Reading, before: Reading | undefined): MetricsSample {
  const { counters } = now;
  const { memoryUsageBytes, inactiveFileBytes, activeFileBytes } = counters;
  const perSecond = (key: RateKey): number | undefined => {
    const [later, earlier] = [counters[key], before?.counters[key]];
    // A counter that went back was begun anew: how much it counted in between is not known.
    if (before === undefined || later === undefined || earlier === undefined || later < earlier) return undefined;
    const since = key === "cpuNanoseconds" ? before.at : before.readAt;
    return ((later - earlier) * 1000) / (now.at - since);
  };
  /** The kernel adds up a moment after the clock was read, so slightly more than all of the time is possible. */
  const waiting = (key: RateKey): number | undefined => {
    const microseconds = perSecond(key);
    return microseconds === undefined ? undefined : Math.min(100, microseconds / 1e4);
  };
  const cpu = perSecond("cpuNanoseconds");
  const figures: Omit<MetricsFigures, "cpuLimit"> = {
    cpuPercent: cpu === undefined ? undefined : cpu / 1e7,
    cpuNanoseconds: counters.cpuNanoseconds,
    // The two come from files read one after the other, so more cache than usage is possible for a moment.
    memoryBytes: memoryUsageBytes === undefined ? undefined : Math.max(0, memoryUsageBytes - (inactiveFileBytes ?? 0)),
    memoryCacheBytes:
      inactiveFileBytes === undefined && activeFileBytes === undefined ? undefined : (inactiveFileBytes ?? 0) + (activeFileBytes ?? 0),
    memoryLimitBytes: counters.memoryLimitBytes,
    diskReadBytesPerSecond: perSecond("diskReadBytes"),
    diskWriteBytesPerSecond: perSecond("diskWriteBytes"),
    networkReceivedBytesPerSecond: perSecond("networkReceivedBytes"),
    networkSentBytesPerSecond: perSecond("networkSentBytes"),
    processes: counters.processes,
    processesLimit: counters.processesLimit,
    cpuPressurePercent: waiting("cpuPressureMicroseconds"),
    memoryPressurePercent: waiting("memoryPressureMicroseconds"),
    diskPressurePercent: waiting("diskPressureMicroseconds"),
  };
  // What is not known is absent rather than undefined. Deleting it would make this, and writing it as JSON, several times slower.
  const sample: MetricsFigures & { name: string } = { name, cpuLimit: counters.cpuLimit };
  for (const key of Object.keys(figures) as (keyof typeof figures)[]) if (figures[key] !== undefined) sample[key] = figures[key];
  return sample;
}

type RateKey =
  | "cpuNanoseconds"
  | "diskReadBytes"
  | "diskWriteBytes"
  | "networkReceivedBytes"
  | "networkSentBytes"
  | "cpuPressureMicroseconds"
  | "memoryPressureMicroseconds"
  | "diskPressureMicroseconds";

function openRunning({ name, initPid, startedAt }: RunningContainer): CounterReader | undefined {
  const cgroups = payloadCgroups(name, initPid);
  if (!cgroups) return undefined;
  const reader = openCounters({ cgroups, initFolder: `/proc/${initPid}` });
  // The number may belong to another process by now. What was opened before this check was opened while init lived.
  const stat = readProcessStat(initPid);
  if (stat && startTimeMilliseconds(stat) === startedAt) return reader;
  reader.close();
  return undefined;
}
