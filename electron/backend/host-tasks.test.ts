import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Task, TasksChanged } from "../../privileged-helper/contract/model.ts";
import { ProblemError, toProblem } from "../../privileged-helper/contract/problems.ts";
import { createHostTasks, type HostTaskContext, type HostTasks, isHostTask } from "./host-tasks.ts";

let tasks: HostTasks;
let changes: Omit<TasksChanged, "revision">[];
let outputs: { task: string; text: string }[];
beforeEach(() => {
  tasks = createHostTasks();
  changes = [];
  outputs = [];
  tasks.onChanged((change) => changes.push(change));
  tasks.onOutput((output) => outputs.push(output));
});

const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const run = (work: (task: HostTaskContext) => Promise<unknown> = async () => {}) => tasks.run("download", "Alpine 3.22", undefined, work);
const untilAborted = ({ signal }: HostTaskContext) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("something that broke because of that"))));
const last = () => changes.at(-1)?.changed[0] as Task;

describe("a task of the host", () => {
  it("is told when it begins and when it ends, and gives what its work gives", async () => {
    expect(await run(async () => "done")).toBe("done");
    expect(changes.map(({ changed }) => changed[0]?.state)).toEqual(["running", "succeeded"]);
    expect(last()).toMatchObject({ kind: "download", target: "Alpine 3.22", cancellable: false, endedAt: expect.any(Number) });
    expect(isHostTask(last().id)).toBe(true);
  });

  it("tells its steps together, and none of them changes afterwards", async () => {
    await run(async ({ step, command }) => {
      step("one", 0.1);
      step("two", 0.2);
      command(["gpg", "--verify"]);
      await vi.waitFor(() => expect(changes).toHaveLength(2));
      step("three", 0.3);
    });
    expect(changes.map(({ changed }) => changed[0]?.fraction)).toEqual([undefined, 0.2, 0.3]);
    expect(changes[1]?.changed[0]).toMatchObject({ step: "two", commands: [["gpg", "--verify"]] });
  });

  it("keeps the end of what it prints, and tells it while it runs", async () => {
    await run(async ({ output }) => {
      output("first\n");
      await vi.waitFor(() => expect(outputs).toHaveLength(1));
      output("x".repeat(300_000));
    });
    expect(outputs[0]).toEqual({ task: last().id, text: "first\n" });
    expect(tasks.log(last().id)).toEqual({ text: "x".repeat(256 * 1024), truncated: true });
  });

  it("fails with the problem of its work", async () => {
    const problem = { code: "timed-out", what: "It", seconds: 3 } as const;
    expect(await problemOf(run(() => Promise.reject(new ProblemError(problem))))).toEqual(problem);
    expect(last()).toMatchObject({ state: "failed", problem });
  });

  it("is cancelled, whatever breaks because of that", async () => {
    const ended = problemOf(run(untilAborted));
    tasks.cancel(last().id);
    expect(await ended).toEqual({ code: "cancelled" });
    expect(last()).toMatchObject({ state: "cancelled" });
    tasks.cancel(last().id);
  });

  it("is forgotten when it has ended, on demand and when there are too many", async () => {
    const ended = problemOf(run(untilAborted));
    const running = last().id;
    await run();
    const finished = last().id;
    tasks.clear();
    expect(changes.at(-1)).toEqual({ changed: [], removed: [finished] });
    expect(tasks.list().map(({ id }) => id)).toEqual([running]);
    for (let count = 0; count < 120; count++) await run();
    expect(tasks.list()).toHaveLength(101);
    expect(() => tasks.log(finished)).toThrow("not-found");
    tasks.abortAll();
    await ended;
  });

  it("ends with the app, and none begins after that", async () => {
    let wasEnding = false;
    const ended = problemOf(
      run(async (task) =>
        untilAborted(task).finally(() => {
          wasEnding = task.isEnding();
        }),
      ),
    );
    tasks.abortAll();
    expect(await ended).toEqual({ code: "cancelled" });
    expect(wasEnding).toBe(true);
    expect(await problemOf(run())).toEqual({ code: "cancelled" });
  });

  it("has a number that none of the helper's tasks ever gets", () => {
    for (const id of ["1", "h", "h1", "hz", (10_000_000_000).toString(36)]) expect(isHostTask(id), id).toBe(false);
  });
});
