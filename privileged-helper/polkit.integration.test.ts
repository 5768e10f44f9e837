import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type MethodName, methods } from "./contract/methods.ts";
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
    rm -f /etc/polkit-1/rules.d/*
    mount -t tmpfs -o mode=755 tmpfs /var/lib/lxc
    for name in a b; do
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
async function begin(rule: string) {
  const launch = "/usr/bin/pkexec --disable-internal-agent /usr/lib/lxc-desktop/launch limited";
  const script = `set -e; cat >${rules} <<'END'\n${rule}\nEND\n${asUser} /usr/bin/env -i /bin/sh -c '${launch}; exit'; exit`;
  helper = startAnyHelper([...computer.around, "/bin/sh", "-c", script]);
  await new Promise((resolve) => helper.on("hello" as never, resolve));
}

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
    expect(containers()).toEqual(["a", "b"]);
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

describe("a rule about one container", () => {
  it("opens no other one, before and after it was used", async () => {
    const aboutA = `${isAction("create", "manage")} && action.lookup("container") === "a"`;
    await begin(yesWhere(`${isAction("limited")} || ${aboutA}`));
    expect(await stop("b")).toEqual({ code: "no-polkit-agent", action: "manage" });
    expect(await stop("a")).toMatchObject({ code: "wrong-state", name: "a" });
    expect(await stop("b")).toEqual({ code: "no-polkit-agent", action: "manage" });
    expect(await problemOf(helper.callRaw("containers.destroy", { name: "b" }))).toEqual({ code: "no-polkit-agent", action: "create" });
    await helper.callRaw("containers.destroy", { name: "a" });
    expect(containers()).toEqual(["b"]);
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
    expect(containers()).toEqual(["a", "b"]);
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
