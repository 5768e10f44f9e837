import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "./contract/problems.ts";
import { ownProcess } from "./holder.ts";
import { createLocks, type LockRequest } from "./locks.ts";
import { readProcessStat } from "./lxc/proc.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "lxc-desktop-locks-")), "locks");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const lock = (more: Partial<LockRequest> = {}): LockRequest => ({ lxcPath: "/var/lib/lxc", name: "web", operation: "start", ...more });
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

/** A lock file as another process would leave it. */
async function leaveLockOf(holder: { pid: number; startTicks: string }) {
  const release = await createLocks(directory).acquire(lock({ operation: "destroy" }));
  const [file = ""] = readdirSync(directory);
  release();
  const self = ownProcess();
  writeFileSync(join(directory, file.replace(`.${self.pid}.${self.startTicks}.`, `.${holder.pid}.${holder.startTicks}.`)), "");
}

async function withProcess(use: (holder: { pid: number; startTicks: string }, end: () => Promise<void>) => Promise<void>) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve) => child.once("spawn", () => resolve()));
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    const stat = readProcessStat(child.pid ?? 0);
    if (!stat) throw new Error("the process has no stat");
    await use({ pid: stat.pid, startTicks: stat.startTicks }, end);
  } finally {
    await end();
  }
}

describe("a lock", () => {
  it("is held by one operation at a time, and the other hears which", async () => {
    const locks = createLocks(directory);
    const release = await locks.acquire(lock());
    expect(await problemOf(locks.acquire(lock({ operation: "destroy" })))).toEqual({ code: "busy", name: "web", operation: "start" });
    release();
    (await locks.acquire(lock({ operation: "destroy" })))();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is each container's own, also where names or folders are alike", async () => {
    const locks = createLocks(directory);
    await locks.acquire(lock());
    await locks.acquire(lock({ name: "my.web" }));
    await locks.acquire(lock({ name: "webs" }));
    await locks.acquire(lock({ lxcPath: "/srv/lxc" }));
    expect(await problemOf(locks.acquire(lock({ name: "my.web" })))).toMatchObject({ code: "busy" });
  });

  it("may be shared, but not with one that changes the container", async () => {
    const locks = createLocks(directory);
    const first = await locks.acquire(lock({ operation: "clone", mode: "shared" }));
    const second = await locks.acquire(lock({ operation: "clone", mode: "shared" }));
    first();
    expect(await problemOf(locks.acquire(lock()))).toEqual({ code: "busy", name: "web", operation: "clone" });
    second();
    const change = await locks.acquire(lock());
    expect(await problemOf(locks.acquire(lock({ operation: "clone", mode: "shared" })))).toMatchObject({
      code: "busy",
      operation: "start",
    });
    change();
  });

  it("does not keep a stop by force waiting", async () => {
    const locks = createLocks(directory);
    await locks.acquire(lock({ operation: "stop" }));
    await locks.acquire(lock({ operation: "force-stop", lane: "force" }));
    expect(await problemOf(locks.acquire(lock({ operation: "force-stop", lane: "force" })))).toMatchObject({
      code: "busy",
      operation: "force-stop",
    });
  });

  it("is not given for work while something is ended by force", async () => {
    const locks = createLocks(directory);
    const release = await locks.acquire(lock({ operation: "force-stop", lane: "force" }));
    expect(await problemOf(locks.acquire(lock()))).toEqual({ code: "busy", name: "web", operation: "force-stop" });
    release();
    await locks.acquire(lock());
  });

  it("can be waited for: giving it back is told, looking in vain is not", async () => {
    const locks = createLocks(directory);
    const release = await locks.acquire(lock());
    let told = 0;
    const stop = createLocks(directory).onReleased(() => told++);
    await problemOf(createLocks(directory).acquire(lock()));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(told).toBe(0);
    release();
    await expect.poll(() => told).toBeGreaterThan(0);
    stop();
  });

  it("is respected while another process holds it, and not after that one was killed", async () => {
    const locks = createLocks(directory);
    await withProcess(async (holder, end) => {
      await leaveLockOf(holder);
      expect(await problemOf(locks.acquire(lock()))).toEqual({ code: "busy", name: "web", operation: "destroy" });
      await end();
      const release = await locks.acquire(lock());
      release();
      expect(readdirSync(directory)).toEqual([]);
    });
  });

  it("is not held by a later process of the same number", async () => {
    await withProcess(async (holder) => {
      await leaveLockOf({ ...holder, startTicks: "1" });
      await createLocks(directory).acquire(lock());
    });
  });

  it("is in a folder for root alone", async () => {
    await createLocks(directory).acquire(lock());
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it("never has two holders, however many ask at once", async () => {
    const many = Array.from({ length: 20 }, () => createLocks(directory).acquire(lock()));
    const results = await Promise.allSettled(many);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(toProblem(result.reason)).toMatchObject({ code: "busy" });
  });
});
