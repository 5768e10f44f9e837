import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TaskContext } from "./context.ts";
import { parseMountPoints, unmountBelow } from "./mounts.ts";

describe("mount points", () => {
  it("are read in their order, with the characters that the kernel writes as numbers", () => {
    const text = [
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw",
      "30 22 0:5 / /proc rw - proc proc rw",
      "31 22 0:50 / /mnt/a\\040b\\011c\\134d rw - tmpfs none rw",
      "",
    ].join("\n");
    expect(parseMountPoints(text)).toEqual(["/", "/proc", "/mnt/a b\tc\\d"]);
  });
});

describe.skipIf(process.getuid?.() !== 0)("unmounting below a folder", () => {
  it("takes what is there and deeper, on top of each other too, and leaves what only begins with its name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-mounts-"));
    const mount = (path: string) => {
      mkdirSync(path, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "none", path]);
    };
    const neighbour = join(folder, "one-more");
    try {
      for (const path of ["one", "one/in side", "one/in side/deep", "one/in side/deep"]) mount(join(folder, path));
      mount(neighbour);
      const task = { signal: new AbortController().signal, command() {}, output() {} } as unknown as TaskContext;
      await unmountBelow(task, join(folder, "one"));
      const mounted = parseMountPoints(readFileSync("/proc/self/mountinfo", "utf8"));
      expect(mounted.filter((point) => point.startsWith(`${folder}/`))).toEqual([neighbour]);
    } finally {
      execFileSync("umount", [neighbour]);
      rmSync(folder, { recursive: true });
    }
  });
});
