import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { templateName } from "./contract/methods.ts";
import { toProblem } from "./contract/problems.ts";
import type { TemplateOptions } from "./contract/template-options.ts";
import { knownTemplates } from "./lxc/known-templates.ts";
import { checkOptions, findTemplate, listTemplates } from "./lxc/templates.ts";
import { bundleHelper, startHelper } from "./testing/helper-client.ts";
import { factsOf } from "./testing/other-computer.ts";
import { privateComputer } from "./testing/private-computer.ts";

/** As root, because only root's templates are offered, and only root can ask them as nobody. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync("/var/tmp/lxc-desktop-templates-");
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const install = (name: string, script = "", mode = 0o755) => {
  const path = join(folder, `lxc-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}`);
  chmodSync(path, mode);
  return path;
};
const names = async () => (await listTemplates({ folder })).map(({ name }) => name);
const optionsOf = async (name: string) => (await findTemplate(name, { folder })).options.map(({ name: option }) => option);
const help = (text: string) => `cat <<'EOT'\n${text}\nEOT\n`;

describe("the templates on offer", () => {
  it("are those that are installed, known ones first, and those of this computer's own", async () => {
    expect(await names()).toEqual([]);
    for (const name of ["zeta", "mine", "debian", "busybox"]) install(name);
    expect(await names()).toEqual(["busybox", "debian", "mine", "zeta"]);
  });

  it("are not those that are sources of their own", async () => {
    for (const name of ["download", "oci", "local", "busybox"]) install(name);
    expect(await names()).toEqual(["busybox"]);
  });

  it("are only those that nobody but root can change, and that could be asked for by their names", async () => {
    install("good");
    install("group", "", 0o775);
    install("world", "", 0o757);
    install("dead", "", 0o644);
    chownSync(install("theirs"), 65534, 65534);
    symlinkSync(join(folder, "lxc-good"), join(folder, "lxc-link"));
    install("a b");
    install("Upper");
    expect(await names()).toEqual(["good"]);
    expect(toProblem(await findTemplate("group", { folder }).catch((error) => error))).toEqual({
      code: "not-found",
      what: "template group",
    });
    chmodSync(folder, 0o777);
    expect(await names()).toEqual([]);
  });

  it("say which programs they lack, and whether the Host page can install them", async () => {
    for (const name of ["busybox", "debian", "archlinux"]) install(name);
    const facts = factsOf({ programs: ["busybox", "apt-get"], files: { "/etc/os-release": "ID=debian\n" } });
    const found = new Map((await listTemplates({ folder, facts })).map((template) => [template.name, template]));
    expect(found.get("busybox")).toMatchObject({ missingTools: [], canInstallTools: false, needsNetwork: false, hasNoPackages: true });
    expect(found.get("debian")).toMatchObject({ missingTools: expect.arrayContaining(["debootstrap"]), canInstallTools: true });
    expect(found.get("archlinux")).toMatchObject({ missingTools: ["pacman", "pacstrap"], canInstallTools: false });
    const other = factsOf({ programs: ["busybox"], files: { "/etc/os-release": "ID=other\n" } });
    expect((await findTemplate("debian", { folder, facts: other })).canInstallTools).toBe(false);
  });
});

describe("a template's help", () => {
  it("makes its form, also where it calls that a failure", async () => {
    install("mine", `${help("  -r, --release=RELEASE  Which one.\n  --colour=COLOUR  Of the prompt.\n  --loud  Says more.")}exit 1`);
    const { options, title, description } = await findTemplate("mine", { folder });
    expect(options).toEqual([
      {
        name: "release",
        kind: "word",
        label: "Release",
        description: "Empty: what the template takes by itself.",
        suggestions: [],
        flag: "--release=",
        isMore: false,
      },
      { name: "colour", kind: "word", label: "Colour", description: "Of the prompt.", suggestions: [], flag: "--colour=", isMore: true },
      { name: "loud", kind: "yes-no", label: "Loud", description: "Says more.", suggestions: [], flag: "--loud", isMore: true },
    ]);
    expect(title).toBe("mine");
    expect(description).toContain(join(folder, "lxc-mine"));
  });

  it("is asked for with nobody's rights, and nothing of ours in the environment", async () => {
    process.env.LXC_DESKTOP_TEST_SECRET = "x";
    install("mine", `echo "  --u$(id -u)-g$(id -G | tr ' ' _)-$(env | grep -c LXC_DESKTOP)-$(cat /etc/shadow 2>/dev/null | wc -l)  x"`);
    expect(await optionsOf("mine")).toEqual(["u65534-g65534-0-0"]);
    delete process.env.LXC_DESKTOP_TEST_SECRET;
  });

  it("is asked for in a namespace of its own where it wants to be root, and is nobody there all the same", async ({ skip }) => {
    if (readFileSync("/proc/sys/user/max_user_namespaces", "utf8").trim() === "0") return skip("there are no user namespaces");
    install(
      "mine",
      `[ "$(id -u)" = 0 ] || { echo "ERROR: root only"; exit 1; }\ntouch ${join(folder, "written")} 2>/dev/null && echo "  --wrote  x"\nip -o link | grep -q eth0 && echo "  --network  x"\necho "  --release=X  x"`,
    );
    expect(await optionsOf("mine")).toEqual(["release"]);
  });

  it("is waited for only so long, and nothing of it is left running", async () => {
    install("slow", "sleep 987654 & sleep 987654");
    expect((await findTemplate("slow", { folder, helpTimeoutSeconds: 1 })).options).toEqual([]);
    expect(execFileSync("/bin/ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain("sleep 987654");
  });

  it.each([
    ["at once", ""],
    ["only to its own root", '[ "$(id -u)" = 0 ] || exit 1\n'],
  ])("is not gone on with where whoever asks is killed: %s", async (_when, first) => {
    const path = install("endless", `${first}exec sleep 987653`);
    const ask = "const { listTemplates } = await import(process.argv[2]); await listTemplates({ folder: process.argv[1] });";
    const templates = join(import.meta.dirname, "lxc/templates.ts");
    const asking = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", ask, folder, templates], { stdio: "inherit" });
    const sleeps = () => execFileSync("/bin/ps", ["-eo", "args"], { encoding: "utf8" }).split("\n").includes("sleep 987653");
    await vi.waitFor(() => expect(sleeps()).toBe(true), { timeout: 20_000 });
    asking.kill("SIGKILL");
    await vi.waitFor(() => expect(sleeps()).toBe(false), { timeout: 5_000 });
    rmSync(path);
  });

  it("is asked for again where it took too long, but not at once", async () => {
    install("busy", `test -e ${join(folder, "quick")} || sleep 60\necho "  --release=X  x"`);
    const options = async () => (await findTemplate("busy", { folder, helpTimeoutSeconds: 1 })).options.map(({ name }) => name);
    expect(await options()).toEqual([]);
    writeFileSync(join(folder, "quick"), "");
    expect(await options()).toEqual([]);
    const later = performance.now() + 61_000;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => later);
    try {
      expect(await options()).toEqual(["release"]);
    } finally {
      clock.mockRestore();
    }
  });

  it("is read again when the template has changed, and only then", async () => {
    const path = install("mine", help("  --one=X  x"));
    expect(await optionsOf("mine")).toEqual(["one"]);
    expect(await listTemplates({ folder })).toEqual(await listTemplates({ folder }));
    writeFileSync(path, `#!/bin/sh\n${help("  --two=X  x")}`);
    utimesSync(path, 1, 1);
    expect(await optionsOf("mine")).toEqual(["two"]);
  });
});

describe("what may be asked of a template", () => {
  it("is what its form has, and nothing else", async () => {
    install("mine", help("  --release=X  x\n  --rootfs=PATH  x\n  --loud  x"));
    const template = await findTemplate("mine", { folder });
    expect(() => checkOptions(template, { release: "1.0", loud: true })).not.toThrow();
    const refused: TemplateOptions[] = [
      { rootfs: "x" },
      { path: "x" },
      { other: "x" },
      { constructor: "x" },
      { release: true },
      { release: "/etc" },
      { release: ["a"] },
      { loud: "yes" },
    ];
    for (const options of refused) {
      expect(() => checkOptions(template, options), JSON.stringify(options)).toThrow("invalid-request");
    }
    try {
      checkOptions(template, { rootfs: "x", release: "a/b" });
    } catch (error) {
      const problem = toProblem(error);
      expect(problem.code === "invalid-request" && problem.issues.map(({ path }) => path)).toEqual([
        "source.options.rootfs",
        "source.options.release",
      ]);
    }
  });
});

describe("LXC's own templates on this computer", () => {
  it("are all offered, each with its form", { timeout: 60_000 }, async () => {
    const templates = await listTemplates();
    const found = new Set(templates.map(({ name }) => name));
    expect(found.has("busybox")).toBe(true);
    for (const { name } of templates) expect(templateName.parse(name)).toBe(name);
    for (const { name, meanings } of knownTemplates.filter((one) => found.has(one.name))) {
      const { options } = await findTemplate(name);
      // Everything that we have words for, the template has here, too.
      const named = Object.entries(meanings?.() ?? {}).flatMap(([option, meaning]) => (meaning === false ? [] : [option]));
      expect(options.map((option) => option.name)).toEqual(expect.arrayContaining(named));
    }
  });
});

describe("an administrator's own template", () => {
  /** Makes the least that is a container, and keeps what it was called with. */
  const script = `#!/bin/sh
if [ "$1" = --help ]; then
  echo "  --colours=RED,GREEN,...  Of the prompt."
  echo "  --root-password <password>  Of root."
  echo "  --loud  Says more."
  exit
fi
for argument; do case "$argument" in --path=*) path=\${argument#--path=};; esac; done
mkdir -p "$path/rootfs"
printf "%s\\n" "$@" > "$path/rootfs/arguments"
echo "lxc.rootfs.path = dir:$path/rootfs" >> "$path/config"
`;

  it("gets each value as one argument, and its password is shown nowhere", async () => {
    const state = mkdtempSync("/var/tmp/lxc-desktop-own-template-");
    const lxcPath = join(state, "containers");
    mkdirSync(lxcPath);
    writeFileSync(join(state, "lxc-mine"), script, { mode: 0o755 });
    const bundle = await bundleHelper(state);
    const nodeModules = join(import.meta.dirname, "../node_modules");
    const prepare = `install -m 755 ${join(state, "lxc-mine")} /usr/share/lxc/templates/lxc-mine`;
    const helper = startHelper(bundle, lxcPath, privateComputer([state, nodeModules], { ownNetwork: true, prepare }).around);
    try {
      const mine = (await helper.call("templates.list", {})).find(({ name }) => name === "mine");
      expect(mine?.options.map(({ name, kind }) => [name, kind])).toEqual([
        ["colours", "list"],
        ["root-password", "password"],
        ["loud", "yes-no"],
      ]);
      const options = { colours: ["red", "green"], "root-password": "hunter2-of-mine", loud: true as const };
      const source = { type: "template", template: "mine", options } as const;
      await helper.call("containers.create", { name: "own", source, unprivileged: false, start: false, address: "dhcp" });
      const given = readFileSync(join(lxcPath, "own/rootfs/arguments"), "utf8").split("\n");
      for (const argument of ["--colours=red,green", "--root-password", "hunter2-of-mine", "--loud"]) expect(given).toContain(argument);
      const { tasks } = await helper.call("tasks.watch", {});
      const { text } = await helper.call("containers.configuration", { name: "own" });
      const { text: log } = await helper.call("tasks.log", { task: tasks[0]?.id ?? "" });
      expect(tasks[0]?.commands[0]?.join(" ")).toContain("-- --colours=red,green --root-password ******** --loud");
      expect(text).toContain("# Parameters passed to the template: --colours=red,green --root-password ******** --loud");
      expect(JSON.stringify([tasks, text, log])).not.toContain("hunter2");
      // It is asked for again with all but that.
      expect(tasks[0]?.request).toBeUndefined();
      expect(tasks[0]?.form).toMatchObject({
        names: ["own"],
        choices: { source: { template: "mine", options: { colours: ["red", "green"], loud: true } } },
        lacks: { what: "password" },
      });

      const failed = await helper
        .call("containers.create", {
          name: "own-2",
          source: { ...source, options: { ...options, path: "x" } },
          unprivileged: false,
          start: false,
          address: "dhcp",
        })
        .catch(toProblem);
      expect(failed).toMatchObject({ code: "invalid-request", issues: [{ path: "source.options.path" }] });
    } finally {
      await helper.close();
      rmSync(state, { recursive: true });
    }
  });
});
