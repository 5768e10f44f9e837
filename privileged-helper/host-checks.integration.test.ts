import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type HostCheck, type HostCheckName, hostCheckNames } from "./contract/model.ts";
import { toProblem } from "./contract/problems.ts";
import { reasonWithoutMirror } from "./testing/debian-mirror.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { type PrivateComputer, privateComputer } from "./testing/private-computer.ts";

const lxcPath = "/var/lib/lxc";
const nodeModules = join(import.meta.dirname, "../node_modules");

let folder: string;
let script: string;
let helper: HelperClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-host-checks-"));
  script = await bundleHelper(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => helper.close());

const read = (path: string) => readFileSync(path, "utf8").trim();
const check = async (name: HostCheckName): Promise<HostCheck> => {
  const found = (await helper.call("host.checks", {})).find((one) => one.name === name);
  if (!found) throw new Error(`there is no check ${name}`);
  return found;
};

describe("what is said of this computer", () => {
  it("is complete, and every line has its facts", async () => {
    helper = startHelper(script, lxcPath);
    const checks = await helper.call("host.checks", {});
    expect(checks.map(({ name }) => name)).toEqual(hostCheckNames);
    for (const { title, summary, evidence, explanation, fix } of checks) {
      for (const text of [title, summary, explanation]) expect(text).toMatch(/\S/);
      expect(summary).not.toContain("could not be looked at");
      expect(evidence.length, title).toBeGreaterThan(0);
      if (fix) expect(fix.commands.flat().length).toBeGreaterThan(0);
    }
  });

  it("equals what the kernel and LXC say themselves", async () => {
    helper = startHelper(script, lxcPath);
    const version = execFileSync("/usr/bin/lxc-start", ["--version"], { encoding: "utf8" }).trim();
    expect((await check("lxc")).summary).toContain(`LXC ${version} `);
    expect((await check("kernel")).evidence[0]).toBe(`Kernel ${execFileSync("/usr/bin/uname", ["-r"], { encoding: "utf8" }).trim()}`);
    expect((await check("user-namespaces")).evidence).toContain(`user.max_user_namespaces = ${read("/proc/sys/user/max_user_namespaces")}`);
    expect((await check("forwarding")).evidence).toEqual([`/proc/sys/net/ipv4/ip_forward: ${read("/proc/sys/net/ipv4/ip_forward")}`]);
    const mounts = execFileSync("/bin/mount", { encoding: "utf8" });
    for (const line of (await check("cgroups")).evidence.filter((one) => one.includes(": version"))) {
      expect(mounts).toContain(` on ${line.split(":")[0]} type cgroup`);
    }
    const { bavail, bsize } = statfsSync(lxcPath);
    const [, free = ""] = /: ([\d.]+) GiB free/.exec((await check("free-space")).evidence[0] ?? "") ?? [];
    expect(Math.abs(Number(free) - (bavail * bsize) / 1024 ** 3)).toBeLessThan(1);
    for (const line of (await check("templates")).evidence) {
      const needed = / needs (.*)$/.exec(line)?.[1]?.split(", ") ?? [];
      for (const tool of needed) expect(existsSync(`/usr/bin/${tool}`) || existsSync(`/usr/sbin/${tool}`), tool).toBe(false);
    }
  });
});

describe("what was broken is seen, and its fix mends it", () => {
  let computer: PrivateComputer;
  const begin = async (prepare: string, ownNetwork = true) => {
    computer = privateComputer([folder, nodeModules], { ownNetwork, prepare });
    helper = startHelper(script, lxcPath, computer.around);
    // From here on it is all there.
    await helper.call("tasks.watch", {});
  };
  const inside = (command: string) => computer.run(helper.pid, command);

  /** Sees it, mends it by its fix, and sees that again; the task shows what was shown before. */
  async function mend(name: HostCheckName, status: HostCheck["status"], summary: RegExp) {
    const before = await check(name);
    expect(before).toMatchObject({ status, summary: expect.stringMatching(summary) });
    await helper.call("host.fix", { check: name });
    const { tasks } = await helper.call("tasks.watch", {});
    const task = tasks.findLast(({ kind, target }) => kind === "fix" && target === before.title);
    expect(task).toMatchObject({ state: "succeeded", commands: before.fix?.commands });
    expect(await check(name)).toMatchObject({ status: "ok" });
    return before;
  }

  it("a missing bridge, and with it DHCP, rules and forwarding", async () => {
    await begin("echo 0 > /proc/sys/net/ipv4/ip_forward");
    expect(await check("dhcp")).toMatchObject({ status: "warning" });
    expect(await check("masquerading")).toMatchObject({ status: "warning" });
    expect(await check("forwarding")).toMatchObject({ status: "warning" });
    await mend("bridge", "problem", /^lxcbr0 is not there/);
    for (const name of ["dhcp", "masquerading", "forwarding", "firewall"] as const)
      expect(await check(name)).toMatchObject({ status: "ok" });
    expect(inside("ip -4 -o addr show lxcbr0")).toContain("10.0.3.1/24");
  });

  it("a bridge that is down, one without masquerading, and forwarding that is off", async () => {
    await begin("/usr/libexec/lxc/lxc-net start");
    expect(await check("bridge")).toMatchObject({ status: "ok" });
    inside("ip link set lxcbr0 down");
    await mend("bridge", "warning", /is down/);
    // lxc-net of LXC 6 uses nft where it is there.
    inside("iptables -t nat -F POSTROUTING; nft flush ruleset 2>/dev/null || true");
    await mend("masquerading", "warning", /no answer comes back/);
    expect(inside("iptables -t nat -S POSTROUTING; nft list ruleset 2>/dev/null || true")).toMatch(/masquerade/i);
    inside("echo 0 > /proc/sys/net/ipv4/ip_forward");
    await mend("forwarding", "warning", /does not forward/);
    expect(inside("cat /proc/sys/net/ipv4/ip_forward /etc/sysctl.d/60-lxc-desktop-forwarding.conf")).toMatch(
      /^1\n# .*\nnet.ipv4.ip_forward = 1\n$/,
    );
  });

  it("Docker's rules, which drop what passes through", async () => {
    await begin("/usr/libexec/lxc/lxc-net start");
    inside(
      "iptables -F FORWARD; iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER; iptables -A DOCKER-USER -j RETURN",
    );
    const { summary } = await mend("firewall", "warning", /^Docker keeps containers from/);
    expect(summary).toBe("Docker keeps containers from reaching the world, getting answers.");
  });

  it("a firewall of the administrator's own is named, and left alone", async () => {
    await begin("/usr/libexec/lxc/lxc-net start");
    inside("iptables -I INPUT -i lxcbr0 -p udp --dport 67 -j DROP");
    const firewall = await check("firewall");
    expect(firewall).toMatchObject({
      status: "warning",
      summary: "A firewall keeps containers from asking this computer for an address (DHCP).",
    });
    expect(firewall.fix).toBeUndefined();
    expect(await helper.call("host.fix", { check: "firewall" }).then(() => undefined, toProblem)).toMatchObject({ code: "not-supported" });
  });

  it("root without ids for unprivileged containers", async () => {
    await begin("echo somebody:100000:65536 > /etc/subuid; rm /etc/subgid");
    await mend("subids", "warning", /^Root has no ids/);
    expect(inside("cat /etc/subuid")).toBe("somebody:100000:65536\nroot:1048576:67108864\n");
    expect(inside("cat /etc/subgid")).toBe("root:1048576:67108864\n");
  });

  it("no LXC at all, a folder for containers that nothing runs from, and a full one", async () => {
    await begin("rm /usr/bin/lxc-start; mount -t tmpfs -o noexec,size=1m tmpfs /var/lib/lxc");
    expect(await check("lxc")).toMatchObject({ status: "problem", summary: "LXC is not complete: lxc-start missing." });
    expect((await check("lxc")).fix?.commands.at(-1)?.at(-1)).toBe("lxc");
    expect(await check("storage")).toMatchObject({ status: "problem", summary: expect.stringContaining("noexec") });
    expect(await check("free-space")).toMatchObject({ status: "problem" });
    expect(await helper.call("host.info", {})).not.toHaveProperty("lxcVersion");
  });

  it("a program that templates need, from the distribution's own packages", { timeout: 240_000 }, async ({ skip }) => {
    const reason = await reasonWithoutMirror();
    if (reason !== undefined) skip(reason);
    await begin("dpkg --remove --force-depends rsync 2>&1", false);
    const { fix } = await mend("templates", "warning", /rsync/);
    expect(fix?.commands.at(-1)?.at(-1)).toBe("rsync");
    expect(inside("dpkg-query --status rsync")).toContain("Status: install ok installed");
  });
});
