import { useEffect } from "react";
import { create } from "zustand";
import type { MetricsFigure, MetricsFigures, MetricsSample, MetricsTick } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";

/** One reading of one container. */
export type MetricsPoint = { time: number; afterGap: boolean; sample: MetricsSample };

/** How many readings a chart shows. */
export const keptPoints = 120;
const listIntervalMilliseconds = 2_000;
/** While nobody touches the app and no container does anything. */
const quietIntervalMilliseconds = 8_000;
const pageIntervalMilliseconds = 1_000;
/** Whoever has not touched it for so long looks elsewhere, or only at what moves by itself. */
const untouchedMilliseconds = 10_000;
/** A container below this rests. */
const restingPercent = 0.5;
const keptMilliseconds = keptPoints * pageIntervalMilliseconds;
/** Two ticks of the slowest pace: so long a time between two readings is no line. */
const gapMilliseconds = 2 * quietIntervalMilliseconds;

/** A container's name, or what none can be called. */
type Wanted = string;
export const allRunning: Wanted = "*";
/** The computer as a whole, and all of its containers together: no container's name has a slash. */
export const wholeComputer: Wanted = "/";
export const allTogether: Wanted = "/containers";

export const useMetricsStore = create<{ points: Readonly<Record<string, readonly MetricsPoint[]>> }>(() => ({ points: {} }));

const none: readonly MetricsPoint[] = [];
const wanted = new Map<Wanted, number>();
let current: Client | undefined;
let asked = "";
let isScheduled = false;
let touchedAt = 0;
let areResting = false;

/** The last readings of a container, oldest first. */
export function useMetrics(name: string): readonly MetricsPoint[] {
  return useMetricsStore(({ points }) => points[name] ?? none);
}

/** Has a container sampled, or all that run, or the computer, while the component that says so is on a visible page. */
export function useMetricsWatch(what: Wanted): void {
  useEffect(() => want(what), [what]);
}

/** The same of several containers. @param names Joined by slashes, so that they stay the same. */
export function useMetricsWatchOf(names: string): void {
  useEffect(() => {
    const ends = names === "" ? [] : names.split("/").map(want);
    return () => {
      for (const end of ends) end();
    };
  }, [names]);
}

function want(what: Wanted): () => void {
  wanted.set(what, (wanted.get(what) ?? 0) + 1);
  schedule();
  return () => {
    const left = (wanted.get(what) ?? 1) - 1;
    if (left > 0) wanted.set(what, left);
    else wanted.delete(what);
    schedule();
  };
}

/** Receives readings. @returns A function that ends it. */
export function startMetrics(client: Client): () => void {
  current = client;
  asked = "";
  const stopListening = client.on("metrics.tick", (tick) => {
    useMetricsStore.setState(({ points }) => ({ points: addTick(points, tick) }));
    // A new pace begins with a tick that has no rates yet: that is no news. Nor is what has not changed.
    areResting = tick.samples.every(({ cpuPercent = 0 }) => cpuPercent < restingPercent);
    schedule();
  });
  document.addEventListener("visibilitychange", schedule);
  for (const event of touches) document.addEventListener(event, onTouched, { passive: true });
  touchedAt = performance.now();
  schedule();
  return () => {
    stopListening();
    document.removeEventListener("visibilitychange", schedule);
    for (const event of touches) document.removeEventListener(event, onTouched);
    if (current === client) current = undefined;
  };
}

const touches = ["pointermove", "pointerdown", "wheel", "keydown"] as const;

/** Only the first one after a while changes anything; a mouse that moves sends hundreds. */
function onTouched() {
  const before = listPace(areResting, performance.now() - touchedAt);
  touchedAt = performance.now();
  if (before !== listIntervalMilliseconds) schedule();
}

/**
 * Adds a tick to the rings of those that it has readings of. A ring that has got no reading for as long as a chart shows is let go:
 * its container has stopped, or is gone.
 */
export function addTick(
  points: Readonly<Record<string, readonly MetricsPoint[]>>,
  { time, afterGap, samples, unchanged, host }: MetricsTick,
) {
  const next: Record<string, readonly MetricsPoint[]> = {};
  for (const [name, before] of Object.entries(points)) {
    if (time - (before.at(-1)?.time ?? 0) < keptMilliseconds) next[name] = before;
  }
  const add = (sample: MetricsSample) => {
    const before = next[sample.name] ?? none;
    const last = before.at(-1);
    const isAfterGap = last !== undefined && (afterGap || time - last.time > gapMilliseconds);
    next[sample.name] = [...before.slice(-(keptPoints - 1)), { time, afterGap: isAfterGap, sample }];
  };
  for (const sample of samples) add(sample);
  for (const name of unchanged) {
    const last = next[name]?.at(-1);
    if (last) add(last.sample);
  }
  if (host) {
    add({ ...host, name: wholeComputer });
    const all = [...samples, ...unchanged.flatMap((name) => next[name]?.at(-1)?.sample ?? [])];
    if (all.length > 0) add({ ...sumSamples(all), name: allTogether });
  }
  return next;
}

const summedFigures = [
  "cpuPercent",
  "memoryBytes",
  "diskReadBytesPerSecond",
  "diskWriteBytesPerSecond",
  "networkReceivedBytesPerSecond",
  "networkSentBytesPerSecond",
  "processes",
  "threads",
] as const satisfies readonly MetricsFigure[];

/** What containers take together; a figure that none of them has is absent. */
function sumSamples(samples: readonly MetricsSample[]): MetricsFigures {
  const sum: MetricsFigures = {};
  for (const sample of samples) {
    for (const figure of summedFigures) {
      const value = sample[figure];
      if (value !== undefined) sum[figure] = (sum[figure] ?? 0) + value;
    }
  }
  return sum;
}

/** Milliseconds between two readings of all containers. @param untouchedFor Milliseconds since the person has last touched the app. */
export function listPace(areAllResting: boolean, untouchedFor: number): number {
  return areAllResting && untouchedFor > untouchedMilliseconds ? quietIntervalMilliseconds : listIntervalMilliseconds;
}

/** Changing pages ends one wish and begins another: the helper is told the outcome. */
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(() => {
    isScheduled = false;
    tell();
  });
}

function tell() {
  const names = document.hidden ? [] : [...wanted.keys()].filter((name) => name !== wholeComputer);
  const host = !document.hidden && wanted.has(wholeComputer);
  const containers = names.includes(allRunning) ? ("running" as const) : names;
  const isListOnly = containers === "running" && names.length === 1 && !host;
  const intervalMilliseconds = isListOnly ? listPace(areResting, performance.now() - touchedAt) : pageIntervalMilliseconds;
  const wish = { containers, intervalMilliseconds, ...(host ? { host } : {}) };
  const request = JSON.stringify(wish);
  if (!current || request === asked) return;
  asked = request;
  // Without readings the charts say so; the session's own screen tells why.
  current.call("metrics.watch", wish).catch(() => {
    asked = "";
  });
}
