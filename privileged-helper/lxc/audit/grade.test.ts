import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SecurityState, securityCheckIds, securityStates } from "../../contract/security.ts";
import { gradeContainer, gradeHost } from "./grade.ts";

const all = (state: SecurityState, others: Partial<Record<(typeof securityCheckIds)[number], SecurityState>> = {}) =>
  securityCheckIds.map((check) => ({ check, state: others[check] ?? state }));

describe("the grade", () => {
  it("is A where all is well, and F where nothing is", () => {
    expect(gradeContainer(all("ok"))).toEqual({ grade: "A", score: 100 });
    expect(gradeContainer(all("problem"))).toEqual({ grade: "F", score: 0 });
    expect(gradeContainer([])).toMatchObject({ grade: "F" });
  });

  it("is never better than C for a privileged container", () => {
    const { grade, score } = gradeContainer(all("ok", { "user-namespace": "problem" }));
    expect(grade >= "C").toBe(true);
    expect(score).toBeLessThan(70);
    expect(
      gradeContainer([{ check: "user-namespace", state: "problem" }, ...Array.from({ length: 4 }, () => all("ok").slice(1)).flat()]),
    ).toMatchObject({
      grade: "C",
      limitedBy: expect.stringContaining("C"),
    });
  });

  it("is F where something is critical, whatever else is well", () => {
    expect(gradeContainer(all("ok", { "host-files": "critical" }))).toMatchObject({ grade: "F", limitedBy: expect.any(String) });
  });

  it("leaves out what does not apply, and never takes what is unknown for good", () => {
    expect(gradeContainer(all("ok", { "mandatory-access": "not-applicable", services: "not-applicable" })).score).toBe(100);
    expect(gradeContainer(all("ok", { memory: "unknown" })).score).toBe(gradeContainer(all("ok", { memory: "problem" })).score);
    expect(gradeHost([{ state: "unknown" }, { state: "ok" }])).toEqual({ grade: "D", score: 50 });
  });

  it("does not get better by anything that gets worse", () => {
    const worse: Record<SecurityState, readonly SecurityState[]> = {
      ok: ["warning", "problem", "critical", "unknown"],
      warning: ["problem", "critical", "unknown"],
      problem: ["critical"],
      unknown: ["critical"],
      critical: [],
      "not-applicable": [],
    };
    const findings = fc.tuple(...securityCheckIds.map((check) => fc.constantFrom(...securityStates).map((state) => ({ check, state }))));
    fc.assert(
      fc.property(findings, fc.nat(securityCheckIds.length - 1), (before, index) => {
        const one = before[index];
        if (!one) return;
        for (const state of worse[one.state]) {
          const after = gradeContainer(before.map((finding, at) => (at === index ? { ...finding, state } : finding)));
          expect(after.grade >= gradeContainer(before).grade).toBe(true);
        }
      }),
    );
  });
});
