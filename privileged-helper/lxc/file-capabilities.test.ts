import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TaskContext } from "./context.ts";
import { parseCapabilities, readCapabilities, restoreCapabilities } from "./file-capabilities.ts";

describe("what getcap prints", () => {
  it("is read in both its formats", () => {
    expect(
      parseCapabilities(
        "/r/bin/ping cap_net_raw=ep\n/r/usr/bin/mtr = cap_net_raw+ep\n/r/a cap_net_admin,cap_net_raw=eip cap_chown+i\n",
        "/r",
      ),
    ).toEqual([
      { path: "/r/bin/ping", capabilities: "cap_net_raw=ep" },
      { path: "/r/usr/bin/mtr", capabilities: "cap_net_raw+ep" },
      { path: "/r/a", capabilities: "cap_net_admin,cap_net_raw=eip cap_chown+i" },
    ]);
  });

  it("may name paths with blanks, and capabilities that have only numbers", () => {
    expect(parseCapabilities("/r/a b = c cap_net_raw=ep\n/r/new cap_40,41=p", "/r")).toEqual([
      { path: "/r/a b = c", capabilities: "cap_net_raw=ep" },
      { path: "/r/new", capabilities: "cap_40,41=p" },
    ]);
  });

  it("is nothing else: complaints, and what is not in the folder", () => {
    const complaint = "Failed to get capabilities of file '/r/x' (Not supported)";
    expect(parseCapabilities(`\n${complaint}\nrelative cap_chown=ep\n/rest/x cap_chown=ep\n/r/x\n`, "/r")).toEqual([]);
  });

  it("is one path where that has ends of lines in it, and what follows is not lost", () => {
    const paths = parseCapabilities("/r/a\n/usr/bin/x cap_chown=ep\n/r/b\n/r/bin/c cap_chown=ep\n/r/d cap_chown=ep\n", "/r").map(
      ({ path }) => path,
    );
    expect(paths).toEqual(["/r/a\n/usr/bin/x", "/r/b\n/r/bin/c", "/r/bin/c", "/r/d"]);
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

  it("are given to no file of this computer's that a folder's name seems to lead to", async () => {
    const rootfs = join(folder, "rootfs");
    const outside = join(folder, "outside");
    const hidden = join(rootfs, `a\n${outside}`);
    for (const file of [outside, hidden]) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "");
    }
    // It seems to be in the folder, and a link leads out of it.
    symlinkSync(folder, join(rootfs, "way"));
    const byLink = join(rootfs, `b\n${rootfs}/way/outside`);
    mkdirSync(dirname(byLink), { recursive: true });
    writeFileSync(byLink, "");
    for (const file of [hidden, byLink]) execFileSync("/usr/sbin/setcap", ["cap_net_raw=ep", file]);
    const files = await readCapabilities(task, rootfs);
    expect(files.map(({ path }) => path).sort()).toEqual([hidden, byLink].sort());
    await restoreCapabilities(task, files, { first: 1_000_000, count: 65_536 });
    expect(getcap(outside)).toBe("");
    expect(getcap(hidden)).toContain("rootid=1000000");
  });

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
