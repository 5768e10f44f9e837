import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createContainer, expect, test } from "./fixtures.ts";
import { asTestUser, readTestUser, setRule } from "./test-user.ts";
import { startWebHost } from "./web-host.ts";

const home = "/usr/lib/lxc-desktop";

/** Runs the root-owned launcher as pkexec does. */
function launch(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { status, stderr } = spawnSync(`${home}/launch`, [...args], { env: environment, input: "", encoding: "utf8", timeout: 20_000 });
  return { status, stderr };
}

test("the launcher takes one known word, and a user from polkit alone", () => {
  for (const args of [[], ["full", "root"], ["--help"], ["full "], ["FULL"], [""], ["root;id"]]) {
    expect(launch(args, { PKEXEC_UID: "1000" }).status, args.join(" ")).toBe(78);
  }
  for (const uid of [undefined, "", "-1", "1000 ", "0x3e8", "user", "1\n2"]) {
    expect(launch(["full"], uid === undefined ? {} : { PKEXEC_UID: uid }).status, uid).toBe(78);
  }
  expect(launch(["root"], { PKEXEC_UID: "1000" }).status).toBe(78);
});

test("the helper refuses a user that polkit cannot have meant", () => {
  for (const uid of ["4294967295", "4294967294", "2147483648", "99999999999999999999", "65534"]) {
    const { status, stderr } = launch(["full"], { PKEXEC_UID: uid });
    expect(status, uid).toBe(70);
    expect(stderr).toContain("lxc-desktop:");
  }
});

test("the launcher runs nothing that others than root could change", () => {
  const { uid } = readTestUser();
  const bundle = `${home}/helper/main.cjs`;
  const faults: [what: string, arrange: () => void, mend: () => void][] = [
    ["a writable bundle", () => chmodSync(bundle, 0o666), () => chmodSync(bundle, 0o644)],
    ["a writable folder", () => chmodSync(`${home}/helper`, 0o775), () => chmodSync(`${home}/helper`, 0o755)],
    ["a folder of somebody else", () => chownSync(`${home}/helper`, uid, 0), () => chownSync(`${home}/helper`, 0, 0)],
    ["a writable home", () => chmodSync(home, 0o777), () => chmodSync(home, 0o755)],
    ["a launcher that its group may write", () => chmodSync(`${home}/launch`, 0o775), () => chmodSync(`${home}/launch`, 0o755)],
    [
      "a file more, of somebody else",
      () => {
        writeFileSync(`${home}/more`, "");
        chownSync(`${home}/more`, uid, 0);
      },
      () => unlinkSync(`${home}/more`),
    ],
    [
      "a link more, in a folder deep down",
      () => symlinkSync("/tmp", `${home}/helper/node_modules/more`),
      () => unlinkSync(`${home}/helper/node_modules/more`),
    ],
    ["an addon of somebody else", () => chownSync(addon(), uid, uid), () => chownSync(addon(), 0, 0)],
    [
      "a link in place of the bundle",
      () => {
        renameSync(bundle, `${bundle}.real`);
        symlinkSync(`${bundle}.real`, bundle);
      },
      () => {
        unlinkSync(bundle);
        renameSync(`${bundle}.real`, bundle);
      },
    ],
  ];
  for (const [what, arrange, mend] of faults) {
    arrange();
    try {
      const { status, stderr } = launch(["root"]);
      expect(status, what).toBe(78);
      expect(stderr, what).toContain("unsafe");
    } finally {
      mend();
    }
  }
  expect(launch(["root"]).status).toBe(0);
});

test("neither the helper nor what it starts sees the caller's environment, or takes programs or modules from there or from the folder it began in", async ({
  rights: _,
  chromium,
}) => {
  const { uid } = readTestUser();
  const evil = mkdtempSync("/var/tmp/lxc-desktop-evil-");
  const mark = join(evil, "mark");
  writeFileSync(mark, "");
  chownSync(mark, uid, uid);
  for (const tool of ["pkexec", "pkcheck", "lxc-start", "lxc-create", "node", "sh", "id", "find", "env", "readlink"]) {
    writeFileSync(join(evil, tool), `#!/bin/sh\necho ${tool} >>${mark}\n`, { mode: 0o755 });
  }
  const leaveMark = (what: string) => `require("node:fs").appendFileSync("${mark}", "${what} " + process.getuid() + "\\n");`;
  for (const name of ["node-pty", "ws", "zod"]) {
    mkdirSync(join(evil, "node_modules", name), { recursive: true });
    writeFileSync(join(evil, "node_modules", name, "index.js"), leaveMark(name));
  }
  writeFileSync(join(evil, "required.cjs"), leaveMark("required"));
  chmodSync(evil, 0o755);
  const host = await startWebHost({
    folder: evil,
    environment: {
      PATH: `${evil}:/usr/bin:/bin`,
      LANG: "a/b",
      LC_ALL: "../%s",
      SHELL: "/bin/not-listed",
      LD_LIBRARY_PATH: evil,
      NODE_OPTIONS: `--title=evil --require=${join(evil, "required.cjs")}`,
      NODE_PATH: join(evil, "node_modules"),
      LXC_CACHE_PATH: evil,
      BASH_ENV: join(evil, "sh"),
      ENV: join(evil, "sh"),
      MIRROR: "http://evil.example",
    },
  });
  const page = await chromium.newPage();
  try {
    await page.goto(host.address);
    await createContainer(page, "e2e-clean");
    expect(helperEnvironment()).toEqual(["HOME", "LANG", "PATH", "PKEXEC_UID"]);
    const monitor = environmentsOf((command) => command.startsWith("[lxc monitor]") && command.includes("e2e-clean"));
    expect(monitor).toHaveLength(1);
    // The first is the one in which LXC finds no tools for ids, and so writes them itself.
    expect(monitor[0]).toContain("PATH=/run/lxc-desktop/idmap:/usr/sbin:/usr/bin:/sbin:/bin");
    expect(statSync("/run/lxc-desktop/idmap")).toMatchObject({ uid: 0, gid: 0 });
    expect(statSync("/run/lxc-desktop/idmap").mode & 0o022).toBe(0);
    expect(monitor[0]?.join(" ")).not.toMatch(/evil|a\/b|not-listed/);
    // The user's own Node does what that user tells it, and nothing else of it was used.
    expect(readFileSync(mark, "utf8")).toBe(`required ${uid}\n`);
  } finally {
    await page.close();
    await host.stop();
    rmSync(evil, { recursive: true });
  }
});

test("where polkit gives no clear yes, nothing is done", async ({ chromium }) => {
  await setRule({ granted: ["limited", "view"] });
  const folder = mkdtempSync("/var/tmp/lxc-desktop-pkcheck-");
  chmodSync(folder, 0o755);
  const page = await chromium.newPage();
  try {
    for (const [what, end, heading] of [
      ["it fails", "exit 127", "polkit does not answer"],
      ["it does not understand", "exit 126", "polkit does not answer"],
      ["it is killed", "kill -9 $$", "polkit does not answer"],
      ["the answer is no", "exit 1", "You may not do this"],
    ] as const) {
      // The host asks first, and is told yes: so the helper, which is root, starts with no right of its own.
      const stub = join(folder, "pkcheck");
      const script = `#!/bin/sh\n[ "$(/usr/bin/id -u)" != 0 ] || ${end}\nexit 0\n`;
      writeFileSync(stub, script, { mode: 0o755 });
      const host = await startWebHost({ mount: `mount --bind ${stub} /usr/bin/pkcheck` });
      try {
        await page.goto(host.address);
        await expect(page.getByText(heading), what).toBeVisible();
        await expect(page.getByText("No containers yet")).toBeHidden();
      } finally {
        await host.stop();
      }
    }
  } finally {
    await page.close();
    rmSync(folder, { recursive: true });
  }
});

test("a user cannot start the helper past polkit", () => {
  for (const args of [["full"], ["limited"], ["root"]]) {
    const [file, argv] = asTestUser(`${home}/launch`, args);
    expect(spawnSync(file, argv, { env: { PKEXEC_UID: "0" }, input: "" }).status, args[0]).toBe(78);
    const [node, script] = asTestUser(process.execPath, [`${home}/helper/main.cjs`, ...args]);
    const { status, stderr } = spawnSync(node, script, { env: { PKEXEC_UID: "0" }, input: "", encoding: "utf8" });
    expect(status, args[0]).toBe(70);
    expect(stderr).toContain("must run as root");
  }
});

test("polkit knows every action of the policy, and asks for an administrator where no rule says otherwise", () => {
  const printed = execFileSync("/usr/bin/pkaction", ["--verbose"], { encoding: "utf8" });
  const names = [
    "full",
    "limited",
    "view",
    "manage",
    "create",
    "configure",
    "shell",
    "configure-raw",
    "import",
    "shell-privileged",
    "host",
  ];
  for (const name of names) {
    const action = new RegExp(
      `^org\\.lxcdesktop\\.${name}:$.*?implicit any: +(\\w+)$.*?implicit inactive: +(\\w+)$.*?implicit active: +(\\w+)$`,
      "ms",
    ).exec(printed);
    expect(action?.slice(1, 3), name).toEqual(["auth_admin", "auth_admin"]);
    // What is root by another name is asked for each time.
    const isRootByAnotherName = ["configure-raw", "import", "shell-privileged", "host"].includes(name);
    expect(action?.[3], name).toBe(isRootByAnotherName ? "auth_admin" : "auth_admin_keep");
  }
});

function addon(): string {
  return `${home}/helper/node_modules/node-pty/build/Release/pty.node`;
}

/** Names of the variables that the running helper was started with; undefined while there is none. */
function helperEnvironment(): string[] | undefined {
  const [variables] = environmentsOf((command) => command.includes(`${home}/helper/main.cjs`));
  return variables?.map((entry) => entry.split("=")[0] ?? "").sort();
}

/** The variables that processes were started with. */
function environmentsOf(isWanted: (command: string) => boolean): string[][] {
  const found: string[][] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!isWanted(readFileSync(`/proc/${pid}/cmdline`, "utf8"))) continue;
      found.push(readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean));
    } catch {
      // It has just ended.
    }
  }
  return found;
}
