import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DiffLine, diffLines, summariseDiff } from "./line-diff.ts";

const signs = { same: " ", added: "+", removed: "-" };
const shown = (before: string[], after: string[]) =>
  diffLines(`${before.join("\n")}\n`, `${after.join("\n")}\n`).map(({ kind, text }) => signs[kind] + text);
const sideOf = (lines: readonly DiffLine[], other: DiffLine["kind"]) =>
  lines.filter(({ kind }) => kind !== other).map(({ text }) => `${text}\n`);

describe("the difference of two texts", () => {
  it("is in the lines that were added, removed and replaced, in their places", () => {
    expect(shown(["a", "b", "c"], ["a", "b", "c"])).toEqual([" a", " b", " c"]);
    expect(shown(["a", "c"], ["a", "b", "c", "d"])).toEqual([" a", "+b", " c", "+d"]);
    expect(shown(["a", "b", "c"], ["c"])).toEqual(["-a", "-b", " c"]);
    expect(shown(["a", "b", "c"], ["a", "x", "c"])).toEqual([" a", "-b", "+x", " c"]);
  });

  it("has as few of them as can be, also where lines come again", () => {
    expect(shown(["x", "a", "x", "b"], ["a", "x", "x", "b"]).filter((line) => !line.startsWith(" "))).toHaveLength(2);
    expect(shown(["a", "a", "a"], ["a", "a"]).filter((line) => !line.startsWith(" "))).toEqual(["-a"]);
    expect(shown(["a", "", "b"], ["a", "b"])).toEqual([" a", "-", " b"]);
  });

  it("is all of a text where the other is empty", () => {
    expect(diffLines("", "")).toEqual([]);
    expect(diffLines("", "a\nb")).toEqual([
      { kind: "added", text: "a" },
      { kind: "added", text: "b" },
    ]);
    expect(diffLines("a\n", "")).toEqual([{ kind: "removed", text: "a" }]);
  });

  it("has every line of both, in its order, whatever they are", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", "", "a b"), { maxLength: 30 }).map((lines) => lines.map((line) => `${line}\n`));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before.join(""), after.join(""));
        expect(sideOf(lines, "added")).toEqual(before);
        expect(sideOf(lines, "removed")).toEqual(after);
      }),
    );
  });

  it("of long texts without anything in common is simply both", () => {
    const [before, after] = ["old", "new"].map((word) => Array.from({ length: 30_000 }, (_, index) => `${word} ${index}`));
    const lines = diffLines(`same\n${before?.join("\n")}`, `same\n${after?.join("\n")}`);
    expect(lines.map(({ kind }) => kind)).toEqual(["same", ...Array(30_000).fill("removed"), ...Array(30_000).fill("added")]);
  });
});

describe("the words for a difference", () => {
  it("tell how many lines come and go", () => {
    const words = (before: string, after: string) => summariseDiff(diffLines(before, after));
    expect(words("a", "a")).toBe("no line differs");
    expect(words("a", "a\nb")).toBe("1 line more");
    expect(words("a\nb\nc", "a")).toBe("2 fewer");
    expect(words("a", "b\nc")).toBe("2 lines more, 1 fewer");
  });
});
