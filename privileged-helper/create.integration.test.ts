import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { type Action, methods, type ParamsInputOf } from "./contract/methods.ts";
import type { Container } from "./contract/model.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import { createArguments, templateArguments } from "./contract/template-options.ts";
import { createHandlers } from "./handlers.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { cgroupsOf } from "./lxc/cgroup.ts";
import { parseConfig, readEffectiveConfig, valuesOf } from "./lxc/config.ts";
import { openCounters } from "./lxc/counters.ts";
import { parseIdmaps } from "./lxc/idmap.ts";
import { readBridge, reservationsAreSetUp, systemFiles, undoNetworkSetup } from "./lxc/network.ts";
import { createOperations } from "./lxc/operations.ts";
import { readProcFile } from "./lxc/proc.ts";
import { findTemplate } from "./lxc/templates.ts";
import { createTasks, type Tasks } from "./tasks.ts";
import { prepareCreating, type StartCreating, workersOf } from "./testing/creating-process.ts";
import { cachedDebians, debianCache, restoreDebianCache } from "./testing/debian-cache.ts";
import { reasonWithoutMirror } from "./testing/debian-mirror.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { reservationsOf } from "./testing/reservations.ts";

/** Making, cloning and removing containers with LXC's own tools, on LXC's own bridge. */
let lxc: RealLxc;
let state: string;
let startCreating: StartCreating;
let wereReservationsSetUp: boolean;
const signal = new AbortController().signal;

beforeAll(async () => {
  lxc = createRealLxc("create");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-create-"));
  startCreating = await prepareCreating(lxc.lxcPath, state);
  wereReservationsSetUp = reservationsAreSetUp();
});
afterAll(async () => {
  // Through the helper, so that their addresses are given back.
  const { operations } = createHelper();
  for (const { name } of lxc.reader.readAll().filter(({ state }) => state !== "stopped")) await operations.forceStop(name, signal);
  for (let clones = true; clones; ) {
    const containers = lxc.reader.readAll();
    clones = containers.length > 0;
    for (const { name } of containers.filter((container) => container.clones.length === 0)) await operations.destroy(name, signal);
  }
  await lxc.close();
  rmSync(state, { recursive: true });
  // Unless somebody else has begun to use them meanwhile.
  const areInUse = existsSync(systemFiles.hosts) && readdirSync(systemFiles.hosts).length > 0;
  if (wereReservationsSetUp || areInUse) return;
  const { tasks } = createHelper();
  await tasks.run({ kind: "destroy", target: "", cancellable: false }, (task) => undoNetworkSetup(task));
});

function createHelper() {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const { lxcPath, reader } = lxc;
  return { tasks, journal, operations: createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) }) };
}

type Wanted = Partial<ParamsInputOf<"containers.create">>;
/** What the page asks for: an unprivileged BusyBox with an address of its own, that is started. */
function wanted(name: string, others: Wanted = {}) {
  return methods["containers.create"].params.parse({
    name,
    source: { type: "template", template: "busybox" },
    unprivileged: true,
    start: true,
    address: "static",
    ...others,
  });
}
const create = (name: string, others?: Wanted) => createHelper().operations.create(wanted(name, others), signal);
const clone = (name: string, from: string, others: Wanted = {}) => create(name, { source: { type: "clone", from }, ...others });
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);

function read(name: string): Container & { initPid: number } {
  const container = lxc.reader.readOne(name);
  if (!container?.initPid) throw new Error(`${name} does not run: ${JSON.stringify(container)}`);
  return { ...container, initPid: container.initPid };
}
const folderOf = (name: string) => join(lxc.lxcPath, name);
const configOf = (name: string) => readFileSync(join(folderOf(name), "config"), "utf8");
const settingOf = (name: string, key: string) => valuesOf(parseConfig(configOf(name)), key).at(-1);
const uidMapOf = (name: string) =>
  readFileSync(`/proc/${read(name).initPid}/uid_map`, "utf8")
    .trim()
    .split(/\s+/)
    .map(Number);
function idsOf(name: string) {
  const [range] = parseIdmaps(valuesOf(readEffectiveConfig(join(folderOf(name), "config")).entries, "lxc.idmap"));
  if (!range) throw new Error(`${name} has no ids of its own`);
  return range;
}
/** IPv4 addresses of the interface, as its own tools tell them. */
const addressesInside = (name: string) =>
  [...lxc.inside(name, "ip", "-4", "-o", "addr", "show", "dev", "eth0").matchAll(/inet ([\d.]+)/g)].map(([, address]) => address);

const reservations = () => reservationsOf(lxc.lxcPath);

/** Everything that making a container could leave behind, apart from the finished ones. */
function expectNothingOf(name: string, reservedBefore: string[]) {
  expect(existsSync(folderOf(name))).toBe(false);
  expect(reservations()).toEqual(reservedBefore);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(folderOf(name));
  expect(createJournal(join(state, "journal")).unfinished(lxc.lxcPath).size).toBe(0);
  expect(processesThatMention(name)).toEqual([]);
}

function processesThatMention(name: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return text.includes(folderOf(name)) || text.includes(`-n ${name} -P ${lxc.lxcPath} `) ? [text] : [];
      } catch {
        return [];
      }
    });
}

/** Resolves at the first answer, which is that nothing listens there. */
function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 9, timeout: 10_000 });
    socket.once("connect", () => resolve(true));
    socket.once("timeout", () => resolve(false));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
    socket.once("close", () => socket.destroy());
  });
}

/** The step of a task that is cancelled as soon as it comes, while the tool that it runs is at work. */
async function cancelAtStep(tasks: Tasks, step: string | RegExp): Promise<void> {
  const id = await vi.waitFor(
    () => {
      const task = tasks.snapshot().tasks.find((one) => one.step?.match(step) && one.commands.length > 0);
      if (!task) throw new Error(`no task is at ${step}`);
      return task.id;
    },
    { timeout: 120_000, interval: 1 },
  );
  tasks.cancel(id);
}

describe("teaching the bridge's DHCP server about reservations", () => {
  it("keeps containers that run on the network", async (context) => {
    const bridge = readBridge();
    if (!bridge) return context.skip("LXC's own bridge is not there");
    if (wereReservationsSetUp) return context.skip("that was done before these tests");
    await create("connected", { unprivileged: false, address: "dhcp" });
    await vi.waitFor(() => expect(read("connected").ipv4).toHaveLength(1), { timeout: 30_000, interval: 100 });
    const [address = ""] = read("connected").ipv4;
    expect(reservationsAreSetUp()).toBe(false);
    await create("first", { unprivileged: false, start: false });
    expect(reservationsAreSetUp()).toBe(true);
    expect(await answers(address)).toBe(true);
    expect(lxc.inside("connected", "ping", "-c", "1", "-W", "10", bridge.address)).toContain("1 packets received");
    expect(read("connected").ipv4).toEqual([address]);
  });
});

describe("a privileged container", () => {
  it("is made as its template says, and runs as root itself", async () => {
    await create("privileged", { unprivileged: false });
    expect(read("privileged")).toMatchObject({ state: "running", privileged: true, storage: "dir", autostart: false });
    expect(uidMapOf("privileged")).toEqual([0, 0, 4_294_967_295]);
    expect(lstatSync(join(folderOf("privileged"), "rootfs")).uid).toBe(0);
    expect(configOf("privileged")).not.toContain("lxc.idmap");
  });

  it("is closed to everybody else on the host", () => {
    expect(lstatSync(folderOf("privileged")).mode & 0o007).toBe(0);
  });

  it("keeps its console's output, of a bounded size", () => {
    expect(settingOf("privileged", "lxc.console.logfile")).toBe(join(folderOf("privileged"), "console.log"));
    expect(settingOf("privileged", "lxc.console.size")).toBe("1048576");
    expect(existsSync(join(folderOf("privileged"), "console.log"))).toBe(true);
  });

  it("has nothing in its folder but what LXC needs", () => {
    // Where the host has AppArmor, LXC generates a profile.
    const hasAppArmor = readProcFile("/sys/module/apparmor/parameters/enabled")?.startsWith("Y");
    const expected = [...(hasAppArmor ? ["apparmor"] : []), "config", "console.log", "lxc.log", "rootfs"];
    expect(readdirSync(folderOf("privileged")).sort()).toEqual(expected);
  });
});

describe("a template", () => {
  it("gets what it was asked for, and runs by the very command that was shown before", async () => {
    const { options: form } = await findTemplate("busybox");
    const [busybox = ""] = form.find(({ name }) => name === "busybox-path")?.suggestions ?? [];
    expect(busybox).toMatch(/^\/(usr\/)?s?bin\/busybox$/);
    const options = { "busybox-path": busybox };
    const { operations, tasks } = createHelper();
    await operations.create(wanted("asked", { source: { type: "template", template: "busybox", options }, start: false }), signal);
    const forTemplate = templateArguments(form, options, "concealed");
    const command = ["lxc-create", ...createArguments({ lxcPath: lxc.lxcPath, name: "asked", template: "busybox" }, forTemplate)];
    // On a computer that gives no ids to anybody yet, root is given some first.
    expect(tasks.snapshot().tasks[0]?.commands).toContainEqual(command);
    expect(command.join(" ")).toContain(` -- --busybox-path ${busybox}`);
    expect(configOf("asked")).toContain(`# Parameters passed to the template: --busybox-path ${busybox}`);
    expect(readFileSync(join(folderOf("asked"), "rootfs/bin/busybox"))).toEqual(readFileSync(busybox));
  });
});

describe("an unprivileged container", () => {
  it("runs with ids of its own, which are root's nowhere else", async () => {
    await create("unprivileged");
    expect(read("unprivileged")).toMatchObject({ state: "running", privileged: false });
    const { first, count } = idsOf("unprivileged");
    expect(first).toBeGreaterThanOrEqual(100_000);
    expect(uidMapOf("unprivileged")).toEqual([0, first, count]);
    expect(lstatSync(`/proc/${read("unprivileged").initPid}`).uid).toBe(first);
  });

  it("does not claim what the kernel grants nobody there, and has all else", () => {
    const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${read("unprivileged").initPid}/status`, "utf8"))?.[1] ?? "";
    // Numbers of capabilities: linux/capability.h.
    const has = (capability: number) => (BigInt(`0x${bounding}`) >> BigInt(capability)) & 1n;
    expect(Object.entries({ sys_module: 16, sys_rawio: 17, sys_time: 25 }).filter(([, number]) => has(number))).toEqual([]);
    expect(Object.entries({ net_admin: 12, sys_admin: 21, mknod: 27, mac_admin: 33 }).filter(([, number]) => !has(number))).toEqual([]);
  });

  it("owns every file of its root file system, and no device", () => {
    const { first, count } = idsOf("unprivileged");
    const rootfs = join(folderOf("unprivileged"), "rootfs");
    const last = first + count - 1;
    const foreign = ["-uid", `-${first}`, "-o", "-uid", `+${last}`, "-o", "-gid", `-${first}`, "-o", "-gid", `+${last}`];
    expect(
      execFileSync("find", [rootfs, "-xdev", "(", ...foreign, "-o", "-type", "b", "-o", "-type", "c", ")"], { encoding: "utf8" }),
    ).toBe("");
  });

  it("is root inside, and what it writes belongs to its ids", () => {
    expect(lxc.inside("unprivileged", "id", "-u").trim()).toBe("0");
    lxc.inside("unprivileged", "touch", "/root/made-inside");
    expect(lstatSync(join(folderOf("unprivileged"), "rootfs/root/made-inside")).uid).toBe(idsOf("unprivileged").first);
  });

  it("lets its root through to its files, and shows others nothing", () => {
    expect((lstatSync(folderOf("unprivileged")).mode & 0o777).toString(8)).toBe("711");
    expect((lstatSync(join(folderOf("unprivileged"), "config")).mode & 0o007).toString(8)).toBe("0");
  });

  it("has other ids than the next one, also when both are made at once", async () => {
    await Promise.all([create("ids-1", { start: false }), create("ids-2", { start: false })]);
    const firsts = ["unprivileged", "ids-1", "ids-2"].map((name) => idsOf(name).first);
    expect(new Set(firsts).size).toBe(3);
  });
});

describe("the ids of an unprivileged container", () => {
  it("are written by LXC itself, and the tools for that stay within reach of hooks", async () => {
    const found = join(state, "newuidmap");
    const hook = `lxc.hook.pre-start = /bin/sh -c "command -v newuidmap > ${found}"\n`;
    appendFileSync(join(folderOf("ids-1"), "config"), hook);
    const { operations } = createHelper();
    await operations.start("ids-1", signal);
    expect(uidMapOf("ids-1")).toEqual([0, idsOf("ids-1").first, idsOf("ids-1").count]);
    expect(readFileSync(join(folderOf("ids-1"), "lxc.log"), "utf8")).toContain("newuidmap is lacking necessary privileges");
    expect(readFileSync(found, "utf8").trim()).toMatch(/^\/usr\/s?bin\/newuidmap$/);
    await operations.forceStop("ids-1", signal);
  });
});

describe("what cannot be made", () => {
  it("is refused where the name is taken, and what has it stays as it is", async () => {
    const before = configOf("unprivileged");
    const reserved = reservations();
    expect(await problemOf(create("unprivileged"))).toEqual({ code: "already-exists", name: "unprivileged" });
    expect(await problemOf(clone("unprivileged", "ids-1"))).toEqual({ code: "already-exists", name: "unprivileged" });
    expect(configOf("unprivileged")).toBe(before);
    expect(reservations()).toEqual(reserved);
    expect(read("unprivileged").state).toBe("running");
  });

  it("is refused where there is no such template, or it has no such option, or no such value", async () => {
    const unknown = create("impossible", { source: { type: "template", template: "nothing" } });
    expect(await problemOf(unknown)).toEqual({ code: "not-found", what: "template nothing" });
    const released = create("impossible", { source: { type: "template", template: "busybox", options: { release: "trixie" } } });
    expect(await problemOf(released)).toEqual({
      code: "invalid-request",
      issues: [{ path: "source.options.release", message: "The BusyBox template has no such option." }],
    });
    const elsewhere = create("impossible", { source: { type: "template", template: "busybox", options: { "busybox-path": "/tmp/x" } } });
    expect(await problemOf(elsewhere)).toMatchObject({ code: "invalid-request", issues: [{ path: "source.options.busybox-path" }] });
    expect(existsSync(folderOf("impossible"))).toBe(false);
  });

  it("is refused as a clone of nothing, and of one that runs", async () => {
    expect(await problemOf(clone("impossible", "nowhere"))).toEqual({ code: "not-found", what: "nowhere" });
    expect(await problemOf(clone("impossible", "unprivileged"))).toMatchObject({ code: "wrong-state", name: "unprivileged" });
    expect(existsSync(folderOf("impossible"))).toBe(false);
  });

  it("leaves what another program made of that name meanwhile", async () => {
    const { operations, tasks } = createHelper();
    const stopListening = tasks.onChanged(({ changed }) => {
      // After the check, before the work.
      if (changed.length > 0 && !existsSync(folderOf("raced"))) lxc.makeContainer("raced");
    });
    expect(await problemOf(operations.create(wanted("raced"), signal))).toEqual({ code: "already-exists", name: "raced" });
    stopListening();
    // Nor will the next helper take it for half made.
    expect(createJournal(join(state, "journal")).unfinished(lxc.lxcPath).size).toBe(0);
    expect(lxc.reader.readOne("raced")?.state).toBe("stopped");
    expect(existsSync(join(folderOf("raced"), "rootfs/bin"))).toBe(true);
  });
});

describe.each([
  ["a privileged one", "base-privileged", false],
  ["an unprivileged one", "base-unprivileged", true],
])("clones of %s", (_, base, unprivileged) => {
  const one = `${base}-one`;
  const two = `${base}-two`;
  const copy = `${base}-copy`;

  it("run, each with changes of its own, while the base stays as it was", async () => {
    await create(base, { unprivileged, start: false });
    // As other templates do; BusyBox's has everything in its own file.
    writeFileSync(join(folderOf(base), "config"), `lxc.include = /usr/share/lxc/config/common.conf\n${configOf(base)}`);
    await Promise.all([clone(one, base), clone(two, base)]);
    for (const name of [one, two]) {
      expect(read(name)).toMatchObject({ state: "running", storage: "overlay", clonedFrom: base, privileged: !unprivileged });
      lxc.inside(name, "sh", "-c", `echo ${name} > /root/who`);
    }
    expect(lxc.inside(one, "cat", "/root/who")).toBe(`${one}\n`);
    expect(lxc.inside(two, "cat", "/root/who")).toBe(`${two}\n`);
    expect(existsSync(join(folderOf(base), "rootfs/root/who"))).toBe(false);
  });

  it("have the ids of their base", () => {
    expect(uidMapOf(one)).toEqual(unprivileged ? [0, idsOf(base).first, idsOf(base).count] : [0, 0, 4_294_967_295]);
    const upper = join(folderOf(one), "overlay/delta/root/who");
    expect(lstatSync(upper).uid).toBe(unprivileged ? idsOf(base).first : 0);
  });

  it("have a name, a network identity and logs of their own", () => {
    expect(lxc.inside(one, "hostname").trim()).toBe(one);
    for (const key of ["lxc.net.0.hwaddr", "lxc.net.0.ipv4.address", "lxc.console.logfile"]) {
      expect(new Set([base, one, two].map((name) => settingOf(name, key))).size).toBe(3);
      expect(valuesOf(parseConfig(configOf(one)), key)).toHaveLength(1);
    }
    expect(settingOf(one, "lxc.console.logfile")).toBe(join(folderOf(one), "console.log"));
    expect(existsSync(join(folderOf(one), "console.log"))).toBe(true);
  });

  it("change nothing that links in their base lead to", async () => {
    const outside = mkdtempSync(join(state, "outside-"));
    const rootfs = join(folderOf(base), "rootfs");
    const files = ["hostname", "hosts", "network", "ifcfg-eth0", "sshd_config"].map((file) => join(outside, file));
    for (const file of files) writeFileSync(file, `HOSTNAME=${base} ${base}\n`);
    const links = { hostname: "hostname", hosts: "hosts", sysconfig: ".", ssh: "." };
    symlinkSync(outside, join(outside, "network-scripts"));
    for (const [link, target] of Object.entries(links)) {
      rmSync(join(rootfs, "etc", link), { recursive: true, force: true });
      symlinkSync(join(outside, target), join(rootfs, "etc", link));
    }
    const before = readdirSync(outside);
    const linked = `${base}-linked`;
    await clone(linked, base);
    expect(lxc.inside(linked, "hostname").trim()).toBe(linked);
    for (const file of files) expect(readFileSync(file, "utf8"), file).toBe(`HOSTNAME=${base} ${base}\n`);
    expect(readdirSync(outside)).toEqual(before);
    const { operations } = createHelper();
    await operations.forceStop(linked, signal);
    await operations.destroy(linked, signal);
    for (const link of Object.keys(links)) rmSync(join(rootfs, "etc", link));
  });

  it("have run a hook that is the administrator's own, and no other, with both configurations as they were", async () => {
    const called = join(state, `called-for-${base}`);
    const hook = join(state, "hook");
    writeFileSync(hook, '#!/bin/sh\necho "$LXC_SRC_NAME $LXC_NAME" >> "$1"\n', { mode: 0o700 });
    const hosts = join(folderOf(base), "rootfs/etc/hosts");
    writeFileSync(hosts, `127.0.1.1 ${base} x${base}\n`);
    const before = configOf(base);
    const line = `lxc.hook.clone = ${hook} ${called}\n`;
    appendFileSync(join(folderOf(base), "config"), line);
    const hooked = `${base}-hooked`;
    await clone(hooked, base, { start: false });
    expect(readFileSync(called, "utf8")).toBe(`${base} ${hooked}\n`);
    expect(configOf(base)).toBe(before + line);
    expect(valuesOf(parseConfig(configOf(hooked)), "lxc.hook.clone")).toEqual([`${hook} ${called}`]);
    expect(readFileSync(join(folderOf(hooked), "overlay/delta/etc/hosts"), "utf8")).toBe(`127.0.1.1 ${hooked} x${base}\n`);
    expect(readdirSync(folderOf(hooked)).sort()).toEqual(["config", "lxc_rdepends", "overlay", "rootfs"]);
    await createHelper().operations.destroy(hooked, signal);
    writeFileSync(join(folderOf(base), "config"), before);
    rmSync(hosts);
  });

  it("can have another folder in the place of one of their base, and so can theirs", async () => {
    lxc.inside(
      one,
      "sh",
      "-c",
      "cd /etc && ls init.d/rcS && rm -r init.d && mkdir init.d && touch init.d/new && mv init.d moved && mkdir init.d",
    );
    const { operations } = createHelper();
    await operations.forceStop(one, signal);
    const copied = `${base}-replaced`;
    await clone(copied, one);
    expect(lxc.inside(copied, "ls", "/etc/init.d", "/etc/moved")).toBe("/etc/init.d:\n\n/etc/moved:\nnew\n");
    await operations.forceStop(copied, signal);
    await operations.destroy(copied, signal);
    await operations.start(one, signal);
  });

  it("can be cloned with their changes, and then do not need each other", async () => {
    const { operations } = createHelper();
    await operations.forceStop(one, signal);
    await clone(copy, one);
    expect(lxc.inside(copy, "cat", "/root/who")).toBe(`${one}\n`);
    expect(read(copy).clonedFrom).toBe(base);
    await operations.destroy(one, signal);
    expect(existsSync(folderOf(one))).toBe(false);
    expect(lxc.inside(copy, "cat", "/root/who")).toBe(`${one}\n`);
  });

  it("keep their base from being removed, until the last of them has gone", async () => {
    const { operations } = createHelper();
    expect(await problemOf(operations.destroy(base, signal))).toEqual({ code: "has-clones", name: base, clones: [copy, two] });
    expect(existsSync(join(folderOf(base), "rootfs/bin"))).toBe(true);
    for (const name of [copy, two]) {
      await operations.forceStop(name, signal);
      await operations.destroy(name, signal);
    }
    await operations.destroy(base, signal);
    expect(existsSync(folderOf(base))).toBe(false);
  });
});

describe("what a container is asked besides", () => {
  const resources = { cpus: 0.5, memoryBytes: 64 * 1024 * 1024, processes: 40 };
  /** What the kernel says that it may use. */
  const limitsOf = (name: string) => {
    const cgroups = cgroupsOf(read(name).initPid);
    if (!cgroups) throw new Error(`${name} has ended`);
    const counters = openCounters({ cgroups, initFolder: `/proc/${read(name).initPid}` });
    try {
      const { cpuLimit, memoryLimitBytes, processesLimit } = counters.read() ?? {};
      return { cpus: cpuLimit, memoryBytes: memoryLimitBytes, processes: processesLimit };
    } finally {
      counters.close();
    }
  };

  it("limits it, as the kernel itself says", async () => {
    await create("limited", { resources, autostart: true });
    expect(limitsOf("limited")).toEqual(resources);
    expect(read("limited").autostart).toBe(true);
    const memory = cgroupsOf(read("limited").initPid)?.memory ?? "";
    const file = existsSync(join(memory, "memory.max")) ? "memory.max" : "memory.limit_in_bytes";
    expect(readFileSync(join(memory, file), "utf8").trim()).toBe("67108864");
  });

  it("limits a clone as its base, and otherwise where that was asked for; it does not start by itself because its base does", async () => {
    const { operations } = createHelper();
    await operations.forceStop("limited", signal);
    await clone("limited-alike", "limited");
    expect(limitsOf("limited-alike")).toEqual(resources);
    expect(read("limited-alike").autostart).toBe(false);
    await clone("limited-less", "limited", { resources: { memoryBytes: 128 * 1024 * 1024, cpus: 1 }, autostart: true });
    expect(limitsOf("limited-less")).toEqual({ cpus: 1, memoryBytes: 128 * 1024 * 1024, processes: 40 });
    expect(read("limited-less").autostart).toBe(true);
    expect(valuesOf(parseConfig(configOf("limited-less")), "lxc.start.auto")).toEqual(["1"]);
  });

  it("connects it to nothing", async () => {
    const before = reservations();
    await create("alone", { network: { type: "none" } });
    await clone("alone-too", "limited", { network: { type: "none" } });
    for (const name of ["alone", "alone-too"]) {
      const links = lxc.inside(name, "ip", "-o", "link").trim().split("\n");
      expect(links).toHaveLength(1);
      expect(links[0]).toMatch(/^1: lo: <LOOPBACK,UP,/);
    }
    expect(configOf("alone-too")).not.toContain("hwaddr");
    expect(reservations()).toEqual(before);
  });

  it("connects it to a bridge, also a clone of one that was connected to nothing", async (context) => {
    const bridge = readBridge();
    if (!bridge) return context.skip("LXC's own bridge is not there");
    const { operations } = createHelper();
    await operations.forceStop("alone", signal);
    await clone("not-alone", "alone", { network: { type: "bridge", bridge: bridge.name } });
    const [address] = (settingOf("not-alone", "lxc.net.0.ipv4.address") ?? "").split("/");
    // Its base was made without an address to keep, so that its DHCP client asks anew, and gets the same.
    await vi.waitFor(() => expect(read("not-alone").ipv4).toEqual([address]), { timeout: 30_000, interval: 100 });
    expect(await answers(address ?? "")).toBe(true);
  });

  it("is refused where this computer cannot do it, before anything is made", async () => {
    const shared = { network: { type: "host" } } as const;
    const issueOf = async (making: Promise<unknown>) => {
      const problem = await problemOf(making);
      return problem?.code === "invalid-request" ? problem.issues[0]?.path : problem;
    };
    expect(await issueOf(create("impossible", shared))).toBe("network");
    // What counts is its base, whatever was asked for.
    expect(await issueOf(clone("impossible", "alone", { ...shared, unprivileged: false }))).toBe("network");
    expect(await issueOf(create("impossible", { network: { type: "bridge", bridge: "no-bridge" } }))).toBe("network.bridge");
    expect(existsSync(folderOf("impossible"))).toBe(false);
  });

  it("shares this computer's network only for those who may change any setting", async () => {
    const { methods: handlers } = createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: false, notify() {}, sendData() {} });
    const asked: string[] = [];
    const context = {
      signal,
      async authorize(action: Action, container: string) {
        asked.push(`${action} ${container}`);
        throw new ProblemError({ code: "auth-denied", action });
      },
    };
    const making = handlers["containers.create"](wanted("sharing", { network: { type: "host" }, unprivileged: false }), context);
    await expect(making).rejects.toMatchObject({ problem: { code: "auth-denied", action: "configure-raw" } });
    expect(asked).toEqual(["configure-raw sharing"]);
    expect(existsSync(folderOf("sharing"))).toBe(false);
  });

  it("shares this computer's network, where it is privileged", async () => {
    // It is not started: what asks for an address inside would do so for this computer.
    await create("sharing", { network: { type: "host" }, unprivileged: false, start: false });
    expect(valuesOf(parseConfig(configOf("sharing")), "lxc.net.0.type")).toEqual(["none"]);
    expect(
      parseConfig(configOf("sharing"))
        .filter(({ key }) => key.startsWith("lxc.net"))
        .map(({ key }) => key),
    ).toEqual(["lxc.net", "lxc.net.0.type"]);
  });
});

describe("an address that is there at once", () => {
  const skipWithoutBridge = (context: TestContext) => {
    if (!readBridge()) context.skip("LXC's own bridge is not there");
  };

  it("is the same in the configuration, outside, and inside, before and after DHCP was asked", async (context) => {
    skipWithoutBridge(context);
    const [address] = (settingOf("unprivileged", "lxc.net.0.ipv4.address") ?? "").split("/");
    expect(read("unprivileged").ipv4).toEqual([address]);
    const mac = settingOf("unprivileged", "lxc.net.0.hwaddr") ?? "";
    // udhcpc asks, and sets what it was given.
    const leases = systemFiles.leases.replace("BRIDGE", readBridge()?.name ?? "");
    await vi.waitFor(() => expect(readFileSync(leases, "utf8")).toContain(` ${mac} ${address} `), { timeout: 30_000, interval: 100 });
    await vi.waitFor(() => expect(addressesInside("unprivileged")).toEqual([address]), { timeout: 10_000, interval: 100 });
    expect(lxc.inside("unprivileged", "ps")).toContain("udhcpc");
    expect(read("unprivileged").ipv4).toEqual([address]);
    expect(await answers(address ?? "")).toBe(true);
  });

  it("is never taken away by the DHCP client inside, also while it asks", async (context) => {
    skipWithoutBridge(context);
    const [address] = (settingOf("unprivileged", "lxc.net.0.ipv4.address") ?? "").split("/");
    const broadcast = address?.replace(/\d+$/, "255");
    const script = (event: string) =>
      lxc.inside(
        "unprivileged",
        "env",
        "interface=eth0",
        `ip=${address}`,
        "mask=24",
        `broadcast=${broadcast}`,
        "/etc/udhcpc/default.script",
        event,
      );
    expect(script("deconfig")).toBe("");
    expect(addressesInside("unprivileged")).toEqual([address]);
    expect(script("bound")).toBe("");
    expect(addressesInside("unprivileged")).toEqual([address]);
  });

  it("keeps to DHCP's own ways where it asked for that", async (context) => {
    skipWithoutBridge(context);
    await create("left-to-dhcp", { address: "dhcp", start: false });
    expect(readFileSync(join(folderOf("left-to-dhcp"), "rootfs/etc/udhcpc/default.script"), "utf8")).toContain(
      "ip addr flush dev $interface",
    );
  });

  it("answers when starting is done, without anything being asked", async (context) => {
    skipWithoutBridge(context);
    const { operations } = createHelper();
    await create("silent", { start: false });
    // Nothing in there asks for an address.
    rmSync(join(folderOf("silent"), "rootfs/bin/udhcpc"));
    await operations.start("silent", signal);
    const [address] = (settingOf("silent", "lxc.net.0.ipv4.address") ?? "").split("/");
    expect(read("silent").ipv4).toEqual([address]);
    expect(await answers(address ?? "")).toBe(true);
    expect(lxc.inside("silent", "ip", "route")).toContain(`default via ${readBridge()?.address}`);
    expect(lxc.inside("silent", "ip", "-o", "addr", "show", "dev", "eth0")).toContain(`brd ${address?.replace(/\d+$/, "255")}`);
  });

  it("is another one for each, also when they are made at once", async (context) => {
    skipWithoutBridge(context);
    const names = ["at-once-1", "at-once-2", "at-once-3"];
    await Promise.all(names.map((name) => create(name, { unprivileged: false, start: false })));
    const addresses = names.map((name) => settingOf(name, "lxc.net.0.ipv4.address"));
    expect(addresses.every((address) => address?.match(/^[\d.]+\/\d+ [\d.]+$/))).toBe(true);
    expect(new Set(addresses).size).toBe(3);
    expect(new Set(names.map((name) => settingOf(name, "lxc.net.0.hwaddr"))).size).toBe(3);
  });

  it("is free again once the container has gone", async (context) => {
    skipWithoutBridge(context);
    const before = reservations();
    await create("short-lived", { unprivileged: false, start: false });
    expect(reservations()).toHaveLength(before.length + 1);
    await createHelper().operations.destroy("short-lived", signal);
    expect(reservations()).toEqual(before);
  });

  it("goes to the next container although the DHCP server has a lease of it, and that one's client is given it, too", async (context) => {
    skipWithoutBridge(context);
    const leases = systemFiles.leases.replace("BRIDGE", readBridge()?.name ?? "");
    const expiryOf = (address: string) =>
      Number(
        readFileSync(leases, "utf8")
          .split("\n")
          .find((line) => line.includes(` ${address} `))
          ?.split(" ")[0] ?? 0,
      );
    const identities: (string | undefined)[] = [];
    for (const name of ["before", "after"]) {
      await create(name, { start: false });
      const [address = ""] = (settingOf(name, "lxc.net.0.ipv4.address") ?? "").split("/");
      // There may be one of earlier containers.
      const lastExpiry = expiryOf(address);
      await createHelper().operations.start(name, signal);
      await vi.waitFor(() => expect([lastExpiry, 0]).not.toContain(expiryOf(address)), { timeout: 30_000, interval: 100 });
      await vi.waitFor(() => expect(addressesInside(name)).toEqual([address]), { timeout: 10_000, interval: 100 });
      identities.push(`${address} ${settingOf(name, "lxc.net.0.hwaddr")}`);
      await createHelper().operations.forceStop(name, signal);
      await createHelper().operations.destroy(name, signal);
      // The server counts in seconds.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
    }
    expect(identities[1]).toBe(identities[0]);
  });

  it("is not there where DHCP was wanted", async () => {
    const before = reservations();
    await create("by-dhcp", { start: false, address: "dhcp" });
    expect(configOf("by-dhcp")).not.toContain("lxc.net.0.ipv4");
    expect(settingOf("by-dhcp", "lxc.net.0.hwaddr")).toMatch(/^00:16:3e(:[0-9a-f]{2}){3}$/);
    expect(reservations()).toEqual(before);
    // Nor in a clone of one that has an address.
    await clone("dhcp-clone", "at-once-1", { start: false, address: "dhcp" });
    expect(configOf("dhcp-clone")).not.toContain("lxc.net.0.ipv4");
  });
});

describe("a container that is not wanted any more while it is made", () => {
  it.each([["Running the busybox template"], ["Giving its files to ids of its own"], ["Starting"]])(
    "leaves nothing when it is cancelled at: %s",
    async (step) => {
      const { operations, tasks } = createHelper();
      const before = reservations();
      const creating = problemOf(operations.create(wanted("cancelled"), signal));
      await cancelAtStep(tasks, step);
      expect(await creating).toEqual({ code: "cancelled" });
      expect(tasks.snapshot().tasks[0]).toMatchObject({ state: "cancelled", problem: { code: "cancelled" } });
      expectNothingOf("cancelled", before);
    },
  );

  it("leaves nothing of a clone, and its base can be removed", async () => {
    const { operations, tasks } = createHelper();
    await create("cancel-base", { unprivileged: false, start: false });
    const before = reservations();
    const cloning = problemOf(operations.create(wanted("cancelled", { source: { type: "clone", from: "cancel-base" } }), signal));
    await cancelAtStep(tasks, "Cloning cancel-base");
    expect(await cloning).toEqual({ code: "cancelled" });
    expectNothingOf("cancelled", before);
    await operations.destroy("cancel-base", signal);
    expect(existsSync(folderOf("cancel-base"))).toBe(false);
  });

  it("can be made under the same name afterwards", async () => {
    await create("cancelled", { start: false });
    expect(lxc.reader.readOne("cancelled")?.state).toBe("stopped");
  });
});

describe("a helper that is killed while it makes a container", () => {
  it.each<[string, Wanted, () => boolean]>([
    ["when it has reserved an address", {}, () => existsSync(join(folderOf("killed"), "config.new"))],
    ["while the template runs", {}, () => existsSync(join(folderOf("killed"), "rootfs/bin"))],
    [
      "while it gives the files away",
      { unprivileged: true },
      () => processesThatMention("killed").some((one) => one.includes("shift-owners")),
    ],
    ["while it clones", { source: { type: "clone", from: "ids-1" } }, () => existsSync(folderOf("killed"))],
  ])("leaves nothing once the next one has started: %s", async (_, others, isSoFar) => {
    const before = reservations();
    const { operations, tasks, journal } = createHelper();
    let creating = startCreating("killed", { address: "static", ...others });
    // On a busy computer it may be done before the signal comes: then once more.
    for (let attempt = 1; !(await killOnce(creating, isSoFar)) && attempt < 10; attempt++) {
      await operations.destroy("killed", signal);
      creating = startCreating("killed", { address: "static", ...others });
    }
    expect(journal.unfinished(lxc.lxcPath)).toContain("killed");
    tasks.forget(tasks.snapshot().tasks.map(({ id }) => id));

    await operations.recover();
    expect(tasks.snapshot().tasks.map((task) => [task.kind, task.state])).toEqual([["recover", "succeeded"]]);
    expectNothingOf("killed", before);
    expect(workersOf(creating)).toEqual([]);
  });

  /** @returns Whether it was killed before it was done. */
  async function killOnce(creating: ChildProcess, isSoFar: () => boolean): Promise<boolean> {
    const exited = once(creating, "exit");
    while (!isSoFar() && creating.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
    creating.kill("SIGKILL");
    await exited;
    return createJournal(join(state, "journal")).unfinished(lxc.lxcPath).has("killed");
  }
});

describe("Debian, with systemd", () => {
  let cachedBefore: string[];
  beforeAll(() => {
    // What is partial is what an interrupted download left; the template begins by removing it.
    cachedBefore = cachedDebians().filter((name) => !name.startsWith("partial-"));
  });
  afterAll(() => restoreDebianCache(cachedBefore));

  const skipWithoutMirror = async (context: TestContext) => {
    const reason = await reasonWithoutMirror();
    if (reason !== undefined) context.skip(reason);
  };
  const debian = (release: string, packages: string[] = []): Wanted => ({
    source: { type: "template", template: "debian", options: { release, ...(packages.length > 0 && { packages }) } },
  });

  it("leaves nothing when it is cancelled in the middle of debootstrap, not in LXC's cache either", {
    timeout: 300_000,
  }, async (context) => {
    await skipWithoutMirror(context);
    const release =
      ["trixie", "bookworm", "forky", "sid"].find((one) => !cachedDebians().some((name) => name.startsWith(`rootfs-${one}-`))) ?? "sid";
    const { operations, tasks } = createHelper();
    const before = reservations();
    const creating = problemOf(operations.create(wanted("debian-cancelled", debian(release)), signal));
    // The second half runs inside of what the first half has unpacked.
    const partialPrefix = `partial-${release}-`;
    const partial = join(debianCache, partialPrefix);
    const isInside = () =>
      readdirSync("/proc").some((pid) => {
        try {
          return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/root`).startsWith(partial);
        } catch {
          return false;
        }
      });
    const task = () => tasks.snapshot().tasks[0];
    await vi.waitFor(() => expect(task()?.state).toBe("running"), { timeout: 10_000 });
    while (!isInside() && task()?.state === "running") await new Promise((resolve) => setTimeout(resolve, 20));
    tasks.cancel(task()?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    expectNothingOf("debian-cancelled", before);
    expect(isInside()).toBe(false);
    expect(cachedDebians().filter((name) => !name.startsWith("partial-") || name.startsWith(partialPrefix))).toEqual(cachedBefore);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(debianCache);
  });

  it("runs unprivileged, and its own DHCP client keeps to the one address that it has from the beginning", {
    timeout: 600_000,
  }, async (context) => {
    await skipWithoutMirror(context);
    // The last release whose systemd runs on hosts with control groups of version 1, too.
    await create("debian", debian("bookworm", ["tree", "bc"]));
    for (const program of ["tree", "bc"]) expect(existsSync(join(folderOf("debian"), "rootfs/usr/bin", program)), program).toBe(true);
    const [address] = (settingOf("debian", "lxc.net.0.ipv4.address") ?? "").split("/");
    expect(read("debian").ipv4).toEqual([address]);
    expect(await answers(address ?? "")).toBe(true);
    const { first, count } = idsOf("debian");
    expect(uidMapOf("debian")).toEqual([0, first, count]);
    expect(readFileSync(join(folderOf("debian"), "config"), "utf8")).toContain("debian.userns.conf");
    const setuid = lstatSync(join(folderOf("debian"), "rootfs/usr/bin/passwd"));
    expect([setuid.uid, (setuid.mode & 0o7777).toString(8)]).toEqual([first, "4755"]);

    await vi.waitFor(() => expect(lxc.inside("debian", "cat", "/proc/1/comm").trim()).toBe("systemd"), { timeout: 60_000, interval: 200 });
    const dhcpLease = () => lxc.inside("debian", "cat", "/var/lib/dhcp/dhclient.eth0.leases");
    await vi.waitFor(() => expect(dhcpLease()).toContain(`fixed-address ${address};`), { timeout: 60_000, interval: 500 });
    expect(addressesInside("debian")).toEqual([address]);
    expect(read("debian").ipv4).toEqual([address]);
  });
});
