import { describe, expect, it } from "vitest";
import type { HostCheck, HostInfo } from "../../../privileged-helper/contract/model.ts";
import { makeReport, withoutSecrets } from "./report.ts";

const info: HostInfo = {
  hostname: "alices-laptop",
  kernel: "6.12.48+deb13-amd64",
  lxcVersion: "6.0.4",
  lxcPath: "/home/alice/lxc",
  cgroupVersion: "v2",
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  bridges: ["lxcbr0"],
  freeBytes: 1024 ** 3,
};
const check = (evidence: string[]): HostCheck => ({
  name: "bridge",
  status: "problem",
  title: "Network bridge",
  summary: "lxcbr0 is not there.",
  evidence,
  explanation: "It matters.",
});

describe("the report", () => {
  it("has each check with its status and its facts", () => {
    const text = makeReport(
      [check(["/sys/class/net/lxcbr0: not there"]), { ...check([]), status: "ok", title: "LXC", summary: "There." }],
      info,
    );
    expect(text).toContain("[Problem] Network bridge: lxcbr0 is not there.\n  /sys/class/net/lxcbr0: not there\n");
    expect(text).toContain("[OK] LXC: There.");
    expect(text).toContain("Kernel 6.12.48+deb13-amd64, LXC 6.0.4, control groups v2");
  });

  it("tells neither who nor where this is", () => {
    const text = makeReport([check(["alices-laptop: 203.0.113.7, 00:16:3e:12:34:56, 2001:db8::17, fe80::216:3eff:fe12:3456"])], info);
    for (const secret of ["alice", "203.0.113.7", "3e:12", "2001:db8", "fe80", "3456"]) expect(text).not.toContain(secret);
    expect(text).toContain("4 processors, 8.0 GiB memory, 1.0 GiB free in /home/(user)/lxc");
  });
});

describe("what stays and what goes", () => {
  it.each([
    "10.0.3.1/24, addresses for containers 10.0.3.2 to 10.0.3.254",
    "172.16.0.1 192.168.1.1 127.0.0.1 169.254.0.1 255.255.255.0",
    "LXC 5.0.2, Kernel 6.18.44-fc-v782",
    "/etc/subuid: root:1048576:67108864",
    "DPkg::Options::=--force-confold",
    "/sys/fs/cgroup/cpu: version 1, cpu",
    "12:30:45",
    "nothing :: here",
    "/usr/lib/modules/6.12.48/veth.ko: yes",
  ])("%j stays", (text) => expect(withoutSecrets(text, "vm")).toBe(text));

  it.each([
    ["172.32.0.1", "(public address)"],
    ["eth0 at 8.8.8.8:53.", "eth0 at (public address):53."],
    ["AA:BB:CC:DD:EE:FF", "(MAC address)"],
    ["fd00:1:2:3::1/64", "(IPv6 address)/64"],
    ["2a00:1450:4001:82a:0:0:0:200e", "(IPv6 address)"],
    ["/home/bob: x, /home/al.ice/.cache", "/home/(user): x, /home/(user)/.cache"],
    ["/run/user/1000/bus", "/run/user/(user)/bus"],
    ["on box1 and box10", "on (this computer) and box10"],
  ])("%j becomes %j", (text, expected) => expect(withoutSecrets(text, "box1")).toBe(expected));
});
