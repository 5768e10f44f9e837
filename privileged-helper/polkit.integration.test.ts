import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Action, actions, type MethodName, methods } from "./contract/methods.ts";
import { toProblem } from "./contract/problems.ts";
import { bundleHelper, type HelperClient, startAnyHelper } from "./testing/helper-client.ts";
import { type PrivateComputer, privateComputer } from "./testing/private-computer.ts";
import { examples } from "./testing/requests.ts";

/** The installed helper, started by pkexec for a user without rights, on a computer with a system bus and a polkit of its own. */
const user = "lxc-desktop-polkit";
const asUser = `/usr/bin/setpriv --reuid=${user} --regid=${user} --clear-groups`;
const rules = "/etc/polkit-1/rules.d/00-lxc-desktop-test.rules";
const assets = join(import.meta.dirname, "../assets");
const nodePty = join(import.meta.dirname, "../node_modules/node-pty");

let folder: string;
let computer: PrivateComputer;
let helper: HelperClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-polkit-"));
  await bundleHelper(join(folder, "built"));
  cpSync(assets, join(folder, "assets"), { recursive: true });
  cpSync(nodePty, join(folder, "node-pty"), { recursive: true, dereference: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  const install = `
    umask 022
    mkdir -p /usr/lib/lxc-desktop/helper/node_modules /run/dbus
    cp ${folder}/assets/launch /usr/lib/lxc-desktop/launch
    cp ${folder}/built/*.cjs /usr/lib/lxc-desktop/helper
    cp -r ${folder}/node-pty /usr/lib/lxc-desktop/helper/node_modules/node-pty
    chown -R root:root /usr/lib/lxc-desktop
    chmod -R u=rwX,go=rX /usr/lib/lxc-desktop
    chmod 755 /usr/lib/lxc-desktop/launch
    cp ${folder}/assets/org.lxcdesktop.policy /usr/share/polkit-1/actions
    useradd ${user}
    groupadd --force containers
    groupadd --force web-team
    rm -f /etc/polkit-1/rules.d/*
    mount -t tmpfs -o mode=755 tmpfs /var/lib/lxc
    mkdir -p /var/lib/lxc-desktop
    mount -t tmpfs -o mode=711 tmpfs /var/lib/lxc-desktop
    rm -f /var/log/lxc-desktop.log*
    for name in a b web; do
      mkdir -p /var/lib/lxc/$name/rootfs
      echo "lxc.rootfs.path = dir:/var/lib/lxc/$name/rootfs" >/var/lib/lxc/$name/config
    done
    dbus-daemon --system --fork`;
  computer = privateComputer([folder], { ownNetwork: true, prepare: install });
});
afterEach(() => helper.close());

const inside = (command: string) => computer.run(helper.pid, command);
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const stop = (name: string) => problemOf(helper.callRaw("containers.stop", { name, timeoutSeconds: 1 }));
const containers = () => inside("ls /var/lib/lxc").trim().split("\n");

/** Starts it as the app does. The rule is there before the first question, which starts polkit. */
async function begin(rule: string, before = "true") {
  const launch = "/usr/bin/pkexec --disable-internal-agent /usr/lib/lxc-desktop/launch limited";
  const script = `set -e; cat >${rules} <<'END'\n${rule}\nEND\n${asUser} /usr/bin/env -i /bin/sh -c '${before}; ${launch}; exit'; exit`;
  helper = startAnyHelper([...computer.around, "/bin/sh", "-c", script]);
  await new Promise((resolve) => helper.on("hello" as never, resolve));
}

/** At once, so that half of it is never read. */
const writeInside = (path: string, text: string) => inside(`cat >${path}.new <<'END'\n${text}\nEND\nmv ${path}.new ${path}`);
/** Above this, only their number is written down. */
const loggedPerMinute = 60;
/** All that there is of containers, with its time, and of what the helper keeps itself. */
const filesOf = "cd /; find var/lib/lxc var/lib/lxc-desktop etc/lxc etc/subuid etc/subgid -printf '%p %T@ %s\\n' 2>/dev/null | sort";
const auditLines = () =>
  inside("cat /var/log/lxc-desktop.log 2>/dev/null || true")
    .split("\n")
    .flatMap((line) => {
      const [, event, method, right, problem] = / (done|failed) uid=\d+ method=(\S+).* right=(\S+)(?: problem=(\S+))?/.exec(line) ?? [];
      return event === undefined ? [] : [{ event, method, right, problem }];
    });

/** A rule that says yes where this is true of the action and the subject. */
const yesWhere = (condition: string) => `polkit.addRule(function (action, subject) {
  if (subject.user === "${user}" && (${condition})) return polkit.Result.YES;
  return polkit.Result.NOT_HANDLED;
});`;
const isAction = (...names: string[]) => `${JSON.stringify(names.map((name) => `org.lxcdesktop.${name}`))}.indexOf(action.id) >= 0`;

/** What polkit says of another process of the user's. @returns The exit code of pkcheck(1). */
const polkitSays = (action: string) =>
  Number(inside(`${asUser} /bin/sh -c 'pkcheck --action-id org.lxcdesktop.${action} --process $$ >/dev/null 2>&1; echo $?'`));
/** pkcheck(1): only a person could make it a yes. */
const personNeeded = 2;

describe("a helper that polkit has let start, and nothing more", () => {
  it("does nothing, whatever it is asked", async () => {
    await begin(yesWhere(isAction("limited")));
    for (const method of Object.keys(examples) as MethodName[]) {
      const { action } = methods[method];
      expect(await problemOf(helper.callRaw(method, examples[method])), method).toEqual({ code: "no-polkit-agent", action });
    }
    expect(containers()).toEqual(["a", "b", "web"]);
    expect(auditLines().map(({ method, right }) => [method, right])).toEqual(
      (Object.keys(examples) as MethodName[]).slice(0, loggedPerMinute).map((method) => [method, methods[method].action]),
    );
  });
});

describe("a caller who has all rights but one", () => {
  it("has nothing done by any method that needs that one, and each attempt is told in the log", async () => {
    const allBut = (missing: Action) => yesWhere(isAction("limited", ...actions.filter((one) => one !== missing)));
    await begin(allBut("view"));
    const attempts: [method: string, right: string][] = [];
    const filesBefore = inside(filesOf);
    for (const action of actions) {
      writeInside(rules, allBut(action));
      const before = actions[actions.indexOf(action) - 1];
      await vi.waitFor(() => expect([polkitSays(action), before === undefined ? 0 : polkitSays(before)]).toEqual([personNeeded, 0]), {
        timeout: 20_000,
        interval: 100,
      });
      for (const method of (Object.keys(methods) as MethodName[]).filter((one) => methods[one].action === action)) {
        expect(await problemOf(helper.callRaw(method, examples[method])), method).toEqual({ code: "no-polkit-agent", action });
        attempts.push([method, action]);
      }
      expect(inside("ps -e -o args= | grep -E '^/usr/(s?bin|share|libexec)/lxc' || true")).toBe("");
    }
    expect(inside(filesOf)).toBe(filesBefore);
    expect(attempts).toHaveLength(Object.keys(methods).length);
    const refused = auditLines().filter(({ problem }) => problem === "no-polkit-agent");
    expect(refused.slice(0, loggedPerMinute).map(({ event, method, right }) => [event, method, right])).toEqual(
      attempts.slice(0, loggedPerMinute).map((attempt) => ["failed", ...attempt]),
    );
  });
});

describe("the launcher", () => {
  it("runs nothing where a folder on the way to it could be changed by others, or its own Node is a link", async () => {
    await begin(yesWhere(isAction("limited")));
    const launch = () => inside(": | /usr/lib/lxc-desktop/launch root 2>&1 | cat");
    for (const [spoil, mend] of [
      ["chmod o+w /usr/lib", "chmod o-w /usr/lib"],
      ["chmod g+w /", "chmod g-w /"],
      [`chown ${user} /usr`, "chown root /usr"],
      ["chmod o+w /usr/bin", "chmod o-w /usr/bin"],
      ["ln -s /usr/bin/node /usr/lib/lxc-desktop/node", "rm /usr/lib/lxc-desktop/node"],
    ] as const) {
      inside(spoil);
      expect(launch(), spoil).toMatch(/^lxc-desktop: unsafe: [/\s\w-]+$/);
      inside(mend);
    }
    expect(launch()).toContain('"method":"hello"');
  });
});

describe("the helper itself", () => {
  const ownCapabilities = BigInt(`0x${/^CapBnd:\s+(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
  /** Of its own process, inside. */
  const read = (file: string) => inside(`cat /proc/$(pgrep -f [h]elper/main.cjs)/${file}`);
  const limitsOf = (text: string) =>
    new Map([...text.matchAll(/^(Max [\w ]+?) {2,}(\S+) +(\S+)/gm)].map(([, name = "", soft, hard]) => [name, `${soft} ${hard}`]));

  it("has no limit, mask, variable, descriptor or folder of whoever asked for it, and no capability that nothing of it uses", async () => {
    const evil =
      "cd /tmp; umask 0; ulimit -S -f 8; ulimit -S -n 64; ulimit -S -t 3600; ulimit -S -l 0; ulimit -S -c unlimited; echo 900 >/proc/self/oom_score_adj; exec 7</etc/passwd";
    await begin(yesWhere(isAction("limited", "view")), evil);
    const limits = limitsOf(read("limits"));
    expect(limits.get("Max file size")).toBe("unlimited unlimited");
    expect(limits.get("Max cpu time")).toBe("unlimited unlimited");
    expect(limits.get("Max address space")).toBe("unlimited unlimited");
    // Where root itself may not raise them, as in a container, they are what they were.
    const mayRaise = (ownCapabilities >> 24n) & 1n;
    if (mayRaise) {
      expect(limits.get("Max processes")).toBe("unlimited unlimited");
      expect(limits.get("Max open files")).toBe("524288 524288");
      expect(limits.get("Max locked memory")).toBe("8388608 8388608");
    }
    expect(limits.get("Max core file size")).toBe("0 unlimited");
    expect(read("oom_score_adj").trim()).toBe("0");
    const status = new Map(
      read("status")
        .split("\n")
        .map((line) => line.split(":\t") as [string, string]),
    );
    expect(status.get("Umask")).toBe("0022");
    expect(status.get("CapInh")).toBe("0000000000000000");
    // capabilities(7): CAP_SYS_PACCT, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_AUDIT_READ.
    const dropped = [20n, 35n, 36n, 37n].reduce((bits, bit) => bits | (1n << bit), 0n);
    for (const set of ["CapBnd", "CapPrm", "CapEff"]) expect(BigInt(`0x${status.get(set)}`), set).toBe(ownCapabilities & ~dropped);
    expect(
      read("environ")
        .split("\0")
        .filter(Boolean)
        .map((entry) => entry.split("=")[0])
        .sort(),
    ).toEqual(["HOME", "LANG", "PATH", "PKEXEC_UID"]);
    expect(inside("readlink /proc/$(pgrep -f [h]elper/main.cjs)/cwd").trim()).toBe("/");
    expect(inside("ls -l /proc/$(pgrep -f [h]elper/main.cjs)/fd")).not.toMatch(/passwd|\/tmp/);
  });
});

describe("a rule about one container", () => {
  it("opens no other one, before and after it was used", async () => {
    const aboutA = `${isAction("create", "manage")} && action.lookup("container") === "a"`;
    await begin(yesWhere(`${isAction("limited")} || ${aboutA}`));
    expect(await stop("b")).toEqual({ code: "no-polkit-agent", action: "manage" });
    expect(await stop("a")).toMatchObject({ code: "wrong-state", name: "a" });
    expect(await stop("b")).toEqual({ code: "no-polkit-agent", action: "manage" });
    expect(await problemOf(helper.callRaw("containers.destroy", { name: "b" }))).toEqual({ code: "no-polkit-agent", action: "create" });
    await helper.callRaw("containers.destroy", { name: "a" });
    expect(containers()).toEqual(["b", "web"]);
  });
});

describe("members of a group", () => {
  it("may do what the example of a rule says, and nothing from the moment that they are members no more", async () => {
    await begin(`${readFileSync(join(assets, "50-lxc-desktop.rules.example"), "utf8")}${yesWhere(isAction("limited"))}`);
    expect(await stop("a")).toEqual({ code: "no-polkit-agent", action: "manage" });
    inside(`gpasswd --add ${user} containers`);
    expect(await stop("a")).toMatchObject({ code: "wrong-state", name: "a" });
    expect(await problemOf(helper.callRaw("containers.destroy", { name: "a" }))).toEqual({ code: "no-polkit-agent", action: "create" });
    inside(`gpasswd --delete ${user} containers`);
    expect(await stop("a")).toEqual({ code: "no-polkit-agent", action: "manage" });
  });
});

describe("those whom the example of a rule gives one container", () => {
  it("have that one, and only look at the others, before and after", async () => {
    await begin(`${readFileSync(join(assets, "50-lxc-desktop.rules.example"), "utf8")}${yesWhere(isAction("limited"))}`);
    inside(`gpasswd --add ${user} web-team`);
    expect((await helper.call("containers.watch", {})).containers.map(({ name }) => name)).toEqual(["a", "b", "web"]);
    for (const name of ["a", "web", "b"]) {
      const isTheirs = name === "web";
      expect(await stop(name)).toMatchObject(isTheirs ? { code: "wrong-state" } : { code: "no-polkit-agent", action: "manage" });
    }
    expect(await problemOf(helper.callRaw("host.fix", { check: "bridge" }))).toEqual({ code: "no-polkit-agent", action: "host" });
    expect(await problemOf(helper.callRaw("containers.destroy", { name: "a" }))).toEqual({ code: "no-polkit-agent", action: "create" });
    // Nor do they have what is in another one by a clone of it that is called as theirs, or by what is told before it is made.
    const clone = { name: "web", source: { type: "clone", from: "a" }, unprivileged: false, start: false, address: "dhcp" };
    expect(await problemOf(helper.callRaw("containers.create", clone))).toEqual({ code: "no-polkit-agent", action: "create" });
    expect(await problemOf(helper.callRaw("containers.try", { source: { type: "clone", from: "a" } }))).toMatchObject({ action: "create" });
    expect(await problemOf(helper.callRaw("containers.keep", { name: "web", as: "other" }))).toMatchObject({ action: "create" });
    expect(containers()).toEqual(["a", "b", "web"]);
    await helper.callRaw("containers.destroy", { name: "web" });
    expect(containers()).toEqual(["a", "b"]);
  });
});

describe("those who may look at one container", () => {
  it("see nothing of another one by what a clone of it would be", async () => {
    await begin(yesWhere(`${isAction("limited")} || (${isAction("view")} && action.lookup("container") === "web")`));
    const preview = (from: string) =>
      problemOf(
        helper.callRaw("containers.preview", {
          name: "web",
          source: { type: "clone", from },
          unprivileged: false,
          start: false,
          address: "dhcp",
        }),
      );
    expect(await preview("a")).toEqual({ code: "no-polkit-agent", action: "view" });
    expect(await preview("web")).toEqual({ code: "already-exists", name: "web" });
  });
});

describe("an answer that the helper remembers", () => {
  it("is told, and given back", async () => {
    await begin(yesWhere(isAction("limited", "view", "host")));
    expect(await helper.call("audit.list", {})).toEqual([]);
    expect(await helper.call("rights.remembered", {})).toMatchObject([{ action: "host" }]);
    writeInside(rules, yesWhere(isAction("view")));
    await vi.waitFor(() => expect(polkitSays("host")).toBe(personNeeded), { timeout: 20_000, interval: 100 });
    expect(await helper.call("audit.list", {})).toMatchObject([{ method: "audit.list", rights: ["host"], user }]);
    await helper.call("rights.forget", {});
    expect(await helper.call("rights.remembered", {})).toEqual([]);
    expect(await problemOf(helper.callRaw("audit.list", {}))).toEqual({ code: "no-polkit-agent", action: "host" });
  });
});

describe("polkit", () => {
  it("that is told otherwise is obeyed with the next call", async () => {
    await begin(yesWhere(isAction("limited", "manage")));
    expect(await stop("a")).toMatchObject({ code: "wrong-state" });
    inside(`rm ${rules}`);
    await vi.waitFor(() => expect(polkitSays("manage")).toBe(personNeeded), { timeout: 20_000, interval: 100 });
    expect(await stop("a")).toEqual({ code: "no-polkit-agent", action: "manage" });
  });

  it("that does not answer lets nothing through, and is asked anew afterwards", async () => {
    await begin(yesWhere(isAction("limited", "manage")));
    expect(await stop("a")).toMatchObject({ code: "wrong-state" });
    inside("kill -STOP $(pidof polkitd)");
    const controller = new AbortController();
    const cancelled = problemOf(helper.callRaw("containers.destroy", { name: "a" }, controller.signal));
    const waiting = stop("a");
    controller.abort();
    expect(await cancelled).toEqual({ code: "cancelled" });
    expect(await waiting).toEqual({ code: "polkit-unavailable", detail: "polkit has not answered for 10 seconds." });
    inside("kill -CONT $(pidof polkitd)");
    expect(await stop("a")).toMatchObject({ code: "wrong-state" });
    expect(containers()).toEqual(["a", "b", "web"]);
  });

  it("that ends in the middle of a question lets nothing through, and is asked anew afterwards", async () => {
    await begin(yesWhere(isAction("limited", "manage")));
    expect(await stop("a")).toMatchObject({ code: "wrong-state" });
    inside("kill -STOP $(pidof polkitd)");
    const asked = stop("a");
    await vi.waitFor(() => expect(inside("pidof pkcheck || true")).not.toBe(""));
    inside("kill -KILL $(pidof polkitd)");
    expect(await asked).toMatchObject({ code: "polkit-unavailable" });
    // The bus starts another one.
    await vi.waitFor(async () => expect(await stop("a")).toMatchObject({ code: "wrong-state" }), { timeout: 20_000, interval: 100 });
  });
});
