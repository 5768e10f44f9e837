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

  it("holds whatever comes when: reports that are late, lost, doubled or overtaken by others", () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant("sent" as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
      /** A report of some time before: `age` steps of what was parsed ago. */
      fc.record({ type: fc.constant("report" as const), age: fc.integer({ min: 0, max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { calls, credit } = record();
        let sent = 0;
        let known = 0;
        const totals = [0];
        for (const one of steps) {
          if (one.type === "sent") {
            sent += one.bytes;
            totals.push(sent);
            credit.sent(one.bytes);
          } else {
            const reported = totals.at(-1 - one.age) ?? 0;
            known = Math.max(known, reported);
            credit.parsed(reported);
          }
          expect(credit.outstandingBytes()).toBe(sent - known);
          const isPaused = calls.at(-1) === "pause";
          if (sent - known > pauseAboveBytes) expect(isPaused).toBe(true);
          if (sent - known < resumeBelowBytes) expect(isPaused).toBe(false);
        }
        // Never twice the same: a PTY that is resumed twice is no harm, but one that is paused twice would be resumed only once.
        expect(calls.every((call, index) => call === (index % 2 === 0 ? "pause" : "resume"))).toBe(true);
        credit.parsed(sent);
        expect(calls.at(-1)).not.toBe("pause");
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
