import type { Container, MetricsSample, MetricsTick } from "./contract/model.ts";
import { cgroupsOf } from "./lxc/cgroup.ts";
import { type CounterReader, type Counters, type Depth, openCounters } from "./lxc/counters.ts";
import { openHostCounters } from "./lxc/host-counters.ts";
import { ownCgroups, payloadCgroups } from "./lxc/payload.ts";
import { readProcessStat, startTimeMilliseconds } from "./lxc/proc.ts";
import { createMeters, type Meter, type Meters } from "./meters.ts";
import { addFigures, interfaceSamples, type Reading, sampleOf } from "./metrics-sample.ts";
import type { ContainerWatch } from "./watch.ts";

type OnTick = (tick: MetricsTick) => void;

/** Figures of running containers at an interval, one tick for all of them. Nothing is read while nobody looks. */
export type Metrics = {
  /**
   * Replaces what is sampled for a page. There is a tick at once, with what needs no second reading, and one with rates soon after.
   * @param containers Names, or all that run; containers that start later are taken in, those that stop are left out.
   * @param host Whether this computer as a whole is sampled, too.
   */
  watch(containers: "running" | readonly string[], intervalMilliseconds: number, onTick: OnTick, host?: boolean): void;
  /** Samples all that run, and this computer, for history and alerts, whatever a page watches. @param intervalMilliseconds 0 ends it. */
  record(intervalMilliseconds: number, onTick: OnTick): void;
  /** Ends what a page watches. */
  stop(): void;
};

export type MetricsOptions = {
  /** Where containers are learned of: which run, and with which init process. */
  containers: Pick<ContainerWatch, "snapshot" | "onChanged">;
  /** Opens the counters of a running container; undefined where its init has gone meanwhile. */
  open?: (container: RunningContainer) => CounterReader | undefined;
  openHost?: () => CounterReader;
  /** True while nobody takes what is told: then there is no tick. */
  isBehind?: () => boolean;
  /** Milliseconds that only ever grow. */
  clock?: () => number;
};

export type RunningContainer = { name: string; initPid: number; startedAt: number | undefined };

type Metered = {
  container: RunningContainer;
  meter: Meter;
  last: Reading | undefined;
  /** What its last sample was made of, if nothing had moved then: as long as nothing does, each further one would be the same. */
  toldAtRest?: Counters;
  /** Its last sample, if that had rates. */
  told?: MetricsSample;
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
  openHost = openHostCounters,
  isBehind = () => false,
  clock = () => performance.now(),
}: MetricsOptions): Metrics {
  const sampler = { containers, open, openHost, isBehind, clock, meters: createMeters(clock) };
  const watched = createSampling(sampler);
  const recorded = createSampling(sampler);

  return {
    watch(names, interval, onTick, host = false) {
      if (names !== "running" && names.length === 0 && !host) return watched.stop();
      const isNamed = names !== "running";
      watched.begin({ wanted: isNamed ? new Set(names) : names, depth: isNamed ? "close" : "glance", host, interval, onTick });
    },
    record(interval, onTick) {
      if (interval === 0) return recorded.stop();
      recorded.begin({ wanted: "running", depth: "full", host: true, interval, onTick });
    },
    stop: watched.stop,
  };
}

type Wish = { wanted: "running" | ReadonlySet<string>; depth: Depth; host: boolean; interval: number; onTick: OnTick };
type Sampling = { begin(wish: Wish): void; stop(): void };

/** What one of those samples who want figures. Several share what they read. */
function createSampling({ containers, open, openHost, isBehind, clock, meters }: Required<MetricsOptions> & { meters: Meters }): Sampling {
  const metered = new Map<string, Metered>();
  let host: Pick<Metered, "meter" | "last"> | undefined;
  let unwatch: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wish: Wish = { wanted: new Set(), depth: "glance", host: false, interval: 1_000, onTick: () => {} };
  let ticksOfThisWatch = 0;
  let lastTick: { at: number; time: number } | undefined;

  const isWanted = (name: string) => wish.wanted === "running" || wish.wanted.has(name);

  const forget = (name: string) => {
    metered.get(name)?.meter.release();
    metered.delete(name);
  };
  const forgetHost = () => {
    host?.meter.release();
    host = undefined;
  };

  /** Begins or ends metering a container, as it runs or not. */
  const follow = (container: Container) => {
    const { name, initPid, startedAt } = container;
    const before = metered.get(name);
    if (before && before.container.initPid === initPid && before.container.startedAt === startedAt && isWanted(name)) return;
    forget(name);
    if (initPid === undefined || !isWanted(name)) return;
    const running = { name, initPid, startedAt };
    const meter = meters.acquire(`${name} ${initPid} ${startedAt}`, () => open(running));
    if (!meter) return;
    const entry: Metered = { container: running, meter, last: undefined };
    metered.set(name, entry);
    // The baseline is taken now, so that the next tick has rates already.
    take(entry);
  };

  const followHost = () => {
    const meter = wish.host && !host ? meters.acquire("", openHost) : undefined;
    if (!wish.host) forgetHost();
    else if (meter) host = { meter, last: meter.read(wish.depth) };
  };

  /** Reads a container. Undefined, and forgotten, where it is gone. */
  function take(entry: Metered): Reading | undefined {
    const reading = entry.meter.read(wish.depth);
    if (!reading) {
      forget(entry.container.name);
      return undefined;
    }
    entry.last ??= reading;
    return reading;
  }

  const tick = () => {
    const { depth, interval, onTick } = wish;
    if (isBehind()) return schedule(interval);
    ticksOfThisWatch += 1;
    const at = clock();
    const time = Date.now();
    // The monotonic clock stands still while the computer sleeps, the other one does not.
    const since = lastTick && Math.max(at - lastTick.at, time - lastTick.time);
    const afterGap = since === undefined || since > gapAfterIntervals * interval;
    const hasSlept = lastTick !== undefined && time - lastTick.time - (at - lastTick.at) > gapAfterIntervals * interval;
    const samples: MetricsSample[] = [];
    const unchanged: string[] = [];
    let isOneLost = false;
    const isRate = (elapsed: number) => !hasSlept && elapsed >= shortestRateMilliseconds && elapsed <= gapAfterIntervals * interval;
    for (const entry of [...metered.values()]) {
      const before = entry.last;
      const now = take(entry);
      if (!now || !before) {
        isOneLost ||= !now;
        continue;
      }
      const elapsed = now.at - before.at;
      const hasRate = isRate(elapsed);
      if (elapsed >= shortestRateMilliseconds) entry.last = now;
      if (hasRate && entry.toldAtRest === now.counters) {
        unchanged.push(entry.container.name);
        continue;
      }
      const rateSince = hasRate ? before : undefined;
      const sample = sampleOf(entry.container.name, now, rateSince);
      if (depth === "close") {
        const interfaces = interfaceSamples(now, rateSince);
        if (interfaces) sample.interfaces = interfaces;
        if (Object.keys(entry.meter.missing).length > 0) sample.missing = entry.meter.missing;
      }
      // Who else samples it may have read it anew, and found the same.
      if (hasRate && entry.told && isSame(sample, entry.told)) unchanged.push(entry.container.name);
      else samples.push(sample);
      entry.told = hasRate ? sample : undefined;
      entry.toldAtRest = hasRate && before.counters === now.counters ? now.counters : undefined;
    }
    // It has ended, or been started again: then it is metered anew.
    if (isOneLost) for (const container of containers.snapshot().containers) follow(container);
    const hostFigures = takeHost(isRate);
    schedule();
    if (samples.length + unchanged.length === 0 && !hostFigures) return;
    lastTick = { at, time };
    onTick({ time, afterGap, samples, unchanged, ...(hostFigures && { host: hostFigures }) });
  };

  const takeHost = (isRate: (elapsed: number) => boolean): MetricsTick["host"] => {
    const now = host?.meter.read(wish.depth);
    if (!host || !now) return undefined;
    const elapsed = now.at - (host.last?.at ?? now.at);
    const figures = addFigures({}, now, isRate(elapsed) ? host.last : undefined);
    if (elapsed >= shortestRateMilliseconds) host.last = now;
    const { missing } = host.meter;
    return Object.keys(missing).length > 0 ? { ...figures, missing } : figures;
  };

  const usualDelay = () => (ticksOfThisWatch === 0 ? 0 : ticksOfThisWatch === 1 ? secondTickAfterMilliseconds : wish.interval);
  const schedule = (delay = usualDelay()) => {
    clearTimeout(timer);
    timer = undefined;
    if ((metered.size === 0 && !host) || !unwatch) return;
    timer = setTimeout(tick, delay).unref();
  };

  return {
    begin(newWish) {
      wish = newWish;
      ticksOfThisWatch = 0;
      for (const entry of metered.values()) entry.toldAtRest = entry.told = undefined;
      unwatch ??= containers.onChanged(({ changed, removed }) => {
        for (const name of removed) forget(name);
        for (const container of changed) follow(container);
        if (!timer) schedule();
      });
      const all = containers.snapshot().containers;
      const present = new Set(all.map(({ name }) => name));
      for (const name of [...metered.keys()]) if (!present.has(name)) forget(name);
      for (const container of all) follow(container);
      followHost();
      schedule();
    },
    stop() {
      unwatch?.();
      unwatch = undefined;
      clearTimeout(timer);
      timer = undefined;
      for (const name of [...metered.keys()]) forget(name);
      forgetHost();
    },
  };
}

/** Whether two samples tell the same. What each interface does is told by the second. */
function isSame(one: MetricsSample, other: MetricsSample): boolean {
  const keys = Object.keys(one) as (keyof MetricsSample)[];
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

function openRunning({ name, initPid, startedAt }: RunningContainer): CounterReader | undefined {
  const cgroups = payloadCgroups(name, initPid);
  if (!cgroups) return undefined;
  const reader = openCounters({ cgroups: ownCgroups(cgroups, cgroupsOf(1)), initFolder: `/proc/${initPid}` });
  // The number may belong to another process by now. What was opened before this check was opened while init lived.
  const stat = readProcessStat(initPid);
  if (stat && startTimeMilliseconds(stat) === startedAt) return reader;
  reader.close();
  return undefined;
}
