import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskUsages } from "./disk-usage.ts";

describe("what a container stores", () => {
  let lxcPath: string;
  let time: number;
  let counted: { folder: string; signal: AbortSignal }[];
  let answer: (folder: string) => Promise<number | undefined>;

  beforeEach(() => {
    lxcPath = mkdtempSync(join(tmpdir(), "disk-usage-"));
    time = 1_000;
    counted = [];
    answer = async () => 100;
  });
  afterEach(() => rmSync(lxcPath, { recursive: true }));

  const make = (folder: string, rootfs: string) => {
    mkdirSync(join(lxcPath, folder, "rootfs"), { recursive: true });
    writeFileSync(join(lxcPath, folder, "config"), `lxc.rootfs.path = ${rootfs}\n`);
  };
  const usages = () =>
    createDiskUsages({
      lxcPath,
      now: () => time,
      measureFolder: (folder, signal) => {
        counted.push({ folder, signal });
        return answer(folder);
      },
    });
  const never = () => new AbortController().signal;

  it("is counted with each of its snapshots, and where the disk is filled to", async () => {
    make("web", `dir:${lxcPath}/web/rootfs`);
    make("web/snaps/snap0", `dir:${lxcPath}/web/snaps/snap0/rootfs`);
    answer = async (folder) => (folder.includes("snaps") ? 20 : 10);
    const usage = await usages().measure("web", never());
    expect(usage).toMatchObject({ rootfsBytes: 10, snapshots: [{ name: "snap0", bytes: 20 }], measuredAt: 1_000 });
    expect(usage).not.toHaveProperty("isLayer");
    expect(usage.fileSystem.totalBytes).toBeGreaterThan(usage.fileSystem.availableBytes);
  });

  it("is the uppermost layer alone where it lies on others", async () => {
    make("base", `dir:${lxcPath}/base/rootfs`);
    make("web", `overlay:${lxcPath}/base/rootfs:${lxcPath}/web/rootfs`);
    expect(await usages().measure("web", never())).toMatchObject({ rootfsBytes: 100, isLayer: true });
    expect(counted.map(({ folder }) => folder)).toEqual([join(lxcPath, "web/rootfs")]);
  });

  it("is not told where it cannot be, with the reason", async () => {
    make("volume", "lvm:/dev/vg/volume");
    make("gone", `dir:${lxcPath}/nowhere`);
    make("slow", `dir:${lxcPath}/slow/rootfs`);
    const of = usages();
    expect(await of.measure("volume", never())).toMatchObject({ missing: expect.stringContaining("not in a folder") });
    expect(await of.measure("gone", never())).toMatchObject({ missing: expect.stringContaining("nowhere") });
    answer = async () => undefined;
    const usage = await of.measure("slow", never());
    expect(usage.missing).toContain("60 seconds");
    expect(usage).not.toHaveProperty("rootfsBytes");
  });

  it("is told again for a minute, and then counted anew", async () => {
    make("web", `dir:${lxcPath}/web/rootfs`);
    const of = usages();
    await of.measure("web", never());
    time += 59_999;
    await of.measure("web", never());
    expect(counted).toHaveLength(1);
    time += 1;
    expect(await of.measure("web", never())).toMatchObject({ measuredAt: 61_000 });
    expect(counted).toHaveLength(2);
  });

  it("is counted once for all who wait, and no longer once none of them does", async () => {
    make("web", `dir:${lxcPath}/web/rootfs`);
    answer = () => new Promise(() => {});
    const of = usages();
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [of.measure("web", one.signal), of.measure("web", other.signal)];
    expect(counted).toHaveLength(1);
    one.abort();
    await expect(asked[0]).rejects.toMatchObject({ problem: { code: "cancelled" } });
    expect(counted[0]?.signal.aborted).toBe(false);
    other.abort();
    await expect(asked[1]).rejects.toMatchObject({ problem: { code: "cancelled" } });
    expect(counted[0]?.signal.aborted).toBe(true);
  });
});
