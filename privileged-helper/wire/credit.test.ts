import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCredit, createParsedCounter, pauseAboveBytes, reportEveryBytes, resumeBelowBytes } from "./credit.ts";

function record() {
  const calls: string[] = [];
  const credit = createCredit(
    () => calls.push("pause"),
    () => calls.push("resume"),
  );
  return { calls, credit };
}

describe("credit", () => {
  it("pauses above 256 KiB outstanding and resumes below 64 KiB", () => {
    const { calls, credit } = record();
    credit.sent(pauseAboveBytes);
    expect(calls).toEqual([]);
    credit.sent(1);
    expect(calls).toEqual(["pause"]);
    credit.parsed(pauseAboveBytes + 1 - resumeBelowBytes);
    expect(calls).toEqual(["pause"]);
    credit.parsed(pauseAboveBytes + 2 - resumeBelowBytes);
    expect(calls).toEqual(["pause", "resume"]);
  });

  it("ignores reports that lie: lower, negative, fractional, not a number, more than was sent", () => {
    const { calls, credit } = record();
    credit.sent(pauseAboveBytes + 1);
    credit.parsed(1000);
    for (const lie of [0, 999, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, pauseAboveBytes + 2, 1e300]) credit.parsed(lie);
    expect(credit.outstandingBytes()).toBe(pauseAboveBytes + 1 - 1000);
    expect(calls).toEqual(["pause"]);
  });

  it("stays paused without reports, whatever else is sent", () => {
    const { calls, credit } = record();
    for (let i = 0; i < 100; i++) credit.sent(pauseAboveBytes);
    expect(calls).toEqual(["pause"]);
  });

  it("loses nothing when reports are lost or doubled, for they are cumulative", () => {
    const { calls, credit } = record();
    credit.sent(pauseAboveBytes + 1);
    credit.parsed(pauseAboveBytes + 1);
    credit.parsed(pauseAboveBytes + 1);
    expect(credit.outstandingBytes()).toBe(0);
    expect(calls).toEqual(["pause", "resume"]);
  });

  it("never deadlocks with the counter on the other side: when all is parsed, the sender runs", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 60 }), (pieces) => {
        let paused = false;
        const credit = createCredit(
          () => {
            paused = true;
          },
          () => {
            paused = false;
          },
        );
        const parsed = createParsedCounter((total) => credit.parsed(total));
        for (const piece of pieces) credit.sent(piece);
        for (const piece of pieces) parsed(piece);
        expect(credit.outstandingBytes()).toBeLessThan(reportEveryBytes);
        expect(paused).toBe(false);
      }),
    );
  });

  it("is reported at most every 32 KiB", () => {
    const reports: number[] = [];
    const parsed = createParsedCounter((total) => reports.push(total));
    for (let i = 0; i < 64; i++) parsed(1024);
    expect(reports).toEqual([32 * 1024, 64 * 1024]);
  });
});
