import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, expect, inject, it } from "vitest";
import { testRules, testUser } from "../host/interrupted-run.mjs";
import { olderVersion } from "./global-setup.ts";
import { type InstalledApp, openApp } from "./installed-app.ts";
import { createScratchRoot, type RunOptions, type ScratchRoot } from "./scratch-root.ts";

/** From the first installation to the last trace: each test goes on where the one before it ended. */
const { current, older } = inject("builtPackages");
const version: string = JSON.parse(readFileSync("package.json", "utf8")).version;
const home = "/usr/lib/lxc-desktop";
const policy = "/usr/share/polkit-1/actions/org.lxcdesktop.policy";
const settings = "/etc/default/lxc-net";
const log = "/var/log/lxc-desktop.log";
const tasks = "/var/lib/lxc-desktop/tasks";
const container = "packaged";
const client = "/opt/lxc-desktop-client.mjs";

let root: ScratchRoot;
let user: RunOptions & { home: string };
let app: InstalledApp | undefined;

beforeAll(async () => {
  root = await createScratchRoot();
  forgetTheHostsOwn();
  for (const folder of [current, older]) cpSync(folder, root.path(`/opt/${folder === current ? "current" : "older"}`), { recursive: true });
  const { outputFiles } = await build({
    entryPoints: ["e2e/package/app-client.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  writeFileSync(root.path(client), outputFiles[0]?.contents ?? "");
  user = makeUser();
  await startServices();
});
afterEach(async () => {
  await app?.stop();
  app = undefined;
});
afterAll(async () => {
  await root?.destroy();
});

it("installs with dpkg, and everything is as the packages say", () => {
  must(["dpkg", "--force-unsafe-io", "--install", ...debsIn("/opt/older")]);
  expect(run("dpkg", "--verify", "lxc-desktop", "lxc-desktop-helper")).toMatchObject({ exitCode: 0, stdout: "" });
  expect(must(["lxc-desktop", "--version"])).toBe(`${olderVersion}\n`);
  expect(must(["lxc-desktop", "--help"])).toContain("--no-open");
  expect(must(["dpkg", "--status", "lxc-desktop"])).toContain("\nStatus: install ok installed\n");
});

it("polkit knows every action of the policy", async () => {
  const wanted = [...inside(policy).matchAll(/<action id="([^"]+)">/g)].map(([, id]) => id);
  expect(wanted).toHaveLength(11);
  await soon(() => wanted.every((id) => run("pkaction", "--action-id", id ?? "").exitCode === 0));
});

it("the launcher takes the installed files for safe, and its helper says its version", () => {
  const { stdout, stderr } = root.run([`${home}/launch`, "root"], { input: " " });
  expect(stderr).not.toContain("unsafe");
  expect(stdout).toContain(`"version":"${olderVersion}"`);
});

it("a user without rights opens the app, with nothing writable but folders of that user", async () => {
  // In its own view of the files; /run is where root keeps its locks.
  const isReadOnly = "for folder in /var/tmp /tmp /var/lib /usr; do touch $folder/probe 2>/dev/null && exit 1; done";
  const readOnly = `mount --bind ${user.home} ${user.home}; mount -o remount,bind,ro /; mount -o remount,bind,ro /tmp; ${isReadOnly};`;
  app = await openApp(root, client, user, readOnly);
  expect(app.pageStatus).toBe(200);
  expect(await app.session(({ state }) => state === "ready")).toMatchObject({ mode: "full", version: olderVersion });
  const { result } = await app.call("containers.watch");
  expect(result).toMatchObject({ containers: [] });
  expect(await app.call("settings.set", { theme: "dark" })).toMatchObject({ result: { theme: "dark" } });
  expect(await app.stop()).toBe(0);
  app = undefined;
  const written = must(["find", user.home, "-type", "f", "-newer", "/opt/current"]).trim().split("\n");
  expect(written).toContain(`${user.home}/config/lxc-desktop/settings.json`);
  // Besides, the history of figures, which this short while may have begun.
  const elsewhere = written.filter((path) => !/^\/(config|\.local\/state)\/lxc-desktop\//.test(path.slice(user.home.length)));
  expect(elsewhere).toEqual([]);
});

it("the page is there before anything that needs a right", async () => {
  const polkit = must(["pidof", "polkitd"]).trim();
  must(["kill", "-STOP", polkit]);
  try {
    app = await openApp(root, client, user);
    expect(app.pageStatus).toBe(200);
    expect((await app.session(() => true)).state).toMatch(/^(starting|authenticating)$/);
    expect(await app.call("settings.get")).toMatchObject({ result: { theme: "dark" } });
  } finally {
    must(["kill", "-CONT", polkit]);
  }
  expect((await app.session(({ state }) => state === "ready")).state).toBe("ready");
});

it("makes a container, whose address lxc-net keeps for it", async () => {
  app = await openApp(root, client, user);
  const source = { type: "template", template: "busybox" };
  const answer = await app.call("containers.create", { name: container, source, unprivileged: true, start: false, address: "static" });
  expect(answer.problem).toBeUndefined();
  expect(inside(settings)).toContain("LXC Desktop");
  expect(inside(log)).toContain("containers.create");
  expect(readdirSync(root.path(tasks))).toHaveLength(1);
});

it("an update under an open window leaves that window alone, and the next connection says what to do", async () => {
  app = await openApp(root, client, user);
  await app.session(({ state }) => state === "ready");
  const before = treeOf("/var/lib/lxc");
  must(["dpkg", "--force-unsafe-io", "--install", ...debsIn("/opt/current")]);
  expect(treeOf("/var/lib/lxc")).toEqual(before);
  expect(inside(settings), "an update takes nothing back").toContain("LXC Desktop");

  expect((await app.call("host.info")).problem).toBeUndefined();
  await app.call("session.lock");
  expect((await app.call("session.connect")).problem).toEqual({
    code: "version-mismatch",
    app: olderVersion,
    helper: version,
    installedAs: { kind: "package" },
  });
  await app.stop();
  app = await openApp(root, client, user);
  expect(await app.session(({ state }) => state === "ready")).toMatchObject({ version });
});

it("what a checkout installs gives way to the packages, and never replaces their files", () => {
  for (const path of ["dist", "assets", "electron/launch", "package.json"]) {
    mkdirSync(root.path(`/opt/checkout/${join(path, "..")}`), { recursive: true });
    cpSync(path, root.path(`/opt/checkout/${path}`), { recursive: true });
  }
  for (const script of ["install-helper", "uninstall-helper"]) {
    const { exitCode, stderr } = run("/usr/bin/node", `/opt/checkout/electron/launch/${script}.mjs`);
    expect(stderr).toContain("belongs to a package");
    expect(exitCode).toBe(1);
  }
  expect(run("dpkg", "--verify", "lxc-desktop-helper")).toMatchObject({ exitCode: 0, stdout: "" });
});

it("without its helper, the app tells to install the package, not to run npm", async () => {
  must(["mv", `${home}/launch`, `${home}/launch.away`]);
  try {
    app = await openApp(root, client, user);
    expect(await app.session(({ state }) => state === "failed")).toMatchObject({
      problem: { code: "helper-missing", installedAs: { kind: "package" } },
    });
  } finally {
    must(["mv", `${home}/launch.away`, `${home}/launch`]);
  }
});

it("removing and purging leaves every container, and what a container needs", () => {
  const before = treeOf("/var/lib/lxc");
  const removed = must(["dpkg", "--remove", "lxc-desktop", "lxc-desktop-helper"]);
  expect(removed).toContain("1 container has a reserved address");
  expect(exists(home) || exists(policy) || exists("/usr/bin/lxc-desktop") || exists("/usr/share/lxc-desktop")).toBe(false);
  expect(exists(log) && exists(tasks), "the record stays until it is purged").toBe(true);
  must(["dpkg", "--purge", "lxc-desktop", "lxc-desktop-helper"]);
  expect(exists(log) || exists(tasks)).toBe(false);
  expect(treeOf("/var/lib/lxc")).toEqual(before);
  expect(inside(settings)).toContain("LXC Desktop");
});

it("replaces what a checkout has installed, the Node of its own included", () => {
  must(["/usr/bin/node", "/opt/checkout/electron/launch/install-helper.mjs"]);
  writeFileSync(root.path(`${home}/node`), "an old one");
  must(["dpkg", "--force-unsafe-io", "--install", ...debsIn("/opt/current")]);
  expect(exists(`${home}/node`)).toBe(false);
  expect(run("dpkg", "--verify", "lxc-desktop-helper")).toMatchObject({ exitCode: 0, stdout: "" });
});

it("takes back what it has changed on the host once no container needs it", async () => {
  app = await openApp(root, client, user);
  expect((await app.call("containers.destroy", { name: container })).problem).toBeUndefined();
  await app.stop();
  app = undefined;
  const served = readPid();
  must(["dpkg", "--purge", "lxc-desktop", "lxc-desktop-helper"]);
  expect(exists(settings) ? inside(settings) : "").not.toContain("LXC Desktop");
  for (const path of ["/etc/lxc/lxc-desktop-dnsmasq.conf", "/var/lib/lxc-desktop", "/run/lxc-desktop", log, home]) {
    expect(exists(path), path).toBe(false);
  }
  // LXC's own network goes on, without us.
  expect(readPid()).not.toBe(served);
  expect(exists(`/proc/${readPid()}`)).toBe(true);
});

it("comes and goes where there is no lxc-net", () => {
  must(["dpkg", "--force-unsafe-io", "--install", ...debsIn("/opt/current")]);
  rmSync(root.path(settings), { force: true });
  must(["/bin/sh", "-c", "rm -rf /usr/libexec/lxc /run/lxc"]);
  const { exitCode, stdout, stderr } = run("dpkg", "--purge", "lxc-desktop", "lxc-desktop-helper");
  expect(exitCode).toBe(0);
  // Nothing was there to be started anew, so nothing is said about it.
  expect(`${stdout}${stderr}`).not.toMatch(/bridge|lxc-net/);
});

function run(...argv: string[]) {
  return root.run(argv);
}

/** What a command prints, which must work. */
function must(argv: readonly string[]): string {
  const { exitCode, stdout, stderr } = root.run(argv);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout;
}

function debsIn(folder: string): string[] {
  return readdirSync(root.path(folder)).map((name) => `${folder}/${name}`);
}

function inside(path: string): string {
  return readFileSync(root.path(path), "utf8");
}

function exists(path: string): boolean {
  return existsSync(root.path(path));
}

function readPid(): string {
  return inside("/run/lxc/dnsmasq.pid").trim();
}

/** Every file below a folder with its owner, mode, time and content. */
function treeOf(folder: string): string {
  return must([
    "/bin/sh",
    "-c",
    `find ${folder} -printf '%p %U:%G %m %T@ %l\\n' | sort; find ${folder} -type f | sort | xargs -d '\\n' -r sha256sum`,
  ]);
}

async function soon(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (isSo()) return;
    await wait(100);
  }
  throw new Error("it did not come true");
}

/** The scratch root starts as a host on which LXC Desktop was never used. */
function forgetTheHostsOwn() {
  run("dpkg", "--purge", "lxc-desktop", "lxc-desktop-helper");
  const traces = [home, policy, log, `${log}.1`, "/etc/lxc/lxc-desktop-dnsmasq.conf", "/var/lib/lxc-desktop", "/var/lib/lxc"];
  must(["rm", "-rf", ...traces]);
  must(["mkdir", "-m", "0755", "/var/lib/lxc"]);
  // It would read every man page of this system anew, each time.
  must(["rm", "-f", "/var/lib/man-db/auto-update"]);
  must(["/bin/sh", "-c", `if [ -f ${settings} ]; then sed -i '/LXC Desktop/d' ${settings}; fi`]);
}

function makeUser(): RunOptions & { home: string } {
  run("userdel", "--force", testUser);
  must(["useradd", "--create-home", "--home-dir", `/home/${testUser}`, "--shell", "/bin/sh", testUser]);
  const [, , uid = "", gid = "", , folder = ""] = must(["getent", "passwd", testUser]).trim().split(":");
  const runtime = `/run/user/${uid}`;
  must(["/bin/sh", "-c", `mkdir -p ${runtime} && chmod 0700 ${runtime} && chown ${uid}:${gid} ${runtime}`]);
  writeFileSync(
    root.path(testRules),
    `polkit.addRule(function (action, subject) {
  if (action.id === "org.lxcdesktop.full" && subject.user === "${testUser}") return polkit.Result.YES;
  return polkit.Result.NOT_HANDLED;
});
`,
  );
  const environment = { HOME: folder, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: `${folder}/config`, USER: testUser };
  return { user: { uid: Number(uid), gid: Number(gid) }, environment, home: folder };
}

/** As on a host that has no systemd: the system bus, polkit and LXC's bridge. */
async function startServices() {
  must(["/bin/sh", "-c", "mkdir -p /run/dbus && dbus-daemon --system --fork"]);
  const polkitd = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/libexec/polkit-1/polkitd"].find(exists);
  root.start([polkitd ?? "polkitd", "--no-debug"]);
  const lxcNet = ["/usr/libexec/lxc/lxc-net", "/usr/lib/x86_64-linux-gnu/lxc/lxc-net", "/usr/lib/aarch64-linux-gnu/lxc/lxc-net"].find(
    exists,
  );
  must([lxcNet ?? "lxc-net", "start"]);
  await soon(() => run("pkaction", "--action-id", "org.freedesktop.policykit.exec").exitCode === 0);
}
