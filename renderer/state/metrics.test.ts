import { expect, it } from "vitest";
import { addTick, allTogether, keptPoints, listPace, type MetricsPoint, wholeComputer } from "./metrics.ts";

const tick = (time: number, names: string[], afterGap = false, unchanged: string[] = []) => ({
  time,
  afterGap,
  samples: names.map((name) => ({ name, cpuPercent: time })),
  unchanged,
});

it("keeps the newest readings of each container, oldest first", () => {
  let points: Readonly<Record<string, readonly MetricsPoint[]>> = {};
  for (let second = 1; second <= keptPoints + 5; second++) points = addTick(points, tick(second * 1000, ["web"]));
  expect(points.web).toHaveLength(keptPoints);
  expect(points.web?.[0]?.time).toBe(6_000);
  expect(points.web?.at(-1)?.time).toBe((keptPoints + 5) * 1000);
});

it("leaves the ring of a container without a reading the very same, so that its row is not drawn again", () => {
  const before = addTick({}, tick(1_000, ["web", "mail"]));
  const after = addTick(before, tick(2_000, ["mail"]));
  expect(after.web).toBe(before.web);
  expect(after.mail).not.toBe(before.mail);
});

it("takes the last reading of a container once more where nothing has moved in it, and knows nothing of one that it never heard of", () => {
  let points = addTick({}, tick(1_000, ["web"]));
  points = addTick(points, tick(3_000, [], false, ["web", "unheard"]));
  expect(points.web?.map(({ time, sample }) => [time, sample.cpuPercent])).toEqual([
    [1_000, 1_000],
    [3_000, 1_000],
  ]);
  expect(Object.keys(points)).toEqual(["web"]);
});

it("marks a gap where the helper says so, and where a long time lies between two readings", () => {
  let points = addTick({}, tick(1_000, ["web"], true));
  points = addTick(points, tick(3_000, ["web"]));
  points = addTick(points, tick(5_000, ["web"], true));
  points = addTick(points, tick(60_000, ["web"]));
  expect(points.web?.map(({ afterGap }) => afterGap)).toEqual([false, false, true, true]);
});

it("forgets a container that has had no reading for as long as a chart shows", () => {
  const points = addTick(addTick({}, tick(1_000, ["gone"])), tick(1_000 + keptPoints * 1_000, ["web"]));
  expect(Object.keys(points)).toEqual(["web"]);
});

it("adds up what containers take beside what the computer does, those at rest included, and no figure that none of them has", () => {
  let points = addTick({}, tick(1_000, ["web", "mail"]));
  points = addTick(points, { ...tick(2_000, ["web"], false, ["mail"]), host: { cpuPercent: 9_000 } });
  expect(points[wholeComputer]?.at(-1)?.sample).toEqual({ name: wholeComputer, cpuPercent: 9_000 });
  expect(points[allTogether]?.at(-1)?.sample).toEqual({ name: allTogether, cpuPercent: 2_000 + 1_000 });
});

it("reads all containers less often only while nobody touches the app and nothing happens in them", () => {
  expect(listPace(true, 60_000)).toBe(8_000);
  for (const [areResting, untouchedFor] of [
    [true, 5_000],
    [false, 60_000],
    [false, 0],
  ] as const) {
    expect(listPace(areResting, untouchedFor)).toBe(2_000);
  }
});
