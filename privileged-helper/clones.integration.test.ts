import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Action, methods, type ParamsInputOf } from "./contract/methods.ts";
import { newContainerName } from "./contract/names.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import { createHandlers } from "./handlers.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createContainerReader } from "./lxc/list.ts";
import { createOperations } from "./lxc/operations.ts";
import { readProcFile } from "./lxc/proc.ts";
import { createTasks, type Tasks } from "./tasks.ts";
import { prepareCreating, type StartCreating, workersOf } from "./testing/creating-process.ts";
import { bundleHelper, startHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
let state: string;
let startCreating: StartCreating;
const signal = new AbortController().signal;

beforeAll(async () => {
  lxc = createRealLxc("clones");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-clones-"));
  startCreating = await prepareCreating(lxc.lxcPath, state);
  await create("base", { unprivileged: true });
});
afterAll(async () => {
  await lxc.close();
  rmSync(state, { recursive: true });
});

function createHelper(lxcPath = lxc.lxcPath, reader = lxc.reader) {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) }) };
}

type Wanted = Partial<ParamsInputOf<"containers.create">>;
const wanted = (name: string, others: Wanted = {}) =>
  methods["containers.create"].params.parse({
    name,
    source: { type: "template", template: "busybox" },
    unprivileged: false,
    start: false,
    address: "dhcp",
    network: { type: "none" },
    ...others,
  });
const create = (name: string, others?: Wanted) => createHelper().operations.create(wanted(name, others), signal);
const source = (from: string, copy: "instant" | "full" = "full", snapshot?: string) => ({ type: "clone" as const, from, copy, snapshot });
const clone = (name: string, ...from: Parameters<typeof source>) => create(name, { source: source(...from) });
const tryOut = (from: string) =>
  createHelper().operations.tryOut(methods["containers.try"].params.parse({ source: { type: "clone", from } }).source, signal);
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);
const folderOf = (name: string) => join(lxc.lxcPath, name);
const rootfsOf = (name: string) => join(folderOf(name), "rootfs");
const stateOf = (name: string) => lxc.reader.readOne(name)?.state;
const parsed = (name: string) => newContainerName.parse(name);

function expectNothingOf(name: string) {
  expect(existsSync(folderOf(name))).toBe(false);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(folderOf(name));
  expect(createJournal(join(state, "journal")).unfinished(lxc.lxcPath).size).toBe(0);
}

/** Node knows nothing of attributes. */
const python = (program: string, ...args: string[]) =>
  execFileSync("python3", ["-c", `import os, sys\n${program}`, ...args], { encoding: "utf8" });
/** All that is to be the same in a copy, but times of folders that the copy's own name is written into. */
const contentsOf = (root: string) =>
  python(
    `
import hashlib
root = sys.argv[1]
links = {}
for folder, folders, files in os.walk(root):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        status = os.lstat(path)
        shown = os.path.relpath(path, root)
        if shown in ("etc/hostname", "etc/hosts"): continue
        link = links.setdefault(status.st_ino, shown) if status.st_nlink > 1 and not os.path.isdir(path) else ""
        attributes = sorted((one, os.getxattr(path, one, follow_symlinks=False).hex()) for one in os.listxattr(path, follow_symlinks=False))
        content = os.readlink(path) if os.path.islink(path) else hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.isfile(path) else ""
        print(shown, oct(status.st_mode), status.st_uid, status.st_gid, status.st_rdev, link, attributes, content)
`,
    root,
  )
    .trim()
    .split("\n")
    .sort();

/** Files with everything that a careless copy loses. */
function addSpecialFiles(root: string, owner: number) {
  python(
    `
import struct
root, owner = sys.argv[1], int(sys.argv[2])
at = lambda name: os.path.join(root, name)
for name in ("listed", "capable", "marked", "first"): open(at(name), "w").write(name)
entries = ((1, 6, 0xffffffff), (2, 4, owner + 7), (4, 4, 0xffffffff), (0x10, 6, 0xffffffff), (0x20, 0, 0xffffffff))
os.setxattr(at("listed"), "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries))
os.setxattr(at("marked"), "user.note", b"kept")
os.chown(at("capable"), owner, owner)
os.setxattr(at("capable"), "security.capability", struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, owner))
os.link(at("first"), at("second"))
os.mkfifo(at("pipe"))
os.symlink("/etc/shadow", at("link"))
os.chmod(at("marked"), 0o4711)
with open(at("holes"), "wb") as file:
    file.truncate(64 * 1024 * 1024)
    file.write(b"start")
`,
    root,
    String(owner),
  );
}

/** Stops the cp that this process has begun as soon as it has written something. Returns what has it go on. */
async function holdUpCopy(): Promise<() => void> {
  for (;;) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const status = readProcFile(`/proc/${pid}/status`) ?? "";
      if (!/^Name:\tcp$/m.test(status) || !status.includes(`\nPPid:\t${process.pid}\n`)) continue;
      if (!/^wchar: [1-9]\d{6}/m.test(readProcFile(`/proc/${pid}/io`) ?? "")) continue;
      process.kill(Number(pid), "SIGSTOP");
      return () => process.kill(Number(pid), "SIGCONT");
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function atStep(tasks: Tasks, step: string): Promise<string> {
  return vi.waitFor(
    () => {
      const task = tasks.snapshot().tasks.find((one) => one.step === step && one.commands.length > 0);
      if (!task) throw new Error(`no task is at ${step}`);
      return task.id;
    },
    { timeout: 60_000, interval: 1 },
  );
}

describe("a full copy", () => {
  it("has all that its base has, of its own", async () => {
    addSpecialFiles(rootfsOf("base"), lstatSync(rootfsOf("base")).uid);
    mkdirSync(join(rootfsOf("base"), "etc"), { recursive: true });
    writeFileSync(join(rootfsOf("base"), "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    const before = contentsOf(rootfsOf("base"));
    await clone("copy", "base");
    expect(lxc.reader.readOne("copy")).toMatchObject({ state: "stopped", storage: "dir", privileged: false, clones: [] });
    expect(lxc.reader.readOne("copy")?.clonedFrom).toBeUndefined();
    const isMachineId = (line: string) => line.startsWith("etc/machine-id ");
    expect(contentsOf(rootfsOf("copy")).filter((line) => !isMachineId(line))).toEqual(before.filter((line) => !isMachineId(line)));
    expect(contentsOf(rootfsOf("base"))).toEqual(before);
    expect(readFileSync(join(rootfsOf("copy"), "etc/machine-id"), "utf8")).toBe("");
    expect(lstatSync(join(rootfsOf("copy"), "holes")).blocks * 512).toBeLessThan(1024 * 1024);
    expect(lstatSync(rootfsOf("copy"))).toMatchObject({ uid: lstatSync(rootfsOf("base")).uid, mode: lstatSync(rootfsOf("base")).mode });
    expect(lxc.run("lxc-ls", "-1").split("\n")).toContain("copy");
    await createHelper().operations.start("copy", signal);
    expect(lxc.inside("copy", "hostname").trim()).toBe("copy");
    await createHelper().operations.forceStop("copy", signal);
  });

  it("of an instant clone has the files of both, and needs neither", async () => {
    await clone("layer", "base", "instant");
    await createHelper().operations.start("layer", signal);
    lxc.inside("layer", "sh", "-c", "echo own > /root/own; rm /marked; rm -r /etc/init.d; mkdir /etc/init.d");
    await createHelper().operations.forceStop("layer", signal);
    await clone("flat", "layer");
    expect(lxc.reader.readOne("flat")).toMatchObject({ storage: "dir" });
    expect(readFileSync(join(rootfsOf("flat"), "root/own"), "utf8")).toBe("own\n");
    expect(existsSync(join(rootfsOf("flat"), "marked"))).toBe(false);
    expect(execFileSync("ls", [join(rootfsOf("flat"), "etc/init.d")], { encoding: "utf8" })).toBe("");
    expect(python("print(os.listxattr(sys.argv[1]))", join(rootfsOf("flat"), "etc/init.d"))).not.toContain("overlay");
    const { operations } = createHelper();
    await operations.destroy("layer", signal);
    await operations.start("flat", signal);
    expect(lxc.inside("flat", "cat", "/root/own")).toBe("own\n");
    await operations.forceStop("flat", signal);
    await operations.destroy("flat", signal);
    // Nor does LXC believe that anybody needs the base.
    expect(existsSync(join(folderOf("base"), "lxc_snapshots"))).toBe(false);
  });

  it("runs the administrator's own hooks, as an instant clone does", async () => {
    const hook = join(state, "hook");
    writeFileSync(hook, `#!/bin/sh\necho "$LXC_SRC_NAME $LXC_NAME" >> ${join(state, "called")}\n`, { mode: 0o700 });
    await create("hooked-base");
    appendFileSync(join(folderOf("hooked-base"), "config"), `lxc.hook.clone = ${hook}\n`);
    await clone("hooked", "hooked-base");
    expect(readFileSync(join(state, "called"), "utf8")).toBe("hooked-base hooked\n");
    const { operations } = createHelper();
    for (const name of ["hooked", "hooked-base"]) await operations.destroy(name, signal);
  });

  it("follows no link of its base", async () => {
    const victim = join(state, "victim");
    writeFileSync(victim, "base\n");
    await create("linked-base");
    for (const file of ["hostname", "hosts", "machine-id"]) {
      rmSync(join(rootfsOf("linked-base"), "etc", file), { force: true });
      symlinkSync(victim, join(rootfsOf("linked-base"), "etc", file));
    }
    await clone("linked", "linked-base");
    expect(readFileSync(victim, "utf8")).toBe("base\n");
    const { operations } = createHelper();
    for (const name of ["linked", "linked-base"]) await operations.destroy(name, signal);
  });
});

describe("what runs", () => {
  beforeAll(async () => {
    await create("running", { unprivileged: true, start: true });
    // Several files: the kernel counts a file's bytes once it is copied as a whole.
    for (let part = 0; part < 30; part++) {
      const file = join(rootfsOf("running"), `large-${part}`);
      execFileSync("dd", ["if=/dev/urandom", `of=${file}`, "bs=1M", "count=10", "status=none"]);
    }
  });

  it("is no base of an instant clone, and says what would help", async () => {
    expect(await problemOf(clone("impossible", "running", "instant"))).toMatchObject({
      code: "wrong-state",
      name: "running",
      state: "running",
      needed: expect.stringContaining("make a full copy"),
    });
    expect(await problemOf(tryOut("running"))).toMatchObject({ code: "wrong-state", name: "running" });
    expect(existsSync(folderOf("impossible"))).toBe(false);
  });

  it("is frozen while it is copied, tells how far that is, and goes on", async () => {
    const { operations, tasks } = createHelper();
    const fractions: number[] = [];
    const states: unknown[] = [];
    tasks.onChanged(({ changed }) => {
      const fraction = changed.find(({ step }) => step === "Copying its files")?.fraction;
      if (fraction === undefined) return;
      fractions.push(fraction);
      states.push(stateOf("running"));
    });
    const { initPid } = lxc.reader.readOne("running") ?? {};
    const copying = operations.create(wanted("of-running", { source: source("running") }), signal);
    // However fast the disk is: the copy waits until it was told how far it is.
    const goOn = await holdUpCopy();
    await vi.waitFor(() => expect(fractions.some((fraction) => fraction > 0 && fraction < 1)).toBe(true), { timeout: 10_000 });
    goOn();
    await copying;
    expect(new Set(states)).toEqual(new Set(["frozen"]));
    expect(lxc.reader.readOne("running")).toMatchObject({ state: "running", initPid });
    for (let part = 0; part < 30; part++) expect(lstatSync(join(rootfsOf("of-running"), `large-${part}`)).size).toBe(10 * 1024 * 1024);
    await operations.destroy("of-running", signal);
  });

  it("stays frozen where it was", async () => {
    const { operations } = createHelper();
    await operations.freeze("running", signal);
    await clone("of-frozen", "running");
    expect(stateOf("running")).toBe("frozen");
    await operations.unfreeze("running", signal);
    await operations.destroy("of-frozen", signal);
  });

  it("goes on when the copy is cancelled, of which nothing is left", async () => {
    const { operations, tasks } = createHelper();
    const copying = problemOf(operations.create(wanted("cancelled", { source: source("running") }), signal));
    tasks.cancel(await atStep(tasks, "Copying its files"));
    expect(await copying).toEqual({ code: "cancelled" });
    expect(stateOf("running")).toBe("running");
    expectNothingOf("cancelled");
  });

  it("may be stopped by force meanwhile", async () => {
    const { operations, tasks } = createHelper();
    const copying = problemOf(operations.create(wanted("of-killed", { source: source("running") }), signal));
    await atStep(tasks, "Copying its files");
    await operations.forceStop("running", signal);
    expect(await copying).toBeUndefined();
    expect(stateOf("running")).toBe("stopped");
    await operations.destroy("of-killed", signal);
    await operations.start("running", signal);
  });

  it("goes on once the next helper has started, where one is killed while it copies", async () => {
    const creating = startCreating("killed", { source: source("running"), network: { type: "none" } });
    const exited = once(creating, "exit");
    await vi.waitFor(() => expect(readdirSync(rootfsOf("killed"))).toContainEqual(expect.stringMatching(/^large-/)), {
      timeout: 60_000,
      interval: 1,
    });
    creating.kill("SIGKILL");
    await exited;
    expect(stateOf("running")).toBe("frozen");
    const { operations, tasks } = createHelper();
    await operations.recover();
    expect(
      tasks
        .snapshot()
        .tasks.map(({ kind, target, state }) => `${kind} ${target} ${state}`)
        .sort(),
    ).toEqual(["recover killed succeeded", "recover running succeeded"]);
    expect(stateOf("running")).toBe("running");
    expectNothingOf("killed");
    expect(workersOf(creating)).toEqual([]);
  });
});

describe("snapshots", () => {
  beforeAll(async () => {
    await create("kept", { unprivileged: true });
    writeFileSync(join(rootfsOf("kept"), "version"), "old");
    writeFileSync(join(state, "comment"), "Before the\u001b[31m update\nmore");
    lxc.run("lxc-snapshot", "-n", "kept", "-c", join(state, "comment"));
    writeFileSync(join(rootfsOf("kept"), "version"), "new");
  });
  const handlers = () => createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: true, notify() {}, sendData() {} }).methods;
  const context = { signal, authorize: async () => {} };

  it("are listed, without what is only called like one", async () => {
    symlinkSync(rootfsOf("base"), join(folderOf("kept"), "snaps/snap7"));
    mkdirSync(join(folderOf("kept"), "snaps/snap8"));
    mkdirSync(join(folderOf("kept"), "snaps/other"));
    const name = methods["containers.snapshots"].params.parse({ name: "kept" });
    const [snapshot, ...others] = await handlers()["containers.snapshots"](name, context);
    expect(others).toEqual([]);
    expect(snapshot).toEqual({ name: "snap0", createdAt: expect.any(Number), comment: "Before the[31m update" });
    expect(Math.abs((snapshot?.createdAt ?? 0) - lstatSync(join(folderOf("kept"), "snaps/snap0/ts")).mtimeMs)).toBeLessThan(120_000);
    expect(await handlers()["containers.snapshots"](methods["containers.snapshots"].params.parse({ name: "base" }), context)).toEqual([]);
  });

  it.each(["instant", "full"] as const)("can be cloned, %s, also while their container runs", async (copy) => {
    const { operations } = createHelper();
    await operations.start("kept", signal);
    const name = `of-snapshot-${copy}`;
    await create(name, { source: source("kept", copy, "snap0"), start: true });
    expect(lxc.inside(name, "cat", "/version")).toBe("old");
    expect(lxc.inside(name, "hostname").trim()).toBe(name);
    expect(lxc.reader.readOne(name)?.clonedFrom).toBe(copy === "instant" ? "kept" : undefined);
    for (const one of [name, "kept"]) await operations.forceStop(one, signal);
    if (copy === "instant")
      expect(await problemOf(operations.destroy("kept", signal))).toMatchObject({ code: "has-clones", clones: [name] });
    await operations.destroy(name, signal);
  });

  it("that are not there cannot", async () => {
    for (const snapshot of ["snap1", "snap7", "snap8"]) {
      expect(await problemOf(clone("impossible", "kept", "full", snapshot))).toEqual({ code: "not-found", what: `${snapshot} of kept` });
    }
    for (const snapshot of ["../snap0", "snap0;id", "snap", "other"])
      expect(() => wanted("impossible", { source: source("kept", "full", snapshot) })).toThrow();
    expect(existsSync(folderOf("impossible"))).toBe(false);
  });
});

/** A file system of its own, in a file. */
function mountLoop(type: string, megabytes: number): { lxcPath: string; close(): void } {
  const folder = mkdtempSync(join(state, `${type}-`));
  const file = `${folder}.img`;
  execFileSync("truncate", ["-s", `${megabytes}M`, file]);
  execFileSync(`/usr/sbin/mkfs.${type}`, ["-q", file], { stdio: "ignore" });
  execFileSync("mount", ["-o", "loop", file, folder]);
  const lxcPath = join(folder, "lxc");
  mkdirSync(lxcPath, { mode: 0o755 });
  return { lxcPath, close: () => execFileSync("umount", [folder]) };
}

describe("a disk that is too small", () => {
  it("is told before anything is copied, and where it fills meanwhile, nothing is left", async () => {
    const disk = mountLoop("ext4", 160);
    try {
      const reader = createContainerReader({ lxcPath: disk.lxcPath });
      const { operations, tasks } = createHelper(disk.lxcPath, reader);
      await operations.create(wanted("base"), signal);
      const large = join(disk.lxcPath, "base/rootfs/large");
      execFileSync("dd", ["if=/dev/urandom", `of=${large}`, "bs=1M", "count=90", "status=none"]);
      const copying = wanted("copy", { source: source("base") });
      expect(await problemOf(operations.create(copying, signal))).toMatchObject({
        code: "no-space",
        path: join(disk.lxcPath, "copy/rootfs"),
      });
      const commands = tasks.snapshot().tasks.at(-1)?.commands ?? [];
      expect(commands.map(([tool]) => tool)).not.toContain("cp");
      expect(existsSync(join(disk.lxcPath, "copy"))).toBe(false);

      rmSync(large);
      execFileSync("dd", ["if=/dev/urandom", `of=${large}`, "bs=1M", "count=60", "status=none"]);
      const filled = createHelper(disk.lxcPath, reader);
      const copied = problemOf(filled.operations.create(copying, signal));
      const goOn = await holdUpCopy();
      // Somebody else writes although there was enough room.
      const filler = [`of=${join(disk.lxcPath, "filler")}`, "bs=1M", "status=none"];
      try {
        expect(spawnSync("dd", ["if=/dev/zero", ...filler], { encoding: "utf8" }).stderr).toContain("No space left");
      } finally {
        goOn();
      }
      const problem = await copied;
      expect(problem).toMatchObject({ code: "no-space", path: join(disk.lxcPath, "copy/rootfs") });
      expect(
        filled.tasks
          .snapshot()
          .tasks.at(-1)
          ?.commands.map(([tool]) => tool),
      ).toContain("cp");
      expect(existsSync(join(disk.lxcPath, "copy"))).toBe(false);
      expect(reader.readOne("base")).toMatchObject({ state: "stopped", clones: [] });
      await operations.destroy("base", signal);
    } finally {
      disk.close();
    }
  });
});

const hasBtrfs = /\bbtrfs$/m.test(readFileSync("/proc/filesystems", "utf8")) && existsSync("/usr/sbin/mkfs.btrfs");
describe.skipIf(!hasBtrfs)("on btrfs (skipped where the kernel or mkfs.btrfs does not have it)", () => {
  it.each(["instant", "full"] as const)("a clone is a snapshot that does not need its base, also of what runs: %s", async (copy) => {
    const disk = mountLoop("btrfs", 300);
    const run = (tool: string, ...args: string[]) =>
      execFileSync(`/usr/bin/${tool}`, ["-P", disk.lxcPath, ...args], { encoding: "utf8", stdio: "pipe" });
    try {
      const reader = createContainerReader({ lxcPath: disk.lxcPath });
      const { operations } = createHelper(disk.lxcPath, reader);
      run("lxc-create", "-n", "base", "-t", "busybox", "-B", "btrfs");
      const config = join(disk.lxcPath, "base/config");
      writeFileSync(config, readFileSync(config, "utf8").replaceAll(/^lxc\.net.*\n/gm, ""));
      appendFileSync(config, "lxc.net.0.type = empty\n");
      await operations.start("base", signal);
      await operations.create(wanted("copy", { source: source("base", copy), network: undefined, start: true }), signal);
      expect(reader.readOne("copy")).toMatchObject({ state: "running", storage: "btrfs" });
      expect(reader.readOne("base")?.state).toBe("running");
      expect(run("lxc-attach", "-n", "copy", "--clear-env", "--", "hostname").trim()).toBe("copy");
      await operations.forceStop("base", signal);
      await operations.destroy("base", signal);
      expect(run("lxc-attach", "-n", "copy", "--clear-env", "--", "ls", "/bin/sh").trim()).toBe("/bin/sh");
      await operations.forceStop("copy", signal);
      await operations.destroy("copy", signal);
      expect(execFileSync("btrfs", ["subvolume", "list", disk.lxcPath], { encoding: "utf8" })).toBe("");
    } finally {
      for (const name of ["base", "copy"]) {
        try {
          run("lxc-stop", "-k", "-n", name);
        } catch {}
      }
      disk.close();
    }
  });
});

describe("this computer's own network", () => {
  it("is not had by cloning or trying what has it, but by those who may change any setting", async () => {
    await create("sharing", { network: { type: "host" } });
    const { methods: handlers } = createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: false, notify() {}, sendData() {} });
    const asked: string[] = [];
    const context = {
      signal,
      async authorize(action: Action, container: string) {
        asked.push(`${action} ${container}`);
        if (action === "configure-raw") throw new ProblemError({ code: "auth-denied", action });
      },
    };
    const denied = { problem: { code: "auth-denied", action: "configure-raw" } };
    const cloning = wanted("sharing-too", { source: source("sharing", "instant"), network: undefined });
    await expect(handlers["containers.create"](cloning, context)).rejects.toMatchObject(denied);
    const trying = methods["containers.try"].params.parse({ source: { type: "clone", from: "sharing" } });
    await expect(handlers["containers.try"](trying, context)).rejects.toMatchObject(denied);
    expect(asked).toEqual(["create sharing", "configure-raw sharing-too", "create sharing", "configure-raw sharing"]);
    // Nor where the question was asked before its base had it.
    await expect(createHelper().operations.create(cloning, signal)).rejects.toMatchObject(denied);
    expect(lxc.reader.readAll().filter(({ name }) => name.startsWith("sharing-"))).toEqual([]);
    // A network of its own needs nothing more.
    await create("sharing-not", { source: source("sharing", "instant") });
    const { operations } = createHelper();
    await operations.destroy("sharing-not", signal);
    await operations.create(cloning, signal, { hostNetwork: true });
    for (const name of ["sharing-too", "sharing"]) await operations.destroy(name, signal);
  });
});

describe("a throw-away container", () => {
  it("runs, is known as such, and goes when it is stopped", async () => {
    const { operations } = createHelper();
    const { name } = await tryOut("base");
    expect(name).toMatch(/^base-try-[a-z0-9]{4}$/);
    expect(lxc.reader.readOne(name)).toMatchObject({ state: "running", throwAway: true, clonedFrom: "base", privileged: false });
    await operations.forceStop(name, signal);
    expectNothingOf(name);
    const second = (await tryOut("base")).name;
    await operations.stop(second, 30, signal);
    expectNothingOf(second);
    expect(lxc.reader.readOne("base")?.clones).toEqual([]);
  });

  it("can be discarded, also twice, and nothing else can", async () => {
    const { operations } = createHelper();
    const { name } = await tryOut("base");
    await operations.discard(name);
    expectNothingOf(name);
    await operations.discard(name);
    expect(await problemOf(operations.discard("base"))).toMatchObject({ code: "not-supported" });
    expect(await problemOf(operations.keep("base", parsed("base-kept"), signal))).toMatchObject({ code: "not-supported" });
    expect(stateOf("base")).toBe("stopped");
  });

  it("that is kept as it is goes on, and stays when it is stopped", async () => {
    const { operations, journal } = createHelper();
    const { name } = await operations.tryOut(
      methods["containers.try"].params.parse({ source: { type: "clone", from: "base" } }).source,
      signal,
    );
    const { initPid } = lxc.reader.readOne(name) ?? {};
    await operations.keep(name, parsed(name), signal);
    expect(lxc.reader.readOne(name)).toMatchObject({ state: "running", initPid });
    expect(lxc.reader.readOne(name)?.throwAway).toBeUndefined();
    expect(operations.triedOut()).toEqual([]);
    await operations.forceStop(name, signal);
    expect(stateOf(name)).toBe("stopped");
    expect(journal.abandoned(lxc.lxcPath)).toEqual([]);
    await operations.destroy(name, signal);
  });

  it("that is kept under another name is an ordinary clone with all that was done in it", async () => {
    const { operations } = createHelper();
    const { name } = await operations.tryOut(
      methods["containers.try"].params.parse({ source: { type: "clone", from: "base" } }).source,
      signal,
    );
    lxc.inside(name, "sh", "-c", "echo done > /root/work");
    expect(await problemOf(operations.keep(name, parsed("base"), signal))).toEqual({ code: "already-exists", name: "base" });
    expect(lxc.reader.readOne(name)?.throwAway).toBe(true);
    await operations.keep(name, parsed("stays"), signal);
    expectNothingOf(name);
    expect(lxc.reader.readOne("stays")).toMatchObject({ state: "running", clonedFrom: "base" });
    expect(lxc.reader.readOne("stays")?.throwAway).toBeUndefined();
    expect(lxc.inside("stays", "cat", "/root/work")).toBe("done\n");
    expect(lxc.inside("stays", "hostname").trim()).toBe("stays");
    await operations.forceStop("stays", signal);
    await operations.destroy("stays", signal);
  });

  it("is not lost where keeping it under another name fails", async () => {
    const { operations, tasks } = createHelper();
    const { name } = await operations.tryOut(
      methods["containers.try"].params.parse({ source: { type: "clone", from: "base" } }).source,
      signal,
    );
    lxc.inside(name, "sh", "-c", "echo done > /root/work");
    const stopListening = tasks.onChanged(({ changed }) => {
      const keeping = changed.find(({ kind, step }) => kind === "keep" && step === `Cloning ${name}`);
      if (keeping) tasks.cancel(keeping.id);
    });
    expect(await problemOf(operations.keep(name, parsed("never"), signal))).toEqual({ code: "cancelled" });
    stopListening();
    expectNothingOf("never");
    expect(readFileSync(join(folderOf(name), "overlay/delta/root/work"), "utf8")).toBe("done\n");
    expect(tasks.snapshot().tasks.find(({ kind }) => kind === "keep")?.notices).toEqual([`It is kept as ${name}.`]);
    await createHelper().operations.destroy(name, signal);
  });

  it("leaves a copy that is none, and nothing when it is cancelled or does not start", async () => {
    const { operations, tasks } = createHelper();
    const { name } = await tryOut("base");
    await clone("of-tried", name);
    expect(lxc.reader.readOne("of-tried")?.throwAway).toBeUndefined();
    await operations.discard(name);
    await operations.destroy("of-tried", signal);
    for (const step of ["Cloning base", "Starting"]) {
      const trying = problemOf(
        operations.tryOut(methods["containers.try"].params.parse({ source: { type: "clone", from: "base" } }).source, signal),
      );
      const id = await atStep(tasks, step).catch(() => undefined);
      if (id !== undefined) tasks.cancel(id);
      expect(await trying).toEqual({ code: "cancelled" });
      expectNothingOf(tasks.snapshot().tasks.at(-1)?.target ?? "");
    }
    await create("broken");
    appendFileSync(join(folderOf("broken"), "config"), "lxc.init.cmd = /nothing\n");
    expect(await problemOf(tryOut("broken"))).toMatchObject({ code: "start-failed" });
    await operations.destroy("broken", signal);
    expect(lxc.reader.readAll().filter(({ throwAway }) => throwAway)).toEqual([]);
  });
});

describe("a helper with a throw-away container", () => {
  let script: string;
  beforeAll(async () => {
    const folder = join(state, "helper");
    mkdirSync(folder);
    script = await bundleHelper(folder);
  });
  const begin = async () => {
    const helper = startHelper(script, lxc.lxcPath);
    let said = "";
    helper.onData((_, bytes) => {
      said += Buffer.from(bytes).toString();
    });
    const { name } = await helper.call("containers.try", { source: { type: "clone", from: "base" } });
    const { channel } = await helper.call("terminal.open", { name, columns: 80, rows: 24 });
    const hasPrompt = () => vi.waitFor(() => expect(said).toContain("# "), { timeout: 10_000 });
    return { helper, name, channel, hasPrompt };
  };
  const isGone = (name: string) => vi.waitFor(() => expectNothingOf(name), { timeout: 30_000, interval: 50 });

  it("removes it with its last terminal", async () => {
    const { helper, name, channel } = await begin();
    const second = await helper.call("terminal.open", { name, columns: 80, rows: 24 });
    await helper.call("terminal.close", { channel });
    expect(stateOf(name)).toBe("running");
    await helper.call("terminal.close", { channel: second.channel });
    await isGone(name);
    await helper.close();
  });

  it("removes it when its shell ends, and when it is stopped from inside", async () => {
    for (const command of ["exit\n", "kill -USR2 1\n"]) {
      const { helper, name, channel, hasPrompt } = await begin();
      // What is typed before is lost: its shell first asks the terminal something.
      await hasPrompt();
      helper.sendData(channel, Buffer.from(command));
      await isGone(name);
      await helper.close();
    }
  });

  it("keeps it for the next page while it has a terminal, and removes it when no page comes, and when it ends", async () => {
    const { helper, name } = await begin();
    const unused = await helper.call("containers.try", { source: { type: "clone", from: "base" } });
    helper.notify("reset", {});
    await isGone(unused.name);
    expect(stateOf(name)).toBe("running");
    helper.notify("abandon", {});
    await isGone(name);
    const other = await helper.call("containers.try", { source: { type: "clone", from: "base" } });
    await helper.close();
    expectNothingOf(other.name);
  });

  it("keeps what was kept", async () => {
    const { helper, name } = await begin();
    await helper.call("containers.keep", { name, as: name });
    await helper.close();
    expect(stateOf(name)).toBe("running");
    const { operations } = createHelper();
    await operations.forceStop(name, signal);
    await operations.destroy(name, signal);
  });

  it.each([0, 20, 60, 120, 200])("leaves nothing for good where it is killed %d ms after it was asked for one", async (milliseconds) => {
    const before = lxc.reader.readAll().map(({ name }) => name);
    const helper = startHelper(script, lxc.lxcPath);
    // It answers, so it has started.
    await helper.call("containers.snapshots", { name: "base" });
    helper.call("containers.try", { source: { type: "clone", from: "base" } }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    process.kill(helper.pid, "SIGKILL");
    await helper.exited;
    const next = startHelper(script, lxc.lxcPath);
    await vi.waitFor(() => expect(lxc.reader.readAll().map(({ name }) => name)).toEqual(before), { timeout: 30_000, interval: 50 });
    await vi.waitFor(() => expect(createJournal().abandoned(lxc.lxcPath)).toEqual([]), { timeout: 30_000, interval: 50 });
    await next.close();
    expect(lxc.reader.readOne("base")?.clones).toEqual([]);
    expect(existsSync(join(folderOf("base"), "lxc_snapshots"))).toBe(false);
  });

  it("leaves it to the next one when it is killed", async () => {
    const { helper, name } = await begin();
    process.kill(helper.pid, "SIGKILL");
    await helper.exited;
    expect(stateOf(name)).toBe("running");
    const next = startHelper(script, lxc.lxcPath);
    await isGone(name);
    await next.close();
  });
});
