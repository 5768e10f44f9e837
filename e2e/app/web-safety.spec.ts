import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync, readFileSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { expect, test } from "./fixtures.ts";
import { asTestUser, readTestUser } from "./test-user.ts";
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

test("the helper sees nothing of the caller's environment, and neither does what it starts", async ({ rights: _ }) => {
  const host = await startWebHost({
    environment: { LXC_CACHE_PATH: "/tmp/evil", BASH_ENV: "/tmp/evil", MIRROR: "http://evil.example", EVIL: "1" },
  });
  try {
    await expect.poll(() => helperEnvironment()).toEqual(["HOME", "LANG", "PATH", "PKEXEC_UID"]);
  } finally {
    await host.stop();
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
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${home}/helper/main.cjs`)) continue;
      return readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .filter(Boolean)
        .map((entry) => entry.split("=")[0] ?? "")
        .sort();
    } catch {
      // It has just ended.
    }
  }
  return undefined;
}
