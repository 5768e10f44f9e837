import { afterEach, beforeEach, expect, it } from "vitest";
import type { Task } from "../../privileged-helper/contract/model.ts";
import { onNotices, useTasksStore } from "./tasks.ts";

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
