import { expect, it } from "vitest";
import type { MetricsFigures } from "../../../privileged-helper/contract/model.ts";
import { sortTop } from "./top-rows.ts";

const points = (samples: Record<string, MetricsFigures>) =>
  Object.fromEntries(
    Object.entries(samples).map(([name, figures]) => [name, [{ time: 0, afterGap: false, sample: { name, ...figures } }]]),
  );

it("sorts by what containers take now; what is not known comes last either way, and equal ones by name", () => {
  const known = points({ a: { cpuPercent: 1 }, b10: { cpuPercent: 5 }, b9: { cpuPercent: 5 }, c: {} });
  const names = ["c", "b10", "a", "b9", "gone"];
  expect(sortTop(names, { key: "cpu", isDescending: true }, known)).toEqual(["b9", "b10", "a", "c", "gone"]);
  expect(sortTop(names, { key: "cpu", isDescending: false }, known)).toEqual(["a", "b9", "b10", "c", "gone"]);
  expect(sortTop(names, { key: "name", isDescending: true }, known)).toEqual(["gone", "c", "b10", "b9", "a"]);
});

it("counts both directions of disk and network, and does not take an unknown one for the end of it", () => {
  const known = points({
    a: { diskReadBytesPerSecond: 1, diskWriteBytesPerSecond: 9 },
    b: { diskReadBytesPerSecond: 8 },
    c: { networkSentBytesPerSecond: 3 },
  });
  expect(sortTop(["b", "a", "c"], { key: "disk", isDescending: true }, known)).toEqual(["a", "b", "c"]);
  expect(sortTop(["b", "a", "c"], { key: "network", isDescending: true }, known)[0]).toBe("c");
});
