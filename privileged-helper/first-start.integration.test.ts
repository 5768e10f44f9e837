import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Action, methods, type ParamsInputOf } from "./contract/methods.ts";
import type { Task } from "./contract/model.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import { createHandlers } from "./handlers.ts";
import { createJournal, operationVariable } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
import { readKnownUpdates } from "./lxc/known-updates.ts";
import { createOperations } from "./lxc/operations.ts";
import { processIds, readProcFile } from "./lxc/proc.ts";
import { createTasks } from "./tasks.ts";
import { prepareCreating, type StartCreating } from "./testing/creating-process.ts";
import { cachedDebians, restoreDebianCache } from "./testing/debian-cache.ts";
import { reasonWithoutMirror } from "./testing/debian-mirror.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/** What is done in real containers at their first start, by the programs that they have. */
let lxc: RealLxc;
let state: string;
let startCreating: StartCreating;
const signal = new AbortController().signal;
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBpNzzimGHbtiXUHukSvfd2ddNxqPGBp1lYnRGqI+HKa other";

beforeAll(async () => {
  lxc = createRealLxc("first-start");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-first-start-"));
  startCreating = await prepareCreating(lxc.lxcPath, state);
  lxc.makeContainer("bare");
  lxc.makeContainer("equipped");
  // What BusyBox's own do, as far as Debian's BusyBox does not have them.
  addProgram("equipped", "adduser", [
    'echo "adduser $*" >>/calls',
    "for name; do :; done",
    "if [ $name = refused ]; then echo no such user; exit 3; fi",
    'echo "$name:x:1000:1000::/home/$name:/bin/sh" >>/etc/passwd',
    'mkdir -p "/home/$name"',
    'chown 1000:1000 "/home/$name"',
  ]);
  addProgram("equipped", "chpasswd", ['echo "chpasswd $* $(cat)" >>/calls']);
  addProgram("equipped", "apk", ['echo "apk $*" >>/calls', "echo fetching", "case $* in *service*) (setsid sleep 701 &) ;; esac"]);
  addProgram("equipped", "doas", ["exit 1"]);
});
// A DHCP server that many ask at once keeps each of them waiting.
afterEach(async () => {
  const { operations } = createHelper();
  for (const { name, state: now } of lxc.reader.readAll()) if (now !== "stopped") await operations.forceStop(name, signal);
});
afterAll(async () => {
  const { operations } = createHelper();
  const names = lxc.reader.readAll().map(({ name }) => name);
  for (const name of [...names.filter((one) => lxc.reader.readOne(one)?.clonedFrom), ...names]) {
    if (!lxc.reader.readOne(name)) continue;
    if ((lxc.reader.readOne(name)?.clones ?? []).length === 0) await operations.destroy(name, signal);
  }
  await lxc.close();
  rmSync(state, { recursive: true });
});

function addProgram(container: string, name: string, lines: string[]) {
  const path = join(lxc.lxcPath, container, "rootfs/bin", name);
  // It may be a link to BusyBox.
  rmSync(path, { force: true });
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
}

function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const { lxcPath, reader } = lxc;
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) }) };
}

type Params = ParamsInputOf<"containers.create">;
type FirstStart = NonNullable<Params["firstStart"]>;
/** A privileged clone of the container that has programs for everything. */
const wanted = (name: string, firstStart: FirstStart, others: Partial<Params> = {}) =>
  methods["containers.create"].params.parse({
    name,
    source: { type: "clone", from: "equipped" },
    unprivileged: false,
    start: true,
    address: "dhcp",
    firstStart,
    ...others,
  });
/** @returns The task, once it has ended. */
async function create(name: string, firstStart: FirstStart, others: Partial<Params> = {}) {
  const { operations, tasks } = createHelper();
  const problem = await problemOf(operations.create(wanted(name, firstStart, others), signal));
  const [task] = tasks.snapshot().tasks;
  if (!task) throw new Error(`there was no task: ${JSON.stringify(problem)}`);
  return { ...task, log: tasks.log(task.id).text };
}
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);
/** What was run inside, without what leads there. */
const commandsInside = ({ commands }: Task) =>
  commands.filter(([tool]) => tool === "lxc-attach").map((argv) => argv.slice(argv.indexOf("--") + 1));
const inside = (name: string, script: string) => lxc.inside(name, "/bin/sh", "-c", script).replaceAll("\r", "");
const stateOf = (name: string) => lxc.reader.readOne(name)?.state;
/** Processes that work for a first start, by their command lines. */
const workers = (text: string) =>
  processIds().filter((pid) => {
    const isMarked = readProcFile(`/proc/${pid}/environ`)?.includes(`${operationVariable}=`);
    return isMarked && readProcFile(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ").includes(text);
  });

describe("a first start", () => {
  it("installs packages, makes a user with a key who may become root, and runs a command, in this order", async () => {
    const task = await create("all", {
      packages: ["curl", "g++"],
      user: { name: "me", key, mayBecomeRoot: true },
      command: "echo \"$(id -u) $PWD $HOME\"\ncat /home/me/.ssh/authorized_keys >/seen; echo 'two words' >>/calls",
    });
    expect(task).toMatchObject({ state: "succeeded", notices: [] });
    expect(inside("all", "cat /calls")).toBe("apk --no-cache add curl g++\nadduser -D -s /bin/sh me\nchpasswd -e me:*\ntwo words\n");
    expect(inside("all", "cat /seen")).toBe(`${key}\n`);
    expect(inside("all", "stat -c '%a %u %g' /home/me/.ssh /home/me/.ssh/authorized_keys")).toBe("700 1000 1000\n600 1000 1000\n");
    expect(inside("all", "cat /etc/doas.conf; stat -c '%a %u' /etc/doas.conf")).toBe("permit nopass me\n600 0\n");
    expect(task.log).toContain("fetching\n");
    expect(task.log).toContain("0 / /root\n");
    expect(commandsInside(task).map(([program, ...rest]) => [program, rest.at(-1)])).toEqual([
      ["apk", "g++"],
      ["adduser", "me"],
      ["/bin/sh", "me"],
      ["/bin/sh", key],
      ["/bin/sh", "me"],
      ["/bin/sh", expect.stringContaining("two words")],
    ]);
    // Of the helper's own environment there is nothing, nor is its mark among what people are shown.
    expect(task.commands.flat().join(" ")).not.toContain(operationVariable);
  });

  it("finds its programs in an unprivileged container, and is nobody's root there", async () => {
    const task = await create(
      "private",
      { command: "cat /proc/self/uid_map; id -u" },
      {
        source: { type: "template", template: "busybox" },
        unprivileged: true,
      },
    );
    expect(task.state).toBe("succeeded");
    expect(task.log).toMatch(/^ +0 +[1-9]\d{4,} +65536\n0$/m);
  });

  it("does again what was done without doing it twice, and keeps keys that are there", async () => {
    const user = { name: "me", mayBecomeRoot: true };
    expect((await create("again", { user: { ...user, key: otherKey } })).state).toBe("succeeded");
    // A file that does not end in a line's end.
    inside("again", `printf '%s' '${otherKey}' >/home/me/.ssh/authorized_keys`);
    const { operations } = createHelper();
    for (let time = 0; time < 2; time++) {
      await operations.setUp({ name: "again", firstStart: { user: { ...user, key } }, mayBePrivileged: true }, signal);
    }
    expect(inside("again", "cat /home/me/.ssh/authorized_keys")).toBe(`${otherKey}\n${key}\n`);
    expect(inside("again", "cat /etc/doas.conf")).toBe("permit nopass me\n");
    expect(inside("again", "grep -c ^me: /etc/passwd")).toBe("1\n");
  });

  it("gives root a key, but never one of the system's own users", async () => {
    expect((await create("root", { user: { name: "root", key, mayBecomeRoot: true } })).state).toBe("succeeded");
    expect(inside("root", "cat /root/.ssh/authorized_keys; ls /etc/doas.conf 2>/dev/null || true")).toBe(`${key}\n`);
    inside("root", "echo 'daemon:x:1:1::/sbin:/bin/false' >>/etc/passwd");
    const { operations } = createHelper();
    const firstStart = { user: { name: "daemon", key, mayBecomeRoot: false } };
    expect(await problemOf(operations.setUp({ name: "root", firstStart, mayBePrivileged: true }, signal))).toMatchObject({
      code: "first-start-failed",
      step: "user",
      reason: "system-user",
    });
  });

  it("tells what failed, with how and what was printed last, and keeps the container", async () => {
    const task = await create("failed", { command: "echo so far; touch /so-far; exit 7", user: { name: "me", mayBecomeRoot: false } });
    expect(task).toMatchObject({
      state: "failed",
      problem: {
        code: "first-start-failed",
        name: "failed",
        step: "command",
        reason: "command-failed",
        command: { exitCode: 7, output: "so far\n" },
      },
      // All of it once more, and not the making of what is there.
      request: { method: "containers.firstStart", params: { name: "failed" } },
    });
    expect(stateOf("failed")).toBe("running");
    const { operations, tasks } = createHelper();
    const params = methods["containers.firstStart"].params.parse(task.request?.params);
    expect(await problemOf(operations.setUp({ ...params, mayBePrivileged: true }, signal))).toMatchObject({ code: "first-start-failed" });
    expect(tasks.snapshot().tasks[0]).toMatchObject({ kind: "first-start", target: "failed", state: "failed" });
    expect(createJournal(join(state, "journal")).abandoned(lxc.lxcPath)).toEqual([]);
  });

  it("stops at the first thing that fails", async () => {
    const task = await create("stops", { user: { name: "refused", key, mayBecomeRoot: true }, command: "touch /ran" });
    expect(task.problem).toMatchObject({ step: "user", reason: "command-failed", command: { exitCode: 3, output: "no such user\n" } });
    expect(inside("stops", "ls /ran 2>&1 || true")).toContain("No such file");
  });

  it.each<[string, FirstStart, object]>([
    ["packages", { packages: ["curl"] }, { step: "packages", reason: "no-package-manager" }],
    ["a user", { user: { name: "me", key, mayBecomeRoot: false } }, { step: "user", reason: "no-user-program" }],
    ["a user who may become root", { user: { name: "me", key, mayBecomeRoot: true } }, { step: "user", reason: "no-way-to-root" }],
  ])("says what a container lacks for %s", async (_, firstStart, expected) => {
    const name = `lacks-${Object.values(expected).join("-")}`;
    const { problem } = await create(name, firstStart, { source: { type: "clone", from: "bare" } });
    expect(problem).toEqual({ code: "first-start-failed", name, ...expected });
  });

  it("says that a container has no shell", async () => {
    const { operations } = createHelper();
    await operations.create(wanted("shell-less", { command: "true" }), signal);
    inside("shell-less", "mv /bin/sh /bin/hidden");
    const firstStart: FirstStart = { command: "true" };
    expect(await problemOf(operations.setUp({ name: "shell-less", firstStart, mayBePrivileged: true }, signal))).toMatchObject({
      code: "first-start-failed",
      reason: "no-shell",
    });
  });

  it("ends with the container", async () => {
    const { operations } = createHelper();
    const setting = problemOf(operations.create(wanted("stopped", { command: "sleep 600" }), signal));
    await vi.waitFor(() => expect(workers("sleep 600")).not.toEqual([]), { timeout: 20_000 });
    await operations.forceStop("stopped", signal);
    expect(await setting).toMatchObject({ code: "first-start-failed", step: "command", reason: "ended" });
  });
});

describe("what cannot be a first start", () => {
  it.each<[string, Partial<Params>, FirstStart]>([
    ["without a start", { start: false }, { command: "true" }],
    ["of packages without a network", { network: { type: "none" } }, { packages: ["curl"] }],
    ["of a clone that is not what was asked for", { unprivileged: true }, { command: "true" }],
  ])("is refused before anything is made: %s", async (_, others, firstStart) => {
    const { operations, tasks } = createHelper();
    expect(await problemOf(operations.create(wanted("refused", firstStart, others), signal))).toMatchObject({ code: "invalid-request" });
    expect(tasks.snapshot().tasks).toEqual([]);
    expect(existsSync(join(lxc.lxcPath, "refused"))).toBe(false);
  });

  it("is refused in a container that does not run", async () => {
    const { operations } = createHelper();
    const asked = operations.setUp({ name: "equipped", firstStart: { command: "true" }, mayBePrivileged: true }, signal);
    expect(await problemOf(asked)).toMatchObject({ code: "wrong-state" });
  });

  it("needs the rights that a terminal in it needs", async () => {
    const handlers = createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: true, notify: () => {}, sendData: () => {} });
    const asked: [Action, string | undefined][] = [];
    const refuse = (refused: Action) => async (action: Action, about?: string) => {
      asked.push([action, about]);
      if (action === refused) throw new ProblemError({ code: "auth-denied", action });
    };
    const { methods: answers } = handlers;
    const call = async (what: () => unknown) => problemOf(Promise.resolve().then(what));
    const make = (unprivileged: boolean, refused: Action) =>
      call(() =>
        answers["containers.create"](wanted("denied", { command: "true" }, { unprivileged }), { signal, authorize: refuse(refused) }),
      );
    expect(await make(true, "shell")).toEqual({ code: "auth-denied", action: "shell" });
    expect(await make(false, "shell-privileged")).toEqual({ code: "auth-denied", action: "shell-privileged" });
    const again = methods["containers.firstStart"].params.parse({ name: "equipped", firstStart: { command: "true" } });
    expect(await call(() => answers["containers.firstStart"](again, { signal, authorize: refuse("shell-privileged") }))).toEqual({
      code: "auth-denied",
      action: "shell-privileged",
    });
    // Of the base as well, because a clone has all that is in it.
    expect(asked).toEqual([
      ["create", "equipped"],
      ["shell", "denied"],
      ["create", "equipped"],
      ["shell", "denied"],
      ["shell-privileged", "denied"],
      ["shell-privileged", "equipped"],
    ]);
    expect(existsSync(join(lxc.lxcPath, "denied"))).toBe(false);
    await handlers.settle();
  });

  it("is refused where the container has become a privileged one meanwhile", async () => {
    const { operations } = createHelper();
    await operations.create(wanted("now-privileged", { command: "true" }), signal);
    const asked = operations.setUp({ name: "now-privileged", firstStart: { command: "true" }, mayBePrivileged: false }, signal);
    expect(await problemOf(asked)).toEqual({ code: "auth-denied", action: "shell-privileged" });
  });
});

describe("cancelling a first start", () => {
  it.each<[string, FirstStart, string, RegExp]>([
    ["the command", { command: "(setsid sleep 601 &); touch /begun; sleep 602" }, "Running the command", /while the command ran/],
    ["what ignores it", { command: "trap '' TERM HUP INT; while :; do sleep 603; done" }, "Running the command", /while the command ran/],
  ])("ends %s, with all that it has started, and keeps the container running", async (_, firstStart, step, notice) => {
    const name = `cancelled-${notice.source.length}-${firstStart.command?.length}`;
    const { operations, tasks } = createHelper();
    const creating = problemOf(operations.create(wanted(name, firstStart), signal));
    await vi.waitFor(() => expect(workers("sleep 60")).not.toEqual([]), { timeout: 20_000 });
    const [task] = tasks.snapshot().tasks;
    expect(task).toMatchObject({ step });
    tasks.cancel(task?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(tasks.snapshot().tasks[0]).toMatchObject({
      state: "cancelled",
      notices: [expect.stringMatching(notice)],
      request: { method: "containers.firstStart" },
    });
    expect(workers("sleep 60")).toEqual([]);
    expect(stateOf(name)).toBe("running");
    expect(createJournal(join(state, "journal")).abandoned(lxc.lxcPath)).toEqual([]);
  });

  it("leaves alone what a step before it has started", async () => {
    const { operations, tasks } = createHelper();
    const creating = problemOf(operations.create(wanted("service", { packages: ["service"], command: "sleep 702" }), signal));
    await vi.waitFor(() => expect(workers("sleep 702")).not.toEqual([]), { timeout: 60_000 });
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(workers("sleep 702")).toEqual([]);
    expect(workers("sleep 701")).toHaveLength(1);
  });

  it("ends waiting for a network that does not come", async () => {
    const { operations, tasks } = createHelper();
    addProgram("bare", "udhcpc", ["sleep 604"]);
    addProgram("bare", "apk", ["exit 1"]);
    const creating = problemOf(
      operations.create(wanted("unconnected", { packages: ["curl"] }, { source: { type: "clone", from: "bare" } }), signal),
    );
    await vi.waitFor(() => expect(tasks.snapshot().tasks[0]?.step).toBe("Waiting for its network"), { timeout: 20_000 });
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(stateOf("unconnected")).toBe("running");
  });

  it("takes the whole container back as long as it is only made", async () => {
    const { operations, tasks } = createHelper();
    const others = { source: { type: "template" as const, template: "busybox" } };
    const creating = problemOf(operations.create(wanted("taken-back", { command: "true" }, others), signal));
    const folder = join(lxc.lxcPath, "taken-back");
    await vi.waitFor(() => expect(existsSync(join(folder, "config.new"))).toBe(true), { timeout: 20_000, interval: 1 });
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(existsSync(folder)).toBe(false);
  });
});

describe("a helper that is killed during a first start", () => {
  it("leaves a container that runs, and nothing that works on in it once the next one has started", async () => {
    const creating = startCreating("killed", {
      source: { type: "clone", from: "equipped" },
      start: true,
      firstStart: { command: "(setsid sleep 605 &); while :; do sleep 606; done" },
    });
    await vi.waitFor(() => expect([workers("sleep 605"), workers("sleep 606")]).not.toContainEqual([]), { timeout: 30_000 });
    const exited = once(creating, "exit");
    creating.kill("SIGKILL");
    await exited;
    const { operations, tasks, journal } = createHelper();
    expect(journal.unfinished(lxc.lxcPath)).toEqual(new Set());
    expect(journal.abandoned(lxc.lxcPath)).toMatchObject([{ kind: "first-start", name: "killed" }]);
    await operations.recover();
    expect(tasks.snapshot().tasks).toMatchObject([{ kind: "recover", state: "succeeded", notices: [expect.stringContaining("is kept")] }]);
    expect(workers("sleep 60")).toEqual([]);
    expect(journal.abandoned(lxc.lxcPath)).toEqual([]);
    expect(stateOf("killed")).toBe("running");
    await operations.setUp({ name: "killed", firstStart: { command: "echo again" }, mayBePrivileged: true }, signal);
  });
});

describe("a hostile container", () => {
  it("leads nothing out of it by links, and cannot say what it has", async () => {
    const outside = join(state, "outside");
    writeFileSync(outside, "mine");
    addProgram("equipped", "id", ["echo 1000; echo /etc; exit 0"]);
    addProgram("equipped", "adduser", [
      "for name; do :; done",
      'echo "$name:x:1000:1000::/trap:/bin/sh" >>/etc/passwd',
      `ln -s ${state} /trap`,
    ]);
    try {
      const task = await create("links", { user: { name: "me", key, mayBecomeRoot: true } });
      expect(task.state).toBe("failed");
      expect(readdirSync(state)).not.toContain(".ssh");
      expect(readFileSync(outside, "utf8")).toBe("mine");
    } finally {
      execFileSync("ln", ["-sf", "busybox", join(lxc.lxcPath, "equipped/rootfs/bin/id")]);
    }
  });

  it("may print without an end, and is ended all the same", async () => {
    const { operations, tasks } = createHelper();
    const creating = problemOf(
      operations.create(wanted("loud", { command: "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done" }), signal),
    );
    await vi.waitFor(() => expect(tasks.log(tasks.snapshot().tasks[0]?.id ?? "").truncated).toBe(true), { timeout: 60_000 });
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expect(tasks.log(tasks.snapshot().tasks[0]?.id ?? "").text.length).toBeLessThanOrEqual(256 * 1024);
  });
});

describe("updates inside", () => {
  const entered = { name: "equipped", mayBePrivileged: true };
  const find = async (name = "equipped") => (await auditContainer(lxc, name)).findings.find(({ check }) => check === "updates");
  const records = () => readdirSync(join(state, "journal"));
  /** Alpine's own is a script here, which has what it says decided by a file. */
  const setApk = (lines: string[]) => {
    mkdirSync(join(lxc.lxcPath, "equipped/rootfs/sbin"), { recursive: true });
    const path = join(lxc.lxcPath, "equipped/rootfs/sbin/apk");
    rmSync(path, { force: true });
    writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
  };
  afterEach(() => {
    rmSync(join(lxc.lxcPath, "equipped/rootfs/sbin/apk"), { force: true });
    rmSync(join(lxc.lxcPath, "equipped/lxc-desktop-updates.json"), { force: true });
  });

  it("are never taken for none where they cannot be looked for, and what a container says is only text", async () => {
    const { operations } = createHelper();
    expect(await problemOf(operations.lookForUpdates(entered, signal))).toMatchObject({ code: "wrong-state" });
    // A test before this one has given it one.
    rmSync(join(lxc.lxcPath, "bare/rootfs/bin/apk"), { force: true });
    expect(await find("bare")).toMatchObject({ state: "not-applicable" });
    setApk([
      "case $* in update) exit 7 ;; esac",
      "printf '(1/1) Upgrading e\\033[2Jvil (1 -> 2)\\n(1/1) Upgrading musl (1.2.4 -> 1.2.5)\\n'",
    ]);
    expect(await find()).toMatchObject({ state: "unknown", summary: expect.stringContaining("Start it to look") });
    await operations.start("equipped", signal);
    expect(await problemOf(operations.lookForUpdates({ ...entered, mayBePrivileged: false }, signal))).toMatchObject({
      code: "auth-denied",
    });
    expect(await problemOf(operations.lookForUpdates(entered, signal))).toMatchObject({ code: "command-failed", exitCode: 7 });
    expect(await find()).toMatchObject({ state: "unknown" });
    setApk(["printf '(1/1) Upgrading e\\033[2Jvil (1 -> 2)\\n(1/1) Upgrading musl (1.2.4 -> 1.2.5)\\n'"]);
    await operations.lookForUpdates(entered, signal);
    expect(await find()).toMatchObject({ state: "problem", summary: "One security update is not installed: musl." });
    // Also once it is stopped, for some days.
    await operations.forceStop("equipped", signal);
    expect(await find()).toMatchObject({ state: "problem" });
    expect(records()).toEqual([]);
  });

  it("end with all that they started where they are cancelled, and are not known any more", async () => {
    const { operations, tasks } = createHelper();
    setApk(["case $* in upgrade) (setsid sleep 703 &) ; sleep 703 ;; esac"]);
    await operations.start("equipped", signal);
    await operations.lookForUpdates(entered, signal);
    expect(await find()).toMatchObject({ state: "ok" });
    const updating = problemOf(operations.installUpdates(entered, signal));
    await vi.waitFor(() => expect(workers("sleep 703").length).toBeGreaterThanOrEqual(2), { timeout: 20_000 });
    tasks.cancel(tasks.snapshot().tasks.at(-1)?.id ?? "");
    expect(await updating).toMatchObject({ code: "cancelled" });
    expect(workers("sleep 703")).toEqual([]);
    expect(await find()).toMatchObject({ state: "unknown" });
    expect(stateOf("equipped")).toBe("running");
    expect(records()).toEqual([]);
  });
});

describe("Debian, with systemd", () => {
  let cachedBefore: string[];
  beforeAll(() => {
    cachedBefore = cachedDebians();
  });
  afterAll(() => restoreDebianCache(cachedBefore));

  it("gets packages from its mirror, and a user who may become root by what was installed", { timeout: 1_500_000 }, async (context) => {
    const reason = await reasonWithoutMirror();
    if (reason !== undefined) return context.skip(reason);
    const task = await create(
      "debian",
      {
        packages: ["sudo"],
        user: { name: "me", key, mayBecomeRoot: true },
        command: "systemctl is-system-running; su - me -c 'sudo -n id -u; id -un; pwd'",
      },
      { source: { type: "template", template: "debian", options: { release: "bookworm" } }, unprivileged: true },
    );
    expect(task.problem).toBeUndefined();
    expect(task.log).toContain("\n0\nme\n/home/me\n");
    expect(inside("debian", "stat -c '%a %U' /home/me/.ssh/authorized_keys")).toBe("600 me\n");
    expect(inside("debian", "getent shadow me | cut -d: -f2")).toBe("*\n");

    // Updates of that same container, so that no other Debian is made for them: first nobody knows, then its own apt says.
    const { operations, tasks } = createHelper();
    const entered = { name: "debian", mayBePrivileged: false };
    const find = async () => (await auditContainer(lxc, "debian")).findings.find(({ check }) => check === "updates");
    expect(await find()).toMatchObject({ state: "unknown", summary: "Nobody has looked for updates yet." });
    // It believes that an older one is installed.
    inside("debian", "sed -i '/^Package: sudo$/,/^$/s/^Version: .*/Version: 1.0/' /var/lib/dpkg/status");
    await operations.lookForUpdates(entered, signal);
    const pending = readKnownUpdates(lxc.lxcPath, "debian")?.pending ?? [];
    const simulated = inside("debian", "apt-get -s -q --ignore-hold dist-upgrade | grep -c '^Inst [^ ]* \\['").trim();
    expect(pending).toHaveLength(Number(simulated));
    expect(pending).toContainEqual(expect.objectContaining({ name: "sudo", from: "1.0" }));
    expect((await find())?.state).toBe(pending.some(({ isSecurity }) => isSecurity) ? "problem" : "warning");

    await operations.installUpdates(entered, signal);
    expect(readKnownUpdates(lxc.lxcPath, "debian")).toMatchObject({ manager: "apt-get", pending: [] });
    expect(await find()).toMatchObject({ state: "ok", evidence: [expect.stringMatching(/^apt-get was asked on \d{4}/)] });
    expect(inside("debian", "dpkg -s sudo")).not.toContain("Version: 1.0\n");
    expect(tasks.snapshot().tasks.map(({ kind, state: how }) => `${kind} ${how}`)).toEqual([
      "look-for-updates succeeded",
      "update succeeded",
    ]);
    expect(tasks.snapshot().tasks.at(-1)?.notices).toEqual([expect.stringContaining("has all security updates")]);
  });

  it("starts all that it wants with a system that is read-only, and again when that is undone", { timeout: 600_000 }, async (context) => {
    if (lxc.reader.readOne("debian") === undefined) return context.skip("there is no Debian: its mirror could not be reached");
    const { operations } = createHelper();
    await operations.start("debian", signal);
    const reached = () => inside("debian", "systemctl is-system-running --wait || :").trim();
    await vi.waitFor(() => expect(reached()).toMatch(/^(running|degraded)$/), { timeout: 120_000, interval: 1_000 });
    if (reached() !== "running")
      return context.skip(`systemd does not start all here: ${inside("debian", "systemctl --failed --no-legend")}`);
    const finding = async () => (await auditContainer(lxc, "debian")).findings.find(({ check }) => check === "read-only");
    const [fix] = (await finding())?.fixes ?? [];
    expect(fix).toMatchObject({ check: "read-only", places: expect.arrayContaining([{ path: "/etc/resolv.conf", kept: "disk" }]) });
    if (!fix) return;
    await operations.harden({ name: "debian", fix, mayWeaken: false }, signal);
    expect(await finding()).toMatchObject({ state: "ok", canUndo: true });
    expect(inside("debian", "systemctl --failed --no-legend --plain")).toBe("");
    expect(reached()).toBe("running");
    expect(inside("debian", "touch /usr/new /etc/new 2>&1 | grep -c Read-only").trim()).toBe("2");
    // What a system writes in its time.
    expect(inside("debian", "logger hello && journalctl -q -n 50 --no-pager | grep -c hello").trim()).not.toBe("0");
    expect(inside("debian", "echo x > /var/lib/x && echo x > /tmp/x && echo x > /run/x && echo written").trim()).toBe("written");
    await operations.stop("debian", 60, signal);
    await operations.start("debian", signal);
    await vi.waitFor(() => expect(reached()).toBe("running"), { timeout: 120_000, interval: 1_000 });
    expect(inside("debian", "cat /var/lib/x; test -e /tmp/x || echo empty").trim()).toBe("x\nempty");
    await operations.soften("debian", "read-only", signal);
    await vi.waitFor(() => expect(reached()).toBe("running"), { timeout: 120_000, interval: 1_000 });
    expect(inside("debian", "rm /var/lib/x && touch /etc/new && echo written").trim()).toBe("written");
  });
});
