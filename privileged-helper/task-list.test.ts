import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TasksChanged } from "./contract/model.ts";
import { ProblemError } from "./contract/problems.ts";
import { createTaskHistory } from "./task-history.ts";
import { createTaskList, type TaskList } from "./task-list.ts";
import { createTasks } from "./tasks.ts";

let folder: string;
const ends: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-task-list-"));
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(folder, { recursive: true });
});

/** The parts of a helper that list tasks. */
function createHelper(user: string) {
  const history = createTaskHistory({ lxcPath: "/lxc", directory: join(folder, "tasks") });
  const tasks = createTasks({ history, requestedBy: { uid: 1000, user } });
  const list = createTaskList({ tasks, history });
  const succeed = (target: string) =>
    tasks.run({ kind: "start", target, cancellable: true }, async (task) => task.output(`started ${target}\n`));
  return { tasks, list, succeed };
}

/** What somebody sees who watches a list from now on. */
function watch(list: TaskList) {
  const changes: TasksChanged[] = [];
  ends.push(list.onChanged((change) => changes.push(change)));
  const { revision, tasks } = list.snapshot();
  const seen = new Map(tasks.map((task) => [task.id, task]));
  return {
    /** Container, state, who asked, in the order of the tasks. */
    rows() {
      for (const change of changes.splice(0)) {
        for (const task of change.changed) seen.set(task.id, task);
        for (const id of change.removed) seen.delete(id);
      }
      return [...seen.values()]
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map((task) => `${task.target} ${task.state} ${task.requestedBy?.user}${task.isOfAnotherHelper ? ", elsewhere" : ""}`);
    },
    revisions: () => changes.map((change) => change.revision - revision),
  };
}

describe("the list of tasks", () => {
  it("has what was done before the helper was started, with what it printed", async () => {
    const before = createHelper("ann");
    await before.succeed("web");
    await before.tasks
      .run({ kind: "create", target: "mail", cancellable: true }, () =>
        Promise.reject(new ProblemError({ code: "already-exists", name: "mail" })),
      )
      .catch(() => {});
    const now = createHelper("bob");
    await now.succeed("own");
    expect(watch(now.list).rows()).toEqual(["web succeeded ann, elsewhere", "mail failed ann, elsewhere", "own succeeded bob"]);
    const [web] = before.tasks.snapshot().tasks;
    expect(now.list.log(web?.id ?? "")).toEqual({ text: "started web\n", truncated: false });
    expect(() => now.list.log("nope")).toThrow("not-found");
  });

  it("tells what is done here at once, and what another helper has ended", async () => {
    const one = createHelper("ann");
    const two = createHelper("bob");
    const seen = watch(one.list);
    await one.succeed("web");
    expect(seen.rows()).toEqual(["web succeeded ann"]);
    await two.succeed("mail");
    await expect.poll(seen.rows).toEqual(["web succeeded ann", "mail succeeded bob, elsewhere"]);
    expect(watch(two.list).rows()).toEqual(["web succeeded ann, elsewhere", "mail succeeded bob"]);
  });

  it("counts its revisions without a gap, wherever a change comes from", async () => {
    const one = createHelper("ann");
    const two = createHelper("bob");
    const seen = watch(one.list);
    await one.succeed("web");
    await two.succeed("mail");
    await expect.poll(() => seen.revisions().length).toBe(3);
    expect(seen.revisions()).toEqual([1, 2, 3]);
  });

  it("is cleared for everybody, but for what goes on", async () => {
    const one = createHelper("ann");
    const two = createHelper("bob");
    const seen = [watch(one.list), watch(two.list)];
    await one.succeed("web");
    await two.succeed("mail");
    let finish = () => {};
    const running = two.tasks.run(
      { kind: "stop", target: "slow", cancellable: true },
      () => new Promise<void>((resolve) => (finish = resolve)),
    );
    await expect.poll(() => seen[0]?.rows().length).toBe(2);
    one.list.clear();
    await expect.poll(() => seen[0]?.rows()).toEqual([]);
    await expect.poll(() => seen[1]?.rows()).toEqual(["slow running bob"]);
    expect(two.tasks.snapshot().tasks).toHaveLength(1);
    finish();
    await running;
    expect(readdirSync(join(folder, "tasks"))).toHaveLength(1);
    await expect.poll(() => seen[0]?.rows()).toEqual(["slow succeeded bob, elsewhere"]);
  });

  it("has forgotten what was cleared while nobody looked", async () => {
    const one = createHelper("ann");
    await one.succeed("web");
    createHelper("bob").list.clear();
    expect(watch(one.list).rows()).toEqual([]);
  });
});
