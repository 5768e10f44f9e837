import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TaskContext } from "./context.ts";
import { parseCapabilities, readCapabilities, restoreCapabilities } from "./file-capabilities.ts";

describe("what getcap prints", () => {
  it("is read in both its formats", () => {
    expect(
      parseCapabilities("/r/bin/ping cap_net_raw=ep\n/r/usr/bin/mtr = cap_net_raw+ep\n/r/a cap_net_admin,cap_net_raw=eip cap_chown+i\n"),
    ).toEqual([
      { path: "/r/bin/ping", capabilities: "cap_net_raw=ep" },
      { path: "/r/usr/bin/mtr", capabilities: "cap_net_raw+ep" },
      { path: "/r/a", capabilities: "cap_net_admin,cap_net_raw=eip cap_chown+i" },
    ]);
  });

  it("may name paths with blanks, and capabilities that have only numbers", () => {
    expect(parseCapabilities("/r/a b = c cap_net_raw=ep\n/r/new cap_40,41=p")).toEqual([
      { path: "/r/a b = c", capabilities: "cap_net_raw=ep" },
      { path: "/r/new", capabilities: "cap_40,41=p" },
    ]);
  });

  it("is nothing else: complaints, and lines of a path that has several", () => {
    expect(parseCapabilities("\nFailed to get capabilities of file '/r/x' (Not supported)\nrelative cap_chown=ep\n/r/x\n")).toEqual([]);
  });
});

const hasTools = process.getuid?.() === 0 && spawnSync("/usr/sbin/setcap", ["-h"]).error === undefined;

describe.skipIf(!hasTools)("capabilities of files that are given away", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lxc-desktop-capabilities-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const task = { signal: new AbortController().signal } as TaskContext;
  const getcap = (file: string) => execFileSync("/usr/sbin/getcap", ["-n", file], { encoding: "utf8" }).trim();

  it("are the same afterwards, for the new root alone", async () => {
    const file = join(folder, "a program");
    writeFileSync(file, "");
    writeFileSync(join(folder, "plain"), "");
    execFileSync("/usr/sbin/setcap", ["cap_net_raw,cap_net_admin=ep", file]);
    const files = await readCapabilities(task, folder);
    expect(files.map(({ path }) => path)).toEqual([file]);
    chownSync(file, 1_000_000, 1_000_000);
    expect(getcap(file)).toBe("");
    await restoreCapabilities(task, files, { first: 1_000_000, count: 65_536 });
    expect(getcap(file)).toMatch(/cap_net_admin,cap_net_raw=ep \[rootid=1000000\]$/);
  });
});
