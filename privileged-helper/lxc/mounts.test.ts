import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TaskContext } from "./context.ts";
import { parseMountinfo } from "./mountinfo.ts";
import { unmountBelow } from "./mounts.ts";

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
      const mounted = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).map(({ mountPoint }) => mountPoint);
      expect(mounted.filter((point) => point.startsWith(`${folder}/`))).toEqual([neighbour]);
    } finally {
      execFileSync("umount", [neighbour]);
      rmSync(folder, { recursive: true });
    }
  });
});
