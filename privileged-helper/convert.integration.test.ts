import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { toProblem } from "./contract/problems.ts";
import type { ConversionFix, SecurityFinding, SecurityFix } from "./contract/security.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
import { previewConversion } from "./lxc/audit/plan-conversion.ts";
import { createOperations } from "./lxc/operations.ts";
import { createTasks } from "./tasks.ts";
import { addEveryKindOfFile, describeTree } from "./testing/every-kind-of-file.ts";
import { bundleHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/** Real containers with files of every kind become unprivileged and privileged again, on real LXC. */
let lxc: RealLxc;
let state: string;
let program: string;
let operations: ReturnType<typeof createOperations>;
let tasks: ReturnType<typeof createTasks>;
const signal = new AbortController().signal;
const name = "web";
/** More than there are. */
const maxSteps = 80;
const folder = () => join(lxc.lxcPath, name);
const rootfs = () => join(folder(), "rootfs");
const configFile = () => join(folder(), "config");
const config = () => readFileSync(configFile(), "utf8");
const shifted: ConversionFix = { check: "user-namespace", to: "unprivileged", way: "shifted" };
const idmapped: ConversionFix = { check: "user-namespace", to: "unprivileged", way: "idmapped" };
const privileged: ConversionFix = { check: "user-namespace", to: "privileged" };

function createHelper() {
  const { lxcPath, reader } = lxc;
  tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  operations = createOperations({ lxcPath, reader, tasks, journal, locks: createLocks(join(state, "locks")) });
  return journal;
}
beforeAll(async () => {
  lxc = createRealLxc("convert");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-convert-"));
  program = await bundleHelper(join(state, "program"), join(import.meta.dirname, "testing/convert-container.ts"));
  createHelper();
});
function makeContainer() {
  lxc.makeContainer(name);
  writeFileSync(configFile(), `${config().replace(/^lxc\.(net|apparmor).*\n/gm, "")}lxc.net.0.type = empty\nlxc.signal.halt = SIGKILL\n`);
  addEveryKindOfFile(rootfs());
}
afterEach(() => {
  stop();
  if (existsSync(folder())) lxc.run("lxc-destroy", "-n", name);
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
const uidMap = () =>
  readFileSync(`/proc/${lxc.reader.readOne(name)?.initPid}/uid_map`, "utf8")
    .trim()
    .split(/\s+/)
    .map(Number);
const harden = (fix: ConversionFix, abort = signal) => operations.harden({ name, fix, mayWeaken: true }, abort);
const undo = () => operations.soften(name, "user-namespace", signal);
async function finding(): Promise<SecurityFinding> {
  const found = (await auditContainer(lxc, name)).findings.find(({ check }) => check === "user-namespace");
  if (!found) throw new Error("there is no such check");
  return found;
}
const leftovers = () => readdirSync(folder()).filter((one) => one.startsWith("lxc-desktop-conversion"));

describe("a stopped container", () => {
  it("has every owner, mode, list, capability, link and hole again after there and back", async () => {
    makeContainer();
    const [before, lines] = [describeTree(rootfs()), config()];
    await harden(shifted);
    const first = Number(/^lxc\.idmap = u 0 (\d+) 65536$/m.exec(config())?.[1]);
    const ownerOf = (path: string) => [
      lstatSync(join(rootfs(), "kinds", path)).uid - first,
      lstatSync(join(rootfs(), "kinds", path)).gid - first,
    ];
    expect(ownerOf("of-user")).toEqual([1000, 1001]);
    expect(ownerOf("link")).toEqual([5, 6]);
    expect(lstatSync(join(rootfs(), "kinds/suid")).mode & 0o7777).toBe(0o4755);
    // What is a device outside stays root's.
    expect(lstatSync(join(rootfs(), "kinds/disk")).uid).toBe(0);
    expect(await finding()).toMatchObject({ state: "ok", canUndo: true });
    expect(leftovers()).toEqual([]);
    await undo();
    expect(describeTree(rootfs())).toBe(before);
    expect(config()).toBe(lines);

    await harden(shifted);
    await harden(privileged);
    expect(describeTree(rootfs())).toBe(before);
    expect(await finding()).toMatchObject({ state: "problem" });
    await undo();
    expect(await finding()).toMatchObject({ state: "ok" });
    await undo();
    expect(describeTree(rootfs())).toBe(before);
    expect(config()).toBe(lines);
  });

  it("is refused by name, and not changed, where a file has an id that is none of its own", async () => {
    makeContainer();
    writeFileSync(join(rootfs(), "kinds/foreign"), "");
    chownSync(join(rootfs(), "kinds/foreign"), 70_000, 0);
    const [before, lines] = [describeTree(rootfs()), config()];
    const expected = { code: "not-supported", what: expect.stringContaining('"/kinds/foreign" belongs to id 70000') };
    expect(await previewConversion(lxc, name, shifted, signal).catch(toProblem)).toMatchObject(expected);
    expect(await harden(shifted).catch(toProblem)).toMatchObject(expected);
    expect(describeTree(rootfs())).toBe(before);
    expect(config()).toBe(lines);
    expect(leftovers()).toEqual([]);
  });

  it("is refused where something else is mounted in its files, where it has clones, and with ids that are not free", async () => {
    makeContainer();
    mkdirSync(join(rootfs(), "mnt"), { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "none", join(rootfs(), "mnt")]);
    try {
      expect(await harden(shifted).catch(toProblem)).toMatchObject({ code: "not-supported", what: expect.stringContaining("/mnt") });
    } finally {
      execFileSync("umount", [join(rootfs(), "mnt")]);
    }
    expect(await harden({ ...shifted, firstId: 65_536 }).catch(toProblem)).toMatchObject({ code: "not-supported" });
    lxc.run("lxc-copy", "-n", name, "-N", "clone", "-s", "-B", "overlayfs");
    try {
      expect(await harden(shifted).catch(toProblem)).toMatchObject({ code: "has-clones", clones: ["clone"] });
    } finally {
      lxc.run("lxc-destroy", "-n", "clone");
    }
  });

  it("is as before where it is cancelled in the middle", async () => {
    makeContainer();
    for (let folderNumber = 0; folderNumber < 20; folderNumber++) {
      mkdirSync(join(rootfs(), `many-${folderNumber}`));
      for (let file = 0; file < 500; file++) writeFileSync(join(rootfs(), `many-${folderNumber}/${file}`), "");
    }
    const [before, lines] = [describeTree(rootfs()), config()];
    const abort = new AbortController();
    const done = harden(shifted, abort.signal).catch(toProblem);
    // The manifest is there before the first change, so that something is changed or about to be.
    await expect.poll(() => leftovers().includes("lxc-desktop-conversion-files.json"), { interval: 1, timeout: 30_000 }).toBe(true);
    abort.abort();
    expect(await done).toMatchObject({ code: "cancelled" });
    expect(describeTree(rootfs())).toBe(before);
    expect(config()).toBe(lines);
    expect(leftovers()).toEqual([]);
  });
});

describe("one whose system is read-only, and that keeps folders on disk beside it", () => {
  const readOnly: SecurityFix = {
    check: "read-only",
    places: [
      { path: "/tmp", kept: "memory" },
      { path: "/srv", kept: "disk" },
      { path: "/var/lib", kept: "disk" },
    ],
  };
  const srv = () => join(folder(), "writable/srv");
  const inside = (script: string) => lxc.inside(name, "/bin/busybox", "sh", "-c", script).trim();
  const owners = "/bin/busybox stat -c '%u %g %a' /srv/kinds/shadow /srv/kinds/of-user /srv/kinds/suid /srv/linked";
  const expectedOwners = ["0 42 640", "1000 1001 600", "0 0 4755", "1000 1001 600"];
  async function makeReadOnly() {
    makeContainer();
    for (const path of ["srv", "tmp", "var/lib"]) mkdirSync(join(rootfs(), path), { recursive: true });
    addEveryKindOfFile(join(rootfs(), "srv"));
    linkSync(join(rootfs(), "kinds/of-user"), join(rootfs(), "srv/linked"));
    await operations.harden({ name, fix: readOnly, mayWeaken: false }, signal);
  }
  /** Of modification: what is described has been written to in between. */
  const withoutTimes = (tree: string) => tree.replace(/ \d+\.\d{5,}/g, "");
  const trees = () => `${describeTree(join(rootfs(), "kinds"))}${describeTree(srv())}`;

  it.each([shifted, idmapped])("takes them along there and back: %j", async (fix) => {
    await makeReadOnly();
    const [before, lines] = [trees(), config()];
    start();
    await harden(fix);
    expect(uidMap()[1]).toBeGreaterThanOrEqual(65_536);
    expect(await finding()).toMatchObject({ state: "ok" });
    expect(inside(owners).split("\n")).toEqual(expectedOwners);
    expect(inside("echo x > /new 2>/dev/null || echo refused; echo new > /srv/new; echo new > /var/lib/new; cat /srv/new")).toBe(
      "refused\nnew",
    );
    expect(lstatSync(join(srv(), "kinds/of-user")).uid === 1000).toBe(fix.way === "idmapped");
    const all = (await auditContainer(lxc, name)).findings;
    for (const check of ["host-files", "read-only"]) expect(all.find((one) => one.check === check)).toMatchObject({ check, state: "ok" });
    stop();
    rmSync(join(srv(), "new"));
    await harden(privileged);
    expect(withoutTimes(trees())).toBe(withoutTimes(before));
    expect(lstatSync(join(folder(), "writable/var+lib/new")).uid).toBe(0);
    await undo();
    await undo();
    expect(config()).toBe(lines);
    // And from there into its own files again.
    await operations.soften(name, "read-only", signal);
    expect(lstatSync(join(rootfs(), "srv/kinds/of-user")).uid).toBe(1000);
    expect(existsSync(srv())).toBe(false);
  });

  it("can be made read-only when it is unprivileged already, whichever way, and privileged with its folders beside it", async () => {
    for (const fix of [shifted, idmapped]) {
      makeContainer();
      for (const path of ["srv", "tmp", "var/lib"]) mkdirSync(join(rootfs(), path), { recursive: true });
      addEveryKindOfFile(join(rootfs(), "srv"));
      linkSync(join(rootfs(), "kinds/of-user"), join(rootfs(), "srv/linked"));
      const before = describeTree(join(rootfs(), "srv/kinds"));
      await harden(fix);
      await operations.harden({ name, fix: readOnly, mayWeaken: false }, signal);
      start();
      expect(inside(owners).split("\n")).toEqual(expectedOwners);
      stop();
      await harden(privileged);
      expect(describeTree(join(srv(), "kinds"))).toBe(before);
      start();
      expect(inside(owners).split("\n")).toEqual(expectedOwners);
      stop();
      lxc.run("lxc-destroy", "-n", name);
    }
  });

  it("is refused, and nothing of it changed, where one of them has a foreign id", async () => {
    await makeReadOnly();
    chownSync(join(srv(), "kinds/plain"), 70_000, 0);
    const [before, lines] = [trees(), config()];
    expect(await harden(shifted).catch(toProblem)).toMatchObject({
      code: "not-supported",
      what: expect.stringContaining('"/srv/kinds/plain" belongs to id 70000'),
    });
    expect([trees(), config(), leftovers()]).toEqual([before, lines, []]);
  });

  it("leaves what the next helper takes back or has found done, before whichever step one was killed", async () => {
    await makeReadOnly();
    await killAtEachStep(trees, 3);
  }, 540_000);
});

describe("a container that runs", () => {
  it.each([shifted, idmapped])("runs with ids of its own as the kernel says, and is privileged again: %j", async (fix) => {
    makeContainer();
    const lines = config();
    start();
    expect(uidMap()).toEqual([0, 0, 4_294_967_295]);
    const preview = await previewConversion(lxc, name, fix, signal);
    expect(preview).toMatchObject({ needsRestart: true, conversion: { way: fix.way } });
    if (fix.way === "shifted") expect(preview.conversion?.files).toBeGreaterThan(20);
    await harden(fix);
    expect(isRunning()).toBe(true);
    expect(uidMap()[1]).toBeGreaterThanOrEqual(65_536);
    expect(await finding()).toMatchObject({ state: "ok" });
    const inside = (script: string) => lxc.inside(name, "/bin/busybox", "sh", "-c", script);
    // Its files have the owners inside that they had before.
    expect(inside("/bin/busybox stat -c '%u %g %a' /kinds/shadow /kinds/of-user /kinds/suid").trim().split("\n")).toEqual([
      "0 42 640",
      "1000 1001 600",
      "0 0 4755",
    ]);
    inside("echo more >> /kinds/plain");
    // A device file that it once made for itself opens nothing of this computer's.
    expect(inside("/bin/busybox head -c 1 /kinds/disk 2>&1 || true")).toContain("not permitted");
    expect(inside("/bin/busybox head -c 1 /dev/zero | /bin/busybox wc -c").trim()).toBe("1");
    await undo();
    expect(config()).toBe(lines);
    expect(isRunning()).toBe(true);
    expect(uidMap()).toEqual([0, 0, 4_294_967_295]);
    expect(inside("/bin/busybox stat -c '%u %g %a' /kinds/shadow").trim()).toBe("0 42 640");
  });

  it("is privileged again, and runs, where it does not come up", async () => {
    makeContainer();
    // Only root of this computer may make device files.
    writeFileSync(
      join(rootfs(), "init.sh"),
      "#!/bin/busybox sh\n/bin/busybox rm -f /kinds/made\n/bin/busybox mknod /kinds/made c 1 3 || exit 1\nexec /bin/busybox sleep 1000\n",
      { mode: 0o755 },
    );
    writeFileSync(configFile(), `${config()}lxc.init.cmd = /init.sh\n`);
    const lines = config();
    start();
    const failed = await harden(shifted).catch(toProblem);
    expect(failed).toMatchObject({ code: "fix-taken-back", reason: "did-not-start", runsAgain: true });
    expect(config()).toBe(lines);
    expect(isRunning()).toBe(true);
    expect(lstatSync(join(rootfs(), "kinds/of-user")).uid).toBe(1000);
    expect(leftovers()).toEqual([]);
  });
});

/** Kills a helper before each of its steps, or each so many. @param describeFiles What has to be the same after each. */
async function killAtEachStep(describeFiles: () => string, stride = 1) {
  const [before, lines] = [describeFiles(), config()];
  const record = join(folder(), "lxc-desktop-security.json");
  const decided = existsSync(record) ? readFileSync(record) : undefined;
  let count = 0;
  for (let isDone = false, runs = 1; !isDone; runs++) {
    count += stride;
    if (count > maxSteps) throw new Error("it never ends");
    // One that runs is stopped for it, and runs again.
    if (runs % 4 === 0) start();
    const wasRunning = isRunning();
    const args = [program, lxc.lxcPath, state, name, JSON.stringify(shifted), String(count)];
    const [exitCode] = await once(spawn(process.execPath, args, { stdio: "inherit" }), "exit");
    isDone = exitCode === 0;
    const journal = createHelper();
    await operations.recover();
    const when = `killed before step ${count}`;
    expect(journal.abandoned(lxc.lxcPath), when).toEqual([]);
    expect(leftovers(), when).toEqual([]);
    const isUnprivileged = /^lxc\.idmap/m.test(config());
    expect(isRunning(), when).toBe(wasRunning);
    if (wasRunning) expect(uidMap()[1] !== 0, when).toBe(isUnprivileged);
    stop();
    if (isUnprivileged) await harden(privileged);
    else expect(config(), when).toBe(lines);
    expect(describeFiles(), when).toBe(before);
    writeFileSync(configFile(), lines);
    if (decided) writeFileSync(record, decided);
    else rmSync(record, { force: true });
  }
  expect(count).toBeGreaterThan(5);
}

describe("a helper that is killed while it converts", () => {
  it("leaves what the next one takes back or has found done, before whichever step it was killed", async () => {
    makeContainer();
    await killAtEachStep(() => describeTree(join(rootfs(), "kinds")));
  }, 540_000);
});
