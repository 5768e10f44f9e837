import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ContainerState, Task, TaskKind } from "./contract/model.ts";
import { newContainerName } from "./contract/names.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createOperations } from "./lxc/operations.ts";
import { createTasks, type Tasks } from "./tasks.ts";
import { canImpersonate, impersonate } from "./testing/impostor.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/**
 * The containers of these tests hold one shell script as their init, so that each test says itself how init answers to
 * being asked to end.
 */
const endsWhenAsked = "trap 'exit 0' USR1; while :; do sleep 0.05; done";
const endsNever = "trap '' USR1; while :; do sleep 0.05; done";

let lxc: RealLxc;
let state: string;
const signal = new AbortController().signal;

beforeAll(() => {
  lxc = createRealLxc("lifecycle");
  lxc.makeContainer("files");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-lifecycle-"));
});
afterAll(async () => {
  await lxc.close();
  rmSync(state, { recursive: true });
});

/** One helper's worth of parts; a second one shares the folders, as two helpers on one computer do. */
function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const locks = createLocks(join(state, "locks"));
  const { lxcPath, reader } = lxc;
  const operations = createOperations({ lxcPath, reader, tasks, journal, locks });
  return { tasks, journal, locks, operations };
}

const stateOf = (name: string): ContainerState | undefined => lxc.reader.readOne(name)?.state;
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);
const logOf = (name: string) => join(lxc.lxcPath, name, "lxc.log");

/** A container with a folder of its own, and the files of all others. */
function addContainer(name: string, init: string, ...configuration: string[]) {
  const folder = join(lxc.lxcPath, name);
  mkdirSync(folder);
  writeFileSync(join(lxc.lxcPath, "files/rootfs", `${name}.sh`), init);
  writeFileSync(
    join(folder, "config"),
    [
      `lxc.rootfs.path = dir:${lxc.lxcPath}/files/rootfs`,
      `lxc.uts.name = ${name}`,
      `lxc.init.cmd = /bin/sh /${name}.sh`,
      "lxc.signal.halt = SIGUSR1",
      "lxc.net.0.type = empty",
      "lxc.mount.auto = proc:mixed sys:ro cgroup:mixed",
      "lxc.mount.entry = /lib lib none ro,bind,optional 0 0",
      "lxc.mount.entry = /usr/lib usr/lib none ro,bind,optional 0 0",
      "lxc.mount.entry = /lib64 lib64 none ro,bind,optional 0 0",
      ...configuration,
      "",
    ].join("\n"),
  );
  return name;
}

/** The task of this kind, once it has run a command. */
async function taskOf(tasks: Tasks, kind: TaskKind): Promise<Task> {
  return await vi.waitFor(
    () => {
      const task = tasks.snapshot().tasks.find((one) => one.kind === kind && one.commands.length > 0);
      if (!task) throw new Error(`no task of kind ${kind} has run a command yet`);
      return task;
    },
    { timeout: 10_000 },
  );
}

describe("starting", () => {
  it("makes it run, as a task that shows the command", async () => {
    const { operations, tasks } = createHelper();
    addContainer("starts", endsWhenAsked);
    await operations.start("starts", signal);
    expect(stateOf("starts")).toBe("running");
    const [task] = tasks.snapshot().tasks;
    expect(task).toMatchObject({ kind: "start", target: "starts", state: "succeeded" });
    expect(task?.commands).toEqual([["lxc-start", "-n", "starts", "-P", lxc.lxcPath, "-d", "-o", logOf("starts"), "-l", "INFO"]]);
  });

  it("is refused while it runs, and makes no task of that", async () => {
    const { operations, tasks } = createHelper();
    addContainer("runs-already", endsWhenAsked);
    await operations.start("runs-already", signal);
    expect(await problemOf(operations.start("runs-already", signal))).toMatchObject({ code: "wrong-state", state: "running" });
    expect(tasks.snapshot().tasks).toHaveLength(1);
  });

  it("fails with the cause from LXC's log, and the log is in the task", async () => {
    const { operations, tasks } = createHelper();
    addContainer("no-bridge", endsWhenAsked, "lxc.net.0.type = veth", "lxc.net.0.link = nowhere0", "lxc.net.0.flags = up");
    const problem = await problemOf(operations.start("no-bridge", signal));
    expect(problem).toMatchObject({ code: "start-failed", exitCode: 1, cause: { id: "bridge-missing", link: "nowhere0" } });
    expect(tasks.log(tasks.snapshot().tasks[0]?.id ?? "").text).toContain("bridge interface doesn't exist");
    expect(stateOf("no-bridge")).toBe("stopped");
  });

  it("explains only what this start wrote into the log", async () => {
    const { operations } = createHelper();
    addContainer("old-log", endsWhenAsked, "lxc.init.cmd = /no/such/program");
    writeFileSync(
      logOf("old-log"),
      'lxc-start x 20260101000000.000 ERROR    x - x.c:x:1 - Failed to attach "v" to bridge "b", bridge interface doesn\'t exist\n',
    );
    const problem = await problemOf(operations.start("old-log", signal));
    expect(problem).toMatchObject({ code: "start-failed", cause: { id: "init-missing", program: "/no/such/program" } });
  });

  it("puts a log aside that has grown beyond 1 MiB", async () => {
    const { operations } = createHelper();
    addContainer("long-log", endsWhenAsked);
    writeFileSync(logOf("long-log"), "");
    truncateSync(logOf("long-log"), 1024 * 1024 + 1);
    await operations.start("long-log", signal);
    expect(statSync(logOf("long-log")).size).toBeLessThan(1024 * 1024);
    expect(statSync(`${logOf("long-log")}.1`).size).toBe(1024 * 1024 + 1);
  });

  it.skipIf(!canImpersonate)("does not believe a socket that somebody else holds", async () => {
    const { operations } = createHelper();
    addContainer("faked", endsWhenAsked);
    const impostor = await impersonate(lxc.lxcPath, "faked");
    try {
      expect(stateOf("faked")).toBe("stopped");
      const problem = await problemOf(operations.start("faked", signal));
      expect(problem).toMatchObject({ code: "start-failed", cause: { id: "name-taken" } });
      expect(stateOf("faked")).toBe("stopped");
    } finally {
      await impostor.end();
    }
  });

  it("is refused for a container that is not there, or half made", async () => {
    const { operations, journal } = createHelper();
    expect(await problemOf(operations.start("nowhere", signal))).toEqual({ code: "not-found", what: "nowhere" });
    addContainer("half-made", endsWhenAsked);
    const record = journal.begin({ lxcPath: lxc.lxcPath, name: "half-made", kind: "create" });
    expect(await problemOf(operations.start("half-made", signal))).toEqual({ code: "busy", name: "half-made", operation: "create" });
    record.finish();
  });

  it("never hands a name to a tool that is not one", async () => {
    const { operations, tasks } = createHelper();
    for (const name of ["-x", "a/b", "..", "a b", "it's", "a\nb", ""]) {
      expect(await problemOf(operations.start(name, signal))).toMatchObject({ code: "invalid-request" });
    }
    expect(tasks.snapshot().tasks).toEqual([]);
  });
});

describe("stopping", () => {
  it("asks init to end and waits for that", async () => {
    const { operations } = createHelper();
    addContainer("stops", endsWhenAsked);
    await operations.start("stops", signal);
    await operations.stop("stops", 20, signal);
    expect(stateOf("stops")).toBe("stopped");
  });

  it("does not ask an init that has only just been started and could not hear it yet", async () => {
    const { operations } = createHelper();
    addContainer("early-stop", `sleep 0.8; ${endsWhenAsked}`);
    await operations.start("early-stop", signal);
    await operations.stop("early-stop", 20, signal);
    expect(stateOf("early-stop")).toBe("stopped");
  });

  it("leaves it running where init does not end in time, and says that the time was too short", async () => {
    const { operations } = createHelper();
    addContainer("stubborn", endsNever);
    await operations.start("stubborn", signal);
    expect(await problemOf(operations.stop("stubborn", 1, signal))).toMatchObject({ code: "timed-out", seconds: 1 });
    expect(stateOf("stubborn")).toBe("running");
  });

  it("can be given up", async () => {
    const { operations, tasks } = createHelper();
    addContainer("patient", endsNever);
    await operations.start("patient", signal);
    const stopping = problemOf(operations.stop("patient", 60, signal));
    await taskOf(tasks, "stop");
    tasks.cancel((await taskOf(tasks, "stop")).id);
    expect(await stopping).toEqual({ code: "cancelled" });
    expect(stateOf("patient")).toBe("running");
  });

  it("thaws a frozen one first", async () => {
    const { operations } = createHelper();
    addContainer("frozen-stop", endsWhenAsked);
    await operations.start("frozen-stop", signal);
    await operations.freeze("frozen-stop", signal);
    await operations.stop("frozen-stop", 20, signal);
    expect(stateOf("frozen-stop")).toBe("stopped");
  });

  it("is refused where it does not run", async () => {
    const { operations } = createHelper();
    addContainer("still", endsWhenAsked);
    expect(await problemOf(operations.stop("still", 5, signal))).toMatchObject({ code: "wrong-state", state: "stopped" });
    expect(await problemOf(operations.forceStop("still", signal))).toMatchObject({ code: "wrong-state", state: "stopped" });
    expect(await problemOf(operations.restart("still", 5, signal))).toMatchObject({ code: "wrong-state", state: "stopped" });
  });
});

describe("stopping by force", () => {
  it("ends what does not end by itself", async () => {
    const { operations } = createHelper();
    addContainer("forced", endsNever);
    await operations.start("forced", signal);
    await operations.forceStop("forced", signal);
    expect(stateOf("forced")).toBe("stopped");
  });

  it("ends a frozen one", async () => {
    const { operations } = createHelper();
    addContainer("frozen-forced", endsNever);
    await operations.start("frozen-forced", signal);
    await operations.freeze("frozen-forced", signal);
    await operations.forceStop("frozen-forced", signal);
    expect(stateOf("frozen-forced")).toBe("stopped");
  });

  it.each(["stop", "restart"] as const)("does not wait for a %s, and ends it", async (kind) => {
    const { operations, tasks } = createHelper();
    const name = addContainer(`forced-in-${kind}`, endsNever);
    await operations.start(name, signal);
    const waiting = problemOf(operations[kind](name, 60, signal));
    await taskOf(tasks, kind);
    await operations.forceStop(name, signal);
    expect(await waiting).toEqual({ code: "cancelled" });
    expect(stateOf(name)).toBe("stopped");
  });
});

describe("restarting", () => {
  it("gives it a new init", async () => {
    const { operations } = createHelper();
    addContainer("again", endsWhenAsked);
    await operations.start("again", signal);
    const before = lxc.reader.readOne("again")?.initPid;
    await operations.restart("again", 20, signal);
    expect(stateOf("again")).toBe("running");
    expect(lxc.reader.readOne("again")?.initPid).not.toBe(before);
  });

  it("leaves the old one running where that does not end", async () => {
    const { operations } = createHelper();
    addContainer("not-again", endsNever);
    await operations.start("not-again", signal);
    const before = lxc.reader.readOne("not-again")?.initPid;
    expect(await problemOf(operations.restart("not-again", 1, signal))).toMatchObject({ code: "timed-out" });
    expect(lxc.reader.readOne("not-again")?.initPid).toBe(before);
  });
});

describe("freezing", () => {
  it("stops its processes until it is thawed", async () => {
    const { operations } = createHelper();
    addContainer("cold", endsWhenAsked);
    await operations.start("cold", signal);
    await operations.freeze("cold", signal);
    expect(stateOf("cold")).toBe("frozen");
    expect(await problemOf(operations.freeze("cold", signal))).toMatchObject({ code: "wrong-state", state: "frozen" });
    await operations.unfreeze("cold", signal);
    expect(stateOf("cold")).toBe("running");
    expect(await problemOf(operations.unfreeze("cold", signal))).toMatchObject({ code: "wrong-state", state: "running" });
  });

  it("stops processes that keep starting others by vfork, too, which the kernel may not reach at once", async () => {
    const { operations } = createHelper();
    // BusyBox's xargs starts what it runs by vfork(2).
    addContainer("forking", "for one in 1 2 3 4 5 6 7 8; do yes | xargs -n 1 /bin/true & done; wait");
    await operations.start("forking", signal);
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await operations.freeze("forking", signal);
      expect(stateOf("forking")).toBe("frozen");
      await operations.unfreeze("forking", signal);
    }
    await operations.forceStop("forking", signal);
  });
});

describe("one operation at a time", () => {
  it("lets a second one wait for the first, also of another helper, and refuses the same once more", async () => {
    const first = createHelper();
    const second = createHelper();
    addContainer("busy", endsNever);
    await first.operations.start("busy", signal);
    const stopping = problemOf(first.operations.stop("busy", 60, signal));
    const task = await taskOf(first.tasks, "stop");
    for (const { operations } of [first, second]) {
      expect(await problemOf(operations.stop("busy", 60, signal))).toEqual({ code: "busy", name: "busy", operation: "stop" });
    }
    const freezing = second.operations.freeze("busy", signal);
    const destroying = problemOf(first.operations.destroy("busy", signal));
    const waits = ({ tasks }: typeof first) => tasks.snapshot().tasks.find(({ state }) => state === "waiting")?.waitsFor;
    await vi.waitFor(() => expect(waits(first)).toEqual({ name: "busy", operation: "stop", task: task.id }));
    await vi.waitFor(() => expect(waits(second)).toEqual({ name: "busy", operation: "stop" }));
    expect(stateOf("busy")).toBe("running");
    first.tasks.cancel(task.id);
    expect(await stopping).toEqual({ code: "cancelled" });
    // Of two helpers either may be next; both find it as it must not be for destroying.
    expect(await destroying).toMatchObject({ code: "wrong-state" });
    await freezing;
    expect(stateOf("busy")).toBe("frozen");
  });

  it("lets different containers go their own ways", async () => {
    const { operations } = createHelper();
    const names = ["one", "two", "three"].map((name) => addContainer(name, endsWhenAsked));
    await Promise.all(names.map((name) => operations.start(name, signal)));
    expect(names.map(stateOf)).toEqual(["running", "running", "running"]);
    await Promise.all(names.map((name) => operations.stop(name, 20, signal)));
    expect(names.map(stateOf)).toEqual(["stopped", "stopped", "stopped"]);
  });
});

describe("refusals before anything is made or removed", () => {
  const params = (name: string) => ({
    name: newContainerName.parse(name),
    source: { type: "template" as const, template: "busybox", options: {} },
    unprivileged: true,
    start: false,
    address: "dhcp" as const,
    autostart: false,
  });

  it("keeps a name that is taken, also by a folder that is no container", async () => {
    const { operations, tasks } = createHelper();
    addContainer("taken", endsWhenAsked);
    mkdirSync(join(lxc.lxcPath, "folder"));
    expect(await problemOf(operations.create(params("taken"), signal))).toEqual({ code: "already-exists", name: "taken" });
    expect(await problemOf(operations.create(params("folder"), signal))).toEqual({ code: "already-exists", name: "folder" });
    expect(tasks.snapshot().tasks).toEqual([]);
  });

  it("does not remove what runs", async () => {
    const { operations } = createHelper();
    addContainer("in-use", endsWhenAsked);
    await operations.start("in-use", signal);
    expect(await problemOf(operations.destroy("in-use", signal))).toMatchObject({ code: "wrong-state", state: "running" });
    expect(stateOf("in-use")).toBe("running");
  });
});
