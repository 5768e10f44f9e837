import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCommand,
  formatDate,
  formatDuration,
  formatList,
  formatMoment,
  formatPercent,
  formatRate,
  formatTook,
} from "./format.ts";

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [1, "1 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [99.9 * 1024, "99.9 KiB"],
    [100 * 1024, "100 KiB"],
    [1023.96 * 1024, "1.0 MiB"],
    [1024 ** 2, "1.0 MiB"],
    [8 * 1024 ** 3, "8.0 GiB"],
    [2 ** 60, "1024 PiB"],
  ])("%d are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
  it("become a rate by the second", () => {
    expect(formatRate(2048)).toBe("2.0 KiB/s");
  });
});

describe("per cent of a core", () => {
  it.each([
    [0, "0 %"],
    [0.04, "0.0 %"],
    [3.14, "3.1 %"],
    [9.94, "9.9 %"],
    [9.96, "10 %"],
    [250.4, "250 %"],
  ])("%d is %s", (percent, text) => {
    expect(formatPercent(percent)).toBe(text);
  });
});

describe("a duration", () => {
  it.each([
    [-5_000, "0 s"],
    [999, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [3_661_000, "1 h 1 min"],
    [3_605_000, "1 h"],
    [93_784_000, "1 d 2 h"],
    [400 * 86_400_000, "400 d"],
  ])("of %d ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("a command", () => {
  it("stays as it is where a shell would not change it", () => {
    expect(formatCommand(["/usr/bin/lxc-start", "-n", "web", "-P", "/var/lib/lxc"])).toBe("/usr/bin/lxc-start -n web -P /var/lib/lxc");
  });
  it("is quoted where a shell would", () => {
    expect(formatCommand(["echo", "", "a b", "it's", "$(reboot)"])).toBe(`echo '' 'a b' 'it'\\''s' '$(reboot)'`);
  });
});

it("a list reads as a sentence does", () => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(formatList)).toEqual(["", "a", "a and b", "a, b and c"]);
});

describe("moments", () => {
  const noon = new Date(2026, 10, 24, 12, 3, 9).getTime();

  it("are a time today, and have a date on another day", () => {
    expect(formatMoment(noon, noon + 3_600_000)).toBe("12:03");
    expect(formatMoment(noon, noon + 24 * 3_600_000)).toMatch(/^24 Nov.* 12:03$/);
    expect(formatDate(noon)).toMatch(/^Tuesday,? 24 November 2026.* 12:03:09$/);
  });

  it("apart are a time that something took", () => {
    expect(formatTook(850.4)).toBe("850 ms");
    expect(formatTook(-3)).toBe("0 ms");
    expect(formatTook(61_000)).toBe("1 min 1 s");
  });
});
