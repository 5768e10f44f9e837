import { describe, expect, it } from "vitest";
import { type Task, taskKinds } from "../../../privileged-helper/contract/model.ts";
import { filterTasks, isRetriable, taskNews, taskRequester, taskTitle, taskTook } from "./task-text.ts";

const task = (more: Partial<Task> = {}): Task => ({
  id: "t1",
  kind: "create",
  target: "web",
  state: "succeeded",
  requestedBy: { uid: 1000, user: "ann" },
  request: { method: "containers.create", params: {} },
  cancellable: false,
  startedAt: 1_000,
  endedAt: 3_500,
  notices: [],
  commands: [],
  ...more,
});

describe("a task in words", () => {
  it.each(taskKinds)("%s has a title with a verb and what it is about", (kind) => {
    expect(taskTitle({ kind, target: "web" })).toMatch(/^[A-Z][a-z ]+ web$/);
  });

  it("says what it does, waits for, or failed of", () => {
    expect(taskNews(task({ state: "running", step: "Starting" }))).toBe("Starting");
    const waiting = task({ state: "waiting", waitsFor: { operation: "force-stop", name: "web", task: "t0" } });
    expect(taskNews(waiting)).toBe("Waits for Force stop web");
    expect(taskNews({ ...waiting, waitsFor: { operation: "stop", name: "base" } })).toBe(
      "Waits until another LXC Desktop is done with base",
    );
    expect(taskNews(task({ state: "failed", problem: { code: "already-exists", name: "web" } }))).toBe("web exists already");
    expect(taskNews(task({ state: "cancelled", problem: { code: "cancelled" } }))).toBeUndefined();
    expect(taskNews(task())).toBeUndefined();
  });

  it("says who asked for it, as far as that is known", () => {
    expect(taskRequester(task())).toBe("ann");
    expect(taskRequester(task({ requestedBy: { uid: 1234 } }))).toBe("User 1234");
    expect(taskRequester(task({ requestedBy: undefined }))).toBeUndefined();
    expect(taskRequester(task({ kind: "recover", requestedBy: undefined }))).toBe("LXC Desktop");
  });

  it("counts how long its work takes, not how long it waited", () => {
    expect(taskTook(task(), 0)).toBe("2 s");
    expect(taskTook(task({ state: "running", endedAt: undefined }), 1_420)).toBe("420 ms");
    expect(taskTook(task({ state: "waiting", endedAt: undefined }), 90_000)).toBeUndefined();
    expect(taskTook(task({ state: "failed", problem: { code: "interrupted", hadBegun: false } }), 0)).toBeUndefined();
    expect(taskTook(task({ state: "failed", problem: { code: "interrupted", hadBegun: true } }), 0)).toBe("2 s");
  });
});

describe("the filter", () => {
  const tasks = [
    task({ id: "t1" }),
    task({ id: "t2", kind: "start", target: "mail", state: "failed", problem: { code: "timed-out", what: "lxc-start", seconds: 1 } }),
    task({ id: "t3", kind: "stop", state: "running", step: "Waiting for it to shut down", requestedBy: { uid: 0, user: "root" } }),
    task({ id: "t4", kind: "destroy", state: "waiting", waitsFor: { operation: "stop", name: "web", task: "t3" } }),
  ];
  const found = (...args: [Parameters<typeof filterTasks>[1], string]) => filterTasks(tasks, ...args).map(({ id }) => id);

  it("finds by state, and by all words of what is shown", () => {
    expect(found("all", "")).toEqual(["t1", "t2", "t3", "t4"]);
    expect(found("active", "")).toEqual(["t3", "t4"]);
    expect(found("failed", "")).toEqual(["t2"]);
    expect(found("succeeded", "")).toEqual(["t1"]);
    expect(found("all", " WEB ann ")).toEqual(["t1", "t4"]);
    expect(found("all", "too long")).toEqual(["t2"]);
    expect(found("all", "failed")).toEqual(["t2"]);
    expect(found("active", "root shut")).toEqual(["t3"]);
    expect(found("cancelled", "web")).toEqual([]);
  });

  it("gives the very list where it leaves nothing out", () => {
    expect(filterTasks(tasks, "all", "  ")).toBe(tasks);
  });
});

describe("trying again", () => {
  it("is for what failed or was cancelled, and was asked for", () => {
    expect(isRetriable(task({ state: "failed" }))).toBe(true);
    expect(isRetriable(task({ state: "cancelled" }))).toBe(true);
    for (const state of ["waiting", "running", "succeeded"] as const) expect(isRetriable(task({ state }))).toBe(false);
    expect(isRetriable(task({ state: "failed", request: undefined }))).toBe(false);
    const form = {} as Task["form"];
    expect(isRetriable(task({ state: "failed", request: undefined, form }))).toBe(true);
    for (const kind of ["recover", "repair", "fix"] as const) expect(isRetriable(task({ kind, state: "failed" }))).toBe(false);
  });
});
