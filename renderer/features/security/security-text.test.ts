import { describe, expect, it } from "vitest";
import type { SecurityState } from "../../../privileged-helper/contract/security.ts";
import { chooseReports, conversionText, countsText, gradeCounts, gradeText, sortFindings, worstText } from "./security-text.ts";

const finding = (state: SecurityState, accepted = false) => ({ state, ...(accepted && { accepted: { note: "so", uid: 0, at: 0 } }) });

describe("what is said of findings", () => {
  it("counts what could be better, and what was accepted apart", () => {
    expect(countsText([finding("ok"), finding("not-applicable")])).toBe("Nothing to do");
    expect(countsText([finding("critical"), finding("problem"), finding("warning"), finding("ok")])).toBe("2 problems, 1 warning");
    expect(countsText([finding("problem", true), finding("unknown")])).toBe("1 not known, 1 accepted risk");
    expect(countsText([finding("ok", true)])).toBe("Nothing to do");
  });

  it("puts the worst first, and what was accepted after what was not", () => {
    const sorted = sortFindings([finding("ok"), finding("warning"), finding("problem", true), finding("critical"), finding("unknown")]);
    expect(sorted.map(({ state }) => state)).toEqual(["critical", "warning", "unknown", "problem", "ok"]);
  });

  it("shows the containers that were chosen, in the order that was", () => {
    const reports = [
      { name: "web-2", grade: "C", score: 70 },
      { name: "mail", grade: "F", score: 60 },
      { name: "web-1", grade: "C", score: 70 },
      { name: "cache", grade: "C", score: 66 },
    ] as const;
    const names = (choice: Partial<Parameters<typeof chooseReports>[1]>) =>
      chooseReports(reports, { words: "", grade: undefined, order: "worst", ...choice }).map(({ name }) => name);
    expect(names({})).toEqual(["mail", "cache", "web-1", "web-2"]);
    expect(names({ order: "best" })).toEqual(["web-1", "web-2", "cache", "mail"]);
    expect(names({ order: "name", grade: "C" })).toEqual(["cache", "web-1", "web-2"]);
    expect(names({ words: "WEB 2" })).toEqual(["web-2"]);
    expect(gradeCounts(reports)).toEqual([
      { grade: "F", count: 1 },
      { grade: "C", count: 3 },
    ]);
  });

  it("says the worst in a sentence, and names some of the others", () => {
    const named = (title: string) => ({ title, summary: `${title} is so.` });
    expect(worstText([])).toBe("");
    expect(worstText([named("A")])).toBe("A: A is so.");
    expect(worstText(["A", "B", "C", "D", "E", "F"].map(named))).toBe("A: A is so. Also: B, C, D and 2 more.");
  });

  it("says why a grade is limited", () => {
    expect(gradeText({ grade: "C", limitedBy: "No better than C." })).toBe("No better than C.");
    expect(gradeText({ grade: "A" })).toContain("Hardly anything");
  });

  it("tells what becomes of files and snapshots", () => {
    const conversion = { way: "shifted" as const, files: 1, ids: { first: 1_048_576, count: 65_536 }, ways: [], snapshots: 2 };
    expect(conversionText(conversion)).toBe(
      "Its ids on this computer: 1048576 to 1114111. 1 file is given to other owners. Its 2 snapshots stay as they are: restoring one brings back what the container was then.",
    );
    expect(conversionText({ ...conversion, way: "idmapped", files: 0, snapshots: 0 })).toContain("None of its files changes.");
  });
});
