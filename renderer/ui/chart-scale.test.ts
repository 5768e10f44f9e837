import { describe, expect, it } from "vitest";
import { formatInstant, roundMax, timeLabels } from "./chart-scale.ts";

describe("the axis of values", () => {
  it("ends at a round number that nothing exceeds", () => {
    expect([0, 100, 101, 250, 501].map((highest) => roundMax(highest, 100, 10))).toEqual([100, 100, 200, 500, 1000]);
    expect([0, 3 * 1024, 1024 ** 2 + 1].map((highest) => roundMax(highest, 1024, 1024))).toEqual([1024, 4096, 2 * 1024 ** 2]);
  });
});

describe("the axis of time", () => {
  it("of a chart that moves says how long ago, and stays the same with every tick", () => {
    const labels = timeLabels(0, 60_000, true);
    expect(labels).toEqual(["−1 min", "−45 s", "−30 s", "−15 s", "now"]);
    expect(timeLabels(1_234, 61_234, true)).toEqual(labels);
    expect(timeLabels(0, 7 * 86_400_000, true)[0]).toBe("−7 d");
    expect(timeLabels(0, 600_000, true)[1]).toBe("−7.5 min");
  });
  it("of one that stands still says when, as exactly as it can be seen", () => {
    const noon = new Date(2026, 10, 24, 12, 3, 9).getTime();
    expect(formatInstant(noon, 60_000)).toBe("12:03:09");
    expect(formatInstant(noon, 7_200_000)).toBe("12:03");
    expect(formatInstant(noon, 7 * 86_400_000)).toMatch(/24 Nov/);
    expect(timeLabels(noon, noon + 60_000, false)[0]).toBe("12:03:09");
  });
});
