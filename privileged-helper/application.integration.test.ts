import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { tarOf, type Wanted } from "./archive/testing/tar.ts";
import { createChannels } from "./channels.ts";
import type { Application } from "./contract/application.ts";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { shellOfOurs } from "./lxc/application.ts";
import { auditContainer } from "./lxc/audit/audit.ts";
import { createImageStore } from "./lxc/image-store.ts";
import { reservationsAreSetUp, systemFiles, undoNetworkSetup } from "./lxc/network.ts";
import { createOperations } from "./lxc/operations.ts";
import { uploadsFolderOf } from "./lxc/state-folder.ts";
import { createTasks } from "./tasks.ts";
import { cancelledExitCode } from "./testing/before-change.ts";
import { prepareCreating, type StartCreating } from "./testing/creating-process.ts";
import { lackingOf } from "./testing/hardened.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { sendFile } from "./testing/send-file.ts";
import { createUploads } from "./uploads.ts";

/** Images that are applications, and containers of them on LXC itself. */
let lxc: RealLxc;
let state: string;
let startCreating: StartCreating;
let wereReservationsSetUp: boolean;
let images: Record<"shell" | "bare", string>;
const signal = new AbortController().signal;

const nothing: Application = {
  argv: [],
  environment: [],
  workingDirectory: "/",
  user: "",
  ports: [],
  volumes: [],
  stopSignal: "SIGTERM",
};
const busybox = readFileSync("/bin/busybox");
const program: Wanted = { name: "bin/busybox", data: busybox, mode: 0o755 };
const links = ["sh", "sleep", "cat", "id", "nslookup"].map(
  (name): Wanted => ({ name: `bin/${name}`, type: "symbolic-link", target: "busybox" }),
);
const shellFiles: Wanted[] = [
  program,
  ...links,
  {
    name: "etc/passwd",
    data: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nmember:x:1002:1002::/home/member:/bin/sh\n",
  },
  { name: "etc/group", data: "root:x:0:root\nstaff:x:50:member\naudio:x:29:other,member\nmember:x:1002:\n" },
  // As images of systems with systemd have it.
  { name: "etc/resolv.conf", type: "symbolic-link", target: "../run/systemd/resolve/stub-resolv.conf" },
  { name: "etc/hosts", type: "symbolic-link", target: "/../../../../../../../../etc/hosts" },
  { name: "srv", type: "symbolic-link", target: "/data/srv" },
  { name: "data/srv/", type: "folder", mode: 0o755, uid: 1000, gid: 1001 },
];

beforeAll(async () => {
  lxc = createRealLxc("applications");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-applications-"));
  startCreating = await prepareCreating(lxc.lxcPath, state);
  wereReservationsSetUp = reservationsAreSetUp();
  images = {
    shell: await add(shellFiles),
    bare: await add([{ name: "busybox", data: busybox, mode: 0o755 }]),
  };
});
afterEach(async () => {
  const { operations } = createHelper();
  for (const { name, state: is } of lxc.reader.readAll()) {
    if (is !== "stopped") await operations.forceStop(name, signal);
    await operations.destroy(name, signal);
  }
});
afterAll(async () => {
  const { tasks } = createHelper();
  await lxc.close();
  rmSync(`${lxc.lxcPath}-desktop`, { recursive: true, force: true });
  rmSync(state, { recursive: true });
  const areInUse = existsSync(systemFiles.hosts) && readdirSync(systemFiles.hosts).length > 0;
  if (wereReservationsSetUp || areInUse) return;
  await tasks.run({ kind: "destroy", target: "", cancellable: false }, (task) => undoNetworkSetup(task));
});

function createHelper() {
  const { lxcPath, reader } = lxc;
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const store = createImageStore({ lxcPath });
  const operations = createOperations({ lxcPath, reader, tasks, journal, images: store, locks: createLocks(join(state, "locks")) });
  return { tasks, store, operations };
}

async function add(entries: Wanted[], own = nothing, unprivileged = true): Promise<string> {
  const { operations } = createHelper();
  const path = join(state, "image.tar");
  writeFileSync(path, tarOf(...entries));
  const written = new Map<number, number>();
  const uploads = createUploads({
    directory: uploadsFolderOf(lxc.lxcPath),
    nextChannel: createChannels(),
    onWritten: (channel, bytes) => void written.set(channel, bytes),
  });
  const params = methods["images.import"].params.parse({
    title: "App",
    origin: "oci",
    rootfs: await sendFile(path, uploads, written),
    sha256: { rootfs: createHash("sha256").update(readFileSync(path)).digest("hex") },
    unprivileged,
    manifest: "0".repeat(64),
    application: own,
  });
  return (await operations.importImage(params, uploads, signal)).image;
}

type Others = Partial<ParamsInputOf<"containers.create">>;
async function create(image: string, wanted: Partial<Application>, others: Others = {}) {
  const params = methods["containers.create"].params.parse({
    name: "app",
    source: { type: "image", image, application: { ...nothing, ...wanted } },
    unprivileged: true,
    start: true,
    address: "dhcp",
    ...others,
  });
  await createHelper().operations.create(params, signal);
}
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);

/** The application's process, which its init has started. */
function processOf(name = "app") {
  const init = lxc.reader.readOne(name)?.initPid ?? 0;
  const children = readFileSync(`/proc/${init}/task/${init}/children`, "utf8").trim().split(" ");
  const pid = children[0] ?? "";
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
  return {
    pid: Number(pid),
    children,
    argv: read("cmdline").split("\0").slice(0, -1),
    environment: read("environ").split("\0").slice(0, -1),
    workingDirectory: readlinkSync(`/proc/${pid}/cwd`),
    /** Inside. */
    uid: numbersInside(pid, "Uid", "uid_map")[0],
    gid: numbersInside(pid, "Gid", "gid_map")[0],
    groups: numbersInside(pid, "Groups", "gid_map"),
    capabilities: /^CapEff:\s+(\w+)/m.exec(read("status"))?.[1],
  };
}
function numbersInside(pid: string, field: string, map: string): number[] {
  const line = new RegExp(`^${field}:(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  const [first = 0, from = 0] = readFileSync(`/proc/${pid}/${map}`, "utf8").trim().split(/\s+/).map(Number);
  return line
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((outside) => Number(outside) - from + first);
}
const consoleOf = (name = "app") => readFileSync(join(lxc.lxcPath, name, "console.log"), "utf8");

describe("a container of an image that is an application", () => {
  it("runs it as the image says: words, environment, folder, user", async () => {
    const argv = ["sleep", "1000"];
    const odd = `it's "odd" $HOME \`id\` \\ * ~\n  second line `;
    await create(images.shell, {
      argv,
      environment: ["PATH=/bin", `ODD=${odd}`, "with.dots=1", "LD_PRELOAD=/bin/evil.so"],
      workingDirectory: "/srv/deep er",
      user: "app:staff",
    });
    await vi.waitFor(() => expect(processOf()).toMatchObject({ argv, uid: 1000, gid: 50, workingDirectory: "/data/srv/deep er" }));
    expect(processOf().environment).toEqual(["HOME=/home/app", "PATH=/bin", `ODD=${odd}`, "with.dots=1", "LD_PRELOAD=/bin/evil.so"]);
  });

  it.each([
    { user: "member", groups: [29, 50, 1002], unprivileged: true },
    { user: "1002", groups: [29, 50, 1002], unprivileged: false },
    { user: "member:staff", groups: [], unprivileged: true },
  ])("gives $user the groups $groups, as Docker would, and no right of root's", async ({ user, groups, unprivileged }) => {
    const image = unprivileged ? images.shell : await add(shellFiles, nothing, false);
    // A program that writes what it has to say into a file of that name, as those of servers do.
    const argv = ["sh", "-c", "echo said > /proc/self/fd/1; exec sleep 1000"];
    const odd = "ODD=it's $HOME";
    await create(image, { argv, user, environment: [odd], workingDirectory: "/srv" }, { unprivileged });
    await vi.waitFor(() => expect(processOf()).toMatchObject({ argv: ["sleep", "1000"], uid: 1002, workingDirectory: "/data/srv" }));
    expect(processOf()).toMatchObject({ gid: user.includes(":") ? 50 : 1002, groups, capabilities: "0000000000000000" });
    expect(processOf().environment).toEqual(expect.arrayContaining(["HOME=/home/member", odd]));
    expect(consoleOf()).toContain("said");
  });

  it("hands every word on as it is", async () => {
    const words = ["a b", "", "it's", '"quoted"', "$HOME", "new\nline", "--", "-x", "ünïcode", "\\"];
    await create(images.shell, { argv: ["sh", "-c", "while :; do sleep 1; done", ...words] });
    await vi.waitFor(() => expect(processOf().argv.slice(3)).toEqual(words));
  });

  it("has an init that waits for whoever loses its parent", async () => {
    await create(images.shell, { argv: ["sh", "-c", "for i in 1 2 3; do (sleep 0.1 & ) ; done; exec sleep 1000"] });
    await vi.waitFor(() => expect(processOf()).toMatchObject({ argv: ["sleep", "1000"] }));
    await vi.waitFor(() => expect(processOf().children).toHaveLength(1));
    const init = lxc.reader.readOne("app")?.initPid ?? 0;
    expect(readFileSync(`/proc/${init}/cmdline`, "utf8")).toMatch(/^\/dev\/\.lxc-desktop\/init\0/);
  });

  it("ends by its own signal, and has the time that it needs for that", async () => {
    const trap = "trap 'sleep 3; echo tidy; exit 0' USR1; trap 'echo wrong' TERM INT PWR; echo waits; while :; do sleep 0.1; done";
    await create(images.shell, { argv: ["sh", "-c", trap], stopSignal: "SIGUSR1" });
    await vi.waitFor(() => expect(consoleOf()).toContain("waits"));
    await createHelper().operations.stop("app", 20, signal);
    expect(lxc.reader.readOne("app")?.state).toBe("stopped");
    expect(consoleOf()).toContain("tidy");
    expect(consoleOf()).not.toContain("wrong");
  });

  it("has its address at once, and names can be resolved", async () => {
    await create(images.shell, { argv: ["sleep", "1000"] });
    const bridge = /nameserver (\S+)/.exec(lxc.inside("app", "cat", "/etc/resolv.conf"))?.[1];
    expect(lxc.reader.readOne("app")?.ipv4).toHaveLength(1);
    expect(bridge).toMatch(/^10\./);
    expect(lxc.inside("app", "cat", "/etc/hosts")).toContain("127.0.1.1\tapp");
    expect(lxc.inside("app", "cat", "/etc/hostname")).toBe("app\n");
    expect(readFileSync("/etc/hosts", "utf8")).not.toContain("127.0.1.1\tapp");
  });

  it("has folders for its data, which are its own", async () => {
    await create(images.shell, { argv: ["sleep", "1000"], volumes: ["/var/lib/app/data", "/srv/more"], user: "app" });
    expect(lxc.inside("app", "sh", "-c", "echo x >/var/lib/app/data/x; cat /var/lib/app/data/x")).toBe("x\n");
    const layer = join(lxc.lxcPath, "app/overlay/delta");
    expect(lstatSync(join(layer, "data/srv/more")).isDirectory()).toBe(true);
    expect(existsSync(join(layer, "srv"))).toBe(false);
    const { store } = createHelper();
    expect(lstatSync(join(layer, "data/srv")).uid).toBe((store.read(images.shell).ids?.first ?? 0) + 1000);
    expect(existsSync(join(store.rootfsOf(images.shell), "var"))).toBe(false);
  });

  it("needs no shell, and has one of ours where somebody wants to look", async () => {
    await create(images.bare, { argv: ["/busybox", "sleep", "1000"] });
    await vi.waitFor(() => expect(processOf().argv).toEqual(["/busybox", "sleep", "1000"]));
    const shell = shellOfOurs(lxc.lxcPath, "app");
    expect(lxc.inside("app", ...shell, "-c", "echo inside")).toBe("inside\n");
    await createHelper().operations.create(
      methods["containers.create"].params.parse({
        name: "other",
        source: { type: "image", image: images.shell, application: { ...nothing, argv: ["sleep", "1"] } },
        unprivileged: true,
        start: false,
        address: "static",
      }),
      signal,
    );
    expect(shellOfOurs(lxc.lxcPath, "other")).toEqual([]);
  });

  it.each([
    { user: "", uid: 0, data: "/var/lib/app" },
    { user: "app", uid: 1000, data: "/srv" },
    // To become a user with several groups it begins as root.
    { user: "member", uid: 1002, data: undefined },
  ])("is hardened, and works as the user $user", async ({ user, uid, data }) => {
    const script = `id -u > ${data ?? "/proc/self/fd"}/${data ? "seen" : "1"} && echo said > /proc/self/fd/1; exec sleep 1000`;
    const application = { argv: ["sh", "-c", script], user, volumes: ["/var/lib/app"] };
    const { operations } = createHelper();
    const source = { type: "image" as const, image: images.shell, application: { ...nothing, ...application } };
    const told = await operations.preview(
      methods["containers.preview"].params.parse({
        name: "app",
        source,
        unprivileged: true,
        hardened: true,
        start: false,
        address: "dhcp",
      }),
    );
    await create(images.shell, application, { hardened: true });
    const works = () =>
      vi.waitFor(
        () => {
          expect(processOf()).toMatchObject({ argv: ["sleep", "1000"], uid });
          expect(consoleOf()).toContain("said");
          if (data) expect(lxc.inside("app", "cat", `${data}/seen`)).toBe(`${uid}\n`);
        },
        { timeout: 5000 },
      );
    await works();
    expect(lxc.reader.readOne("app")?.ipv4).toHaveLength(1);
    expect(lackingOf(await auditContainer(lxc, "app"), { isApplication: true })).toEqual([]);
    const lines = (text: string) =>
      text.split("\n").filter((line) => /^lxc\.(cap|seccomp|no_new_privs|rootfs\.options|cgroup2?)/.test(line));
    expect(lines(readFileSync(join(lxc.lxcPath, "app/config"), "utf8"))).toEqual(lines(told.configuration));
    // It ends as it would otherwise, and comes up again.
    await operations.stop("app", 20, signal);
    await operations.start("app", signal);
    await works();
  });

  it("has the configuration that was told before", async () => {
    const own = { ...nothing, argv: ["sleep", "1000"], user: "app", stopSignal: "SIGINT" as const };
    const common = { name: "app", unprivileged: true, start: false, address: "static" } as const;
    const { operations } = createHelper();
    const told = async (source: object) =>
      (await operations.preview(methods["containers.preview"].params.parse({ ...common, source }))).configuration;
    const lines = (text: string) => text.split("\n").filter((line) => /^lxc\.(init|signal|mount\.entry|include)/.test(line));
    const ready = lines(await told({ type: "image", image: images.shell, application: own }));
    const named = lines(await told({ type: "new-image", origin: "oci", application: own }));
    const numbered = lines(await told({ type: "new-image", origin: "oci", application: { ...own, user: "1000:1001" } }));
    await create(images.shell, own, { start: false });
    const made = lines(readFileSync(join(lxc.lxcPath, "app/config"), "utf8"));
    expect(ready).toEqual(made);
    expect(numbered).toEqual(made);
    expect(named).toEqual(made.filter((line) => !/^lxc\.init\.[ug]id/.test(line)));
    expect(made).toContain("lxc.init.uid = 1000");
  });

  it("is cloned and saved with what it runs", async () => {
    await create(images.shell, { argv: ["sleep", "1000"], environment: ["A=b"] }, { start: false });
    const { operations } = createHelper();
    const clone = { name: "clone", source: { type: "clone", from: "app" }, unprivileged: true, start: true, address: "static" };
    await operations.create(methods["containers.create"].params.parse(clone), signal);
    await vi.waitFor(() => expect(processOf("clone")).toMatchObject({ argv: ["sleep", "1000"] }));
    expect(lxc.inside("clone", "cat", "/etc/hosts")).toContain("127.0.1.1\tclone");
    const { image } = await operations.saveImage("app", "Saved", signal);
    const saved = { name: "again", source: { type: "image", image }, unprivileged: true, start: true, address: "static" };
    await operations.create(methods["containers.create"].params.parse(saved), signal);
    await vi.waitFor(() => expect(processOf("again").environment).toContain("A=b"));
    await operations.forceStop("again", signal);
    await operations.destroy("again", signal);
    await operations.deleteImage(image, signal);
    await operations.forceStop("clone", signal);
    await operations.destroy("clone", signal);
  });

  it("runs what the image itself says where nobody says otherwise, and privileged ones, too", async () => {
    const image = await add([program, ...links], { ...nothing, argv: ["sleep", "900"], user: "7" }, false);
    await create(image, {}, { source: { type: "image", image }, unprivileged: false });
    await vi.waitFor(() => expect(processOf()).toMatchObject({ argv: ["sleep", "900"], uid: 7, gid: 0 }));
    const { operations, store } = createHelper();
    expect(store.read(image)).toMatchObject({ origin: "oci", manifest: "0".repeat(64) });
    await operations.forceStop("app", signal);
    await operations.destroy("app", signal);
    await operations.deleteImage(image, signal);
  });

  it("keeps what is in its environment from others, and all of its words out of the configuration", async () => {
    const line = "\nlxc.hook.pre-start = secret\n";
    await create(images.shell, { argv: ["sleep", "1000", line], environment: [`PASSWORD=secret${line}`], user: "app" });
    const file = lstatSync(join(lxc.lxcPath, "app/overlay/delta/.lxc-desktop/run"));
    expect(file.mode & 0o777).toBe(0o400);
    expect(file.uid).toBe((createHelper().store.read(images.shell).ids?.first ?? 0) + 1000);
    expect(readFileSync(join(lxc.lxcPath, "app/config"), "utf8")).not.toContain("secret");
  });

  it("says in its task where the program is not there", async () => {
    const { operations, tasks } = createHelper();
    const params = {
      name: "app",
      source: { type: "image", image: images.shell, application: { ...nothing, argv: ["no-such-program"] } },
      unprivileged: true,
      start: true,
      address: "static",
    };
    await operations.create(methods["containers.create"].params.parse(params), signal);
    await vi.waitFor(() => expect(tasks.snapshot().tasks[0]?.endedAtOnce).toBeDefined(), { timeout: 5000 });
    const ended = tasks.snapshot().tasks[0]?.endedAtOnce;
    expect(ended).toMatchObject({ exitCode: 127, console: expect.stringContaining("no-such-program") });
    expect(ended).not.toHaveProperty("cause");
  });

  it.each([
    [{ argv: ["sleep"], user: "nobody-here" }, "The image has no user nobody-here."],
    [{ argv: ["sleep"], user: "app:nobodies" }, "The image has no group nobodies."],
    [{ argv: ["sleep"], user: "70000" }, "70000 is not one of the 65536 ids that a container has."],
    [{ argv: [] }, "The image does not say which program to start: type one."],
  ])("is not made of %j, and nothing of it is left", async (wanted, message) => {
    expect(await problemOf(create(images.shell, wanted))).toMatchObject({ code: "invalid-request", issues: [{ message }] });
    expect(lxc.reader.readOne("app")).toBeUndefined();
    expect(existsSync(join(lxc.lxcPath, "app"))).toBe(false);
  });

  it.each(["killed", "cancelled"] as const)("is whole or not there where making it is %s before any of its steps", async (by) => {
    const source = { type: "image", image: images.shell, application: { ...nothing, argv: ["sleep", "1000"], user: "member" } };
    const left: string[] = [];
    // Each third is enough to meet every kind of step.
    for (let before = 1, hasEnded = true; hasEnded; before += 3) {
      const creating = startCreating("app", { source, unprivileged: true, start: true }, { by, before });
      const [exitCode, signalName] = await once(creating, "exit");
      hasEnded = exitCode !== 0;
      if (hasEnded) expect([exitCode, signalName]).toEqual(by === "killed" ? [null, "SIGKILL"] : [cancelledExitCode, null]);
      const { operations } = createHelper();
      if (by === "killed") await operations.recover();
      const is = lxc.reader.readOne("app")?.state;
      left.push(is ?? "nothing");
      expect(createJournal(join(state, "journal")).unfinished(lxc.lxcPath).size).toBe(0);
      expect(existsSync(join(lxc.lxcPath, "app"))).toBe(is !== undefined);
      if (is === undefined) continue;
      if (is === "stopped") await operations.start("app", signal);
      await vi.waitFor(() => expect(processOf()).toMatchObject({ argv: ["sleep", "1000"], uid: 1002, groups: [29, 50, 1002] }));
      await operations.forceStop("app", signal);
      await operations.destroy("app", signal);
    }
    expect(left[0]).toBe("nothing");
    expect(left.at(-1)).toBe("running");
  });

  it("is nothing that other images become", async () => {
    const { operations, store } = createHelper();
    await create(images.shell, { argv: ["sleep", "1"] }, { start: false });
    const { image } = await operations.saveImage("app", "Saved", signal);
    expect(store.read(image).application).toBeUndefined();
    expect(await problemOf(create(image, { argv: ["sleep", "1"] }, { name: "other" }))).toMatchObject({ code: "invalid-request" });
    await operations.deleteImage(image, signal);
  });
});
