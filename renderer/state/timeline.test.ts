import { expect, it } from "vitest";
import type { History } from "../../privileged-helper/contract/history.ts";
import type { MetricsPoint } from "./metrics.ts";
import { makeTimeline, nearestIndex, sumLanes } from "./timeline.ts";

const point = (time: number, cpuPercent: number | undefined, afterGap = false): MetricsPoint => ({
  time,
  afterGap,
  sample: { name: "web", ...(cpuPercent === undefined ? {} : { cpuPercent }) },
});
const history = (values: (number | null)[]): History => ({
  from: 0,
  stepMilliseconds: 5_000,
  steps: values.length,
  figures: {
    cpuPercent: {
      average: values,
      minimum: values.map((value) => value && value - 1),
      maximum: values.map((value) => value && value + 90),
    },
  },
});
const cpu = ["cpuPercent"] as const;

it("shows every reading of a short time, after what was recorded before the first of them, and a gap as a gap", () => {
  const points = [point(11_000, 3), point(12_000, 4), point(40_000, 5, true)];
  const { times, lanes } = makeTimeline({ from: 0, to: 40_000, stepMilliseconds: 500, figures: cpu, history: history([1, 2, 9]), points });
  expect(times).toEqual([2_500, 7_500, 11_000, 12_000, 39_999, 40_000]);
  expect(lanes.cpuPercent?.average).toEqual([1, 2, 3, 4, undefined, 5]);
});

it("keeps the spike of readings that are merged", () => {
  const points = [0, 1_000, 2_000, 3_000, 4_000].map((time) => point(time, time === 2_000 ? 100 : 0));
  const { lanes, times } = makeTimeline({ from: 0, to: 5_000, stepMilliseconds: 5_000, figures: cpu, points });
  expect(times).toEqual([2_500]);
  expect(lanes.cpuPercent).toEqual({ average: [20], minimum: [0], maximum: [100] });
});

it("takes what was recorded until the readings tell of a whole step, and leaves out what neither tells", () => {
  const points = [point(13_000, 50), point(14_000, 50), point(16_000, 60), point(18_000, 60)];
  const { lanes } = makeTimeline({ from: 0, to: 25_000, stepMilliseconds: 5_000, figures: cpu, history: history([1, null, 3, 4]), points });
  expect(lanes.cpuPercent?.average).toEqual([1, undefined, 3, 60, undefined]);
  expect(lanes.cpuPercent?.maximum).toEqual([91, undefined, 93, 60, undefined]);
});

it("has no lane for a figure that nobody measured, rather than one of zeros", () => {
  const { lanes } = makeTimeline({ from: 0, to: 5_000, stepMilliseconds: 500, figures: cpu, points: [point(1_000, undefined)] });
  expect(lanes).toEqual({});
});

it("adds lanes where all of them are known", () => {
  const lane = (...values: (number | undefined)[]) => ({ average: values, minimum: values, maximum: values });
  expect(sumLanes([lane(1, 2), lane(10, undefined)])?.average).toEqual([11, undefined]);
  expect(sumLanes([lane(1), undefined])).toBeUndefined();
});

it("finds the entry nearest to a time", () => {
  const times = [0, 10, 20];
  expect([-5, 4, 6, 14, 16, 99].map((time) => nearestIndex(times, time))).toEqual([0, 0, 1, 1, 2, 2]);
  expect(nearestIndex([], 1)).toBeUndefined();
});
