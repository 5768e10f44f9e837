import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createJournal, operationVariable } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createOperations } from "./lxc/operations.ts";
import { createTasks } from "./tasks.ts";
import { bundleHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
let state: string;
/** Makes a container as a program of its own, which can be killed. */
let script: string;
beforeAll(async () => {
  lxc = createRealLxc("recover");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-recover-"));
  script = await bundleHelper(join(state, "program"), join(import.meta.dirname, "testing/create-container.ts"));
});
afterAll(async () => {
  await lxc.close();
  rmSync(state, { recursive: true });
});

function startCreating(name: string): ChildProcess {
  return spawn(process.execPath, [script, lxc.lxcPath, state, name], { stdio: ["ignore", "pipe", "inherit"] });
}

/** A helper that starts after another was killed. */
function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const { lxcPath, reader } = lxc;
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) }) };
}

/** Processes that carry the mark of a helper's unfinished work. */
function workersOf(helper: ChildProcess): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${operationVariable}=${helper.pid}.`);
      } catch {
        return false;
      }
    });
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
