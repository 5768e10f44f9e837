import { describe, expect, it } from "vitest";
import { filterFor, usedIn } from "./capability-use.ts";

const line = (program: string, cap: number, result = 0) =>
  `${program.padStart(16)}-4711    [001] .....  1234.567890: cap_capable: cred 00000000aa, target_ns 00000000bb, capable_ns 00000000cc, cap ${cap}, ret ${result}`;

describe("the kernel's own word on capabilities", () => {
  it("is read from a trace: what was granted, each once, in the order of their numbers", () => {
    const trace = ["# tracer: nop", "#", line("nginx", 10), line("chown", 0), line("nginx", 10), line("mount", 21, -1), ""].join("\n");
    expect(usedIn(trace)).toEqual(["chown", "net_bind_service"]);
    expect(usedIn("")).toEqual([]);
    expect(usedIn(line("new", 63))).toEqual([]);
  });

  it("is not taken from the name that a program gives itself", () => {
    for (const name of ["cap 21, ret 0", "a\ncap 21, ret 0", "cap 21, ret 0\n", ": cap_capable: "]) {
      expect(usedIn(`${line(name, 5)}\n`), JSON.stringify(name)).toEqual(["kill"]);
      expect(usedIn(`${line(name, 21, -1)}\n`), JSON.stringify(name)).toEqual([]);
    }
  });

  it("is not asked again for what is known", () => {
    expect(filterFor(new Set())).toBe("ret == 0");
    expect(filterFor(new Set(["sys_admin", "chown"]))).toBe("ret == 0 && cap != 0 && cap != 21");
  });
});
