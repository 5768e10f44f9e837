import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createChannels } from "./channels.ts";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
import { parseConfig, valuesOf } from "./lxc/config.ts";
import { readDebianMirrors } from "./lxc/debian-mirrors.ts";
import { createImageStore } from "./lxc/image-store.ts";
import { createContainerReader } from "./lxc/list.ts";
import { reservationsAreSetUp, systemFiles, undoNetworkSetup } from "./lxc/network.ts";
import { createOperations } from "./lxc/operations.ts";
import { uploadsFolderOf } from "./lxc/state-folder.ts";
import { createTasks } from "./tasks.ts";
import { workersOf } from "./testing/creating-process.ts";
import { reasonWithoutMirror } from "./testing/debian-mirror.ts";
import { lackingOf } from "./testing/hardened.ts";
import { bundleHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { sendFile } from "./testing/send-file.ts";
import { createUploads } from "./uploads.ts";

/** Images made of real archives, and containers of them on LXC itself. */
let lxc: RealLxc;
let state: string;
let template: string;
let startImporting: StartImporting;
let wereReservationsSetUp: boolean;
const signal = new AbortController().signal;

beforeAll(async () => {
  lxc = createRealLxc("images");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-images-"));
  startImporting = await prepareImporting();
  wereReservationsSetUp = reservationsAreSetUp();
  lxc.makeContainer("template");
  template = join(lxc.lxcPath, "template/rootfs");
  writeFileSync(join(template, "etc/hostname"), "template\n");
  execFileSync("mknod", [join(template, "dev/console"), "c", "5", "1"]);
  writeFileSync(join(template, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
});
afterAll(async () => {
  // Through the helper, so that their addresses are given back.
  const { operations, tasks } = createHelper();
  for (const { name, state } of lxc.reader.readAll()) {
    if (state !== "stopped") await operations.forceStop(name, signal);
    await operations.destroy(name, signal);
  }
  await lxc.close();
  rmSync(`${lxc.lxcPath}-desktop`, { recursive: true, force: true });
  rmSync(state, { recursive: true });
  // Unless somebody else has begun to use them meanwhile.
  const areInUse = existsSync(systemFiles.hosts) && readdirSync(systemFiles.hosts).length > 0;
  if (wereReservationsSetUp || areInUse) return;
  await tasks.run({ kind: "destroy", target: "", cancellable: false }, (task) => undoNetworkSetup(task));
});

function createHelper(lxcPath = lxc.lxcPath, reader = lxc.reader) {
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const images = createImageStore({ lxcPath });
  const operations = createOperations({ lxcPath, reader, tasks, journal, images, locks: createLocks(join(state, "locks")) });
  const written = new Map<number, number>();
  const uploads = createUploads({
    directory: uploadsFolderOf(lxcPath),
    nextChannel: createChannels(),
    onWritten: (channel, bytes) => void written.set(channel, bytes),
  });
  const upload = (path: string) => sendFile(path, uploads, written);
  const add = async (path: string, others: Partial<ParamsInputOf<"images.import">> = {}): Promise<string> => {
    const params = { title: "Busy", origin: "archive", rootfs: await upload(path), sha256: { rootfs: sha256(path) }, unprivileged: true };
    const { image } = await operations.importImage(methods["images.import"].params.parse({ ...params, ...others }), uploads, signal);
    return image;
  };
  return { tasks, journal, images, operations, uploads, upload, add };
}

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);
const create = (name: string, image: string, others: Partial<ParamsInputOf<"containers.create">> = {}) =>
  createHelper().operations.create(
    methods["containers.create"].params.parse({
      name,
      source: { type: "image", image },
      unprivileged: true,
      start: false,
      address: "static",
      ...others,
    }),
    signal,
  );
async function destroy(...names: string[]) {
  const { operations } = createHelper();
  for (const name of names) {
    if (lxc.reader.readOne(name)?.state === "running") await operations.forceStop(name, signal);
    await operations.destroy(name, signal);
  }
}

/** A root file system of LXC's busybox template, or of another folder. */
function archive(name: string, { of = template, options = [] as string[] } = {}): string {
  const path = join(state, name);
  execFileSync("tar", ["-C", of, "-caf", path, ...options, "."], { stdio: ["ignore", "pipe", "ignore"] });
  return path;
}
const withoutDevices = { options: ["--exclude=./dev/*"] };

/** Names, numbers, times and sizes of all files. */
const fingerprint = (folder: string) => execFileSync("find", [folder, "-printf", "%P %i %T@ %m %U %G %s\n"], { encoding: "utf8" });
const foreignFiles = (folder: string, id = 0) =>
  execFileSync("find", [folder, "!", "-uid", String(id), "-o", "!", "-gid", String(id)], { encoding: "utf8" });
const settingsOf = (name: string, key: string) => valuesOf(parseConfig(readFileSync(join(lxc.lxcPath, name, "config"), "utf8")), key);

/** Everything that an unfinished image could leave behind. */
function expectNothingLeft(lxcPath = lxc.lxcPath) {
  const { images, journal } = createHelper(lxcPath);
  for (const folder of [images.folder, uploadsFolderOf(lxcPath)]) expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  expect(journal.abandoned(lxcPath)).toEqual([]);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${images.folder}/`);
}

describe("an archive of a root file system", () => {
  it.each(["plain.tar", "small.tar.gz", "smaller.tar.xz", "quick.tar.zst"])("becomes an image: %s", async (name) => {
    const { add, images, operations } = createHelper();
    const id = await add(archive(name, withoutDevices), { title: name });
    const image = images.read(id);
    expect(image).toMatchObject({ title: name, origin: "archive", unprivileged: true, sha256: sha256(join(state, name)) });
    expect(image.bytes).toBeGreaterThan(500_000);
    expect(foreignFiles(images.rootfsOf(id), image.ids?.first)).toBe("");
    expect(lstatSync(join(images.rootfsOf(id), "bin")).isDirectory()).toBe(true);
    await operations.deleteImage(id, signal);
    expectNothingLeft();
  });

  it("keeps the capabilities of programs, for its own ids", async () => {
    const folder = join(state, "capable");
    mkdirSync(join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "bin/ping"), "");
    execFileSync("setcap", ["cap_net_raw,cap_setuid+ep", join(folder, "bin/ping")]);
    const path = archive("capable.tar.gz", { of: folder, options: ["--xattrs", "--xattrs-include=*"] });
    for (const unprivileged of [true, false]) {
      const { add, images, operations } = createHelper();
      const id = await add(path, { unprivileged });
      const printed = execFileSync("getcap", ["-n", join(images.rootfsOf(id), "bin/ping")], { encoding: "utf8" });
      expect(printed).toContain("cap_setuid,cap_net_raw=ep");
      expect(/\[rootid=(\d+)\]/.exec(printed)?.[1]).toBe(images.read(id).ids?.first.toString());
      await operations.deleteImage(id, signal);
    }
  });

  it("is refused where it is not what was announced, and nothing is left", async () => {
    const { add, upload, operations, uploads } = createHelper();
    const path = archive("other.tar", withoutDevices);
    expect(await problemOf(add(path, { sha256: { rootfs: "0".repeat(64) } }))).toMatchObject({ reason: "wrong-checksum" });
    writeFileSync(join(state, "text"), "no archive");
    expect(await problemOf(add(join(state, "text")))).toMatchObject({ code: "archive-refused", reason: "not-an-archive" });
    writeFileSync(join(state, "cut.tar.gz"), readFileSync(archive("whole.tar.gz", withoutDevices)).subarray(0, 300_000));
    expect(await problemOf(add(join(state, "cut.tar.gz")))).toMatchObject({ code: "archive-refused", reason: "not-an-archive" });
    expect(await problemOf(add(archive("devices.tar")))).toMatchObject({ code: "archive-refused", reason: "device" });
    expect(await problemOf(add(path, { rootfs: 77 }))).toEqual({ code: "not-found", what: "upload 77" });
    await uploads.closeAll();
    const rootfs = await upload(path);
    const withMeta = { title: "x", origin: "server", rootfs, meta: rootfs, sha256: { rootfs: sha256(path) }, unprivileged: true };
    expect(await problemOf(operations.importImage(methods["images.import"].params.parse(withMeta), uploads, signal))).toMatchObject({
      code: "invalid-request",
    });
    await uploads.closeAll();
    expectNothingLeft();
  });

  it("that is cancelled while it is unpacked leaves nothing", async () => {
    const { add, images, tasks } = createHelper();
    const adding = problemOf(add(largeArchive()));
    await vi.waitFor(() => expect(unpackedBytes(images.folder)).toBeGreaterThan(0), { timeout: 20_000, interval: 1 });
    tasks.cancel(tasks.snapshot().tasks[0]?.id ?? "");
    expect(await adding).toEqual({ code: "cancelled" });
    expectNothingLeft();
  });

  it("leaves nothing where the helper is killed meanwhile, once the next one has started", async () => {
    const { images, operations, tasks, uploads } = createHelper();
    const importing = startImporting(largeArchive());
    const exited = once(importing, "exit");
    await vi.waitFor(() => expect(unpackedBytes(images.folder)).toBeGreaterThan(0), { timeout: 20_000, interval: 1 });
    importing.kill("SIGKILL");
    await exited;
    uploads.removeAbandoned();
    await operations.recover();
    expect(tasks.snapshot().tasks).toMatchObject([{ kind: "recover", state: "succeeded", target: "Killed" }]);
    expect(workersOf(importing)).toEqual([]);
    expectNothingLeft();
  });

  it("is a whole image or none where the helper is killed before any step of making it", async () => {
    const path = archive("killed.tar.gz", withoutDevices);
    const made: number[] = [];
    // Each third is enough to meet every kind of step.
    for (let fatal = 1, isKilled = true; isKilled; fatal += 3) {
      const importing = startImporting(path, fatal);
      const [exitCode, killedBy] = await once(importing, "exit");
      isKilled = killedBy === "SIGKILL";
      if (!isKilled) expect(exitCode).toBe(0);
      const { images, operations, uploads } = createHelper();
      uploads.removeAbandoned();
      await operations.recover();
      const whole = images.readAll().map(({ id }) => id);
      made.push(whole.length);
      for (const id of whole) {
        expect(existsSync(join(images.rootfsOf(id), "bin/sh"))).toBe(true);
        await operations.deleteImage(id, signal);
      }
      expectNothingLeft();
    }
    expect(made.at(0)).toBe(0);
    expect(made.at(-1)).toBe(1);
  });
});

type StartImporting = (path: string, fatal?: number) => ChildProcess;

async function prepareImporting(): Promise<StartImporting> {
  const program = await bundleHelper(join(state, "program"), join(import.meta.dirname, "testing/import-image.ts"));
  return (path, fatal) =>
    spawn(process.execPath, [program, lxc.lxcPath, state, path, ...(fatal === undefined ? [] : [String(fatal)])], {
      stdio: ["ignore", "ignore", "inherit"],
    });
}

/** One whose unpacking takes a moment. */
function largeArchive(): string {
  const path = join(state, "large.tar.gz");
  if (existsSync(path)) return path;
  const folder = join(state, "large");
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (let count = 0; count < 8; count++) execFileSync("truncate", ["-s", "100M", join(folder, `bin/zeros-${count}`)]);
  return archive("large.tar.gz", { of: folder });
}

function unpackedBytes(images: string): number {
  const folder = existsSync(images) ? readdirSync(images).find((name) => name.endsWith(".partial")) : undefined;
  const file = folder && join(images, folder, "rootfs/bin/zeros-0");
  return (file && lstatSync(file, { throwIfNoEntry: false })?.size) || 0;
}

describe("an image of a server", () => {
  it("has its devices left out, and of its configuration only what it is", async () => {
    const meta = join(state, "meta");
    mkdirSync(meta);
    writeFileSync(join(meta, "templates"), "/etc/names\n/etc/../etc/passwd\n");
    writeFileSync(
      join(meta, "config"),
      "lxc.include = LXC_TEMPLATE_CONFIG/alpine.common.conf\nlxc.hook.pre-start = /bin/touch /tmp/hooked\nlxc.init.cmd = /bin/init\n",
    );
    writeFileSync(join(template, "etc/names"), "127.0.1.1 LXC_NAME\n");
    const { add, upload, images, operations } = createHelper();
    const metaPath = archive("meta.tar.xz", { of: meta });
    const path = archive("rootfs.tar.xz");
    const id = await add(path, {
      origin: "server",
      meta: await upload(metaPath),
      sha256: { rootfs: sha256(path), meta: sha256(metaPath) },
      image: "0123456789abcdef0123456789abcdef",
    });
    rmSync(join(template, "etc/names"));
    expect(images.read(id)).toMatchObject({ origin: "server", image: "0123456789abcdef0123456789abcdef", distribution: "alpine" });
    expect(readdirSync(join(images.rootfsOf(id), "dev"))).not.toContain("console");
    await create("served", id);
    expect(settingsOf("served", "lxc.include")).toEqual(
      ["alpine.common.conf", "alpine.userns.conf"].map((file) => `/usr/share/lxc/config/${file}`),
    );
    expect(settingsOf("served", "lxc.init.cmd")).toEqual(["/bin/init"]);
    expect(settingsOf("served", "lxc.hook.pre-start")).toEqual([]);
    expect(readFileSync(join(lxc.lxcPath, "served/overlay/delta/etc/names"), "utf8")).toBe("127.0.1.1 served\n");
    await destroy("served");
    await operations.deleteImage(id, signal);
  });
});

describe("containers of an image", () => {
  it("run with its ids, change nothing of it, and cost no space", async () => {
    const { add, images, operations } = createHelper();
    const id = await add(archive("of.tar", withoutDevices));
    const { ids } = images.read(id);
    const before = fingerprint(images.rootfsOf(id));
    await create("one", id, { start: true });
    expect(lxc.inside("one", "id", "-u").trim()).toBe("0");
    expect([lxc.inside("one", "hostname"), lxc.inside("one", "cat", "/etc/hostname")]).toEqual(["one\n", "one\n"]);
    const container = lxc.reader.readOne("one");
    expect(container).toMatchObject({ state: "running", storage: "overlay", privileged: false, image: { id, title: "Busy" } });
    expect(container?.clonedFrom).toBeUndefined();
    expect(readFileSync(`/proc/${container?.initPid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual(["0", `${ids?.first}`, "65536"]);
    // Numbers of capabilities (linux/capability.h): sys_module is nobody's there, net_admin is its own.
    const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${container?.initPid}/status`, "utf8"))?.[1] ?? "";
    expect([16, 12].map((capability) => (BigInt(`0x${bounding}`) >> BigInt(capability)) & 1n)).toEqual([0n, 1n]);
    // A folder of the image can be replaced.
    lxc.inside("one", "sh", "-c", "rm -r /etc/init.d && mkdir /etc/init.d && touch /etc/init.d/own && rm /bin/ls");
    expect(lxc.inside("one", "sh", "-c", "echo /etc/init.d/*").trim()).toBe("/etc/init.d/own");

    await create("two", id);
    expect(Number(execFileSync("du", ["-sk", join(lxc.lxcPath, "two")], { encoding: "utf8" }).split("\t")[0])).toBeLessThan(100);
    expect(fingerprint(images.rootfsOf(id))).toBe(before);

    expect(await problemOf(operations.deleteImage(id, signal))).toEqual({
      code: "image-in-use",
      image: "Busy",
      containers: ["one", "two"],
    });
    await destroy("one", "two");
    expect(readdirSync(lxc.lxcPath)).toEqual(["template"]);
    expect(fingerprint(images.rootfsOf(id))).toBe(before);
    await operations.deleteImage(id, signal);
    expect(await problemOf(create("three", id))).toEqual({ code: "not-found", what: `image ${id}` });
    expectNothingLeft();
  });

  it("have the limits, the network and the start that were asked for, also where the image is of a container that had others", async () => {
    const { add, operations } = createHelper();
    const id = await add(archive("limited.tar", withoutDevices));
    const asked = { resources: { processes: 50, memoryBytes: 64 * 1024 * 1024 }, network: { type: "none" }, autostart: true } as const;
    await create("limited", id, asked);
    const limits = (name: string) => readFileSync(join(lxc.lxcPath, name, "config"), "utf8").match(/^lxc\.cgroup2?\.(pids|memory)\..*$/gm);
    expect(limits("limited")).toEqual([expect.stringMatching(/memory.*= 67108864$/), expect.stringMatching(/pids\.max = 50$/)]);
    expect(lxc.reader.readOne("limited")).toMatchObject({ autostart: true });
    const { image } = await operations.saveImage("limited", "Limited", signal);
    await create("other", image, { resources: { processes: 60 }, start: true });
    expect(limits("other")?.toSorted()).toEqual([expect.stringMatching(/memory.*= 67108864$/), expect.stringMatching(/pids\.max = 60$/)]);
    expect(lxc.reader.readOne("other")).toMatchObject({ state: "running", autostart: false });
    expect(lxc.inside("other", "ls", "/sys/class/net").split(/\s+/)).toContain("eth0");
    await destroy("limited", "other");
    for (const one of [id, image]) await operations.deleteImage(one, signal);
    expectNothingLeft();
  });

  it("can be cloned, and the clone lies on the image as well", async () => {
    const { add, operations } = createHelper();
    const id = await add(archive("cloned.tar", withoutDevices));
    await create("origin", id);
    await create("copy", id, { source: { type: "clone", from: "origin" }, start: true });
    expect(lxc.reader.readOne("copy")).toMatchObject({ state: "running", image: { id } });
    expect(lxc.inside("copy", "cat", "/etc/hostname")).toBe("copy\n");
    expect(await problemOf(operations.deleteImage(id, signal))).toMatchObject({ code: "image-in-use", containers: ["copy", "origin"] });
    await destroy("origin", "copy");
    await operations.deleteImage(id, signal);
  });

  it("are as privileged as the image", async () => {
    const { add, images, operations } = createHelper();
    const id = await add(archive("privileged.tar"), { unprivileged: false });
    expect(await problemOf(create("wrong", id))).toMatchObject({ code: "invalid-request", issues: [{ path: "unprivileged" }] });
    expect(images.read(id).ids).toBeUndefined();
    expect(foreignFiles(images.rootfsOf(id))).toBe("");
    await create("root", id, { unprivileged: false, start: true });
    expect(lxc.reader.readOne("root")).toMatchObject({ state: "running", privileged: true });
    lxc.inside("root", "sh", "-c", "rm -r /etc/init.d && mkdir /etc/init.d && touch /etc/init.d/own");
    expect(lxc.inside("root", "sh", "-c", "echo /etc/init.d/*").trim()).toBe("/etc/init.d/own");
    await destroy("root");
    await operations.deleteImage(id, signal);
  });

  it("have ids that no other image or container has", async () => {
    const { add, images, operations } = createHelper();
    const path = archive("ids.tar", withoutDevices);
    const all = await Promise.all([add(path), add(path)]);
    const claimed = lxc.reader.readClaims().idRanges.map(({ first }) => first);
    expect(new Set(all.map((id) => images.read(id).ids?.first)).size).toBe(2);
    for (const id of all) {
      expect(claimed).toContain(images.read(id).ids?.first);
      await operations.deleteImage(id, signal);
    }
  });
});

describe("a container that is saved as an image", () => {
  it("is what the next ones begin with: what it has changed, and what it has removed", async () => {
    const { add, images, operations } = createHelper();
    const base = await add(archive("base.tar", withoutDevices));
    await create("golden", base, { start: true });
    expect(await problemOf(operations.saveImage("golden", "Golden", signal))).toMatchObject({ code: "wrong-state", name: "golden" });
    lxc.inside(
      "golden",
      "sh",
      "-c",
      "echo gold > /etc/gold; chown 33:33 /etc/gold; rm -r /etc/init.d /bin/ls; mkdir /etc/init.d; echo x > /etc/init.d/own",
    );
    await operations.forceStop("golden", signal);
    const before = fingerprint(join(lxc.lxcPath, "golden/overlay/delta"));
    const { image } = await operations.saveImage("golden", "Golden", signal);
    expect(fingerprint(join(lxc.lxcPath, "golden/overlay/delta"))).toBe(before);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${images.folder}/`);
    const { ids, unprivileged } = images.read(image);
    expect([ids, unprivileged]).toEqual([images.read(base).ids, true]);
    const rootfs = images.rootfsOf(image);
    expect(readdirSync(join(images.folder, image)).sort()).toEqual(["image.json", "rootfs"]);
    expect(readdirSync(join(rootfs, "etc/init.d"))).toEqual(["own"]);
    expect(lstatSync(join(rootfs, "etc/gold")).uid).toBe((ids?.first ?? 0) + 33);
    expect(existsSync(join(rootfs, "bin/ls"))).toBe(false);
    expect(readFileSync(join(rootfs, "etc/machine-id"), "utf8")).toBe("");

    // It needs neither its container nor that one's image.
    await destroy("golden");
    await operations.deleteImage(base, signal);
    await create("next", image, { start: true });
    expect(lxc.inside("next", "cat", "/etc/gold", "/etc/hostname")).toBe("gold\nnext\n");
    expect(lxc.inside("next", "sh", "-c", "echo /etc/init.d/*; test -e /bin/ls || echo no ls")).toBe("/etc/init.d/own\nno ls\n");
    await destroy("next");
    await operations.deleteImage(image, signal);
    expectNothingLeft();
  });

  it("keeps its own settings, a plain one made by a template as well", async () => {
    const { images, operations } = createHelper();
    await create("plain", "", { source: { type: "template", template: "busybox" } });
    const { image } = await operations.saveImage("plain", "Plain", signal);
    expect(settingsOf("plain", "lxc.idmap")).toContain(`u 0 ${images.read(image).ids?.first} 65536`);
    await create("of-plain", image, { start: true });
    expect(settingsOf("of-plain", "lxc.signal.halt")).toEqual(["SIGUSR1"]);
    expect(settingsOf("of-plain", "lxc.mount.entry")).toEqual(settingsOf("plain", "lxc.mount.entry"));
    expect(settingsOf("of-plain", "lxc.uts.name")).toEqual(["of-plain"]);
    expect(settingsOf("of-plain", "lxc.net.0.hwaddr")).not.toEqual(settingsOf("plain", "lxc.net.0.hwaddr"));
    expect(lxc.inside("of-plain", "id", "-u").trim()).toBe("0");
    await destroy("of-plain", "plain");
    await operations.deleteImage(image, signal);
    expectNothingLeft();
  });
});

describe("a container of an image that is made hardened", () => {
  it("starts, works, and is isolated as is promised and was told before", async () => {
    const { add, operations } = createHelper();
    const image = await add(archive("hard.tar", withoutDevices));
    const wanted = { name: "hard", source: { type: "image", image }, unprivileged: true, start: true, address: "static", hardened: true };
    const told = await operations.preview(methods["containers.preview"].params.parse(wanted));
    await create("hard", image, { start: true, hardened: true });
    const shell = (command: string) => lxc.inside("hard", "/bin/sh", "-c", command).trim();
    expect(shell("id -u; echo x > /root/x && cat /root/x; cat /etc/hostname")).toBe("0\nx\nhard");
    expect(lxc.reader.readOne("hard")).toMatchObject({ state: "running", privileged: false, ipv4: [expect.any(String)] });
    // A mark that somebody sets is worth nothing, and a device file opens nothing.
    expect(shell("cp /bin/busybox /root/marked; chmod 4755 /root/marked; mount | grep ' / '")).toMatch(/nosuid.*nodev|nodev.*nosuid/);
    shell("rm /root/marked");
    expect(lackingOf(await auditContainer(lxc, "hard"))).toEqual([]);
    const lines = (text: string) => text.split("\n").filter((line) => /^lxc\.(cap|seccomp|rootfs\.options|cgroup2?)/.test(line));
    expect(lines(readFileSync(join(lxc.lxcPath, "hard/config"), "utf8"))).toEqual(lines(told.configuration));
    await destroy("hard");
    await operations.deleteImage(image, signal);
  });
});

describe("a disk that is too small", () => {
  it("is told, whenever it is noticed, and nothing is left", async () => {
    const small = join(state, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=755", "none", small]);
    try {
      const lxcPath = join(small, "lxc");
      mkdirSync(lxcPath);
      const { add, uploads } = createHelper(lxcPath, createContainerReader({ lxcPath }));
      expect(await problemOf(uploads.open(64 * 1024 * 1024))).toMatchObject({ code: "no-space", neededBytes: 64 * 1024 * 1024 });
      // The archive says so itself.
      expect(await problemOf(add(largeArchive()))).toMatchObject({ code: "no-space" });
      // Small files take more than they hold.
      const many = join(state, "many");
      mkdirSync(join(many, "bin"), { recursive: true });
      for (let count = 0; count < 2000; count++) writeFileSync(join(many, `bin/${count}`), "x");
      const problem = await problemOf(add(archive("many.tar.gz", { of: many })));
      expect(problem).toMatchObject({ code: "no-space" });
      expectNothingLeft(lxcPath);
    } finally {
      execFileSync("umount", [small]);
    }
  });
});

describe("an archive of Debian, as debootstrap makes it", () => {
  it("becomes an image whose systemd starts all that it wants in a user namespace", { timeout: 900_000 }, async (context) => {
    const reason = await reasonWithoutMirror();
    if (reason !== undefined) return context.skip(reason);
    const rootfs = join(state, "debian");
    const { mirror = "http://deb.debian.org/debian" } = readDebianMirrors();
    // The last release whose systemd runs on hosts with control groups of version 1, too.
    const packages = "--include=systemd-sysv,dbus,iputils-ping";
    execFileSync("debootstrap", ["--variant=minbase", packages, "bookworm", rootfs, mirror], { stdio: "ignore" });
    const path = archive("debian.tar.zst", { of: rootfs, options: ["--xattrs", "--xattrs-include=*", "--exclude=./dev/*"] });
    rmSync(rootfs, { recursive: true });
    const image = await createHelper().add(path, { title: "Debian" });
    await create("debian-of-image", image, { start: true });
    const inside = (command: string) =>
      execFileSync("lxc-attach", ["-P", lxc.lxcPath, "-n", "debian-of-image", "--clear-env", "--", "/bin/sh", "-c", command], {
        encoding: "utf8",
      }).trim();
    await vi.waitFor(() => expect(inside("systemctl is-system-running --wait || :")).toBe("running"), {
      timeout: 120_000,
      interval: 1_000,
    });
    expect(inside("stat -c '%u %a' /usr/bin/passwd")).toBe("0 4755");
    // Nobody may without the capability that the program has as a file.
    expect(inside("su -s /bin/sh -c 'ping -c 1 127.0.0.1 > /dev/null && echo answers' nobody")).toBe("answers");
    expect(inside("cat /etc/hostname")).toBe("debian-of-image");
    expect(inside("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
  });
});
