import { expect, it } from "vitest";
import { highestOf, runs } from "./chart-paint.ts";

const lane = (average: (number | undefined)[], maximum = average) => ({ average, minimum: average, maximum });

it("interrupts a line where there is a gap", () => {
  expect(runs([undefined, 1, 2, undefined, 3])).toEqual([
    [1, 2],
    [4, 4],
  ]);
  expect(runs([])).toEqual([]);
});

it("makes room for a spike that was merged, and for the sum of bands", () => {
  expect(highestOf([{ label: "CPU", color: "", lane: lane([1, undefined, 2], [1, undefined, 90]) }])).toBe(90);
  expect(
    highestOf([
      { label: "a", color: "", isBand: true, lane: lane([1, 5]) },
      { label: "b", color: "", isBand: true, lane: lane([2, 5]) },
      { label: "c", color: "", lane: undefined },
    ]),
  ).toBe(10);
});
