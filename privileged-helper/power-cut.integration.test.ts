import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createJournal } from "./journal.ts";
import { readSecurityRecord, writeSecurityRecord } from "./lxc/audit/security-record.ts";
import { writeConfig } from "./lxc/config.ts";

/**
 * A power cut: what has come to the disk of a file system that is still mounted is copied, and that is mounted. The file system is told not to
 * do by itself what some do when a file takes the place of another one (mount(8), ext4: noauto_da_alloc).
 */
let folder: string;
let mounted: string;
let afterwards: string;
const disk = () => join(folder, "disk");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-power-"));
  mounted = join(folder, "mounted");
  afterwards = join(folder, "afterwards");
  for (const path of [mounted, afterwards]) mkdirSync(path);
  writeFileSync(disk(), "");
  truncateSync(disk(), 32 * 1024 * 1024);
  execFileSync("mkfs.ext4", ["-q", disk()]);
  execFileSync("mount", ["-o", "loop,commit=600,noauto_da_alloc", disk(), mounted]);
});
afterAll(() => {
  for (const path of [afterwards, mounted]) execFileSync("umount", [path]);
  rmSync(folder, { recursive: true });
});

/** Something else has its names written down, and with them all that was done before. */
function cutPower() {
  const file = openSync(join(mounted, "other"), "w");
  fsyncSync(file);
  closeSync(file);
  copyFileSync(disk(), join(folder, "copy"));
  execFileSync("mount", ["-o", "loop", join(folder, "copy"), afterwards]);
}

describe("after a power cut", () => {
  it("there is a whole configuration, the decisions about its container, and the record of what is to be taken back", () => {
    const web = join(mounted, "web");
    mkdirSync(web);
    writeConfig(join(web, "config"), "lxc.uts.name = before\n");
    writeConfig(join(web, "config"), "lxc.uts.name = after\n");
    const risk = { note: "Known.", uid: 0, at: 1 };
    for (const accepted of [{}, { memory: risk }])
      writeSecurityRecord(mounted, "web", { accepted, fixes: [], stripped: [], diskLimits: [] });
    createJournal(join(mounted, "journal")).begin({ lxcPath: mounted, name: "web", kind: "convert" });
    // It shows what it is to show: this one is only just made, and nobody waits for the disk.
    writeConfig(join(mounted, "made"), "lxc.uts.name = made\n", "just-made");

    cutPower();
    expect(readFileSync(join(afterwards, "web/config"), "utf8")).toBe("lxc.uts.name = after\n");
    expect(readSecurityRecord(afterwards, "web").accepted).toEqual({ memory: risk });
    const [record = ""] = readdirSync(join(afterwards, "journal"));
    expect(JSON.parse(readFileSync(join(afterwards, "journal", record), "utf8"))).toMatchObject({ name: "web", kind: "convert" });
    expect(readFileSync(join(afterwards, "made"), "utf8")).toBe("");
  });
});
