import type { MetricsSample } from "../../../privileged-helper/contract/model.ts";
import type { MetricsPoint } from "../../state/metrics.ts";

export type FigureKey = { [K in keyof MetricsSample]-?: MetricsSample[K] extends number | undefined ? K : never }[keyof MetricsSample];

/** One moment of a chart; undefined leaves a gap. */
export type ChartPoint = { time: number; values: (number | undefined)[] };

/** The readings as a chart draws them: where some are missing between two, the line is interrupted. */
export function toChartPoints(points: readonly MetricsPoint[], keys: readonly FigureKey[]): ChartPoint[] {
  return points.flatMap(({ time, afterGap, sample }) => {
    const point = { time, values: keys.map((key) => sample[key]) };
    return afterGap ? [{ time: time - 1, values: keys.map(() => undefined) }, point] : [point];
  });
}

/**
 * What stands beside a chart's name.
 * @returns undefined where the figure cannot be had on this host; `known: false` where it is not there yet.
 */
export function newestValue(
  points: readonly MetricsPoint[],
  key: FigureKey,
): { known: true; value: number } | { known: false } | undefined {
  const value = points.at(-1)?.sample[key];
  if (value !== undefined) return { known: true, value };
  // A rate needs two readings, and the first tick may come before them.
  return points.length < 3 ? { known: false } : undefined;
}

/** A round number above all values, so that the axis does not jump with every tick: 1, 2 or 5 times a power of the base. */
export function roundMax(values: readonly (number | undefined)[], atLeast: number, base: 10 | 1024): number {
  const highest = Math.max(atLeast, ...values.map((value) => value ?? 0));
  const steps = base === 10 ? [1, 2, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const magnitude = base ** Math.floor(Math.log(highest) / Math.log(base));
  return (steps.find((step) => step * magnitude >= highest) ?? base) * magnitude;
}
