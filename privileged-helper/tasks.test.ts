import { describe, expect, it } from "vitest";
import type { Task, TasksChanged } from "./contract/model.ts";
import { ProblemError, toProblem } from "./contract/problems.ts";
import { createTasks, type TaskRequest, type Tasks } from "./tasks.ts";

const start: TaskRequest = { kind: "start", target: "web", cancellable: true };

/** A promise and the means to settle it, to hold a task at a point. */
function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/** Work that ends only when it is cancelled. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new ProblemError({ code: "cancelled" })));
  });

const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

const onlyTask = (tasks: Tasks) => {
  const [task] = tasks.snapshot().tasks;
  if (!task) throw new Error("there is no task");
  return task;
};

describe("a task", () => {
  it("is seen with what it does, and gives its result", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const result = tasks.run(start, async (task) => {
      task.step("Starting", 0.5);
      task.command(["lxc-start", "-n", "web"]);
      await passed;
      return 7;
    });
    expect(onlyTask(tasks)).toMatchObject({
      kind: "start",
      target: "web",
      state: "running",
      step: "Starting",
      fraction: 0.5,
      cancellable: true,
      commands: [["lxc-start", "-n", "web"]],
    });
    open();
    expect(await result).toBe(7);
    expect(onlyTask(tasks)).toMatchObject({ state: "succeeded", cancellable: false });
    expect(onlyTask(tasks).endedAt).toBeGreaterThanOrEqual(onlyTask(tasks).startedAt);
  });

  it("fails with its problem after undoing its work in reverse order", async () => {
    const tasks = createTasks();
    const undone: string[] = [];
    const result = tasks.run(start, async (task) => {
      task.onUndo(() => void undone.push("first"));
      task.onUndo(async () => void undone.push("second"));
      throw new ProblemError({ code: "not-found", what: "web" });
    });
    expect(await problemOf(result)).toEqual({ code: "not-found", what: "web" });
    expect(undone).toEqual(["second", "first"]);
    expect(onlyTask(tasks)).toMatchObject({ state: "failed", problem: { code: "not-found" } });
  });

  it("undoes nothing when it succeeds", async () => {
    const tasks = createTasks();
    let undone = false;
    await tasks.run(start, async (task) => {
      task.onUndo(() => {
        undone = true;
      });
    });
    expect(undone).toBe(false);
  });

  it("goes on undoing after one step of that failed, and says so", async () => {
    const tasks = createTasks();
    let undone = false;
    await problemOf(
      tasks.run(start, async (task) => {
        task.onUndo(() => {
          undone = true;
        });
        task.onUndo(() => {
          throw new Error("the mount is busy");
        });
        throw new Error("no luck");
      }),
    );
    expect(undone).toBe(true);
    expect(tasks.log(onlyTask(tasks).id).text).toContain("the mount is busy");
    expect(onlyTask(tasks).problem).toEqual({ code: "internal", detail: "no luck" });
  });

  it("tells a full disk from other mistakes", async () => {
    const tasks = createTasks({ folder: "/var/lib" });
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC", path: "/nowhere/at/all" });
    expect(await problemOf(tasks.run(start, () => Promise.reject(full)))).toMatchObject({ code: "no-space", path: "/nowhere/at/all" });
    // The system tells no path of a write.
    const fullWhileWriting = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    expect(await problemOf(tasks.run(start, () => Promise.reject(fullWhileWriting)))).toMatchObject({ code: "no-space", path: "/var/lib" });
  });
});

describe("a task that waits for its turn", () => {
  it("may be cancelled, says for what it waits, and then counts from when its work began", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const destroy: TaskRequest = {
      kind: "destroy",
      target: "web",
      cancellable: false,
      async turn(_, tell) {
        tell({ operation: "stop", name: "web" });
        await passed;
      },
    };
    let state: string | undefined;
    const result = tasks.run(destroy, async () => {
      state = onlyTask(tasks).state;
    });
    const waiting = onlyTask(tasks);
    expect(waiting).toMatchObject({ state: "waiting", cancellable: true, waitsFor: { operation: "stop", name: "web" } });
    expect(tasks.operations().size).toBe(0);
    open();
    await result;
    expect(state).toBe("running");
    const ended = onlyTask(tasks);
    expect(ended).toMatchObject({ state: "succeeded", askedAt: waiting.startedAt });
    expect(ended.startedAt).toBeGreaterThanOrEqual(waiting.startedAt);
    expect(ended.waitsFor).toBeUndefined();
  });

  it("never begins once it is cancelled", async () => {
    const tasks = createTasks();
    let hasBegun = false;
    const turn = (signal: AbortSignal) => untilAborted(signal);
    const result = tasks.run({ kind: "destroy", target: "web", cancellable: false, turn }, async () => {
      hasBegun = true;
    });
    tasks.cancel(onlyTask(tasks).id);
    expect(await problemOf(result)).toEqual({ code: "cancelled" });
    expect(hasBegun).toBe(false);
    expect(onlyTask(tasks)).toMatchObject({ state: "cancelled" });
  });
});

describe("cancelling", () => {
  it("undoes the work with a signal that does not abort, and ends as cancelled", async () => {
    const tasks = createTasks();
    let abortedWhileUndoing: boolean | undefined;
    const result = tasks.run(start, async (task) => {
      task.onUndo(() => {
        abortedWhileUndoing = task.signal.aborted;
      });
      await untilAborted(task.signal);
    });
    tasks.cancel(onlyTask(tasks).id);
    expect(await problemOf(result)).toEqual({ code: "cancelled" });
    expect(abortedWhileUndoing).toBe(false);
    expect(onlyTask(tasks).state).toBe("cancelled");
  });

  it("happens when the caller no longer wants it", async () => {
    const tasks = createTasks();
    const caller = new AbortController();
    const result = tasks.run({ ...start, signal: caller.signal }, (task) => untilAborted(task.signal));
    caller.abort();
    expect(await problemOf(result)).toEqual({ code: "cancelled" });
  });

  it("waits for a critical section", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const seen: boolean[] = [];
    const result = tasks.run(start, async (task) => {
      await task.critical(async () => {
        await passed;
        seen.push(task.signal.aborted);
      });
      seen.push(task.signal.aborted);
      if (task.signal.aborted) throw new ProblemError({ code: "cancelled" });
    });
    tasks.cancel(onlyTask(tasks).id);
    open();
    expect(await problemOf(result)).toEqual({ code: "cancelled" });
    expect(seen).toEqual([false, true]);
  });

  it("is refused where it is not possible, and the caller's leaving does not change that", async () => {
    const tasks = createTasks();
    const caller = new AbortController();
    const { open, passed } = gate();
    const result = tasks.run({ kind: "destroy", target: "web", cancellable: false, signal: caller.signal }, async () => passed);
    expect(() => tasks.cancel(onlyTask(tasks).id)).toThrow("not-supported");
    caller.abort();
    open();
    await result;
    expect(onlyTask(tasks).state).toBe("succeeded");
  });

  it("of a task that has ended does nothing, of one that never was is refused", async () => {
    const tasks = createTasks();
    await tasks.run(start, async () => {});
    tasks.cancel(onlyTask(tasks).id);
    expect(onlyTask(tasks).state).toBe("succeeded");
    expect(() => tasks.cancel("nope")).toThrow("not-found");
  });
});

describe("ending the helper", () => {
  it("cancels what can be cancelled, waits for the rest, and begins nothing new", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const graceful = problemOf(tasks.run(start, (task) => untilAborted(task.signal)));
    const destroy = tasks.run({ kind: "destroy", target: "old", cancellable: false }, () => passed);
    tasks.abortAll();
    let idle = false;
    const settled = tasks.idle().then(() => {
      idle = true;
    });
    expect(await graceful).toEqual({ code: "cancelled" });
    expect(idle).toBe(false);
    expect(await problemOf(tasks.run(start, async () => {}))).toEqual({ code: "cancelled" });
    open();
    await destroy;
    await settled;
    expect(idle).toBe(true);
  });

  it("does not wait where nothing runs", async () => {
    await createTasks().idle();
  });
});

describe("watching tasks", () => {
  it("is told of every change with the next revision", async () => {
    const tasks = createTasks();
    const changes: TasksChanged[] = [];
    tasks.onChanged((change) => changes.push(change));
    const before = tasks.snapshot().revision;
    await tasks.run(start, async () => {});
    tasks.forget([onlyTask(tasks).id, "t0"]);
    expect(changes.map(({ revision }) => revision - before)).toEqual([1, 2, 3]);
    expect(changes.map(({ changed }) => changed[0]?.state)).toEqual(["running", "succeeded", undefined]);
    expect(changes[2]?.removed).toEqual([changes[0]?.changed[0]?.id]);
    expect(tasks.snapshot().tasks).toEqual([]);
  });

  it("gets events that do not change afterwards", async () => {
    const tasks = createTasks();
    const changes: TasksChanged[] = [];
    tasks.onChanged((change) => changes.push(change));
    await tasks.run(start, async (task) => task.command(["lxc-start"]));
    expect(changes[0]?.changed[0]).toMatchObject({ state: "running", commands: [] });
  });

  it("gets all output before it hears that the task has ended", async () => {
    const tasks = createTasks();
    const heard: string[] = [];
    tasks.onOutput(({ text }) => heard.push(text));
    tasks.onChanged(({ changed }) => heard.push(`<${changed[0]?.state}>`));
    await tasks.run(start, async (task) => {
      task.output("one\n");
      task.output("two\n");
    });
    expect(heard).toEqual(["<running>", "one\ntwo\n", "<succeeded>"]);
  });

  it("hears nothing more after it has stopped", async () => {
    const tasks = createTasks();
    let heard = 0;
    tasks.onChanged(() => heard++)();
    await tasks.run(start, async () => {});
    expect(heard).toBe(0);
  });

  it("knows what runs on which container", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const result = tasks.run(start, () => passed);
    expect([...tasks.operations()]).toEqual([["web", { task: onlyTask(tasks).id, kind: "start" }]]);
    open();
    await result;
    expect(tasks.operations().size).toBe(0);
  });

  it("that mends the computer is no container's, even of the same name", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const done = tasks.run({ kind: "fix", target: "web", cancellable: false, isAboutContainer: false }, () => passed);
    expect(tasks.operations().size).toBe(0);
    expect(onlyTask(tasks)).toMatchObject({ kind: "fix", state: "running", cancellable: false });
    open();
    await done;
  });
});

describe("what is kept", () => {
  it("is what a person should know, in the task and in its log", async () => {
    const tasks = createTasks();
    const changes: TasksChanged[] = [];
    tasks.onChanged((change) => changes.push(change));
    await tasks.run(start, async (task) => task.notice("It asks for an address by \u001b[1mDHCP."));
    expect(onlyTask(tasks)).toMatchObject({ state: "succeeded", notices: ["It asks for an address by DHCP."] });
    expect(tasks.log(onlyTask(tasks).id).text).toBe("It asks for an address by DHCP.\n");
    expect(changes.map(({ changed }) => changed[0]?.notices.length)).toEqual([0, 1]);
  });

  it("is the last 256 KiB of a log", async () => {
    const tasks = createTasks();
    await tasks.run(start, async (task) => {
      for (let line = 0; line < 300; line++) task.output(`${"x".repeat(1023)}\n`);
      task.output("the end\n");
    });
    const { text, truncated } = tasks.log(onlyTask(tasks).id);
    expect(text).toHaveLength(256 * 1024);
    expect(text.endsWith("the end\n")).toBe(true);
    expect(truncated).toBe(true);
  });

  it("is text without what a terminal would obey", async () => {
    const tasks = createTasks();
    await tasks.run(start, async (task) => task.output("\u001b[31mred\u001b[0m\rnext\r\n\u0007\ttab\u009b2J\n"));
    expect(tasks.log(onlyTask(tasks).id)).toEqual({ text: "red\nnext\n\ttab\n", truncated: false });
  });

  it("is two hundred ended tasks, and every running one", async () => {
    const tasks = createTasks();
    const { open, passed } = gate();
    const long = tasks.run({ ...start, target: "long" }, () => passed);
    for (let count = 0; count < 250; count++) await tasks.run(start, async () => {});
    expect(tasks.snapshot().tasks).toHaveLength(201);
    expect(tasks.snapshot().tasks[0]?.target).toBe("long");
    open();
    await long;
  });

  it("says who asked for what, unless nobody did", async () => {
    const requestedBy = { uid: 1000, user: "ann" };
    const request = { method: "containers.start", params: { name: "web" } };
    const tasks = createTasks({ requestedBy });
    await tasks.run({ ...start, request }, async () => {});
    await tasks.run({ ...start, kind: "recover", isRequested: false }, async () => {});
    const [asked, unasked] = tasks.snapshot().tasks;
    expect(asked).toMatchObject({ requestedBy, request });
    expect(unasked?.requestedBy).toBeUndefined();
  });

  it("is written down when it begins, now and then, and when it ends", async () => {
    const kept: string[] = [];
    const tasks = createTasks({ history: { keep: ({ state, commands }, { text }) => kept.push(`${state} ${commands.length} ${text}`) } });
    const { open, passed } = gate();
    const result = tasks.run(start, async (task) => {
      task.command(["lxc-start"]);
      task.output("so far");
      await passed;
      task.output(", and the rest");
    });
    await expect.poll(() => kept, { timeout: 5_000 }).toEqual(["running 0 ", "running 1 so far"]);
    open();
    await result;
    expect(kept.at(-1)).toBe("succeeded 1 so far, and the rest");
  });

  it("is asked for again as its work says from then on, which is written down at once", async () => {
    const kept: unknown[] = [];
    const tasks = createTasks({ history: { keep: ({ request, form }) => kept.push(request ?? form) } });
    const form = {} as Task["form"];
    const rest = { method: "containers.firstStart", params: {} };
    await expect(
      tasks.run({ ...start, form }, async (task) => {
        task.retryWith(rest);
        expect(kept).toEqual([form, rest]);
        throw new Error("no");
      }),
    ).rejects.toThrow();
    expect(tasks.snapshot().tasks[0]).toMatchObject({ request: rest, form: undefined });
  });

  it("has ids of which none comes twice, in any helper, and whose order is that of the tasks", async () => {
    const helpers = [createTasks(), createTasks()];
    const ids: string[] = [];
    for (let count = 0; count < 100; count++) {
      for (const tasks of helpers) await tasks.run(start, async () => {});
    }
    for (const tasks of helpers) {
      const own = tasks.snapshot().tasks.map(({ id }) => id);
      expect(own.toSorted()).toEqual(own);
      ids.push(...own);
    }
    expect(new Set(ids).size).toBe(200);
  });

  it("has ids that fit into the contract", async () => {
    const tasks = createTasks();
    for (let count = 0; count < 50; count++) await tasks.run(start, async () => {});
    for (const { id } of tasks.snapshot().tasks) expect(id).toMatch(/^[a-z0-9]{1,32}$/);
  });
});
