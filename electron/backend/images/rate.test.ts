import { expect, it } from "vitest";
import { createRate } from "./rate.ts";

const mebibyte = 1024 * 1024;

it("says how much there is, how fast it comes and how long it will take", () => {
  const rate = createRate();
  expect(rate.text(0, 100 * mebibyte, 0)).toBe("0.0 of 100.0 MiB");
  expect(rate.text(10 * mebibyte, 100 * mebibyte, 1_000)).toBe("10.0 of 100.0 MiB, 10.0 MiB/s, 9 s left");
  expect(createRate().text(5 * mebibyte, undefined, 0)).toBe("5.0 MiB");
});

it("forgets how fast it was long ago, and tells no time where nothing comes", () => {
  const rate = createRate();
  for (let second = 0; second <= 10; second++) rate.text(second * 10 * mebibyte, 1000 * mebibyte, second * 1_000);
  for (let second = 11; second < 30; second++) rate.text((100 + second - 10) * mebibyte, 1000 * mebibyte, second * 1_000);
  expect(rate.text(120 * mebibyte, 1000 * mebibyte, 30_000)).toBe("120.0 of 1000.0 MiB, 1.0 MiB/s, 14 min 40 s left");
  for (let second = 31; second < 40; second++) rate.text(120 * mebibyte, 1000 * mebibyte, second * 1_000);
  expect(rate.text(120 * mebibyte, 1000 * mebibyte, 40_000)).toBe("120.0 of 1000.0 MiB, 0.0 MiB/s");
});

it("goes on after a break without counting what was there before", () => {
  const rate = createRate();
  rate.text(500 * mebibyte, 1000 * mebibyte, 0);
  expect(rate.text(510 * mebibyte, 1000 * mebibyte, 1_000)).toContain("10.0 MiB/s, 49 s left");
});
