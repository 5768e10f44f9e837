import { expect, it } from "vitest";
import { toCsv } from "./export-csv.ts";

const lane = (...values: (number | undefined)[]) => ({
  average: values,
  minimum: values.map((value) => value && value - 1),
  maximum: values.map((value) => value && value + 1),
});

it("has a row for each reading, with its time and the unit of each column", () => {
  const timeline = { from: 0, to: 3_000, times: [1_000, 2_000, 3_000], stepMilliseconds: 0, lanes: {} };
  const columns = [
    { title: "CPU", unit: "% of one core", lane: lane(1.23456, undefined, 3) },
    { title: "Memory", unit: "bytes", lane: lane(10, undefined, undefined) },
    { title: "Swap", unit: "bytes", lane: undefined },
  ];
  expect(toCsv(timeline, columns).split("\r\n")).toEqual([
    "time (UTC),CPU (% of one core),Memory (bytes)",
    "1970-01-01T00:00:01.000Z,1.235,10",
    "1970-01-01T00:00:03.000Z,3,",
    "",
  ]);
});

it("has the lowest and the highest of what was merged", () => {
  const csv = toCsv({ from: 0, to: 9_000, times: [5_000], stepMilliseconds: 5_000, lanes: {} }, [
    { title: "CPU", unit: "%", lane: lane(5) },
  ]);
  expect(csv.split("\r\n").slice(0, 2)).toEqual([
    'time (UTC),"CPU, average (%)","CPU, minimum (%)","CPU, maximum (%)"',
    "1970-01-01T00:00:05.000Z,5,4,6",
  ]);
});

it("quotes what would be another cell, and makes no formula of a name", () => {
  const timeline = { from: 0, to: 9_000, times: [5_000], stepMilliseconds: 0, lanes: {} };
  expect(toCsv(timeline, [{ title: '=1+"2"', unit: "%", lane: lane(5) }]).split("\r\n")[0]).toBe(`time (UTC),"'=1+""2"" (%)"`);
});

it.each(["=cmd|' /C calc'!A0", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", "-rf"])(
  "makes no formula of %j",
  (title) => {
    const timeline = { from: 0, to: 9_000, times: [5_000], stepMilliseconds: 0, lanes: {} };
    const csv = toCsv(timeline, [{ title, unit: "%", lane: lane(-5) }]);
    expect(csv).toMatch(/^time \(UTC\),"?'/);
    // What was measured stays a number.
    expect(csv.split("\r\n").at(-2)).toBe("1970-01-01T00:00:05.000Z,-5");
  },
);

it("gives each container's readings a place in one table, where they were read at different times", () => {
  const timeline = { from: 0, to: 9_000, times: [1_000], stepMilliseconds: 0, lanes: {} };
  const columns = [
    { title: "web", unit: "%", lane: lane(1) },
    { title: "mail", unit: "%", lane: lane(2, 3), times: [500, 1_000] },
  ];
  expect(toCsv(timeline, columns).split("\r\n").slice(1, 3)).toEqual(["1970-01-01T00:00:00.500Z,,2", "1970-01-01T00:00:01.000Z,1,3"]);
});
