import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
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
    expect(await readDiskLimit(lxc.lxcPath, join(lxc.lxcPath, "limited"))).toEqual({ bytes: 32 * mebibyte });
    expect(await readDiskLimit(lxc.lxcPath, lxc.lxcPath)).toMatchObject({ reason: expect.any(String) });
    expect((await auditContainer(lxc, "limited")).findings.find(({ check }) => check === "disk")).toMatchObject({
      state: "ok",
      summary: "It can store at most 32 MiB.",
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
