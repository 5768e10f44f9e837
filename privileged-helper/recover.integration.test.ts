import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { methods } from "./contract/methods.ts";
import { toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createOperations } from "./lxc/operations.ts";
import { processIds, readProcFile } from "./lxc/proc.ts";
import { createTasks } from "./tasks.ts";
import { prepareCreating, type StartCreating, workersOf } from "./testing/creating-process.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
let state: string;
let startCreating: StartCreating;
beforeAll(async () => {
  lxc = createRealLxc("recover");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-recover-"));
  startCreating = await prepareCreating(lxc.lxcPath, state);
});
afterAll(async () => {
  await lxc.close();
  rmSync(state, { recursive: true });
});

/** A helper that starts after another was killed. */
function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const { lxcPath, reader } = lxc;
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) }) };
}

describe("a helper that is killed while it makes a container", () => {
  it.each([0, 20, 60, 120, 200, 300])(
    "leaves nothing once the next one has started (killed %d ms after it began)",
    async (milliseconds) => {
      const name = `killed-${milliseconds}`;
      const creating = startCreating(name);
      const exited = once(creating, "exit");
      const journal = createJournal(join(state, "journal"));
      await vi.waitFor(() => expect(journal.unfinished(lxc.lxcPath)).toContain(name), { timeout: 20_000, interval: 1 });
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      creating.kill("SIGKILL");
      await exited;

      const { operations, tasks } = createHelper();
      const wasFinished = !journal.unfinished(lxc.lxcPath).has(name);
      await operations.recover();
      expect(tasks.snapshot().tasks.map((task) => [task.kind, task.state])).toEqual(wasFinished ? [] : [["recover", "succeeded"]]);
      expect(existsSync(join(lxc.lxcPath, name))).toBe(wasFinished);
      expect(journal.unfinished(lxc.lxcPath).size).toBe(0);
      expect(workersOf(creating)).toEqual([]);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${lxc.lxcPath}/`);
      // The name is free again, also as far as the locks of the dead are concerned.
      if (!wasFinished) expect((await once(startCreating(name), "exit"))[0]).toBe(0);
      expect(lxc.reader.readOne(name)?.state).toBe("stopped");
    },
  );
});

describe("LXC's own tool", () => {
  const wanted = (name: string, more: object = {}) =>
    methods["containers.create"].params.parse({
      ...{ name, source: { type: "template", template: "busybox" }, unprivileged: false, start: false, address: "dhcp" },
      ...{ network: { type: "none" }, ...more },
    });
  const signal = new AbortController().signal;
  const commandLine = (pid: number) => readProcFile(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
  const processesFor = (name: string) =>
    processIds().filter((pid) => commandLine(pid).some((word) => word.includes(`${lxc.lxcPath}/${name}`)));

  it.each([
    ["lxc-create", "alone-made", {}],
    ["cp", "alone-copied", { source: { type: "clone", from: "alone-base", copy: "full" } }],
  ])("%s that is killed alone leaves nothing, and nothing goes on that it has started", async (tool, name, more) => {
    if (tool === "cp") {
      lxc.makeContainer("alone-base");
      execFileSync("dd", ["if=/dev/urandom", `of=${join(lxc.lxcPath, "alone-base/rootfs/large")}`, "bs=1M", "count=400", "status=none"]);
    }
    const { operations, tasks, journal } = createHelper();
    let problem: unknown;
    const creating = operations.create(wanted(name, more), signal).catch((thrown) => {
      problem = toProblem(thrown);
    });
    const isIt = (pid: number) =>
      commandLine(pid)[0]?.endsWith(`/${tool}`) && processesFor(name).some((one) => one === pid || tool === "lxc-create");
    let killed: number | undefined;
    while (killed === undefined && tasks.snapshot().tasks.at(-1)?.endedAt === undefined) {
      killed = processIds().find(isIt);
      if (killed !== undefined) process.kill(killed, "SIGKILL");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await creating;
    expect(killed).toBeDefined();
    expect(problem).toMatchObject({ code: "command-failed", signal: "SIGKILL" });
    expect(processesFor(name)).toEqual([]);
    expect(existsSync(join(lxc.lxcPath, name))).toBe(false);
    expect([...journal.unfinished(lxc.lxcPath)]).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${lxc.lxcPath}/`);
    // What it was made of is whole, and can be used again at once.
    await operations.create(wanted(name, more), signal);
    expect(lxc.reader.readOne(name)?.state).toBe("stopped");
  });
});
