import { describe, expect, it } from "vitest";
import { sparklinePicture } from "./sparkline.tsx";

describe("the picture of a sparkline", () => {
  it("is empty for what is zero or unknown all the time, however long", () => {
    expect(sparklinePicture([], 100)).toBe("");
    expect(sparklinePicture([0, 0.3, undefined, 0], 100)).toBe("");
  });

  it("is the same for figures that no eye could tell apart", () => {
    expect(sparklinePicture([0, 50, 50.2], 100)).toBe(sparklinePicture([0, 50.1, 50], 100));
    expect(sparklinePicture([0, 50, 55], 100)).not.toBe(sparklinePicture([0, 50, 50], 100));
  });

  it("begins with the rise from the axis, so that a longer time before it changes nothing", () => {
    expect(sparklinePicture([0, 0, 0, 100, 0], 100)).toBe(sparklinePicture([0, 100, 0], 100));
    expect(sparklinePicture([0, 100], 100)).toHaveLength(2);
    expect(sparklinePicture([undefined, 100], 100)).toHaveLength(1);
  });

  it("moves with the time, keeps gaps, and fills its height with the largest", () => {
    expect(sparklinePicture([100, 0], 100)).not.toBe(sparklinePicture([100, 0, 0], 100));
    expect(sparklinePicture([100, undefined, 100], 100)).toBe("T-T");
    expect(sparklinePicture([400, 200], 400)).toBe(sparklinePicture([100, 50], 100));
    expect(sparklinePicture([500], 100)).toBe("T");
  });

  it("of a container at rest grows in a few steps, and is as long as the time in the end", () => {
    const lengths = Array.from({ length: 60 }, (_, index) => sparklinePicture(new Array(index + 1).fill(50), 100).length);
    expect(new Set(lengths)).toEqual(new Set([1, 2, 5, 10, 20, 40, 60]));
    for (const [index, length] of lengths.entries()) expect(length).toBeLessThanOrEqual(index + 1);
    expect(sparklinePicture([...new Array(59).fill(50), 60], 100)).toHaveLength(60);
  });
});
