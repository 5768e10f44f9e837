import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import { containerName, newContainerName } from "./contract/names.ts";
import { toProblem } from "./contract/problems.ts";
import type { ConfigurationFix, SecurityCheckId, SecurityFinding, SecurityFix, WritablePlace } from "./contract/security.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditAll, auditContainer } from "./lxc/audit/audit.ts";
import { previewFix } from "./lxc/audit/fixes.ts";
import { previewStripping } from "./lxc/audit/strip-files.ts";
import { findWritten } from "./lxc/audit/writable-places.ts";
import { readHostFacts } from "./lxc/host-facts.ts";
import { createOperations } from "./lxc/operations.ts";
import { readProcFile } from "./lxc/proc.ts";
import { createTasks } from "./tasks.ts";
import { lackingOf } from "./testing/hardened.ts";
import { bundleHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/** Each bad state is brought about here, on real LXC: it has to be found, mended by its fix where it has one, seen mended, and taken back. */
let lxc: RealLxc;
let state: string;
let operations: ReturnType<typeof createOperations>;
let tasks: ReturnType<typeof createTasks>;
const signal = new AbortController().signal;
const name = "web";
const folder = () => join(lxc.lxcPath, name);
const configFile = () => join(folder(), "config");
const config = () => readFileSync(configFile(), "utf8");
const append = (...lines: string[]) => writeFileSync(configFile(), `${config()}${lines.join("\n")}\n`);
const isCgroupV1 = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes");
const isAppArmorOn = readProcFile("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") ?? false;
let plain: string;

beforeAll(() => {
  lxc = createRealLxc("security");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-security-"));
  tasks = createTasks();
  const { lxcPath, reader } = lxc;
  operations = createOperations({
    lxcPath,
    reader,
    tasks,
    journal: createJournal(join(state, "journal")),
    locks: createLocks(join(state, "locks")),
  });
  lxc.makeContainer(name);
  writeFileSync(configFile(), config().replace(/^lxc\.(net|apparmor).*\n/gm, ""));
  // It ends when it is asked to; BusyBox's own init takes three seconds for that, and every fix restarts it.
  writeFileSync(join(folder(), "rootfs/quick-init"), "trap 'exit 0' USR1; while :; do sleep 0.05; done");
  append("lxc.init.cmd = /bin/sh /quick-init", "lxc.signal.halt = SIGUSR1");
  append("lxc.net.0.type = empty", ...(isAppArmorOn ? ["lxc.apparmor.profile = unconfined"] : []));
  plain = config();
});
afterEach(() => {
  stop();
  writeFileSync(configFile(), plain);
  rmSync(join(folder(), "lxc-desktop-security.json"), { force: true });
});
afterAll(async () => {
  await lxc.close();
  rmSync(`${lxc.lxcPath}-desktop`, { recursive: true, force: true });
  rmSync(state, { recursive: true });
});

const isRunning = () => lxc.reader.readOne(name)?.state === "running";
const start = () => lxc.run("lxc-start", "-n", name, "-d");
function stop() {
  if (isRunning()) lxc.run("lxc-stop", "-k", "-n", name);
}
async function find(check: SecurityCheckId): Promise<SecurityFinding> {
  const found = (await auditContainer(lxc, name)).findings.find((one) => one.check === check);
  if (!found) throw new Error(`there is no check ${check}`);
  return found;
}
const statusOf = (field: string) =>
  new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${lxc.reader.readOne(name)?.initPid}/status`, "utf8"))?.[1];

describe("a fix of a container that runs", () => {
  const kernelShows: [ConfigurationFix, () => unknown, unknown][] = [
    [{ check: "capabilities", preset: "minimal" }, () => statusOf("CapBnd"), "00000000000004eb"],
    [{ check: "new-privileges" }, () => statusOf("NoNewPrivs"), "1"],
    [{ check: "system-calls", profile: "default" }, () => statusOf("Seccomp"), "2"],
    [{ check: "system-calls", profile: "strict" }, () => statusOf("Seccomp"), "2"],
    [
      { check: "memory", bytes: 256 * 1024 ** 2 },
      () =>
        readProcFile(
          isCgroupV1 ? `/sys/fs/cgroup/memory/lxc.payload.${name}/memory.limit_in_bytes` : `/sys/fs/cgroup/lxc.payload.${name}/memory.max`,
        )?.trim(),
      String(256 * 1024 ** 2),
    ],
    [
      { check: "processes", count: 300 },
      () =>
        readProcFile(
          isCgroupV1 ? `/sys/fs/cgroup/pids/lxc.payload.${name}/pids.max` : `/sys/fs/cgroup/lxc.payload.${name}/pids.max`,
        )?.trim(),
      "300",
    ],
    [
      { check: "input-output", bytesPerSecond: 32 * 1024 ** 2 },
      () =>
        readProcFile(
          isCgroupV1
            ? `/sys/fs/cgroup/blkio/lxc.payload.${name}/blkio.throttle.write_bps_device`
            : `/sys/fs/cgroup/lxc.payload.${name}/io.max`,
        )?.includes(String(32 * 1024 ** 2)),
      true,
    ],
    [
      { check: "root-mount" },
      () =>
        readProcFile(`/proc/${lxc.reader.readOne(name)?.initPid}/mountinfo`)
          ?.split("\n")
          .find((line) => line.includes(" / rw,"))
          ?.includes("nosuid,nodev"),
      true,
    ],
  ];
  const anyNumber = { bytes: 0, count: 0, bytesPerSecond: 0 };
  it.each(kernelShows)("%j: found, done with a restart, shown by the kernel, and taken back", async (fix, shown, value) => {
    start();
    const before = await find(fix.check);
    expect(before.state).not.toBe("ok");
    const offered = before.fixes.find((one) => JSON.stringify({ ...one, ...anyNumber }) === JSON.stringify({ ...fix, ...anyNumber }));
    expect(offered, JSON.stringify(before.fixes)).toBeDefined();
    expect(shown()).not.toEqual(value);
    const { adds, needsRestart } = previewFix(lxc, name, fix);
    expect(needsRestart).toBe(true);
    const initBefore = lxc.reader.readOne(name)?.initPid;

    await operations.harden({ name, fix, mayWeaken: false }, signal);
    expect(isRunning()).toBe(true);
    expect(lxc.reader.readOne(name)?.initPid).not.toBe(initBefore);
    expect(shown()).toEqual(value);
    for (const line of adds) expect(config().split("\n")).toContain(line);
    const after = await find(fix.check);
    expect(after.canUndo).toBe(true);
    expect(after.difference).toBeUndefined();
    if (JSON.stringify(fix) !== '{"check":"system-calls","profile":"default"}') expect(after).toMatchObject({ state: "ok" });

    await operations.soften(name, fix.check, signal);
    expect(config()).toBe(plain);
    expect(isRunning()).toBe(true);
    expect(shown()).not.toEqual(value);
    expect(await find(fix.check)).toMatchObject({ state: before.state, canUndo: false });
  });

  it("has the capabilities that were chosen one by one, also those that are numbers, and none", async () => {
    start();
    const choose = (preset: Extract<SecurityFix, { check: "capabilities" }>["preset"]) =>
      operations.harden({ name, fix: { check: "capabilities", preset }, mayWeaken: true }, signal);
    await choose(["chown", "kill", "setuid", "bpf"]);
    expect(statusOf("CapBnd")).toBe("00000080000000a1");
    expect((await find("capabilities")).capabilities?.has).toEqual(["chown", "kill", "setuid", "bpf"]);
    await operations.soften(name, "capabilities", signal);
    expect(config()).toBe(plain);
    stop();
    await choose([]);
    start();
    expect(statusOf("CapBnd")).toBe("0000000000000000");
  });

  it("refuses a system call with our stricter profile that worked before", async () => {
    const dmesg = () => lxc.run("lxc-attach", "-n", name, "--clear-env", "--", "/bin/busybox", "dmesg");
    start();
    expect(() => dmesg()).not.toThrow();
    await operations.harden({ name, fix: { check: "system-calls", profile: "strict" }, mayWeaken: false }, signal);
    expect(() => dmesg()).toThrow(/not permitted/);
  });

  it("is taken back by itself where the container does not come up, and it runs again as before", async () => {
    // Whatever its first program needs to do first fails without this right.
    writeFileSync(
      join(folder(), "rootfs/init.sh"),
      "#!/bin/busybox sh\n/bin/busybox chroot / /bin/busybox true || exit 1\nexec /bin/busybox sleep 1000\n",
      { mode: 0o755 },
    );
    append("lxc.init.cmd = /init.sh", "lxc.signal.halt = SIGKILL");
    const before = config();
    start();
    const failed = await operations
      .harden({ name, fix: { check: "capabilities", preset: "minimal" }, mayWeaken: false }, signal)
      .catch(toProblem);
    expect(failed).toMatchObject({ code: "fix-taken-back", reason: "did-not-start", runsAgain: true });
    expect(config()).toBe(before);
    expect(isRunning()).toBe(true);
    // What failed is undone, and not what ran before.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isRunning()).toBe(true);
    expect((await find("capabilities")).canUndo).toBe(false);
    expect(tasks.snapshot().tasks.at(-1)).toMatchObject({ kind: "harden", state: "failed" });
  });
});

describe("a fix that has services fail", () => {
  it("is taken back where systemd was well before, and stays where it was not", async () => {
    // What is looked at is a program of that name and what systemctl says; both are scripts here, so that one right decides about it.
    const rootfs = join(folder(), "rootfs");
    copyFileSync("/bin/sh", join(rootfs, "systemd"));
    chmodSync(join(rootfs, "systemd"), 0o755);
    writeFileSync(join(rootfs, "init.sh"), "/bin/busybox mkdir -p /tmp\nwhile :; do /bin/busybox sleep 1; done\n");
    const systemctl = join(rootfs, "bin/systemctl");
    const answer = (text: string) => writeFileSync(systemctl, `#!/bin/busybox sh\n${text}\n`, { mode: 0o755 });
    answer("/bin/busybox chroot / /bin/busybox true 2>/dev/null && echo running || echo degraded");
    append("lxc.init.cmd = /systemd /init.sh", "lxc.signal.halt = SIGKILL");
    const before = config();
    start();
    const fix: SecurityFix = { check: "capabilities", preset: "minimal" };
    const failed = await operations.harden({ name, fix, mayWeaken: false }, signal).catch(toProblem);
    expect(failed).toMatchObject({
      code: "fix-taken-back",
      reason: "degraded",
      runsAgain: true,
      detail: expect.stringContaining("degraded"),
    });
    expect(config()).toBe(before);
    expect(isRunning()).toBe(true);
    answer("echo degraded");
    await operations.harden({ name, fix, mayWeaken: false }, signal);
    expect(await find("capabilities")).toMatchObject({ state: "ok", canUndo: true });
  });
});

describe("a helper that is killed in the middle of a fix", () => {
  const fix: SecurityFix = { check: "new-privileges" };
  let script: string;
  beforeAll(async () => {
    script = await bundleHelper(join(state, "program"), join(import.meta.dirname, "testing/harden-container.ts"));
  });
  const attempt = (way: "fix" | "undo", fatal: number) =>
    spawnSync(process.execPath, [script, lxc.lxcPath, state, name, JSON.stringify(fix), way, String(fatal)], { encoding: "utf8" });
  const recover = async () => {
    const count = tasks.snapshot().tasks.length;
    await operations.recover();
    return tasks.snapshot().tasks.slice(count);
  };
  /** Whatever happened, nothing is half there: the lines, what is remembered, and whether it runs. */
  const expectWhole = async (isRunningThen: boolean) => {
    const journal = createJournal(join(state, "journal"));
    const isHardened = config() !== plain;
    if (isHardened) expect(config()).toBe(`${plain}lxc.no_new_privs = 1\n`);
    expect((await find("new-privileges")).canUndo).toBe(isHardened);
    expect(isRunning()).toBe(isRunningThen);
    if (isRunningThen) expect(statusOf("NoNewPrivs")).toBe(isHardened ? "1" : "0");
    expect(journal.abandoned(lxc.lxcPath)).toEqual([]);
    return isHardened;
  };

  it.each(["fix", "undo"] as const)(
    "has all of it or nothing once the next one has started, at each step: %s",
    async (way) => {
      const results = new Set<boolean>();
      let steps = 0;
      for (let ended = false; !ended; steps++) {
        writeFileSync(configFile(), plain);
        rmSync(join(folder(), "lxc-desktop-security.json"), { force: true });
        if (way === "undo") await operations.harden({ name, fix, mayWeaken: false }, signal);
        if (!isRunning()) start();
        const { status, signal: endedBy, stderr } = attempt(way, steps + 1);
        ended = endedBy !== "SIGKILL";
        if (ended) expect(stderr, `step ${steps}`).toBe("");
        if (ended) expect(status).toBe(0);
        const recovered = await recover();
        for (const { kind, state: how, notices } of recovered) {
          expect({ kind, how, notices }).toEqual({
            kind: "recover",
            how: "succeeded",
            notices: [expect.stringMatching(/^LXC Desktop ended (while it changed|when it had changed) web/)],
          });
        }
        results.add(await expectWhole(true));
        stop();
      }
      // It was killed before anything was changed, and after all of it was.
      expect(results).toEqual(new Set([true, false]));
      expect(steps).toBeGreaterThan(8);
    },
    400_000,
  );

  it("is taken back in one that is stopped, which stays so", async () => {
    for (let steps = 1; attempt("fix", steps).signal === "SIGKILL"; steps++) {
      await recover();
      await expectWhole(false);
      writeFileSync(configFile(), plain);
      rmSync(join(folder(), "lxc-desktop-security.json"), { force: true });
    }
    expect(config()).toContain("no_new_privs");
  });

  it("changes nothing that somebody else has changed since, and starts nothing after the computer was started anew", async () => {
    const journal = createJournal(join(state, "journal"));
    const leave = (bootId?: string) => {
      const change = { before: plain, after: `${plain}lxc.no_new_privs = 1\n`, check: fix.check, at: 1, isUndo: false };
      journal.begin({ lxcPath: lxc.lxcPath, name, kind: "harden", initPid: 2, change });
      const [file = ""] = readdirSync(join(state, "journal"));
      const path = join(state, "journal", file);
      const text =
        bootId === undefined ? readFileSync(path, "utf8") : JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), bootId });
      rmSync(path);
      writeFileSync(join(state, "journal", file.replace(/^\d+\.\d+/, `${process.pid}.1`)), text);
    };
    append("lxc.no_new_privs = 1", "# mine");
    const changed = config();
    leave();
    expect((await recover()).flatMap(({ notices }) => notices)).toEqual([expect.stringContaining("somebody else has changed it since")]);
    expect(config()).toBe(changed);
    expect(isRunning()).toBe(false);

    writeFileSync(configFile(), `${plain}lxc.no_new_privs = 1\n`);
    leave("another boot");
    await recover();
    expect(config()).toBe(plain);
    expect(isRunning()).toBe(false);
  });
});

describe("a fix of a container that is stopped", () => {
  it("is only written, and the next start has it", async () => {
    await operations.harden({ name, fix: { check: "new-privileges" }, mayWeaken: false }, signal);
    expect(isRunning()).toBe(false);
    expect(await find("new-privileges")).toMatchObject({ state: "ok", canUndo: true });
    start();
    expect(statusOf("NoNewPrivs")).toBe("1");
  });

  it("is refused where it would take isolation away from somebody who may not", async () => {
    append("lxc.cap.drop =", "lxc.cap.keep = chown");
    const before = config();
    const fix: SecurityFix = { check: "capabilities", preset: "minimal" };
    expect(await operations.harden({ name, fix, mayWeaken: false }, signal).catch(toProblem)).toMatchObject({
      code: "auth-denied",
      action: "configure-raw",
    });
    expect(config()).toBe(before);
    await operations.harden({ name, fix, mayWeaken: true }, signal);
    expect(config()).not.toBe(before);
  });

  it("cannot be undone where nothing was done, or its lines are gone", async () => {
    expect(await operations.soften(name, "memory", signal).catch(toProblem)).toMatchObject({ code: "not-found" });
    await operations.harden({ name, fix: { check: "new-privileges" }, mayWeaken: false }, signal);
    writeFileSync(configFile(), plain);
    expect(await operations.soften(name, "new-privileges", signal).catch(toProblem)).toMatchObject({ code: "not-supported" });
  });
});

describe("marks of files", () => {
  const put = (path: string, mode: number, text = "") => {
    const file = join(folder(), "rootfs", path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  const modeOf = (file: string) => statSync(file).mode & 0o7777;
  const getcap = (file: string) => execFileSync("getcap", ["-n", file], { encoding: "utf8" }).trim();
  const strip = (files: string[]) => operations.harden({ name, fix: { check: "suid-files", files }, mayWeaken: false }, signal);
  const suspicious = async () => {
    const [fix] = (await find("suid-files")).fixes;
    return fix?.check === "suid-files" ? fix.files : [];
  };

  it.each(["running", "stopped"])("are taken off and put back in one that is %s, which goes on meanwhile", async (how) => {
    const stray = put("srv/st\u001b[2Jray", 0o6755);
    const capable = put("srv/capable", 0o755);
    execFileSync("setcap", ["-n", "100000", "cap_net_raw,cap_setuid=ep", capable]);
    const capabilities = getcap(capable);
    expect(capabilities).toContain("rootid=100000");
    try {
      if (how === "running") start();
      const before = lxc.reader.readOne(name)?.initPid;
      expect(await find("suid-files")).toMatchObject({ state: "problem", canUndo: false });
      const files = await suspicious();
      expect(files).toHaveLength(2);
      const preview = await previewStripping(lxc, name, { check: "suid-files", files });
      expect(preview).toMatchObject({ changes: "files", needsRestart: false });
      expect(preview.removes.join()).toContain("6755 /srv/st?[2Jray (SUID, SGID)");
      await strip(files);
      expect(modeOf(stray)).toBe(0o755);
      expect(getcap(capable)).toBe("");
      expect(await find("suid-files")).toMatchObject({ state: "ok", canUndo: true });
      expect(lxc.reader.readOne(name)?.initPid).toBe(before);
      await operations.soften(name, "suid-files", signal);
      expect(modeOf(stray)).toBe(0o6755);
      expect(getcap(capable)).toBe(capabilities);
      expect(await find("suid-files")).toMatchObject({ state: "problem", canUndo: false });
      expect(lxc.reader.readOne(name)?.initPid).toBe(before);
    } finally {
      rmSync(join(folder(), "rootfs/srv"), { recursive: true });
    }
  });

  it("are not put on a file that has come in the place of one, was written to, or leads elsewhere", async () => {
    const victim = join(state, "victim");
    writeFileSync(victim, "");
    const paths = ["replaced", "written", "linked", "same"].map((path) => put(`srv/${path}`, 0o4755, "text"));
    const [replaced = "", written = "", linked = "", same = ""] = paths;
    try {
      await strip(await suspicious());
      // With the old one beside it, the new one has another number.
      renameSync(replaced, `${replaced}.old`);
      writeFileSync(replaced, "text");
      writeFileSync(written, "evil");
      rmSync(linked);
      symlinkSync(victim, linked);
      await operations.soften(name, "suid-files", signal);
      expect(paths.map((path) => statSync(path).mode & 0o4000)).toEqual([0, 0, 0, 0o4000]);
      expect(statSync(victim).mode & 0o4000).toBe(0);
      expect(modeOf(same)).toBe(0o4755);
      expect(tasks.snapshot().tasks.at(-1)?.notices.join()).toContain("/srv/replaced");
      put("srv/same", 0o4755, "text");
      await strip(await suspicious());
      writeFileSync(same, "other");
      expect(await operations.soften(name, "suid-files", signal).catch(toProblem)).toMatchObject({ code: "not-supported" });
      expect(modeOf(same)).toBe(0o755);
    } finally {
      rmSync(join(folder(), "rootfs/srv"), { recursive: true });
    }
  });

  it("are taken off no file that was not found", async () => {
    const stray = put("srv/stray", 0o4755);
    try {
      const [id = ""] = await suspicious();
      const failed = await strip([id, "0".repeat(32)]).catch(toProblem);
      expect(failed).toMatchObject({ code: "not-supported" });
      expect(modeOf(stray)).toBe(0o4755);
    } finally {
      rmSync(join(folder(), "rootfs/srv"), { recursive: true });
    }
  });
});

describe("a read-only system", () => {
  const rootfs = () => join(folder(), "rootfs");
  const places: Extract<SecurityFix, { check: "read-only" }>["places"] = [
    { path: "/tmp", kept: "memory" },
    { path: "/srv", kept: "disk" },
  ];
  const fix: SecurityFix = { check: "read-only", places };
  const harden = (wanted: SecurityFix = fix) => operations.harden({ name, fix: wanted, mayWeaken: false }, signal);
  const shell = (command: string, of = name) => lxc.inside(of, "/bin/busybox", "sh", "-c", `${command}; true`).trim();

  beforeEach(() => {
    for (const path of ["tmp", "srv"]) mkdirSync(join(rootfs(), path), { recursive: true });
    chmodSync(join(rootfs(), "tmp"), 0o1777);
    writeFileSync(join(rootfs(), "srv/data"), "before");
  });
  afterEach(() => {
    for (const path of ["tmp", "srv"]) rmSync(join(rootfs(), path), { recursive: true, force: true });
    rmSync(join(folder(), "writable"), { recursive: true, force: true });
  });

  it("is one after a restart, keeps what it may write, and what was written when that is undone", async () => {
    start();
    expect(await find("read-only")).toMatchObject({ state: "warning", fixes: [{ check: "read-only" }] });
    await harden();
    expect(isRunning()).toBe(true);
    expect(await find("read-only")).toMatchObject({ state: "ok", canUndo: true });
    expect(await find("host-files")).toMatchObject({ state: "ok" });
    expect(shell("echo x > /etc/new 2>&1 || echo refused")).toContain("refused");
    expect(shell("cat /srv/data; echo after > /srv/data; echo x > /tmp/t; /bin/busybox stat -c %a /tmp")).toBe("before1777");
    expect(readFileSync(join(folder(), "writable/srv/data"), "utf8")).toBe("after\n");
    await operations.soften(name, "read-only", signal);
    expect(config()).toBe(plain);
    expect(readFileSync(join(rootfs(), "srv/data"), "utf8")).toBe("after\n");
    expect(existsSync(join(folder(), "writable/srv"))).toBe(false);
    expect(shell("echo x > /etc/new && rm /etc/new && echo written")).toBe("written");
  });

  it("leaves the file of name servers to DHCP clients, which put another one in its place", async () => {
    const file = join(rootfs(), "etc/resolv.conf");
    mkdirSync(join(rootfs(), "run"), { recursive: true });
    writeFileSync(file, "nameserver 10.0.0.1\n");
    start();
    const [suggested] = (await find("read-only")).fixes;
    expect(suggested).toMatchObject({ places: expect.arrayContaining([{ path: "/etc/resolv.conf", kept: "disk" }]) });
    const runs: WritablePlace = { path: "/run", kept: "memory" };
    const servers: WritablePlace = { path: "/etc/resolv.conf", kept: "disk" };
    for (const wrong of [[servers], [runs, { ...servers, kept: "memory" } as const]])
      expect(await harden({ check: "read-only", places: wrong }).catch(toProblem)).toMatchObject({ code: "not-supported" });
    await harden({ check: "read-only", places: [servers, runs, ...places] });
    expect(shell("cat /etc/resolv.conf; echo x > /etc/new 2>&1 || echo refused")).toMatch(/^nameserver 10\.0\.0\.1\n.*refused$/s);
    const asDhclient =
      "f=$(/bin/busybox readlink -f /etc/resolv.conf); echo nameserver 10.0.0.2 > $f.new; mv -f $f.new $f; cat /etc/resolv.conf";
    expect(shell(asDhclient)).toBe("nameserver 10.0.0.2");
    await operations.restart(name, 20, signal);
    expect(shell("cat /etc/resolv.conf")).toBe("nameserver 10.0.0.2");
    await operations.soften(name, "read-only", signal);
    expect(lstatSync(file).isFile()).toBe(true);
    expect(readFileSync(file, "utf8")).toBe("nameserver 10.0.0.2\n");
    expect(readdirSync(join(folder(), "writable"))).toEqual([]);
    rmSync(file);
  });

  it("is taken back by itself where it does not come up, with its folders in their places", async () => {
    writeFileSync(join(rootfs(), "init.sh"), "#!/bin/busybox sh\n/bin/busybox touch /needed || exit 1\nexec /bin/busybox sleep 1000\n", {
      mode: 0o755,
    });
    append("lxc.init.cmd = /init.sh", "lxc.signal.halt = SIGKILL");
    const before = config();
    start();
    const failed = await harden().catch(toProblem);
    expect(failed).toMatchObject({ code: "fix-taken-back", reason: "did-not-start", runsAgain: true });
    expect(config()).toBe(before);
    expect(isRunning()).toBe(true);
    expect(readFileSync(join(rootfs(), "srv/data"), "utf8")).toBe("before");
    expect((await find("read-only")).canUndo).toBe(false);
  });

  it("mounts nothing of this computer that a link inside leads to", async () => {
    rmSync(join(rootfs(), "srv"), { recursive: true });
    symlinkSync("/etc", join(rootfs(), "srv"));
    for (const kept of ["disk", "memory"] as const) {
      const failed = await harden({ check: "read-only", places: [{ path: "/srv", kept }] }).catch(toProblem);
      expect(failed).toMatchObject({ code: "not-supported" });
    }
    rmSync(join(rootfs(), "srv"));
    mkdirSync(join(rootfs(), "srv"));
    await harden();
    // As its root could, had it been able to write there.
    rmSync(join(rootfs(), "srv"), { recursive: true });
    symlinkSync("/etc", join(rootfs(), "srv"));
    expect(() => start()).toThrow();
    expect(await operations.soften(name, "read-only", signal).catch(toProblem)).toMatchObject({ code: "fix-taken-back" });
    rmSync(join(rootfs(), "srv"));
    mkdirSync(join(rootfs(), "srv"));
    await operations.soften(name, "read-only", signal);
    expect(config()).toBe(plain);
  });

  it("has a clone with places of its own", async () => {
    await harden();
    const clone = { name: newContainerName.parse("copy"), unprivileged: false, start: false, address: "dhcp" as const, autostart: false };
    await operations.create({ ...clone, source: { type: "clone", from: containerName.parse(name), copy: "full" } }, signal);
    try {
      lxc.run("lxc-start", "-n", "copy", "-d");
      shell("echo clone > /srv/data", "copy");
      expect(readFileSync(join(lxc.lxcPath, "copy/writable/srv/data"), "utf8")).toBe("clone\n");
      expect(readFileSync(join(folder(), "writable/srv/data"), "utf8")).toBe("before");
    } finally {
      await operations.forceStop("copy", signal);
      await operations.destroy("copy", signal);
      await operations.soften(name, "read-only", signal);
    }
  });

  it("is found by what was written since the start", async () => {
    start();
    shell("echo x > /srv/new; mkdir -p /var/spool/q; echo x > /var/spool/q/1; echo x > /tmp/t");
    const { places: written } = await findWritten(lxc, name);
    const paths = written.map(({ path, kept }) => `${path} ${kept}`);
    expect(paths).toEqual(expect.arrayContaining(["/srv disk", "/tmp memory", "/var/spool/q disk"]));
    rmSync(join(rootfs(), "var/spool"), { recursive: true });
  });
});

describe("a container that is made hardened", () => {
  const wanted = {
    name: "hard",
    source: { type: "template", template: "busybox" },
    unprivileged: true,
    start: true,
    address: "dhcp",
    network: { type: "none" },
    hardened: true,
  };
  const make = (others: Partial<ParamsInputOf<"containers.create">> = {}) =>
    operations.create(methods["containers.create"].params.parse({ ...wanted, ...others }), signal);
  const configOf = () => readFileSync(join(lxc.lxcPath, "hard/config"), "utf8");
  const remove = async () => {
    if (lxc.reader.readOne("hard")?.state === "running") await operations.forceStop("hard", signal);
    if (lxc.reader.readOne("hard")) await operations.destroy("hard", signal);
  };
  afterEach(remove);

  it("starts, and the kernel shows all of it; the preview has the same lines", async () => {
    const previewed = await operations.preview(methods["containers.preview"].params.parse(wanted));
    await make();
    expect(lxc.reader.readOne("hard")).toMatchObject({ state: "running", privileged: false });
    const report = await auditContainer(lxc, "hard");
    expect(lackingOf(report)).toEqual([]);
    const lines = configOf().split("\n");
    const added = lines.slice(lines.lastIndexOf("lxc.cap.drop = "));
    expect(added.length).toBeGreaterThan(6);
    for (const line of added) expect(previewed.configuration.split("\n")).toContain(line);
    expect(previewed.defaultConfiguration).not.toContain("strict.seccomp");
  });

  it("keeps the limits that were chosen", async () => {
    await make({ resources: { processes: 77, memoryBytes: 128 * 1024 ** 2 }, start: false });
    const limits = configOf().match(/pids\.max = \d+|memory\.(limit_in_bytes|max) = \d+/g);
    expect(limits?.map((line) => line.split(" = ")[1]).sort()).toEqual([String(128 * 1024 ** 2), "77"]);
  });

  it("is neither a privileged one nor a clone", async () => {
    expect(await make({ unprivileged: false }).catch(toProblem)).toMatchObject({ code: "invalid-request", issues: [{ path: "hardened" }] });
    const source = { type: "clone" as const, from: name };
    expect(await make({ unprivileged: true, source }).catch(toProblem)).toMatchObject({
      code: "invalid-request",
      issues: [{ path: "hardened" }],
    });
    expect(lxc.reader.readOne("hard")).toBeUndefined();
  });
});

describe("what is found", () => {
  it("is the kernel's word of what runs, with what the configuration says otherwise", async () => {
    start();
    append("lxc.no_new_privs = 1");
    expect(await find("new-privileges")).toMatchObject({ state: "warning", difference: expect.any(String) });
    expect(await find("user-namespace")).toMatchObject({ state: "problem" });
    expect((await auditContainer(lxc, name)).grade >= "C").toBe(true);
  });

  it("is a program that somebody marked, never one outside that a link leads to", async () => {
    const rootfs = join(folder(), "rootfs");
    const stray = join(rootfs, "tmp/st\u001b[2Jray");
    mkdirSync(join(rootfs, "tmp"), { recursive: true });
    writeFileSync(stray, "");
    chmodSync(stray, 0o4755);
    symlinkSync("/usr/bin", join(rootfs, "tmp/outside"));
    try {
      const found = await find("suid-files");
      expect(found).toMatchObject({ state: "problem", summary: expect.stringContaining("/tmp/st?[2Jray") });
      expect(found.evidence.join("\n")).not.toContain("outside");
    } finally {
      rmSync(stray);
      rmSync(join(rootfs, "tmp/outside"));
    }
    expect(await find("suid-files")).toMatchObject({ state: "ok" });
  });

  it("is critical, and an F, where this computer's own files are in it", async () => {
    append("lxc.mount.entry = / mnt none rbind,create=dir 0 0");
    expect(await find("host-files")).toMatchObject({ state: "critical", summary: expect.stringContaining("root of this computer") });
    expect(await auditContainer(lxc, name)).toMatchObject({ grade: "F", limitedBy: expect.any(String) });
  });

  it("is critical where somebody else can write what root runs", async () => {
    const hook = join(state, "hook");
    writeFileSync(hook, "#!/bin/sh\n");
    chmodSync(hook, 0o757);
    append(`lxc.hook.pre-start = ${hook}`);
    expect(await find("hooks")).toMatchObject({
      state: "critical",
      evidence: expect.arrayContaining([expect.stringContaining("everybody can write")]),
    });
  });

  it("is an account without a password, and a port that others reach", async () => {
    const shadow = join(folder(), "rootfs/etc/shadow");
    const before = readFileSync(shadow, "utf8");
    writeFileSync(shadow, "root::0:0:99999:7:::\n");
    try {
      expect(await find("logins")).toMatchObject({ state: "problem", summary: "root can log in without a password." });
    } finally {
      writeFileSync(shadow, before);
    }
    start();
    expect(await find("services")).toMatchObject({ state: "ok" });
    lxc.inside(name, "/bin/busybox", "sh", "-c", "/bin/busybox ip link set lo up; /bin/busybox nc -l -p 6379 </dev/null >/dev/null 2>&1 &");
    await expect.poll(async () => (await find("services")).summary).toContain("Redis (port 6379)");
  });

  it("is the devices that the kernel lets it open", async () => {
    append(
      "lxc.cgroup.devices.deny = a",
      "lxc.cgroup2.devices.deny = a",
      ...["c 1:3 rwm", "c 136:* rwm", "c 5:* rwm"].flatMap((rule) => [
        `lxc.cgroup.devices.allow = ${rule}`,
        `lxc.cgroup2.devices.allow = ${rule}`,
      ]),
    );
    expect(await find("devices")).toMatchObject({ state: "ok" });
    start();
    expect(await find("devices")).toMatchObject({ state: "ok" });
    stop();
    append("lxc.cgroup.devices.allow = b 7:* rwm", "lxc.cgroup2.devices.allow = b 7:* rwm");
    start();
    expect(await find("devices")).toMatchObject({ state: "problem", summary: expect.stringContaining("b 7:* rwm") });
  });

  it("is all containers, the worst first, and this computer's kernel", async () => {
    lxc.makeContainer("other");
    writeFileSync(
      join(lxc.lxcPath, "other/config"),
      `${readFileSync(join(lxc.lxcPath, "other/config"), "utf8")}lxc.idmap = u 0 1900000000 65536\nlxc.idmap = g 0 1900000000 65536\n`,
    );
    // So high that no user of this computer was given any of them.
    append("lxc.idmap = u 0 1900020000 65536", "lxc.idmap = g 0 1900020000 65536", "lxc.mount.entry = /etc mnt none bind 0 0");
    const { containers, host, skipped } = await auditAll(lxc, readHostFacts(true));
    expect(containers.map((one) => one.name)).toEqual(["web", "other"]);
    expect(containers[1]?.findings.find(({ check }) => check === "id-range")).toMatchObject({
      state: "warning",
      summary: expect.stringContaining("web"),
    });
    expect(skipped).toEqual([]);
    expect(host.findings.find(({ id }) => id === "kernel-messages")?.evidence[0]).toContain(
      readFileSync("/proc/sys/kernel/dmesg_restrict", "utf8").trim(),
    );
  });

  it("ends in time where a file system is endless, and says so", async () => {
    // Nobody writes to it: opening it would wait for ever.
    lxc.run("lxc-info", "-n", name);
    const pipe = join(folder(), "rootfs/etc/pipe");
    execFileSync("mkfifo", [pipe]);
    chmodSync(pipe, 0o6755);
    try {
      expect(await find("suid-files")).toMatchObject({ state: "ok" });
    } finally {
      rmSync(pipe);
    }
  });
});
