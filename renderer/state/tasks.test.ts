import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Task, TasksChanged } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { onNotices, startTasks, useTasksStore } from "./tasks.ts";

const task = (part: Partial<Task>): Task => ({
  id: "1",
  kind: "create",
  target: "web",
  state: "succeeded",
  cancellable: false,
  startedAt: 0,
  endedAt: Date.now(),
  notices: ["It asks for an address by DHCP."],
  commands: [],
  ...part,
});

const told: string[] = [];
let stop: () => void;
beforeEach(() => {
  told.length = 0;
  useTasksStore.setState({ tasks: [] });
  stop = onNotices(({ id }) => told.push(id));
});
afterEach(() => stop());

it("tells once, when a task with notices has ended", () => {
  useTasksStore.setState({ tasks: [task({ state: "running", endedAt: undefined })] });
  expect(told).toEqual([]);
  useTasksStore.setState({ tasks: [task({})] });
  useTasksStore.setState({ tasks: [task({ id: "2", notices: [] }), task({})] });
  expect(told).toEqual(["1"]);
});

it("tells of what ended a moment before the page asked, and not of what is old", () => {
  useTasksStore.setState({ tasks: [task({ id: "new" }), task({ id: "old", endedAt: Date.now() - 60_000 })] });
  expect(told).toEqual(["new"]);
});

it("tells nothing of what others did", () => {
  useTasksStore.setState({ tasks: [task({ isOfAnotherHelper: true })] });
  expect(told).toEqual([]);
});

describe("the list", () => {
  /** A client whose helper says what the test says. */
  function follow(tasks: Task[]) {
    let onChange: (change: TasksChanged) => void = () => {};
    const client = {
      call: async () => ({ revision: 1, tasks }),
      on: (_: string, listener: typeof onChange) => {
        onChange = listener;
        return () => {};
      },
    } as unknown as Client;
    return { stop: startTasks(client), change: (change: TasksChanged) => onChange(change) };
  }
  const ids = () => useTasksStore.getState().tasks.map(({ id }) => id);

  it("is sorted by when each was asked for, also where ids come from elsewhere", async () => {
    const { stop: end, change } = follow([
      task({ id: "t1", startedAt: 10 }),
      task({ id: "h9", startedAt: 30 }),
      task({ id: "t2", startedAt: 50, askedAt: 20 }),
      task({ id: "t4", startedAt: 30 }),
    ]);
    await expect.poll(ids).toEqual(["t4", "h9", "t2", "t1"]);
    change({ revision: 2, changed: [task({ id: "t5", startedAt: 60 })], removed: ["h9"] });
    expect(ids()).toEqual(["t5", "t4", "t2", "t1"]);
    end();
  });

  it("keeps a task that has not changed as the same object, so that its row is not drawn again", async () => {
    const { stop: end, change } = follow([task({ id: "t1" }), task({ id: "t2", state: "running" })]);
    await expect.poll(ids).toHaveLength(2);
    const before = useTasksStore.getState().tasks.find(({ id }) => id === "t1");
    change({ revision: 2, changed: [task({ id: "t2" })], removed: [] });
    expect(useTasksStore.getState().tasks.find(({ id }) => id === "t1")).toBe(before);
    end();
  });
});
