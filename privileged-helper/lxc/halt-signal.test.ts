import { describe, expect, it } from "vitest";
import { haltSignals, hasDecidedAbout } from "./halt-signal.ts";

describe("the signal that asks init to end", () => {
  it("is the configured one, or one of LXC's two", () => {
    expect(haltSignals(undefined)).toEqual([30, 37]);
    expect(haltSignals("SIGUSR1")).toEqual([10]);
    expect(haltSignals("usr1")).toEqual([10]);
    expect(haltSignals("SIGRTMIN+3")).toEqual([37]);
    expect(haltSignals("15")).toEqual([15]);
    expect(haltSignals("SIGNONSENSE")).toEqual([]);
  });

  it("is heard once init catches it, waits for it blocked, or ignores it", () => {
    const status = (masks: Record<string, string>) =>
      ["SigPnd", "SigBlk", "SigIgn", "SigCgt"].map((key) => `${key}:\t${masks[key] ?? "0000000000000000"}\n`).join("");
    expect(hasDecidedAbout([10], status({}))).toBe(false);
    expect(hasDecidedAbout([10], status({ SigPnd: "ffffffffffffffff" }))).toBe(false);
    for (const key of ["SigBlk", "SigIgn", "SigCgt"]) expect(hasDecidedAbout([10], status({ [key]: "0000000000000200" })), key).toBe(true);
    expect(hasDecidedAbout([30, 37], status({ SigBlk: "0000001000000000" }))).toBe(true);
    expect(hasDecidedAbout([10], status({ SigCgt: "0000000000000400" }))).toBe(false);
  });
});
