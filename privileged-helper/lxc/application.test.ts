import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Application } from "../contract/application.ts";
import { runScript } from "./application.ts";

const plain: Application = { argv: [], environment: [], workingDirectory: "/", user: "", ports: [], volumes: [], stopSignal: "SIGTERM" };
/** What the script says, run by this computer's shell: the programs of a container are not here. */
const output = (application: Partial<Application>, home?: string) => {
  const script = runScript({ ...plain, ...application }, { uid: 0, gid: 0, ...(home !== undefined && { home }) })
    .replace("'/dev/.lxc-desktop/busybox' 'env'", "'/usr/bin/env'")
    .replace("'/dev/.lxc-desktop/init' '--' ", "");
  return execFileSync("/bin/sh", ["-s"], { input: script, encoding: "utf8", env: {} });
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-application-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the script of an application", () => {
  it("hands on every word, whatever is in it", () => {
    const characters = fc.constantFrom(..."'\"\\$`!*?~#&|;<>(){}[] \t\n-=abcä€".split(""));
    const word = fc.oneof(fc.string({ unit: characters }), fc.constantFrom("", "-n", "--", "$HOME", "`id`"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (argv) => {
        const printed = output({ argv: ["/usr/bin/printf", "%s\\0", ...argv] });
        expect(printed.split("\0").slice(0, -1)).toEqual(argv);
      }),
      { numRuns: 60 },
    );
  });

  it("gives an application what Docker would, and nothing else", () => {
    const words = output({ argv: ["/usr/bin/env", "-0"], environment: ["A=b c", "with-dash='1'\n2"] }, "/home/app");
    for (const one of ["A=b c", "with-dash='1'\n2", "HOME=/home/app", "PATH=/usr/local/sbin:"]) expect(words).toContain(one);
    expect(output({ argv: ["/usr/bin/env", "-0"], environment: ["PATH=/nowhere", "HOME=/x"] }, "/home/app")).not.toContain("/home/app");
  });

  it("begins where it is told to", () => {
    mkdirSync(join(folder, "it's a -folder"));
    expect(output({ argv: ["/bin/pwd"], workingDirectory: join(folder, "it's a -folder") })).toMatch(/it's a -folder\n/);
    writeFileSync(join(folder, "file"), "");
    expect(() => output({ argv: ["/bin/pwd"], workingDirectory: join(folder, "file") })).toThrow();
  });
});
