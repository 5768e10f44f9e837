import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
import { previewDiskLimit } from "./lxc/audit/limit-disk.ts";
import { explainNoDiskLimit, readDiskLimit } from "./lxc/disk-limit.ts";
import { createOperations } from "./lxc/operations.ts";
import { createTasks } from "./tasks.ts";
import { type Btrfs, makeBtrfs } from "./testing/btrfs.ts";
import { prepareCreating } from "./testing/creating-process.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/** Containers on a btrfs of their own, and what they can store there. */
let made: Btrfs | string;
let lxc: RealLxc;
let state: string;
const mebibyte = 1024 * 1024;
const signal = new AbortController().signal;

beforeAll(() => {
  made = makeBtrfs();
  if (typeof made === "string") return;
  lxc = createRealLxc("disk", made.folder);
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-disk-"));
});
beforeEach((context) => {
  if (typeof made === "string") context.skip(made);
});
afterAll(async () => {
  if (typeof made === "string") return;
  const { operations } = createHelper();
  for (const { name, state: now } of lxc.reader.readAll()) if (now !== "stopped") await operations.forceStop(name, signal);
  for (let pass = 0; pass < 3; pass++) {
    for (const { name, clones } of lxc.reader.readAll()) if (clones.length === 0) await operations.destroy(name, signal);
  }
  await lxc.close();
  made.remove();
  rmSync(state, { recursive: true });
});

function createHelper() {
  const tasks = createTasks();
  const { lxcPath, reader } = lxc;
  const [journal, locks] = [createJournal(join(state, "journal")), createLocks(join(state, "locks"))];
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks }) };
}
const create = (name: string, others: Partial<ParamsInputOf<"containers.create">> = {}, mebibytes = 32) =>
  createHelper().operations.create(
    methods["containers.create"].params.parse({
      name,
      source: { type: "template", template: "busybox" },
      unprivileged: false,
      start: true,
      address: "dhcp",
      resources: { diskBytes: mebibytes * mebibyte },
      ...others,
    }),
    signal,
  );
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);
/** Writes so much inside. @returns What was said about it. */
const write = (name: string, mebibytes: number) =>
  lxc.inside(name, "/bin/sh", "-c", `dd if=/dev/zero of=/root-file bs=1M count=${mebibytes} 2>&1; sync; true`);
const isFull = (said: string) => /quota exceeded|No space/i.test(said);

describe("without quotas", () => {
  it("no container can be limited, and one that should be is not made", async () => {
    expect(await explainNoDiskLimit(lxc.lxcPath)).toContain("btrfs quota enable");
    const problem = await problemOf(create("unlimited"));
    expect(problem).toMatchObject({ code: "invalid-request", issues: [{ path: "resources.diskBytes" }] });
    expect(readdirSync(lxc.lxcPath)).toEqual([]);
  });
});

describe("on a file system that limits no folders", () => {
  it("that is said", async () => {
    expect(await explainNoDiskLimit("/proc")).toContain("does not lie on btrfs");
    expect(await explainNoDiskLimit("/nowhere")).toContain("does not lie on btrfs");
  });
});

describe("a limit of the disk", () => {
  beforeAll(() => {
    if (typeof made !== "string") made.enableQuotas();
  });

  it("ends what a container can write, and goes with it", async () => {
    expect(await explainNoDiskLimit(lxc.lxcPath)).toBeUndefined();
    await create("limited");
    const folder = join(lxc.lxcPath, "limited");
    expect(await readDiskLimit(lxc.lxcPath, folder)).toEqual({ folder, bytes: 32 * mebibyte, storedBytes: expect.any(Number) });
    mkdirSync(join(folder, "plain"));
    expect(await readDiskLimit(lxc.lxcPath, join(folder, "plain"))).toEqual({ reason: expect.stringContaining("no subvolume") });
    expect((await auditContainer(lxc, "limited")).findings.find(({ check }) => check === "disk")).toMatchObject({
      state: "ok",
      summary: expect.stringMatching(/^It can store at most 32 MiB, and stores \d+(\.\d)? MiB now\.$/),
    });
    expect((await auditContainer(lxc, "limited")).findings.find(({ check }) => check === "input-output")?.summary).toContain("btrfs");
    expect(isFull(write("limited", 20))).toBe(false);
    expect(isFull(write("limited", 60))).toBe(true);
    const { operations } = createHelper();
    // One that is full can be removed, too.
    await operations.forceStop("limited", signal);
    await operations.destroy("limited", signal);
    expect(existsSync(join(lxc.lxcPath, "limited"))).toBe(false);
  });

  it("is one of an unprivileged container, too, whose files are given to other ids", async () => {
    await create("private", { unprivileged: true });
    expect(isFull(write("private", 60))).toBe(true);
    expect(lxc.reader.readOne("private")).toMatchObject({ state: "running", privileged: false });
  });

  it("counts what a clone stores itself, and not what its base does", async () => {
    await create("base", {}, 100);
    write("base", 60);
    await createHelper().operations.forceStop("base", signal);
    await create("clone", { source: { type: "clone", from: "base" } });
    expect(isFull(lxc.inside("clone", "/bin/sh", "-c", "dd if=/dev/zero of=/other bs=1M count=20 2>&1; sync"))).toBe(false);
    expect(isFull(lxc.inside("clone", "/bin/sh", "-c", "dd if=/dev/zero of=/third bs=1M count=60 2>&1; sync; true"))).toBe(true);
    // A limit is of one folder: another clone has none.
    await createHelper().operations.forceStop("clone", signal);
    await create("free", { source: { type: "clone", from: "base" }, resources: undefined });
    expect(isFull(lxc.inside("free", "/bin/sh", "-c", "dd if=/dev/zero of=/other bs=1M count=60 2>&1; sync; true"))).toBe(false);
  });

  it("is one of a container of an image", async () => {
    const { operations } = createHelper();
    await create("saved", { start: false });
    const { image } = await operations.saveImage("saved", "Saved", signal);
    await create("of-image", { source: { type: "image", image } });
    expect(isFull(write("of-image", 60))).toBe(true);
    await operations.forceStop("of-image", signal);
    await operations.destroy("of-image", signal);
    await operations.deleteImage(image, signal);
  });

  it("is given to a container that was made without one, changed, taken, and put back, while it runs", async () => {
    const { operations } = createHelper();
    await create("later", { resources: {}, unprivileged: true });
    const folder = join(lxc.lxcPath, "later");
    const bytesNow = async () => {
      const limit = await readDiskLimit(lxc.lxcPath, folder);
      return "bytes" in limit ? limit.bytes : limit;
    };
    const fix = (bytes?: number) => ({ check: "disk" as const, ...(bytes !== undefined && { bytes }) });
    const harden = (bytes?: number) => operations.harden({ name: "later", fix: fix(bytes), mayWeaken: false }, signal);
    const find = async () => (await auditContainer(lxc, "later")).findings.find(({ check }) => check === "disk");
    // Its folder is an ordinary one: nothing can be done about that, and nothing is offered.
    expect(await find()).toMatchObject({ state: "warning", summary: expect.stringContaining("no subvolume"), fixes: [] });
    expect(await problemOf(harden(32 * mebibyte))).toMatchObject({ code: "not-supported" });
    await operations.forceStop("later", signal);
    await operations.destroy("later", signal);

    await create("later", { unprivileged: true }, 300);
    execFileSync("btrfs", ["qgroup", "limit", "none", folder]);
    const initPid = lxc.reader.readOne("later")?.initPid;
    const found = await find();
    expect(found).toMatchObject({ state: "warning", canUndo: false, diskLimit: {} });
    expect(found?.fixes).toEqual([{ check: "disk", bytes: 256 * mebibyte }]);
    expect(await previewDiskLimit(lxc, "later", { check: "disk", bytes: 32 * mebibyte })).toMatchObject({
      commands: [["btrfs", "qgroup", "limit", String(32 * mebibyte), folder]],
      needsRestart: false,
    });
    await harden(32 * mebibyte);
    expect(isFull(write("later", 60))).toBe(true);
    expect(await find()).toMatchObject({ state: "ok", canUndo: true, diskLimit: { bytes: 32 * mebibyte }, fixes: [] });
    expect(await problemOf(harden(32 * mebibyte))).toMatchObject({ code: "not-supported" });
    // One that is full can be given more.
    await harden(100 * mebibyte);
    expect(isFull(write("later", 60))).toBe(false);
    const preview = await previewDiskLimit(lxc, "later", { check: "disk", bytes: 16 * mebibyte });
    expect(preview.mayBreak).toContain("until it stores less");
    await harden();
    expect(await bytesNow()).toMatchObject({ folder });
    expect(isFull(write("later", 120))).toBe(false);
    await operations.soften("later", "disk", signal);
    expect(await bytesNow()).toBe(100 * mebibyte);
    // It is full: what is to be remembered of less has no room until something in it goes.
    expect(await problemOf(operations.soften("later", "disk", signal))).toMatchObject({
      code: "not-supported",
      what: expect.stringContaining("full"),
    });
    lxc.inside("later", "/bin/sh", "-c", "rm /root-file; sync");
    await operations.soften("later", "disk", signal);
    expect(await bytesNow()).toBe(32 * mebibyte);
    // What somebody else has decided since is theirs.
    execFileSync("btrfs", ["qgroup", "limit", String(77 * mebibyte), folder]);
    expect(await problemOf(operations.soften("later", "disk", signal))).toMatchObject({ code: "not-supported" });
    execFileSync("btrfs", ["qgroup", "limit", String(32 * mebibyte), folder]);
    await operations.soften("later", "disk", signal);
    expect(await bytesNow()).toMatchObject({ folder });
    expect(await find()).toMatchObject({ canUndo: false });
    expect(await problemOf(operations.soften("later", "disk", signal))).toMatchObject({ code: "not-found" });
    // It was never restarted.
    expect(lxc.reader.readOne("later")?.initPid).toBe(initPid);
  });

  it("is given to files that LXC itself has made a subvolume of", async () => {
    lxc.run("lxc-create", "-n", "of-lxc", "-t", "busybox", "-B", "btrfs");
    const rootfs = join(lxc.lxcPath, "of-lxc/rootfs");
    const { operations } = createHelper();
    await operations.harden({ name: "of-lxc", fix: { check: "disk", bytes: 32 * mebibyte }, mayWeaken: false }, signal);
    expect(await readDiskLimit(lxc.lxcPath, join(lxc.lxcPath, "of-lxc"))).toMatchObject({ folder: rootfs, bytes: 32 * mebibyte });
    await operations.start("of-lxc", signal);
    expect(isFull(write("of-lxc", 60))).toBe(true);
  });

  it("leaves nothing where a helper is killed that makes such a container", async () => {
    const startCreating = await prepareCreating(lxc.lxcPath, state);
    const creating = startCreating("killed", { resources: { diskBytes: 32 * mebibyte } });
    const exited = once(creating, "exit");
    await vi.waitFor(() => expect(existsSync(join(lxc.lxcPath, "killed"))).toBe(true), { timeout: 20_000, interval: 1 });
    creating.kill("SIGKILL");
    await exited;
    const { operations, journal } = createHelper();
    expect(journal.unfinished(lxc.lxcPath)).toContain("killed");
    await operations.recover();
    expect(existsSync(join(lxc.lxcPath, "killed"))).toBe(false);
    expect(journal.unfinished(lxc.lxcPath).size).toBe(0);
  });
});
