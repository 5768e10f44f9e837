import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ParamsInputOf } from "../contract/methods.ts";
import { methods } from "../contract/methods.ts";
import type { Container, TaskKind } from "../contract/model.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import { sampleContainer } from "../contract/testing/sample-container.ts";
import { ownProcess } from "../holder.ts";
import { createJournal } from "../journal.ts";
import { createLocks } from "../locks.ts";
import { createTasks, type Tasks } from "../tasks.ts";
import { cloneContainer } from "./clone.ts";
import type { OperationContext } from "./context.ts";
import { createFromTemplate } from "./create.ts";
import { destroyContainer } from "./destroy.ts";
import { start } from "./lifecycle.ts";
import type { ContainerReader } from "./list.ts";
import { releaseAddress } from "./network.ts";
import { createOperations, type Operations } from "./operations.ts";

/** What makes, starts and removes containers is replaced: here only the order of things and what happens when one fails. */
vi.mock("./create.ts", () => ({ createFromTemplate: vi.fn() }));
vi.mock("./clone.ts", () => ({ cloneContainer: vi.fn() }));
vi.mock("./destroy.ts", async (original) => ({ ...(await original<typeof import("./destroy.ts")>()), destroyContainer: vi.fn() }));
vi.mock("./network.ts", () => ({ releaseAddress: vi.fn() }));
vi.mock("./lifecycle.ts", async (original) => ({ ...(await original<typeof import("./lifecycle.ts")>()), start: vi.fn() }));

let folder: string;
let lxcPath: string;
let containers: Map<string, Container>;
const signal = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-operations-"));
  lxcPath = join(folder, "lxc");
  mkdirSync(lxcPath);
  containers = new Map();
  vi.resetAllMocks();
  vi.mocked(createFromTemplate).mockImplementation(async (context, { name }) => makeFolder(context, name));
  vi.mocked(cloneContainer).mockImplementation(async (context, { name }) => makeFolder(context, name));
  vi.mocked(destroyContainer).mockResolvedValue();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What making a container leaves, and takes back. */
function makeFolder({ task }: OperationContext, name: string) {
  const path = join(lxcPath, name);
  mkdirSync(path);
  task.onUndo(() => rmSync(path, { recursive: true }));
}

function addContainer(name: string, more: Partial<Container> = {}) {
  mkdirSync(join(lxcPath, name));
  writeFileSync(join(lxcPath, name, "config"), `lxc.rootfs.path = dir:${join(lxcPath, name, "rootfs")}\n`);
  containers.set(name, sampleContainer(name, more));
}

function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(folder, "journal"));
  const locks = createLocks(join(folder, "locks"));
  const reader: ContainerReader = {
    readAll: () => [...containers.values()],
    readOne: (name) => containers.get(name),
    rest: () => {},
    readClaims: () => ({ ipv4: new Set(), idRanges: [], ofImages: new Map() }),
  };
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks }) };
}

const params = (more: Partial<ParamsInputOf<"containers.create">> = {}) =>
  methods["containers.create"].params.parse({
    name: "web",
    source: { type: "template", template: "busybox" },
    unprivileged: true,
    start: false,
    address: "dhcp",
    ...more,
  });
const clone = (name: string) => params({ name, source: { type: "clone", from: "base" } });
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const isThere = (name: string) => existsSync(join(lxcPath, name));
const untilAborted = (task: OperationContext["task"]) =>
  new Promise<never>((_, reject) => {
    task.signal.addEventListener("abort", () => reject(new ProblemError({ code: "cancelled" })));
  });
const taskOf = (tasks: Tasks, kind: TaskKind, target?: string) =>
  tasks.snapshot().tasks.findLast((task) => task.kind === kind && (target === undefined || task.target === target));
const onlyTask = (tasks: Tasks) => tasks.snapshot().tasks[0];
const locksHeld = () => readdirSync(join(folder, "locks"));

describe("making a container", () => {
  it("is on record while it is half made, and no longer when it is complete", async () => {
    const { operations, journal } = createHelper();
    const unfinished: boolean[] = [];
    vi.mocked(createFromTemplate).mockImplementation(async (context) => {
      unfinished.push(journal.unfinished(lxcPath).has("web"));
      expect(context.task.environment).toEqual({ LXC_DESKTOP_OPERATION: expect.any(String) });
    });
    vi.mocked(start).mockImplementation(async (context) => {
      unfinished.push(journal.unfinished(lxcPath).has("web"));
      expect(context.task.environment).toBeUndefined();
    });
    await operations.create(params({ start: true }), signal);
    expect(unfinished).toEqual([true, false]);
    expect(locksHeld()).toEqual([]);
  });

  it("keeps what was asked for, so that it can be asked for again, but no password", async () => {
    const { operations, tasks } = createHelper();
    await operations.create(params(), signal);
    expect(taskOf(tasks, "create")?.request).toEqual({ method: "containers.create", params: params() });
    const source = { type: "template" as const, template: "ubuntu", options: { user: "ada", password: "hunter2" } };
    await operations.create(params({ name: "other", source }), signal);
    expect(JSON.stringify(taskOf(tasks, "create", "other"))).not.toContain("hunter2");
  });

  it("starts it only when that was asked for", async () => {
    const { operations } = createHelper();
    await operations.create(params(), signal);
    expect(start).not.toHaveBeenCalled();
  });

  it("takes a name for another one than the same in other letters, which stays as it is", async () => {
    addContainer("Web");
    const before = readFileSync(join(lxcPath, "Web/config"), "utf8");
    await createHelper().operations.create(params(), signal);
    expect([isThere("web"), readFileSync(join(lxcPath, "Web/config"), "utf8")]).toEqual([true, before]);
    expect(methods["containers.create"].params.safeParse({ ...params(), name: "WEB" }).success).toBe(false);
  });

  it("leaves nothing when it fails", async () => {
    const { operations, journal } = createHelper();
    vi.mocked(createFromTemplate).mockImplementation(async (context, { name }) => {
      makeFolder(context, name);
      throw new ProblemError({ code: "tool-missing", tool: "debootstrap", neededFor: "it" });
    });
    expect(await problemOf(operations.create(params(), signal))).toMatchObject({ code: "tool-missing" });
    expect(isThere("web")).toBe(false);
    expect(journal.unfinished(lxcPath).size).toBe(0);
    expect(locksHeld()).toEqual([]);
  });

  it("keeps on record what could not be undone", async () => {
    const { operations, journal } = createHelper();
    vi.mocked(createFromTemplate).mockImplementation(async ({ task }, { name }) => {
      mkdirSync(join(lxcPath, name));
      task.onUndo(() => Promise.reject(new Error("device or resource busy")));
      throw new Error("no luck");
    });
    await problemOf(operations.create(params(), signal));
    expect(journal.unfinished(lxcPath)).toEqual(new Set(["web"]));
  });

  it("keeps a container that was made but does not start", async () => {
    const { operations, tasks } = createHelper();
    vi.mocked(start).mockRejectedValue(new ProblemError({ code: "timed-out", what: "lxc-start", seconds: 1 }));
    expect(await problemOf(operations.create(params({ start: true }), signal))).toMatchObject({ code: "timed-out" });
    expect(isThere("web")).toBe(true);
    expect(tasks.snapshot().tasks[0]?.state).toBe("failed");
  });

  it("removes it when it is cancelled while it starts", async () => {
    const { operations, tasks } = createHelper();
    vi.mocked(start).mockImplementation(async ({ task }) => untilAborted(task));
    const creating = problemOf(operations.create(params({ start: true }), signal));
    await vi.waitFor(() => expect(start).toHaveBeenCalled());
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(isThere("web")).toBe(false);
  });
});

describe("cloning", () => {
  it("keeps the base still, but not other clones of it", async () => {
    const { operations, tasks } = createHelper();
    addContainer("base");
    vi.mocked(cloneContainer).mockImplementation(async ({ task }) => untilAborted(task));
    const cloning = [problemOf(operations.create(clone("one"), signal)), problemOf(operations.create(clone("two"), signal))];
    await vi.waitFor(() => expect(cloneContainer).toHaveBeenCalledTimes(2));
    const starting = operations.start("base", signal);
    await vi.waitFor(() =>
      expect(taskOf(tasks, "start")).toMatchObject({
        state: "waiting",
        waitsFor: { operation: "clone", name: "one", task: taskOf(tasks, "clone", "one")?.id },
      }),
    );
    expect(start).not.toHaveBeenCalled();
    for (const { id, kind } of tasks.snapshot().tasks) if (kind === "clone") tasks.cancel(id);
    await Promise.all(cloning);
    await starting;
    expect(start).toHaveBeenCalledOnce();
  });

  it("is refused while the base runs, is half made, or is not there", async () => {
    const { operations, journal } = createHelper();
    expect(await problemOf(operations.create(clone("one"), signal))).toEqual({ code: "not-found", what: "base" });
    addContainer("base", { state: "running" });
    expect(await problemOf(operations.create(clone("one"), signal))).toMatchObject({ code: "wrong-state", name: "base", state: "running" });
    addContainer("half", { state: "stopped" });
    journal.begin({ lxcPath, name: "half", kind: "create" });
    const ofHalf = params({ name: "one", source: { type: "clone", from: "half" } });
    expect(await problemOf(operations.create(ofHalf, signal))).toMatchObject({ code: "busy", name: "half" });
    expect(await problemOf(operations.create(params({ name: "base", source: { type: "clone", from: "base" } }), signal))).toEqual({
      code: "already-exists",
      name: "base",
    });
  });
});

describe("a second operation on a container", () => {
  /** A start that goes on until it is told. */
  function holdStart() {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    vi.mocked(start).mockImplementation(async (_, name) => {
      await finished;
      containers.set(name, { ...(containers.get(name) as Container), state: "running" });
    });
    return () => finish();
  }

  async function beginStart(operations: Operations) {
    addContainer("web");
    const finish = holdStart();
    const starting = operations.start("web", signal);
    await vi.waitFor(() => expect(start).toHaveBeenCalled());
    return { starting, finish };
  }

  it("waits for the first, as a task that says for what, and then looks at the state", async () => {
    const { operations, tasks } = createHelper();
    const { starting, finish } = await beginStart(operations);
    const destroying = problemOf(operations.destroy("web", signal));
    const first = taskOf(tasks, "start");
    await vi.waitFor(() =>
      expect(taskOf(tasks, "destroy")).toMatchObject({
        state: "waiting",
        cancellable: true,
        waitsFor: { operation: "start", name: "web", task: first?.id },
        request: { method: "containers.destroy", params: { name: "web" } },
      }),
    );
    expect(tasks.operations().get("web")).toEqual({ task: first?.id, kind: "start" });
    finish();
    await starting;
    expect(await destroying).toMatchObject({ code: "wrong-state", state: "running" });
    expect(taskOf(tasks, "destroy")).toMatchObject({ state: "failed", cancellable: false, problem: { code: "wrong-state" } });
    expect(taskOf(tasks, "destroy")?.waitsFor).toBeUndefined();
    expect(destroyContainer).not.toHaveBeenCalled();
    expect(locksHeld()).toEqual([]);
  });

  it("cannot be cancelled any more once its turn has come, where it never can", async () => {
    const { operations, tasks } = createHelper();
    addContainer("web");
    vi.mocked(start).mockImplementation(async ({ task }) => untilAborted(task));
    const starting = problemOf(operations.start("web", signal));
    await vi.waitFor(() => expect(start).toHaveBeenCalled());
    let finish = () => {};
    vi.mocked(destroyContainer).mockImplementation(() => new Promise<void>((resolve) => (finish = resolve)));
    const destroying = operations.destroy("web", signal);
    await vi.waitFor(() => expect(taskOf(tasks, "destroy")?.state).toBe("waiting"));
    const askedAt = taskOf(tasks, "destroy")?.startedAt;
    tasks.cancel(taskOf(tasks, "start")?.id ?? "");
    expect(await starting).toEqual({ code: "cancelled" });
    await vi.waitFor(() => expect(taskOf(tasks, "destroy")).toMatchObject({ state: "running", cancellable: false, askedAt }));
    finish();
    await destroying;
  });

  it("does nothing when it is cancelled while it waits, also by the page that asked for it", async () => {
    const { operations, tasks } = createHelper();
    const { starting, finish } = await beginStart(operations);
    const page = new AbortController();
    const stopping = problemOf(operations.stop("web", 5, page.signal));
    const destroying = problemOf(operations.destroy("web", signal));
    await vi.waitFor(() => expect(taskOf(tasks, "destroy")?.waitsFor?.operation).toBe("stop"));
    page.abort();
    expect(await stopping).toEqual({ code: "cancelled" });
    await vi.waitFor(() => expect(taskOf(tasks, "destroy")?.waitsFor?.operation).toBe("start"));
    tasks.cancel(taskOf(tasks, "destroy")?.id ?? "");
    expect(await destroying).toEqual({ code: "cancelled" });
    finish();
    await starting;
    expect(destroyContainer).not.toHaveBeenCalled();
  });

  it("that is the same once more is refused, and so are two that make the same", async () => {
    const { operations, tasks } = createHelper();
    const { starting, finish } = await beginStart(operations);
    expect(await problemOf(operations.start("web", signal))).toEqual({ code: "busy", name: "web", operation: "start" });
    const stopping = problemOf(operations.stop("web", 5, signal));
    expect(await problemOf(operations.stop("web", 5, signal))).toEqual({ code: "busy", name: "web", operation: "stop" });
    tasks.cancel(taskOf(tasks, "stop")?.id ?? "");
    await stopping;
    finish();
    await starting;
    addContainer("base");
    vi.mocked(createFromTemplate).mockImplementation(async ({ task }) => untilAborted(task));
    const creating = problemOf(operations.create(params({ name: "new" }), signal));
    await vi.waitFor(() => expect(createFromTemplate).toHaveBeenCalled());
    expect(await problemOf(operations.create(clone("new"), signal))).toEqual({ code: "busy", name: "new", operation: "create" });
    tasks.cancel(taskOf(tasks, "create")?.id ?? "");
    await creating;
  });

  it("has nothing left to do where what it leads to has come by then", async () => {
    const { operations, tasks } = createHelper();
    vi.mocked(createFromTemplate).mockImplementation(async (context, { name }) => {
      makeFolder(context, name);
      rmSync(join(lxcPath, name), { recursive: true });
      addContainer(name);
    });
    const finish = holdStart();
    const creating = operations.create(params({ start: true }), signal);
    await vi.waitFor(() => expect(start).toHaveBeenCalled());
    const starting = operations.start("web", signal);
    await vi.waitFor(() => expect(taskOf(tasks, "start")?.state).toBe("waiting"));
    finish();
    await creating;
    await starting;
    expect(start).toHaveBeenCalledOnce();
    expect(taskOf(tasks, "start")?.state).toBe("succeeded");
    expect(tasks.log(taskOf(tasks, "start")?.id ?? "").text).toBe("web is running already: there is nothing left to do.\n");
  });

  it("waits for what another helper does, and nothing of this one is named then", async () => {
    const one = createHelper();
    const two = createHelper();
    const { starting, finish } = await beginStart(one.operations);
    const destroying = problemOf(two.operations.destroy("web", signal));
    await vi.waitFor(() => expect(onlyTask(two.tasks)).toMatchObject({ state: "waiting", waitsFor: { operation: "start", name: "web" } }));
    expect(onlyTask(two.tasks)?.waitsFor?.task).toBeUndefined();
    finish();
    await starting;
    expect(await destroying).toMatchObject({ code: "wrong-state" });
  });

  it("ends with its helper, which waits for none that waits", async () => {
    const { operations, tasks } = createHelper();
    const { starting, finish } = await beginStart(operations);
    const destroying = problemOf(operations.destroy("web", signal));
    await vi.waitFor(() => expect(taskOf(tasks, "destroy")?.state).toBe("waiting"));
    tasks.abortAll();
    expect(await destroying).toEqual({ code: "cancelled" });
    finish();
    await problemOf(starting);
    await tasks.idle();
  });
});

describe("removing", () => {
  it("is refused while others are cloned from it", async () => {
    const { operations } = createHelper();
    addContainer("base", { clones: ["one", "two"] });
    expect(await problemOf(operations.destroy("base", signal))).toEqual({ code: "has-clones", name: "base", clones: ["one", "two"] });
    expect(destroyContainer).not.toHaveBeenCalled();
  });

  it("is possible for a broken one, but broken ones do not start, and say why", async () => {
    const { operations } = createHelper();
    addContainer("broken", { state: "error", note: "Its root file system is missing." });
    expect(await problemOf(operations.start("broken", signal))).toEqual({
      code: "wrong-state",
      name: "broken",
      state: "error",
      needed: "Its root file system is missing.",
    });
    await operations.destroy("broken", signal);
    expect(destroyContainer).toHaveBeenCalledOnce();
  });
});

describe("after a helper was killed", () => {
  /** Leaves a record as a helper does that was killed while it made this container. @returns The record's mark. */
  function leaveRecord(name: string): string {
    const { environment } = createJournal(join(folder, "journal")).begin({ lxcPath, name, kind: "create" });
    const { pid, startTicks } = ownProcess();
    for (const file of readdirSync(join(folder, "journal"))) {
      renameSync(join(folder, "journal", file), join(folder, "journal", file.replace(`${pid}.${startTicks}.`, `${pid}.1.`)));
    }
    return (environment.LXC_DESKTOP_OPERATION ?? "").replace(`${pid}.${startTicks}.`, `${pid}.1.`);
  }

  it("the next one removes the half-made container, its address and the record, as a task", async () => {
    leaveRecord("web");
    mkdirSync(join(lxcPath, "web/rootfs/etc"), { recursive: true });
    writeFileSync(join(lxcPath, "web/rootfs/etc/passwd"), "");
    const { operations, tasks, journal } = createHelper();
    await operations.recover();
    expect(isThere("web")).toBe(false);
    expect(releaseAddress).toHaveBeenCalledWith(lxcPath, "web");
    expect(journal.unfinished(lxcPath).size).toBe(0);
    expect(tasks.snapshot().tasks).toMatchObject([{ kind: "recover", target: "web", state: "succeeded" }]);
  });

  it("an address is given back also where there is no folder yet", async () => {
    leaveRecord("web");
    await createHelper().operations.recover();
    expect(releaseAddress).toHaveBeenCalledWith(lxcPath, "web");
  });

  it("processes that still work on it are ended first, and no others", async () => {
    const mark = leaveRecord("web");
    const wait = ["-e", "setInterval(() => {}, 1000)"];
    const worker = spawn(process.execPath, wait, { env: { LXC_DESKTOP_OPERATION: mark }, stdio: "ignore" });
    const other = spawn(process.execPath, wait, { env: { LXC_DESKTOP_OPERATION: `${mark}1` }, stdio: "ignore" });
    await Promise.all([worker, other].map((child) => new Promise((resolve) => child.once("spawn", resolve))));
    const ended = new Promise((resolve) => worker.once("exit", (_, by) => resolve(by)));
    await createHelper().operations.recover();
    expect(await ended).toBe("SIGKILL");
    expect(other.exitCode ?? other.signalCode).toBeNull();
    other.kill("SIGKILL");
  });

  it.skipIf(process.getuid?.() !== 0)("a person's process that only has the mark keeps nobody waiting", async () => {
    const env = { LXC_DESKTOP_OPERATION: leaveRecord("web") };
    const strangers = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { env, uid: 54_321, gid: 54_321, stdio: "ignore" });
    await new Promise((resolve) => strangers.once("spawn", resolve));
    const { operations, tasks } = createHelper();
    await operations.recover();
    expect(tasks.snapshot().tasks).toMatchObject([{ kind: "recover", state: "succeeded" }]);
    expect(strangers.exitCode ?? strangers.signalCode).toBeNull();
    strangers.kill("SIGKILL");
  });

  it("a container that has been started since is kept", async () => {
    leaveRecord("web");
    addContainer("web", { state: "running" });
    const { operations, journal } = createHelper();
    await operations.recover();
    expect(isThere("web")).toBe(true);
    expect(releaseAddress).not.toHaveBeenCalled();
    expect(journal.unfinished(lxcPath).size).toBe(0);
  });

  it("a container of the same name that was made long after is kept, unless LXC says that it is unfinished", async () => {
    const longAgo = (Date.now() - 600_000) / 1000;
    const age = () => {
      for (const file of readdirSync(join(folder, "journal"))) utimesSync(join(folder, "journal", file), longAgo, longAgo);
    };
    leaveRecord("web");
    age();
    addContainer("web");
    await createHelper().operations.recover();
    expect(isThere("web")).toBe(true);

    leaveRecord("web");
    age();
    writeFileSync(join(lxcPath, "web/partial"), "");
    await createHelper().operations.recover();
    expect(isThere("web")).toBe(false);
  });

  it("what a living helper makes is left alone", async () => {
    createJournal(join(folder, "journal")).begin({ lxcPath, name: "web", kind: "create" });
    addContainer("web");
    const { operations, tasks } = createHelper();
    await operations.recover();
    expect(isThere("web")).toBe(true);
    expect(tasks.snapshot().tasks).toEqual([]);
  });

  it("two helpers that start at once do it once", async () => {
    leaveRecord("web");
    mkdirSync(join(lxcPath, "web"));
    const helpers = [createHelper(), createHelper()];
    await Promise.all(helpers.map(({ operations }) => operations.recover()));
    expect(isThere("web")).toBe(false);
    const succeeded = helpers.flatMap(({ tasks }) => tasks.snapshot().tasks).filter(({ state }) => state === "succeeded");
    expect(succeeded).toHaveLength(1);
  });

  it("a record that cannot be worked off stays for the next time", async () => {
    leaveRecord("web");
    vi.mocked(releaseAddress).mockImplementation(() => {
      throw new Error("no luck");
    });
    const { operations, tasks, journal } = createHelper();
    await operations.recover();
    expect(tasks.snapshot().tasks).toMatchObject([{ kind: "recover", state: "failed" }]);
    expect(journal.unfinished(lxcPath)).toEqual(new Set(["web"]));
  });
});
