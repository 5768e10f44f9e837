import { useEffect } from "react";
import { create } from "zustand";
import type { MetricsSample, MetricsTick } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";

/** One reading of one container. */
export type MetricsPoint = { time: number; afterGap: boolean; sample: MetricsSample };

/** How many readings a chart shows. */
export const keptPoints = 120;
const listIntervalMilliseconds = 2_000;
const pageIntervalMilliseconds = 1_000;
const keptMilliseconds = keptPoints * pageIntervalMilliseconds;
/** Three ticks of the slower pace: so long a time between two readings is no line. */
const gapMilliseconds = 3 * listIntervalMilliseconds;

/** A container's name, or what none can be called. */
type Wanted = string;
export const allRunning: Wanted = "*";

export const useMetricsStore = create<{ points: Readonly<Record<string, readonly MetricsPoint[]>> }>(() => ({ points: {} }));

const none: readonly MetricsPoint[] = [];
const wanted = new Map<Wanted, number>();
let current: Client | undefined;
let asked = "";
let isScheduled = false;

/** The last readings of a container, oldest first. */
export function useMetrics(name: string): readonly MetricsPoint[] {
  return useMetricsStore(({ points }) => points[name] ?? none);
}

/** Has a container sampled, or all that run, while the component that says so is on a visible page. */
export function useMetricsWatch(what: Wanted): void {
  useEffect(() => {
    wanted.set(what, (wanted.get(what) ?? 0) + 1);
    schedule();
    return () => {
      const left = (wanted.get(what) ?? 1) - 1;
      if (left > 0) wanted.set(what, left);
      else wanted.delete(what);
      schedule();
    };
  }, [what]);
}

/** Receives readings. @returns A function that ends it. */
export function startMetrics(client: Client): () => void {
  current = client;
  asked = "";
  const stopListening = client.on("metrics.tick", (tick) => useMetricsStore.setState(({ points }) => ({ points: addTick(points, tick) })));
  document.addEventListener("visibilitychange", schedule);
  schedule();
  return () => {
    stopListening();
    document.removeEventListener("visibilitychange", schedule);
    if (current === client) current = undefined;
  };
}

/**
 * Adds a tick to the rings of those that it has readings of. A ring that has got no reading for as long as a chart shows is let go:
 * its container has stopped, or is gone.
 */
export function addTick(points: Readonly<Record<string, readonly MetricsPoint[]>>, { time, afterGap, samples }: MetricsTick) {
  const next: Record<string, readonly MetricsPoint[]> = {};
  for (const [name, before] of Object.entries(points)) {
    if (time - (before.at(-1)?.time ?? 0) < keptMilliseconds) next[name] = before;
  }
  for (const sample of samples) {
    const before = next[sample.name] ?? none;
    const last = before.at(-1);
    const isAfterGap = last !== undefined && (afterGap || time - last.time > gapMilliseconds);
    next[sample.name] = [...before.slice(-(keptPoints - 1)), { time, afterGap: isAfterGap, sample }];
  }
  return next;
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
  const names = document.hidden ? [] : [...wanted.keys()];
  const containers = names.includes(allRunning) ? ("running" as const) : names;
  const intervalMilliseconds = containers === "running" ? listIntervalMilliseconds : pageIntervalMilliseconds;
  const request = JSON.stringify({ containers, intervalMilliseconds });
  if (!current || request === asked) return;
  asked = request;
  // Without readings the charts say so; the session's own screen tells why.
  current.call("metrics.watch", { containers, intervalMilliseconds }).catch(() => {
    asked = "";
  });
}
