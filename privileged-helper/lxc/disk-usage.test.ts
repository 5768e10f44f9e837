import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DiskUsage } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { createDiskUsageReader, measureDiskUsage, sumOf } from "./disk-usage.ts";

const mebibyte = 1024 ** 2;
/** Folders take room, too, each on its own file system another amount. */
const toleranceBytes = 128 * 1024;

let lxcPath: string;
beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-disk-usage-"));
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

const signal = new AbortController().signal;
const write = (path: string, mebibytes: number) => writeFileSync(join(lxcPath, path), randomBytes(mebibytes * mebibyte));
const define = (name: string, rootfs: string) => {
  mkdirSync(join(lxcPath, name), { recursive: true });
  writeFileSync(join(lxcPath, name, "config"), `lxc.rootfs.path = ${rootfs}\n`);
};
const definePlain = (name: string) => {
  mkdirSync(join(lxcPath, name, "rootfs"), { recursive: true });
  define(name, `dir:${lxcPath}/${name}/rootfs`);
};
const measure = (name: string, others: { signal?: AbortSignal; timeoutMinutes?: number } = {}) =>
  measureDiskUsage({ lxcPath, name, signal, ...others });
const expectAbout = (bytes: number | undefined, mebibytes: number) => {
  expect(bytes).toBeGreaterThanOrEqual(mebibytes * mebibyte);
  expect(bytes).toBeLessThan(mebibytes * mebibyte + toleranceBytes);
};

describe("what a container takes on disk", () => {
  it("is all of a plain folder, each file once, and no more than is behind its holes", async () => {
    definePlain("web");
    write("web/rootfs/large", 3);
    linkSync(join(lxcPath, "web/rootfs/large"), join(lxcPath, "web/rootfs/the same"));
    writeFileSync(join(lxcPath, "web/rootfs/holes"), "");
    truncateSync(join(lxcPath, "web/rootfs/holes"), 1024 * mebibyte);
    write("web/beside", 1);
    const before = Date.now();
    const usage = await measure("web");
    expectAbout(usage.rootfsBytes, 3);
    expect(usage).toMatchObject({ sharesBase: false, snapshots: [] });
    expect(usage).not.toHaveProperty("missing");
    expect(usage.measuredAt).toBeGreaterThanOrEqual(before);
    expect(usage.fileSystem.totalBytes).toBe(statfsSync(lxcPath).blocks * statfsSync(lxcPath).bsize);
    expect(usage.fileSystem.availableBytes).toBeLessThan(usage.fileSystem.totalBytes);
  });

  it("is an overlay's own layer alone", async () => {
    definePlain("base");
    write("base/rootfs/large", 4);
    mkdirSync(join(lxcPath, "clone/overlay/delta"), { recursive: true });
    define("clone", `overlay:${lxcPath}/base/rootfs:${lxcPath}/clone/overlay/delta`);
    write("clone/overlay/delta/changed", 2);
    const usage = await measure("clone");
    expectAbout(usage.rootfsBytes, 2);
    expect(usage.sharesBase).toBe(true);
  });

  it("has nothing to do with where links of the container lead", async () => {
    definePlain("web");
    mkdirSync(join(lxcPath, "outside"));
    write("outside/large", 4);
    symlinkSync(join(lxcPath, "outside"), join(lxcPath, "web/rootfs/out"));
    expectAbout((await measure("web")).rootfsBytes, 0);
    rmSync(join(lxcPath, "web/rootfs"), { recursive: true });
    symlinkSync(join(lxcPath, "outside"), join(lxcPath, "web/rootfs"));
    for (const end of ["", "/"]) {
      define("web", `dir:${lxcPath}/web/rootfs${end}`);
      const usage = await measure("web");
      expect(usage.missing).toContain("link");
      expect(usage).not.toHaveProperty("rootfsBytes");
    }
  });

  it("is counted for each snapshot, the newest first, also where the container lies in no folder", async () => {
    define("web", "zfs:tank/web");
    for (const [snapshot, mebibytes] of [
      ["snap2", 1],
      ["snap10", 2],
    ] as const) {
      definePlain(`web/snaps/${snapshot}`);
      write(`web/snaps/${snapshot}/rootfs/large`, mebibytes);
    }
    define("web/snaps/snap3", "zfs:tank/web-3");
    const { missing, snapshots, ...usage } = await measure("web");
    expect(missing).toBe("Its files lie in no folder: its storage is zfs.");
    expect(usage).not.toHaveProperty("rootfsBytes");
    expect(snapshots.map(({ name }) => name)).toEqual(["snap10", "snap3", "snap2"]);
    expectAbout(snapshots[0]?.bytes, 2);
    expect(snapshots[1]).toEqual({ name: "snap3" });
    expectAbout(snapshots[2]?.bytes, 1);
  });

  it.each([
    ["nbd:/srv/web.qcow2", "Its files lie in no folder that is known."],
    ["dir:/nowhere/at/all", "Its files are missing: /nowhere/at/all"],
    ["dir:/dev/null", "Its files lie in no folder: /dev/null"],
  ])("cannot be told of %s", async (rootfs, missing) => {
    define("web", rootfs);
    expect(await measure("web")).toMatchObject({ missing });
  });

  it("cannot be told without a configuration", async () => {
    expect(await measure("nobody")).toMatchObject({ missing: "Its configuration cannot be read." });
  });

  it("is missing where counting takes too long", async () => {
    definePlain("web");
    definePlain("web/snaps/snap0");
    expect(await measure("web", { timeoutMinutes: 1e-6 })).toMatchObject({
      missing: "Counting its files takes longer than 0.000001 minutes.",
      snapshots: [{ name: "snap0" }],
    });
  });

  it("is not counted for whoever has gone", async () => {
    definePlain("web");
    await expect(measure("web", { signal: AbortSignal.abort() })).rejects.toMatchObject({ problem: { code: "cancelled" } });
  });
});

describe("the sum that du tells", () => {
  it("is found among complaints, also where one came in between", () => {
    const complaint = "du: cannot access '/srv/web/tmp/gone'";
    expect(sumOf("/srv/web", `${complaint}: No such file or directory\n4096\t/srv/web\n`)).toBe(4096);
    expect(sumOf("/srv/web", `${complaint}8192\t/srv/web\n: No such file or directory\n`)).toBe(8192);
  });

  it("is not there where the folder itself has gone", () => {
    expect(sumOf("/srv/web", "du: cannot access '/srv/web': No such file or directory\n")).toBeUndefined();
    expect(sumOf("/srv/web", "")).toBeUndefined();
    expect(sumOf("/srv/web", "4096\t/srv/web/below\n")).toBeUndefined();
  });
});

describe("asking for it", () => {
  /** A counting that ends when a test says so, and a clock that it moves. */
  const createCounting = () => {
    const begun: { signal: AbortSignal; end(rootfsBytes: number): void }[] = [];
    let time = 0;
    const reader = createDiskUsageReader({
      lxcPath,
      now: () => time,
      measure: ({ signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(new ProblemError({ code: "cancelled" })));
          const others = { sharesBase: false, snapshots: [], measuredAt: 0, fileSystem: { totalBytes: 2, availableBytes: 1 } };
          begun.push({ signal, end: (rootfsBytes) => resolve({ rootfsBytes, ...others }) });
        }),
    });
    return {
      begun,
      read: (options: { fresh?: boolean; signal?: AbortSignal } = {}) => reader.read("web", { signal, ...options }),
      pass: (milliseconds: number) => {
        time += milliseconds;
      },
      /** Lets what is ready to go on do so. */
      settle: () => new Promise((resolve) => setImmediate(resolve)),
    };
  };
  const bytesOf = async (usage: Promise<DiskUsage>) => (await usage).rootfsBytes;

  it("counts once for all that ask meanwhile, and anew after that only when asked for it or a minute later", async () => {
    definePlain("web");
    const { begun, read, pass, settle } = createCounting();
    const together = [read(), read({ fresh: true })];
    await settle();
    begun[0]?.end(1);
    expect(await Promise.all(together.map(bytesOf))).toEqual([1, 1]);
    pass(59_999);
    expect(await bytesOf(read())).toBe(1);
    expect(begun.length).toBe(1);
    const fresh = read({ fresh: true });
    await settle();
    begun[1]?.end(2);
    expect(await bytesOf(fresh)).toBe(2);
    pass(59_999);
    expect(await bytesOf(read())).toBe(2);
    pass(1);
    const later = read();
    await settle();
    begun[2]?.end(3);
    expect(await bytesOf(later)).toBe(3);
  });

  it("counts anew where there is another container of that name, or another snapshot", async () => {
    definePlain("web");
    const { begun, read, settle } = createCounting();
    const answers: (number | undefined)[] = [];
    const ask = async () => {
      const answer = bytesOf(read());
      await settle();
      begun.at(-1)?.end(begun.length);
      answers.push(await answer);
    };
    await ask();
    await ask();
    definePlain("web/snaps/snap0");
    await ask();
    rmSync(join(lxcPath, "web"), { recursive: true });
    definePlain("web");
    await ask();
    expect(answers).toEqual([1, 1, 2, 3]);
  });

  it("goes on while one still waits, ends with the last, and begins anew for the next", async () => {
    definePlain("web");
    const { begun, read, settle } = createCounting();
    const [first, second] = [new AbortController(), new AbortController()];
    const answers = [first, second].map(({ signal }) => read({ signal }).then(undefined, (thrown: ProblemError) => thrown.problem.code));
    await settle();
    first.abort();
    expect(await answers[0]).toBe("cancelled");
    expect(begun[0]?.signal.aborted).toBe(false);
    second.abort();
    const next = read();
    expect(await answers[1]).toBe("cancelled");
    expect(begun[0]?.signal.aborted).toBe(true);
    await settle();
    begun[1]?.end(5);
    expect(await bytesOf(next)).toBe(5);
  });

  it("does not remember a failure", async () => {
    definePlain("web");
    let calls = 0;
    const failing = createDiskUsageReader({
      lxcPath,
      measure: async () => {
        calls++;
        throw new ProblemError({ code: "tool-missing", tool: "du", neededFor: "telling how large files are" });
      },
    });
    for (const _ of [1, 2]) await expect(failing.read("web", { signal })).rejects.toMatchObject({ problem: { code: "tool-missing" } });
    expect(calls).toBe(2);
  });
});
