import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { containerName } from "./contract/names.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import type { StartCauseId } from "./contract/start-causes.ts";
import { createHandlers } from "./handlers.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createOperations } from "./lxc/operations.ts";
import { readProcFile } from "./lxc/proc.ts";
import { createTasks } from "./tasks.ts";
import { canImpersonate, impersonate } from "./testing/impostor.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/**
 * Each cause that the doctor knows is provoked here, on real LXC; where it offers a fix that concerns the container, the fix is
 * done and the container has to start. `LXC_DESKTOP_RECORD=FOLDER` keeps what LXC said, for the recorded failures of the unit test.
 */
let lxc: RealLxc;
let state: string;
let operations: ReturnType<typeof createOperations>;
let tasks: ReturnType<typeof createTasks>;
const signal = new AbortController().signal;
const record = process.env.LXC_DESKTOP_RECORD;

beforeAll(() => {
  lxc = createRealLxc("doctor");
  lxc.makeContainer("files");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-doctor-"));
  tasks = createTasks();
  const { lxcPath, reader } = lxc;
  const [journal, locks] = [createJournal(join(state, "journal")), createLocks(join(state, "locks"))];
  operations = createOperations({ lxcPath, reader, tasks, journal, locks });
});
afterAll(async () => {
  await lxc.close();
  rmSync(state, { recursive: true });
});

type StartFailed = Extract<Problem, { code: "start-failed" }>;
/** Root's first range, of which any container here may take ids. */
const firstId = Number(/^root:(\d+):/m.exec(readProcFile("/etc/subuid") ?? "")?.[1] ?? Number.NaN);
const hasIds = Number.isFinite(firstId);
const unprivileged = (first = firstId) => [
  "lxc.include = /usr/share/lxc/config/userns.conf",
  `lxc.idmap = u 0 ${first} 65536`,
  `lxc.idmap = g 0 ${first} 65536`,
];
const hasLxcBridge = existsSync("/sys/class/net/lxcbr0/bridge");
const isCgroupV1 = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes");
const limitKey = isCgroupV1 ? "lxc.cgroup" : "lxc.cgroup2";
const memoryLimit = isCgroupV1 ? "memory.limit_in_bytes" : "memory.max";
const isAppArmorOn = readProcFile("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") ?? false;
/** Root of a container, or of a locked machine, may not. */
const mayChangeNamespaces = (() => {
  try {
    const path = "/proc/sys/user/max_user_namespaces";
    writeFileSync(path, readFileSync(path));
    return true;
  } catch {
    return false;
  }
})();
/** prctl(2), PR_SCHED_CORE: what the kernel says of it is in its configuration, where that is to be had. */
const schedulesCores =
  spawnSync("sh", ["-c", "(zcat /proc/config.gz || cat /boot/config-$(uname -r)) 2>/dev/null | grep -q ^CONFIG_SCHED_CORE=y"]).status === 0;
const lxcMajor = Number.parseInt(spawnSync("lxc-start", ["--version"], { encoding: "utf8" }).stdout, 10);

const folderOf = (name: string) => join(lxc.lxcPath, name);
const rootfsOf = (name: string) => join(folderOf(name), "rootfs");
const configOf = (name: string) => join(folderOf(name), "config");

/** A busybox container with a root file system of its own. */
function addContainer(name: string, ...configuration: string[]): string {
  mkdirSync(folderOf(name));
  chmodSync(folderOf(name), 0o755);
  execFileSync("cp", ["-a", rootfsOf("files"), rootfsOf(name)]);
  writeFileSync(configOf(name), `${[...baseOf(name), ...configuration].join("\n")}\n`);
  return name;
}

function baseOf(name: string): string[] {
  return [
    `lxc.rootfs.path = dir:${rootfsOf(name)}`,
    `lxc.uts.name = ${name}`,
    "lxc.net.0.type = empty",
    "lxc.mount.auto = proc:mixed sys:ro",
    "lxc.mount.entry = /lib lib none ro,bind,optional 0 0",
    "lxc.mount.entry = /usr/lib usr/lib none ro,bind,optional 0 0",
    "lxc.mount.entry = /lib64 lib64 none ro,bind,optional 0 0",
  ];
}

function addClone(name: string, base: string, ...configuration: string[]): string {
  mkdirSync(join(folderOf(name), "delta"), { recursive: true });
  const others = baseOf(name).slice(1);
  writeFileSync(
    configOf(name),
    `${[`lxc.rootfs.path = overlay:${base}:${folderOf(name)}/delta`, ...others, ...configuration].join("\n")}\n`,
  );
  return name;
}

async function failToStart(name: string): Promise<StartFailed> {
  const problem = await operations.start(name, signal).then(() => undefined, toProblem);
  if (problem?.code !== "start-failed") throw new Error(`${name}: ${JSON.stringify(problem) ?? "it started"}`);
  if (record) {
    const text = problem.output.replaceAll(lxc.lxcPath, "/var/lib/lxc").replaceAll(name, "web");
    const taken = readdirSync(record).filter((file) => file.startsWith(problem.cause.id)).length;
    writeFileSync(join(record, `${problem.cause.id}${taken === 0 ? "" : `-${taken + 1}`}.txt`), text);
  }
  expect(lxc.reader.readOne(name)?.state).not.toBe("running");
  expect(readdirSync(folderOf(name))).not.toContain("lxc-debug.log");
  return problem;
}

async function fixAndStart(name: string, { cause }: StartFailed) {
  await operations.repair(name, cause.id, signal);
  await operations.start(name, signal);
  expect(lxc.reader.readOne(name)?.state).toBe("running");
  await operations.forceStop(name, signal);
}

/** What is wrong, and what must be said of it. `isFixed` where the container must start after the fix. */
type Case = {
  id: StartCauseId;
  what: string;
  provoke(name: string): void | (() => void | Promise<void>) | Promise<() => void | Promise<void>>;
  data?: Record<string, unknown>;
  isFixed?: boolean;
  fix?: object;
  /** Why it cannot be provoked here. */
  skip?: string | false;
};

const cases: Case[] = [
  {
    id: "config-key-unknown",
    what: "a misspelt key",
    provoke: (name) => void addContainer(name, "lxc.rootfs.pth = /x"),
    data: { key: "lxc.rootfs.pth", age: "unknown", line: 8 },
    isFixed: true,
    fix: { removes: ["lxc.rootfs.pth = /x"], adds: [], effect: "without-setting" },
  },
  {
    id: "config-key-unknown",
    what: "keys of LXC 2",
    provoke: (name) =>
      void addContainer(
        name,
        "lxc.network.type = empty",
        "lxc.network.flags = up",
        "lxc.utsname = old",
        "lxc.tty = 1",
        "lxc.limit.nofile = 1000",
      ),
    data: { age: "old" },
    isFixed: true,
    fix: {
      adds: ["lxc.net.0.type = empty", "lxc.net.0.flags = up", "lxc.uts.name = old", "lxc.tty.max = 1", "lxc.prlimit.nofile = 1000"],
      effect: "none",
    },
  },
  {
    id: "config-line-invalid",
    what: "a value that is none",
    provoke: (name) => void addContainer(name, "lxc.start.auto = maybe"),
    data: { content: "lxc.start.auto = maybe", line: 8 },
    isFixed: true,
  },
  {
    id: "include-missing",
    what: "an included file that was moved",
    provoke: (name) => void addContainer(name, "lxc.include = /nonexistent/config/userns.conf"),
    data: { path: "/nonexistent/config/userns.conf" },
    isFixed: true,
    fix: { adds: ["lxc.include = /usr/share/lxc/config/userns.conf"] },
  },
  {
    id: "capability-unknown",
    what: "a capability that is none",
    provoke: (name) => void addContainer(name, "lxc.cap.drop = nonsense"),
    data: { content: "lxc.cap.drop = nonsense", line: 8 },
    isFixed: true,
  },
  {
    id: "file-missing",
    what: "a console log in a folder that is not there",
    provoke: (name) => void addContainer(name, "lxc.console.logfile = /nonexistent/console.log"),
    data: { key: "lxc.console.logfile", path: "/nonexistent/console.log" },
    isFixed: true,
  },
  {
    id: "file-missing",
    what: "a mount table that is not there",
    provoke: (name) => void addContainer(name, "lxc.mount.fstab = /nonexistent/fstab"),
    data: { key: "lxc.mount.fstab", path: "/nonexistent/fstab" },
    fix: { kind: "none" },
  },
  {
    id: "rootfs-not-set",
    what: "no root file system in its configuration",
    provoke(name) {
      addContainer(name);
      writeFileSync(configOf(name), readFileSync(configOf(name), "utf8").replace(/^lxc\.rootfs\.path.*\n/, ""));
    },
    fix: { kind: "none" },
  },
  {
    id: "rootfs-missing",
    what: "a file in the place of the root file system",
    provoke(name) {
      addContainer(name);
      rmSync(rootfsOf(name), { recursive: true });
      writeFileSync(rootfsOf(name), "");
    },
  },
  {
    id: "rootfs-empty",
    what: "an empty root file system",
    provoke(name) {
      addContainer(name);
      rmSync(rootfsOf(name), { recursive: true });
      mkdirSync(rootfsOf(name));
    },
  },
  {
    id: "base-missing",
    what: "a clone whose base is a file now",
    provoke(name) {
      addClone(name, join(folderOf(name), "base"));
      writeFileSync(join(folderOf(name), "base"), "");
    },
  },
  {
    id: "overlay-refused",
    what: "a clone whose upper layer lies on a file system that cannot have one",
    provoke(name) {
      addClone(name, rootfsOf("files"));
      const upper = join(folderOf(name), "delta");
      // An overlay cannot be the upper layer of another one.
      const [work, above] = [join(folderOf(name), "w"), join(folderOf(name), "u")];
      for (const folder of [work, above]) mkdirSync(folder);
      execFileSync("mount", ["-t", "overlay", "overlay", "-o", `lowerdir=${state},upperdir=${above},workdir=${work}`, upper]);
      return () => void execFileSync("umount", [upper]);
    },
  },
  {
    id: "storage-unavailable",
    what: "a pool that is not there",
    provoke(name) {
      addContainer(name);
      writeFileSync(
        configOf(name),
        readFileSync(configOf(name), "utf8").replace(/^lxc\.rootfs\.path.*/, "lxc.rootfs.path = zfs:nopool/web"),
      );
    },
    data: { storage: "zfs", source: "nopool/web" },
  },
  {
    id: "folder-not-searchable",
    what: "an unprivileged container in a closed folder",
    skip: !hasIds && "root has no range of ids",
    provoke(name) {
      addContainer(name, ...unprivileged());
      chmodSync(folderOf(name), 0o700);
    },
    isFixed: true,
    fix: { removes: [], adds: [], effect: "none" },
  },
  {
    id: "idmapped-root-unsupported",
    what: "an idmapped root on an overlay",
    skip: !hasIds && "root has no range of ids",
    provoke(name) {
      addClone(name, rootfsOf("files"), ...unprivileged(), "lxc.rootfs.options = idmap=container");
      chmodSync(folderOf(name), 0o755);
    },
    data: { because: "storage" },
  },
  {
    id: "idmapped-root-unsupported",
    what: "an idmapped root on a file system that cannot map ids",
    skip: !hasIds && "root has no range of ids",
    provoke(name) {
      addContainer(name, ...unprivileged(), "lxc.rootfs.options = idmap=container");
      const [upper, work] = [join(folderOf(name), "u"), join(folderOf(name), "w")];
      for (const folder of [work, upper]) mkdirSync(folder);
      // The kernel maps the ids of an overlay's layers, and not those of the overlay.
      const options = `lowerdir=${rootfsOf("files")},upperdir=${upper},workdir=${work}`;
      execFileSync("mount", ["-t", "overlay", "overlay", "-o", options, rootfsOf(name)]);
      return () => void execFileSync("umount", [rootfsOf(name)]);
    },
    data: { because: "file-system" },
  },
  {
    id: "init-missing",
    what: "no first program",
    provoke(name) {
      addContainer(name);
      rmSync(join(rootfsOf(name), "sbin/init"));
    },
    data: { program: "/sbin/init" },
    fix: { kind: "none" },
  },
  {
    id: "init-not-executable",
    what: "a first program that may not be run",
    provoke(name) {
      addContainer(name, "lxc.init.cmd = /start.sh");
      writeFileSync(join(rootfsOf(name), "start.sh"), "#!/bin/sh\nwhile :; do sleep 1; done\n", { mode: 0o644 });
    },
    data: { program: "/start.sh" },
    isFixed: true,
  },
  {
    id: "init-interpreter-missing",
    what: "a first program whose interpreter is not there",
    provoke(name) {
      addContainer(name, "lxc.init.cmd = /start.py");
      writeFileSync(join(rootfsOf(name), "start.py"), "#!/usr/bin/python3\n", { mode: 0o755 });
    },
    data: { program: "/start.py", interpreter: "/usr/bin/python3" },
  },
  {
    id: "nothing-to-run",
    what: "a command for lxc-execute alone, as the OCI template makes it",
    provoke(name) {
      addContainer(name, 'lxc.execute.cmd = \'"/bin/sleep" "1000" \'');
      rmSync(join(rootfsOf(name), "sbin/init"));
    },
    isFixed: true,
    fix: { removes: [], adds: ["lxc.init.cmd = /bin/sleep 1000"], effect: "none" },
  },
  {
    id: "init-folder-missing",
    what: "a working folder that is not there",
    skip: lxcMajor >= 6 && "LXC 6 starts the first program elsewhere",
    provoke: (name) => void addContainer(name, "lxc.init.cwd = /nowhere"),
    data: { path: "/nowhere" },
    isFixed: true,
  },
  {
    id: "ids-not-granted",
    what: "ids that root was not given",
    skip: !hasIds && "root has no range of ids",
    provoke: (name) => void addContainer(name, ...unprivileged(100_000_000 + firstId)),
    data: { of: "users", count: 65536, hasOthers: true },
    fix: { kind: "none" },
  },
  {
    id: "user-namespaces-off",
    what: "user namespaces forbidden by a setting of the kernel",
    skip: (!hasIds && "root has no range of ids") || (!mayChangeNamespaces && "user.max_user_namespaces cannot be changed here"),
    provoke(name) {
      addContainer(name, ...unprivileged());
      const path = "/proc/sys/user/max_user_namespaces";
      const before = readFileSync(path, "utf8");
      writeFileSync(path, "0");
      return () => writeFileSync(path, before);
    },
    fix: { kind: "host", check: "user-namespaces" },
  },
  {
    id: "bridge-missing",
    what: "a bridge that is not there",
    skip: !hasLxcBridge && "there is no lxcbr0 to offer instead",
    provoke: (name) => void addContainer(name, "lxc.net.1.type = veth", "lxc.net.1.link = nowhere0", "lxc.net.1.flags = up"),
    data: { link: "nowhere0" },
    isFixed: true,
    fix: { removes: ["lxc.net.1.link = nowhere0"], adds: ["lxc.net.1.link = lxcbr0"] },
  },
  ...(["macvlan", "ipvlan", "phys", "vlan"] as const).map((type) => ({
    id: "link-missing" as const,
    what: `no link under a ${type}`,
    provoke: (name: string) =>
      void addContainer(
        name,
        `lxc.net.1.type = ${type}`,
        "lxc.net.1.link = nowhere0",
        ...(type === "vlan" ? ["lxc.net.1.vlan.id = 5"] : []),
      ),
    data: { link: "nowhere0", type },
  })),
  {
    id: "interface-taken",
    what: "the name of its interface in use",
    skip: !hasLxcBridge && "there is no lxcbr0",
    provoke: (name) => void addContainer(name, "lxc.net.1.type = veth", "lxc.net.1.link = lxcbr0", "lxc.net.1.veth.pair = lo"),
    data: { link: "lo" },
    isFixed: true,
  },
  {
    id: "network-script-failed",
    what: "a script of its network",
    skip: !hasLxcBridge && "there is no lxcbr0",
    provoke: (name) => void addContainer(name, "lxc.net.1.type = veth", "lxc.net.1.link = lxcbr0", "lxc.net.1.script.up = /bin/false"),
    data: { script: "/bin/false" },
  },
  {
    id: "apparmor-profile-refused",
    what: "an AppArmor profile that is not loaded",
    skip: !isAppArmorOn && "this kernel runs without AppArmor",
    provoke: (name) => void addContainer(name, "lxc.apparmor.profile = lxc-nonsense"),
    data: { profile: expect.stringContaining("lxc-nonsense") },
    fix: { kind: "none" },
  },
  {
    id: "apparmor-parser-missing",
    what: "no program that loads AppArmor profiles",
    skip: !isAppArmorOn && "this kernel runs without AppArmor",
    provoke(name) {
      addContainer(name, "lxc.apparmor.profile = generated");
      const parser = ["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"].find((path) => existsSync(path));
      if (parser) renameSync(parser, `${parser}.away`);
      return () => void (parser && renameSync(`${parser}.away`, parser));
    },
    fix: { kind: "host", check: "apparmor" },
  },
  {
    id: "seccomp-missing",
    what: "a seccomp profile that is not there",
    provoke: (name) => void addContainer(name, "lxc.seccomp.profile = /nonexistent/seccomp"),
    data: { path: "/nonexistent/seccomp" },
    isFixed: true,
  },
  {
    id: "seccomp-invalid",
    what: "a seccomp profile that is none",
    provoke(name) {
      addContainer(name, `lxc.seccomp.profile = ${folderOf(name)}/seccomp`);
      writeFileSync(join(folderOf(name), "seccomp"), "7\nnonsense\n");
    },
    isFixed: true,
  },
  {
    id: "limit-refused",
    what: "a limit that this computer has not",
    provoke: (name) => void addContainer(name, `${limitKey}.nosuch.limit = 1M`),
    data: { key: "nosuch.limit", value: "1M", because: "absent" },
    isFixed: true,
    fix: { removes: [`${limitKey}.nosuch.limit = 1M`], effect: "without-setting" },
  },
  {
    id: "limit-refused",
    what: "a limit with a value that is none",
    provoke: (name) => void addContainer(name, `${limitKey}.${memoryLimit} = nonsense`),
    data: { key: memoryLimit, value: "nonsense", because: "value" },
    isFixed: true,
  },
  {
    id: "sysctl-refused",
    what: "a kernel setting that is not there",
    provoke: (name) => void addContainer(name, "lxc.sysctl.net.ipv4.nosuch = 1"),
    data: { key: "net.ipv4.nosuch", value: "1" },
    isFixed: true,
  },
  {
    id: "resource-unknown",
    what: "a resource that is none",
    provoke: (name) => void addContainer(name, "lxc.prlimit.nosuch = 1"),
    data: { resource: "nosuch" },
    isFixed: true,
  },
  {
    id: "core-scheduling-unsupported",
    what: "core scheduling, which the kernel has not",
    skip: schedulesCores && "this kernel has it",
    provoke: (name) => void addContainer(name, "lxc.sched.core = 1"),
    isFixed: true,
    fix: { effect: "less-isolated" },
  },
  {
    id: "mount-source-missing",
    what: "a mount of something that is not there",
    provoke: (name) => void addContainer(name, "lxc.mount.entry = /nonexistent/data data none bind,create=dir 0 0"),
    data: { source: "/nonexistent/data", target: "data" },
    isFixed: true,
    fix: { adds: ["lxc.mount.entry = /nonexistent/data data none bind,create=dir,optional 0 0"] },
  },
  {
    id: "mount-target-missing",
    what: "a mount onto something that is not there",
    provoke: (name) =>
      void addContainer(name, "lxc.mount.entry = /etc data none bind,ro 0 0", "lxc.mount.entry = /etc/hostname data.txt none bind 0 0"),
    data: { source: "/etc", target: "data" },
    fix: { adds: ["lxc.mount.entry = /etc data none bind,ro,create=dir 0 0"] },
  },
  {
    id: "mount-refused",
    what: "a mount of a file system that the kernel does not know",
    provoke: (name) => void addContainer(name, "lxc.mount.entry = none data nosuchfs create=dir 0 0"),
    data: { source: "none", target: "data" },
  },
  {
    id: "hook-failed",
    what: "a hook that fails before the start",
    provoke: (name) => void addContainer(name, "lxc.hook.pre-start = /bin/false"),
    data: { hook: "pre-start", script: "/bin/false" },
  },
  {
    id: "hook-failed",
    what: "a hook that fails while files are mounted",
    provoke: (name) => void addContainer(name, "lxc.hook.mount = /bin/false"),
    data: { hook: "mount", script: "/bin/false" },
  },
  {
    id: "hook-missing",
    what: "a hook that is not there",
    provoke: (name) => void addContainer(name, "lxc.hook.pre-start = /nonexistent/hook"),
    data: { hook: "pre-start", script: "/nonexistent/hook" },
  },
  {
    id: "hook-missing",
    what: "a hook that is not there in the container",
    provoke: (name) => void addContainer(name, "lxc.hook.start = /nonexistent/hook"),
    data: { hook: "start", script: "/nonexistent/hook" },
  },
  {
    id: "name-taken",
    what: "somebody else's socket under its name",
    skip: !canImpersonate && "there is no python3 to hold the socket",
    async provoke(name) {
      addContainer(name);
      const impostor = await impersonate(lxc.lxcPath, name);
      return () => impostor.end();
    },
    data: { program: expect.stringContaining("python") },
  },
  {
    id: "read-only",
    what: "a read-only file system",
    provoke(name) {
      const logs = join(addContainer(name, `lxc.console.logfile = ${folderOf(name)}/logs/console.log`) && folderOf(name), "logs");
      mkdirSync(logs);
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", logs]);
      return () => void execFileSync("umount", [logs]);
    },
  },
  {
    id: "disk-full",
    what: "a full file system",
    provoke(name) {
      const logs = join(addContainer(name, `lxc.console.logfile = ${folderOf(name)}/logs/console.log`) && folderOf(name), "logs");
      mkdirSync(logs);
      execFileSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs", logs]);
      spawnSync("touch", [join(logs, "full")]);
      return () => void execFileSync("umount", [logs]);
    },
  },
];

const elsewhere = [
  ["apparmor-incomplete", "the kernel would have to have an AppArmor without mounts"],
  ["init-other-architecture", "LXC hands a program of another architecture to a shell, so that it starts: see what ends at once"],
  ["cgroups-missing, overlay-unsupported", "the computer would have to boot without them"],
  ["too-many-files, too-many-processes, no-memory", "they would hit everything else on this computer, too"],
] as const;

describe("the doctor", () => {
  it.for(elsewhere)("cannot be shown %s here", ([, reason], { skip }) => skip(reason));

  it.for(cases.map((one, index) => ({ ...one, index })))("finds $id: $what", async (one, { skip }) => {
    const { id, provoke, data, isFixed, fix, index } = one;
    if (one.skip) skip(one.skip);
    const name = `case-${index}`;
    const undo = await provoke(name);
    try {
      const problem = await failToStart(name);
      expect(problem.cause).toMatchObject({ id, ...data });
      expect(problem.argv[0]).toBe("lxc-start");
      if (fix) expect(problem.fix).toMatchObject(fix);
      if (isFixed) await fixAndStart(name, problem);
    } finally {
      await undo?.();
    }
  });
});

describe("a repair", () => {
  it("is only done as it was offered, and once", async () => {
    const name = addContainer("offered", "lxc.prlimit.nosuch = 1");
    const outdated = { problem: { code: "not-supported" } };
    await expect(operations.repair(name, "resource-unknown", signal)).rejects.toMatchObject(outdated);
    const before = readFileSync(configOf(name), "utf8");
    await failToStart(name);
    await expect(operations.repair(name, "seccomp-missing", signal)).rejects.toMatchObject(outdated);
    writeFileSync(configOf(name), before.replace("nosuch", "another"));
    await expect(operations.repair(name, "resource-unknown", signal)).rejects.toMatchObject(outdated);
    expect(readFileSync(configOf(name), "utf8")).toContain("another");
    writeFileSync(configOf(name), before);
    await operations.repair(name, "resource-unknown", signal);
    expect(readFileSync(configOf(name), "utf8")).toBe(before.replace("lxc.prlimit.nosuch = 1\n", ""));
    await expect(operations.repair(name, "resource-unknown", signal)).rejects.toMatchObject(outdated);
  });

  it("is a task that shows its commands", async () => {
    if (!hasIds) return;
    const name = addContainer("opened", ...unprivileged());
    chmodSync(folderOf(name), 0o700);
    const problem = await failToStart(name);
    expect(problem.fix).toMatchObject({ commands: [["chmod", "o+x", folderOf(name)]] });
    await operations.repair(name, problem.cause.id, signal);
    const task = tasks.snapshot().tasks.at(-1);
    expect(task).toMatchObject({ kind: "repair", target: name, state: "succeeded", commands: [["chmod", "o+x", folderOf(name)]] });
    expect(statSync(folderOf(name)).mode & 0o777).toBe(0o701);
  });
});

describe("a repair that leaves less between a container and this computer", () => {
  it.skipIf(schedulesCores)("needs the right to change any setting, on top of the right to configure", async () => {
    const name = addContainer("exposed", "lxc.sched.core = 1");
    const { methods } = createHandlers({ lxcPath: lxc.lxcPath, uid: 0, isRootSession: false, notify() {}, sendData() {} });
    const asked: string[] = [];
    const context = {
      signal,
      async authorize(action: string) {
        asked.push(action);
        throw new ProblemError({ code: "auth-denied", action });
      },
    };
    const params = { name: containerName.parse(name), cause: "core-scheduling-unsupported" } as const;
    await expect(methods["containers.start"]({ name: params.name }, context)).rejects.toMatchObject({ problem: { code: "start-failed" } });
    await expect(methods["containers.repair"](params, context)).rejects.toMatchObject({ problem: { code: "auth-denied" } });
    expect(asked).toEqual(["configure-raw"]);
    expect(readFileSync(configOf(name), "utf8")).toContain("lxc.sched.core = 1");
  });
});

describe("a start without a known cause", () => {
  it("is tried once more with a log of everything, never again, and nothing of that is left", async () => {
    const name = addContainer("unknown", "lxc.namespace.share.net = nowhere-at-all");
    const problem = await failToStart(name);
    expect(problem.cause).toMatchObject({ id: "unknown", error: expect.stringMatching(/\S/) });
    const commands = tasks.snapshot().tasks.at(-1)?.commands ?? [];
    expect(commands.map((argv) => argv.at(-1))).toEqual(["INFO", "DEBUG"]);
  });

  it("has started where only the first attempt failed", async () => {
    const other = addContainer("other");
    const hook = join(folderOf(other), "hook.sh");
    // At the second attempt what it shares a namespace with runs.
    const name = addContainer("second", `lxc.namespace.share.net = ${other}`, `lxc.hook.pre-start = ${hook}`);
    const script = `#!/bin/sh\n[ -e ${hook}.again ] && exec lxc-start -P ${lxc.lxcPath} -n ${other}\ntouch ${hook}.again\n`;
    writeFileSync(hook, script, { mode: 0o755 });
    await operations.start(name, signal);
    expect(lxc.reader.readOne(name)?.state).toBe("running");
    expect(tasks.snapshot().tasks.at(-1)).toMatchObject({ state: "succeeded", commands: [expect.anything(), expect.anything()] });
    await operations.forceStop(name, signal);
    await operations.forceStop(other, signal);
  });
});

describe("a container that ends at once", () => {
  const endOf = async (name: string) =>
    await vi.waitFor(
      () => {
        const end = tasks.snapshot().tasks.find(({ kind, target }) => kind === "start" && target === name)?.endedAtOnce;
        if (!end) throw new Error("nothing is told yet");
        return end;
      },
      { timeout: 5000 },
    );

  it("is told with how it ended and what it wrote", async () => {
    const name = addContainer("ends", "lxc.init.cmd = /bin/sh /start.sh", `lxc.console.logfile = ${join(lxc.lxcPath, "ends/console.log")}`);
    writeFileSync(join(rootfsOf(name), "start.sh"), "echo good bye >/dev/console\nsleep 0.3\nexit 7\n");
    writeFileSync(join(folderOf(name), "console.log"), "of an earlier start\n");
    await operations.start(name, signal);
    const end = await endOf(name);
    expect(end).toEqual({ exitCode: 7, console: expect.stringContaining("good bye") });
    expect(end.console).not.toContain("earlier");
  });

  it("names the signal that killed it", async () => {
    const name = addContainer("killed", "lxc.init.cmd = /bin/sh /start.sh");
    writeFileSync(join(rootfsOf(name), "start.sh"), "kill -9 $$\nsleep 0.2\nexec /nothing\n");
    await operations.start(name, signal);
    process.kill(lxc.reader.readOne(name)?.initPid ?? 0, "SIGKILL");
    expect(await endOf(name)).toMatchObject({ signal: "SIGKILL" });
  });

  it("names a program of another architecture, which LXC hands to a shell", async () => {
    const name = addContainer("foreign");
    const init = join(rootfsOf(name), "sbin/init");
    rmSync(init);
    const head = Buffer.alloc(64);
    head.write("\x7fELF\x02\x01\x01", "latin1");
    head.writeUInt16LE(2, 16);
    head.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
    writeFileSync(init, head, { mode: 0o755 });
    await operations.start(name, signal).catch(() => {});
    expect((await endOf(name)).cause).toMatchObject({ id: "init-other-architecture", program: "/sbin/init" });
  });

  it("is not told of one that was stopped", async () => {
    const name = addContainer("stopped-at-once");
    await operations.start(name, signal);
    await operations.forceStop(name, signal);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(
      tasks
        .snapshot()
        .tasks.filter(({ target }) => target === name)
        .map(({ endedAtOnce }) => endedAtOnce),
    ).toEqual([undefined, undefined]);
  });
});
