import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { methods } from "./contract/methods.ts";
import { ProblemError } from "./contract/problems.ts";
import { createHandlers } from "./handlers.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

const megabyte = 1e6;
/** What a file system needs beside the bytes of a file, and a container for what it writes when it starts. */
const toleranceBytes = megabyte;

describe("what real containers take on disk", () => {
  let lxc: RealLxc;
  let handlers: ReturnType<typeof createHandlers>["methods"];

  beforeAll(() => {
    lxc = createRealLxc("disk-usage");
    handlers = createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: true, notify() {}, sendData() {} }).methods;
    lxc.makeContainer("base");
    lxc.run("lxc-copy", "-s", "-B", "overlay", "-n", "base", "-N", "clone");
    lxc.run("lxc-start", "-d", "-n", "clone");
  });
  afterAll(() => lxc?.close());

  const measure = async (name: string, fresh = true) =>
    handlers["containers.diskUsage"](methods["containers.diskUsage"].params.parse({ name, fresh }), {
      signal: new AbortController().signal,
      authorize: async () => {},
    });
  const expectGrowth = (before: number | undefined, after: number | undefined, bytes: number) => {
    expect((after ?? 0) - (before ?? Number.NaN)).toBeGreaterThanOrEqual(bytes);
    expect((after ?? 0) - (before ?? Number.NaN)).toBeLessThan(bytes + toleranceBytes);
  };

  it("grows by what a clone that runs writes into its layer, while its base takes what it took", async () => {
    const before = { base: await measure("base"), clone: await measure("clone") };
    expect(before.base).toMatchObject({ sharesBase: false, snapshots: [] });
    expect(before.clone).toMatchObject({ sharesBase: true, snapshots: [] });
    expect(before.clone.rootfsBytes).toBeLessThan(before.base.rootfsBytes ?? 0);

    lxc.inside("clone", "dd", "if=/dev/urandom", "of=/written", "bs=1000000", "count=20");
    // Mounted inside alone, so nothing of it is on this disk.
    lxc.inside("clone", "mkdir", "/memory");
    lxc.inside("clone", "mount", "-t", "tmpfs", "tmpfs", "/memory");
    lxc.inside("clone", "dd", "if=/dev/urandom", "of=/memory/written", "bs=1000000", "count=5");
    lxc.inside("clone", "ln", "-s", "/usr", "/elsewhere");
    expect((await measure("clone", false)).rootfsBytes).toBe(before.clone.rootfsBytes);
    expectGrowth(before.clone.rootfsBytes, (await measure("clone")).rootfsBytes, 20 * megabyte);
    expect((await measure("base")).rootfsBytes).toBe(before.base.rootfsBytes);
  });

  it("is told of each snapshot by itself, and no earlier answer is given again once there is another", async () => {
    lxc.run("lxc-snapshot", "-n", "base");
    writeFileSync(join(lxc.lxcPath, "base/rootfs/later"), randomBytes(5 * megabyte));
    lxc.run("lxc-snapshot", "-n", "base");
    const usage = await measure("base", false);
    expect(usage.snapshots.map(({ name }) => name)).toEqual(["snap1", "snap0"]);
    const [newer, older] = usage.snapshots;
    expectGrowth(older?.bytes, newer?.bytes, 5 * megabyte);
    expectGrowth(older?.bytes, usage.rootfsBytes, 5 * megabyte);
    expect(usage.fileSystem.availableBytes).toBeGreaterThan(0);
    expect(usage.fileSystem.totalBytes).toBeGreaterThan(usage.fileSystem.availableBytes);
  });

  it("is not told of what is no container", async () => {
    mkdirSync(join(lxc.lxcPath, "folder"));
    await expect(measure("folder")).rejects.toThrow(ProblemError);
  });
});
