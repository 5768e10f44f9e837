import { beforeEach, describe, expect, it } from "vitest";
import type { Task, TasksChanged, TasksSnapshot } from "../../privileged-helper/contract/model.ts";
import { createHostTasks, type HostTasks } from "./host-tasks.ts";
import { createTaskList, type TaskList } from "./task-list.ts";

const task = (id: string, state: Task["state"] = "running"): Task => ({
  id,
  kind: "start",
  target: "web",
  state,
  cancellable: true,
  startedAt: 0,
  notices: [],
  commands: [],
});

/** A page's copy, kept in step as the real one does. */
let told: { event: string; params: unknown }[];
let hostTasks: HostTasks;
let list: TaskList;
/** What the helper answers; undefined while there is none. */
let helper: ((method: string) => Promise<unknown>) | undefined;
let asked: string[];
beforeEach(() => {
  told = [];
  asked = [];
  helper = undefined;
  hostTasks = createHostTasks();
  list = createTaskList({
    hostTasks,
    askHelper() {
      const current = helper;
      return (
        current &&
        ((method) => {
          asked.push(method);
          return current(method);
        })
      );
    },
    notify: (event, params) => told.push({ event, params }),
  });
});

const watch = async () => (await list.answer("tasks.watch", {})) as TasksSnapshot;
const ids = (snapshot: TasksSnapshot) => snapshot.tasks.map(({ id }) => id);
const changes = () => told.filter(({ event }) => event === "tasks.changed").map(({ params }) => params as TasksChanged);
const download = () =>
  hostTasks.run(
    "download",
    "Alpine 3.22",
    undefined,
    ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
  );
const answers =
  (revision: number, ...tasks: Task[]) =>
  async (method: string) =>
    method === "tasks.watch" ? { revision, tasks } : {};

describe("the list of tasks", () => {
  it("has the host's alone while there is no helper", async () => {
    void download().catch(() => {});
    const snapshot = await watch();
    expect(ids(snapshot)).toEqual(hostTasks.list().map(({ id }) => id));
    hostTasks.abortAll();
    await expect.poll(() => changes().at(-1)).toMatchObject({ revision: snapshot.revision + 1, changed: [{ state: "cancelled" }] });
  });

  it("has both, and counts the changes of both in one row", async () => {
    void download().catch(() => {});
    helper = answers(40, task("1"));
    const snapshot = await watch();
    expect(ids(snapshot)).toEqual([hostTasks.list()[0]?.id, "1"]);
    list.onHelperChanged({ revision: 41, changed: [task("1", "succeeded")], removed: [] });
    hostTasks.abortAll();
    await expect.poll(() => changes()).toHaveLength(2);
    list.onHelperChanged({ revision: 42, changed: [], removed: ["1"] });
    expect(changes().map(({ revision }) => revision - snapshot.revision)).toEqual([1, 2, 3]);
    expect(changes()[2]?.removed).toEqual(["1"]);
  });

  it("leaves a gap where the helper's row has one, so that the page looks again", async () => {
    helper = answers(40);
    const { revision } = await watch();
    list.onHelperChanged({ revision: 42, changed: [task("2")], removed: [] });
    expect(changes().map((change) => change.revision - revision)).toEqual([2]);
  });

  it("does not tell twice what the helper's snapshot has already, and loses nothing that comes before it", async () => {
    let answer: (snapshot: TasksSnapshot) => void = () => {};
    helper = () => new Promise((resolve) => (answer = resolve));
    const watching = watch();
    list.onHelperChanged({ revision: 40, changed: [task("1")], removed: [] });
    list.onHelperChanged({ revision: 41, changed: [task("2")], removed: [] });
    answer({ revision: 40, tasks: [task("1")] });
    const { revision } = await watching;
    expect(changes()).toMatchObject([{ revision: revision + 1, changed: [{ id: "2" }] }]);
  });

  it("tells nobody who does not watch", async () => {
    helper = answers(40);
    await watch();
    list.forgetPage();
    list.onHelperChanged({ revision: 41, changed: [task("1")], removed: [] });
    void download().catch(() => {});
    expect(told).toEqual([]);
    await watch();
    await list.answer("tasks.unwatch", {});
    hostTasks.abortAll();
    list.onHelperChanged({ revision: 42, changed: [task("1")], removed: [] });
    expect(asked).toEqual(["tasks.watch", "tasks.watch", "tasks.unwatch"]);
    await expect.poll(() => hostTasks.list()[0]?.state).toBe("cancelled");
    expect(told).toEqual([]);
  });

  it("takes no change of a helper that is gone for one of the next", async () => {
    helper = answers(40);
    await watch();
    list.forgetHelper();
    list.onHelperChanged({ revision: 41, changed: [task("1")], removed: [] });
    expect(told).toEqual([]);
  });

  it("is the host's alone where the helper does not let this person look", async () => {
    void download().catch(() => {});
    helper = () => Promise.reject(new Error("auth-denied"));
    expect(ids(await watch())).toHaveLength(1);
  });
});

describe("what is asked of one task", () => {
  it("of the host's is answered by the host, helper or not", async () => {
    void hostTasks.run("download", "Alpine 3.22", undefined, async ({ output }) => output("Reading\n"));
    const id = hostTasks.list()[0]?.id;
    expect(await list.answer("tasks.log", { task: id })).toEqual({ text: "Reading\n", truncated: false });
    void download().catch(() => {});
    await list.answer("tasks.cancel", { task: hostTasks.list()[1]?.id });
    await expect.poll(() => hostTasks.list().map(({ state }) => state)).toEqual(["succeeded", "cancelled"]);
    await list.answer("tasks.clear", {});
    expect(hostTasks.list()).toEqual([]);
  });

  it("of the helper's is left to it", async () => {
    expect(list.answer("tasks.log", { task: "h1" })).toBeUndefined();
    expect(list.answer("tasks.cancel", { task: "1" })).toBeUndefined();
    helper = answers(40);
    await list.answer("tasks.clear", {});
    expect(asked).toEqual(["tasks.clear"]);
  });
});
