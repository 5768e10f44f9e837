import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createChannels } from "./channels.ts";
import { methods, type ParamsInputOf } from "./contract/methods.ts";
import type { ContainerPreview } from "./contract/model.ts";
import { type Problem, toProblem } from "./contract/problems.ts";
import { createJournal } from "./journal.ts";
import { createLocks } from "./locks.ts";
import { createImageStore } from "./lxc/image-store.ts";
import { reservationsAreSetUp, systemFiles, undoNetworkSetup } from "./lxc/network.ts";
import { createOperations } from "./lxc/operations.ts";
import { readProcFile } from "./lxc/proc.ts";
import { uploadsFolderOf } from "./lxc/state-folder.ts";
import { createTasks } from "./tasks.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { sendFile } from "./testing/send-file.ts";
import { createUploads } from "./uploads.ts";

/** What is told of a container before it is made, against the one that LXC then makes. */
let lxc: RealLxc;
let state: string;
let helper: ReturnType<typeof createHelper>;
let wereReservationsSetUp: boolean;
const signal = new AbortController().signal;

beforeAll(() => {
  lxc = createRealLxc("preview");
  state = mkdtempSync(join(tmpdir(), "lxc-desktop-preview-"));
  wereReservationsSetUp = reservationsAreSetUp();
  helper = createHelper();
});
afterAll(async () => {
  // Through the helper, so that their addresses are given back; clones go before what they lie on.
  for (let isLeft = true; isLeft; ) {
    const containers = lxc.reader.readAll();
    isLeft = containers.length > 0;
    for (const { name } of containers.filter(({ clones }) => clones.length === 0)) await helper.operations.destroy(name, signal);
  }
  await lxc.close();
  rmSync(`${lxc.lxcPath}-desktop`, { recursive: true, force: true });
  rmSync(state, { recursive: true });
  // Unless somebody else has begun to use them meanwhile.
  const areInUse = existsSync(systemFiles.hosts) && readdirSync(systemFiles.hosts).length > 0;
  if (wereReservationsSetUp || areInUse) return;
  await createTasks().run({ kind: "destroy", target: "", cancellable: false }, (task) => undoNetworkSetup(task));
});

function createHelper() {
  const { lxcPath, reader } = lxc;
  const tasks = createTasks();
  const journal = createJournal(join(state, "journal"));
  const images = createImageStore({ lxcPath });
  const operations = createOperations({ lxcPath, reader, tasks, journal, images, locks: createLocks(join(state, "locks")) });
  return { tasks, images, operations };
}

type Wanted = Partial<ParamsInputOf<"containers.create">>;
const busybox = { type: "template", template: "busybox" } as const;
const standard = { source: busybox, unprivileged: true, start: false, address: "static" } as const;
const everything = {
  address: "dhcp",
  resources: { cpus: 0.5, memoryBytes: 64 * 1024 * 1024, processes: 100 },
  network: { type: "none" },
  autostart: true,
} as const;

const preview = (name: string, wanted: Partial<ParamsInputOf<"containers.preview">>) =>
  helper.operations.preview(methods["containers.preview"].params.parse({ ...standard, ...wanted, name }));
/** @returns The configuration, and the commands that its task told. */
async function make(name: string, wanted: Wanted): Promise<{ configuration: string; commands: string[][] }> {
  await helper.operations.create(methods["containers.create"].params.parse({ ...standard, ...wanted, name }), signal);
  const { commands = [] } = helper.tasks.snapshot().tasks.find((task) => task.target === name && task.kind !== "destroy") ?? {};
  return { configuration: readFileSync(configPath(name), "utf8"), commands };
}
const configPath = (name: string) => join(lxc.lxcPath, name, "config");
const problemOf = (promise: Promise<unknown>): Promise<Problem | undefined> => promise.then(() => undefined, toProblem);

/** A configuration's lines. LXC makes up MACs, and what is free may be taken by another program meanwhile: `foreseeIds` has tests of its own. */
const linesOf = (text: string) =>
  text.split("\n").map((line) =>
    line
      .replace(/^(lxc\.net\.\d+\.hwaddr) = 00:16:3e:[x0-9a-f:]{8}$/, "$1")
      .replace(/^(lxc\.net\.0\.ipv4\.address) = [\d.]+\//, "$1 = /")
      .replace(/^(lxc\.idmap = [ug] 0) \d+ /, "$1 "),
  );
/** The program that changes owners is told the first of the ids. */
const commandsOf = (commands: string[][]) =>
  commands.map((command) => (command[0] === "node" ? command.filter((_, index) => index !== command.length - 2) : command));
/** What is reserved for containers of these tests. */
function reserved(): string[] {
  const mark = ` # ${createHash("sha256").update(lxc.lxcPath).digest("hex").slice(0, 16)}.`;
  if (!existsSync(systemFiles.hosts)) return [];
  return readdirSync(systemFiles.hosts)
    .map((file) => readProcFile(join(systemFiles.hosts, file)) ?? "")
    .filter((text) => text.includes(mark));
}

/** @returns What was told before, which is what became of it. */
async function expectForeseen(name: string, wanted: Wanted): Promise<ContainerPreview> {
  const told = await preview(name, wanted);
  expect(existsSync(join(lxc.lxcPath, name))).toBe(false);
  const made = await make(name, wanted);
  expect(linesOf(told.configuration)).toEqual(linesOf(made.configuration));
  expect(commandsOf(told.commands)).toEqual(commandsOf(made.commands));
  return told;
}

describe("what is told of a container of a template", () => {
  /** All but what LXC and its template write in between. */
  async function expectForeseenAround(name: string, wanted: Wanted): Promise<ContainerPreview> {
    const told = await preview(name, wanted);
    const made = await make(name, wanted);
    const lines = linesOf(told.configuration);
    const gap = lines.findIndex((line) => line.startsWith("# Here come the lines of LXC and its template busybox"));
    const [before, after] = [lines.slice(0, gap), lines.slice(gap + 1)];
    const all = linesOf(made.configuration);
    const first = all.findIndex((line) => !/^(#.*)?$/.test(line));
    expect(all.slice(first, first + before.length)).toEqual(before);
    expect(all.slice(-after.length)).toEqual(after);
    expect(all.slice(first + before.length, -after.length).join("\n")).toMatch(/^lxc\.rootfs\.path = dir:.*\n(.*\n)*lxc\.uts\.name = /);
    expect(commandsOf(told.commands)).toEqual(commandsOf(made.commands));
    return told;
  }

  it("is what it then has, and what runs", async () => {
    const told = await expectForeseenAround("fresh", {});
    expect(told.configuration).toBe(told.defaultConfiguration);
    expect(told.configuration).toMatch(/^lxc\.idmap = u 0 \d+ 65536$/m);
    expect(told.configuration).toMatch(/^lxc\.net\.0\.ipv4\.address = /m);
    expect(told.notices).toEqual([]);
    expect(told.commands.map(([tool]) => tool)).toEqual(expect.arrayContaining(["lxc-create", "node"]));
  });

  it("has all that was chosen, next to what it would be otherwise", async () => {
    const told = await expectForeseenAround("chosen", { ...everything, unprivileged: false });
    expect(told.configuration).toContain("lxc.net.0.type = empty");
    expect(told.configuration).toContain("lxc.start.auto = 1");
    expect(told.configuration).not.toContain("lxc.idmap");
    expect(told.defaultConfiguration).toMatch(/^lxc\.idmap = /m);
    expect(told.defaultConfiguration).not.toContain("lxc.start.auto");
  });

  it("has its start as well", async () => {
    const { commands } = await preview("started", { start: true });
    expect(commands.at(-1)?.slice(0, 6)).toEqual(["lxc-start", "-n", "started", "-P", lxc.lxcPath, "-d"]);
  });

  it("has the start of one that is made with it", async () => {
    const wanted: Wanted = { unprivileged: false, start: true, network: { type: "none" } };
    const told = await preview("runs", wanted);
    const { commands } = await make("runs", wanted);
    expect(commandsOf(told.commands)).toEqual(commandsOf(commands));
    await helper.operations.forceStop("runs", signal);
  });
});

describe("what is told of a clone", () => {
  it("is what it then has, of a base with hooks and interfaces of its own", async () => {
    writeFileSync(join(lxc.lxcPath, "fresh/hook"), "#!/bin/sh\n", { mode: 0o700 });
    appendFileSync(
      configPath("fresh"),
      [
        "",
        "# A comment of somebody's.",
        `lxc.hook.pre-start = ${lxc.lxcPath}/fresh/hook`,
        "lxc.hook.clone = /bin/true",
        "lxc.net.1.type = veth",
        "lxc.net.1.hwaddr = 00:16:3e:11:22:33",
        `lxc.mount.entry = ${lxc.lxcPath}/fresh data none bind,create=dir`,
        "",
      ].join("\n"),
    );
    const told = await expectForeseen("clone-1", { source: { type: "clone", from: "fresh" } });
    expect(told.configuration).toBe(told.defaultConfiguration);
    expect(told.configuration).toContain(`lxc.hook.pre-start = ${lxc.lxcPath}/clone-1/hook`);
  });

  it("is what it then has, of a clone, with other limits, without a network", async () => {
    await expectForeseen("clone-2", { ...everything, source: { type: "clone", from: "clone-1" } });
    await expectForeseen("clone-3", { source: { type: "clone", from: "chosen" }, address: "dhcp" });
  });

  it("is what it then has, of full copies: of a base, of a clone, and of what runs", async () => {
    await expectForeseen("copy-1", { source: { type: "clone", from: "fresh", copy: "full" } });
    await expectForeseen("copy-2", { ...everything, source: { type: "clone", from: "clone-1", copy: "full" } });
    await helper.operations.start("runs", signal);
    const told = await expectForeseen("copy-3", { unprivileged: false, source: { type: "clone", from: "runs", copy: "full" } });
    expect(told.notices).toEqual(["runs is frozen until that is done, and goes on then."]);
    expect(told.commands[0]?.[0]).toBe("lxc-freeze");
    await helper.operations.forceStop("runs", signal);
  });

  it("is what it then has, of a snapshot", async () => {
    lxc.run("lxc-snapshot", "-n", "chosen");
    await expectForeseen("of-snapshot", { source: { type: "clone", from: "chosen", snapshot: "snap0", copy: "full" }, address: "dhcp" });
    lxc.run("lxc-snapshot", "-n", "chosen", "-d", "snap0");
  });

  it("says where no address can be reserved", async () => {
    const { notices } = await preview("clone-4", { source: { type: "clone", from: "clone-2" }, address: "static" });
    expect(notices).toEqual([]);
    appendFileSync(configPath("chosen"), "lxc.net.0.type = macvlan\nlxc.net.0.link = lo\n");
    const told = await preview("clone-4", { source: { type: "clone", from: "chosen" } });
    expect(told.notices).toEqual([expect.stringContaining("so no address can be reserved")]);
    expect(told.configuration).toContain("lxc.net.0.hwaddr = 00:16:3e:xx:xx:xx");
  });
});

describe("what is told of a container of an image", () => {
  it("is what it then has, where the image was saved from a container", async () => {
    const { image } = await helper.operations.saveImage("fresh", "Saved", signal);
    await expectForeseen("saved-1", { source: { type: "image", image } });
    await expectForeseen("saved-2", { ...everything, source: { type: "image", image } });
  });

  it.each([
    ["an unprivileged archive", true, "archive", undefined],
    ["a privileged archive", false, "archive", undefined],
    ["a server's image", true, "server", "alpine"],
  ] as const)("that is still to be made, is what it then has: %s", async (_, unprivileged, origin, distribution) => {
    const name = `of-${origin}-${unprivileged}`;
    const source = { type: "new-image", origin, ...(distribution && { distribution }) } as const;
    const told = await preview(name, { source, unprivileged });
    const image = await importArchive(origin, unprivileged, distribution);
    const made = await expectForeseen(name, { source: { type: "image", image }, unprivileged });
    expect(linesOf(told.configuration.replace("NEW-IMAGE", image))).toEqual(linesOf(made.configuration));
    expect(told.configuration === told.defaultConfiguration).toBe(unprivileged);
  });

  it("has the ids of an image, and is refused with others", async () => {
    const image = await importArchive("archive", false);
    const source = { type: "image", image } as const;
    expect(await problemOf(preview("of-other", { source }))).toMatchObject({ code: "invalid-request", issues: [{ path: "unprivileged" }] });
    const told = await preview("of-other", { source, unprivileged: false });
    expect(told.defaultConfiguration).toBe(told.configuration);
  });
});

describe("asking what would be made", () => {
  it("changes nothing", async () => {
    const look = () => [
      execFileSync("find", [lxc.lxcPath, "-printf", "%p %T@ %C@\n"], { encoding: "utf8" }),
      ...["/etc/subuid", "/etc/subgid"].map((file) => readFileSync(file, "utf8")),
      ...reserved(),
      helper.tasks.snapshot().tasks.length,
    ];
    const before = look();
    await preview("looked", {});
    await preview("looked", { source: { type: "clone", from: "fresh" } });
    await preview("looked", { source: { type: "new-image", origin: "archive" } });
    expect(look()).toEqual(before);
  });

  it("is refused as making it would be", async () => {
    expect(await problemOf(preview("fresh", {}))).toEqual({ code: "already-exists", name: "fresh" });
    expect(await problemOf(preview("new", { source: { type: "clone", from: "nowhere" } }))).toEqual({ code: "not-found", what: "nowhere" });
    const unknown = { type: "template", template: "nothing" } as const;
    expect(await problemOf(preview("new", { source: unknown }))).toEqual({ code: "not-found", what: "template nothing" });
    const options = { release: "trixie" };
    expect(await problemOf(preview("new", { source: { ...busybox, options } }))).toMatchObject({ code: "invalid-request" });
    expect(await problemOf(preview("new", { network: { type: "bridge", bridge: "nobr0" } }))).toMatchObject({ code: "invalid-request" });
    const image = "0".repeat(32);
    expect(await problemOf(preview("new", { source: { type: "image", image } }))).toMatchObject({ code: "not-found" });
  });
});

/** Makes an image of a few files. */
async function importArchive(origin: "archive" | "server", unprivileged: boolean, distribution?: string): Promise<string> {
  const pack = (name: string, files: Record<string, string>) => {
    const folder = mkdtempSync(join(state, `${name}-`));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const path = `${folder}.tar`;
    execFileSync("tar", ["-C", folder, "-cf", path, "."]);
    return { path, sha256: createHash("sha256").update(readFileSync(path)).digest("hex") };
  };
  const rootfs = pack("rootfs", { "sbin/init": "#!/bin/sh\n" });
  const config = `lxc.include = LXC_TEMPLATE_CONFIG/${distribution}.common.conf\n`;
  const meta = origin === "server" ? pack("meta", { config }) : undefined;
  const written = new Map<number, number>();
  const uploads = createUploads({
    directory: uploadsFolderOf(lxc.lxcPath),
    nextChannel: createChannels(),
    onWritten: (channel, bytes) => void written.set(channel, bytes),
  });
  const params = methods["images.import"].params.parse({
    title: origin,
    origin,
    unprivileged,
    rootfs: await sendFile(rootfs.path, uploads, written),
    ...(meta && { meta: await sendFile(meta.path, uploads, written) }),
    sha256: { rootfs: rootfs.sha256, ...(meta && { meta: meta.sha256 }) },
  });
  return (await helper.operations.importImage(params, uploads, signal)).image;
}
