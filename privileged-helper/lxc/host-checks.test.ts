import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type HostCheckName, hostCheckNames } from "../contract/model.ts";
import { factsOf, type OtherComputer } from "../testing/other-computer.ts";
import { makeCheck, makeChecks } from "./host-checks.ts";
import { defaultRouteInterface } from "./host-firewall.ts";
import { configValue, hasModule } from "./host-kernel.ts";
import { findMount } from "./host-storage.ts";

const firewall = (name: string) => readFileSync(join(import.meta.dirname, "testdata/firewall", name), "utf8");
const lxcTools = ["lxc-start", "lxc-stop", "lxc-create", "lxc-copy", "lxc-destroy", "lxc-attach"];
const gibibyte = 1024 ** 3;

const cgroup2 = (options = "rw,nosuid,nodev,noexec,relatime") =>
  `31 24 0:27 / /sys/fs/cgroup ${options} shared:9 - cgroup2 cgroup2 rw,nsdelegate`;
const rootMount = (type: string, options = "rw,relatime") => `29 1 8:2 / / ${options} shared:1 - ${type} /dev/sda2 rw`;
const namespaces = Object.fromEntries(["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map((name) => [`/proc/self/ns/${name}`, ""]));
const bridgeIsUp = {
  "/sys/class/net/lxcbr0/flags": "0x1003\n",
  "/sys/class/net/lxcbr0/bridge/bridge_id": "",
  "/proc/net/fib_trie": "Local:\n  |-- 10.0.3.1\n     /32 host LOCAL\n",
  "/run/lxc/dnsmasq.pid": "812\n",
  "/proc/812/comm": "dnsmasq\n",
  "/proc/812/cmdline": "dnsmasq\0--conf-file=/dev/null\0",
};
const kernelFiles = {
  ...namespaces,
  "/proc/self/cgroup": "0::/init.scope\n",
  "/proc/filesystems": "nodev\tsysfs\n\text4\nnodev\toverlay\n",
  "/proc/sys/kernel/seccomp/actions_avail": "kill_process kill_thread trap errno\n",
  "/usr/share/lxc/config/common.seccomp": "2\ndenylist\n",
  "/proc/sys/user/max_user_namespaces": "63000\n",
  "/proc/sys/net/ipv4/ip_forward": "1\n",
  "/proc/sys/net/ipv6/conf/all/disable_ipv6": "0\n",
  "/proc/sys/net/ipv6/conf/all/forwarding": "0\n",
  "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
  "/sys/fs/cgroup/cgroup.subtree_control": "cpu memory pids\n",
  "/run/dbus/system_bus_socket": "",
  "/run/systemd/system": "",
  "/usr/share/polkit-1/actions/org.lxcdesktop.policy": "",
};
/** The options that all three distributions set, as modules where they do. */
const kernelConfig =
  "# Linux/x86 6.12 Kernel Configuration\nCONFIG_CGROUPS=y\nCONFIG_VETH=m\nCONFIG_BRIDGE=m\nCONFIG_NFT_MASQ=m\nCONFIG_OVERLAY_FS=m\nCONFIG_FUSE_FS=y\nCONFIG_MACVLAN=m\nCONFIG_VLAN_8021Q=m\nCONFIG_NETFILTER_XT_TARGET_CHECKSUM=m\n";

/** Written by hand after an Ubuntu 24.04 desktop with its lxc packages: AppArmor, iptables in the way of nft, restricted user namespaces. */
const ubuntu: OtherComputer = {
  kernelRelease: "6.8.0-45-generic",
  kernelConfig,
  lxcVersion: "5.0.3",
  freeBytes: 40 * gibibyte,
  freeFiles: 3_000_000,
  programs: [
    ...lxcTools,
    ...["apt-get", "dnsmasq", "iptables", "iptables-save", "usermod", "apparmor_parser", "lxcfs", "pkexec", "pkcheck"],
    ...["busybox", "debootstrap", "rsync", "debian-distro-info", "wget", "openssl", "gpg", "skopeo", "tini-static"],
    ...["tar", "gzip", "xz", "zstd"],
  ],
  files: {
    ...kernelFiles,
    ...bridgeIsUp,
    "/etc/os-release": 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n',
    "/proc/self/mountinfo": `${rootMount("ext4")}\n${cgroup2()}\n40 29 0:50 / /var/lib/lxcfs rw,nosuid,nodev,relatime shared:21 - fuse.lxcfs lxcfs rw`,
    "/lib/modules/6.8.0-45-generic/modules.dep": "",
    "/etc/subuid": "alice:100000:65536\nroot:1000000:1000000000\n",
    "/etc/subgid": "alice:100000:65536\nroot:1000000:1000000000\n",
    "/etc/lxc/default.conf": "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.net.0.flags = up\nlxc.apparmor.profile = generated\n",
    "/sys/module/apparmor/parameters/enabled": "Y\n",
    "/sys/kernel/security/apparmor/profiles": "lxc-container-default (enforce)\n",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
    "/proc/sys/kernel/unprivileged_userns_clone": "1\n",
    "/usr/lib/polkit-1/polkitd": "",
    ...Object.fromEntries(["busybox", "debian", "ubuntu", "download", "oci"].map((name) => [`/usr/share/lxc/templates/lxc-${name}`, ""])),
  },
  answers: {
    "iptables-save": "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.3.0/24 ! -d 10.0.3.0/24 -j MASQUERADE\nCOMMIT\n",
  },
  running: ["systemd", "gnome-shell"],
};

/** Written by hand after a Fedora Workstation: SELinux, firewalld by nft, btrfs, its packages of LXC partly installed. */
const fedora: OtherComputer = {
  ...ubuntu,
  kernelRelease: "6.17.1-300.fc43.x86_64",
  lxcVersion: "6.0.4",
  programs: [...lxcTools, "dnf", "dnsmasq", "nft", "usermod", "pkexec", "pkcheck", "busybox", "wget", "gpg", "apt-get"],
  files: {
    ...kernelFiles,
    ...bridgeIsUp,
    "/etc/os-release": 'NAME="Fedora Linux"\nID=fedora\n',
    "/proc/self/mountinfo": `30 1 0:26 /root / rw,relatime shared:1 - btrfs /dev/nvme0n1p3 rw,subvol=/root\n${cgroup2()}`,
    "/lib/modules/6.17.1-300.fc43.x86_64/modules.dep": "",
    "/etc/lxc/default.conf": "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\n",
    "/sys/fs/selinux/enforce": "1",
    "/usr/lib/polkit-1/polkitd": "",
    "/usr/share/lxc/templates/lxc-busybox": "",
    "/usr/share/lxc/templates/lxc-debian": "",
    "/usr/share/lxc/templates/lxc-download": "",
    "/proc/net/route":
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nwlp2s0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\n",
  },
  answers: { nft: firewall("firewalld-nft.json") },
};

/** Written by hand after an Arch Linux whose kernel was updated and not yet started anew, and LXC as it comes: no network, no ids. */
const arch: OtherComputer = {
  kernelRelease: "6.17.1-arch1-1",
  kernelConfig,
  lxcVersion: "7.0.1",
  freeBytes: 600 * 1024 * 1024,
  programs: [...lxcTools, "pacman", "usermod"],
  files: {
    ...kernelFiles,
    "/etc/os-release": 'NAME="Arch Linux"\nID=arch\n',
    "/proc/self/mountinfo": `${rootMount("ext4")}\n${cgroup2()}`,
    "/etc/lxc/default.conf": "lxc.net.0.type = empty\n",
    "/etc/subuid": "",
    "/etc/subgid": "",
  },
};

const check = (computer: OtherComputer, name: HostCheckName) => makeCheck(name, { facts: factsOf(computer), lxcPath: "/var/lib/lxc" });
const statuses = async (computer: OtherComputer) => {
  const checks = await makeChecks({ facts: factsOf(computer), lxcPath: "/var/lib/lxc" });
  return Object.fromEntries(checks.filter(({ status }) => status !== "ok").map(({ name, status }) => [name, status]));
};
/** The same computer but for some files; undefined takes one away. */
const but = (computer: OtherComputer, files: Record<string, string | undefined>, more: Partial<OtherComputer> = {}): OtherComputer => {
  const all = { ...computer.files, ...files };
  return {
    ...computer,
    ...more,
    files: Object.fromEntries(Object.entries(all).flatMap(([path, text]) => (text === undefined ? [] : [[path, text]]))),
  };
};
const without = (computer: OtherComputer, ...programs: string[]) => ({
  ...computer,
  programs: computer.programs?.filter((program) => !programs.includes(program)),
});
const commandsOf = async (computer: OtherComputer, name: HostCheckName) =>
  (await check(computer, name)).fix?.steps.map(({ tool, args }) => [tool, ...args].join(" "));

describe("a whole computer", () => {
  it("an Ubuntu with everything is ready, and only one tool was started to know it", async () => {
    expect(await statuses(ubuntu)).toEqual({});
    const facts = factsOf(ubuntu);
    await makeChecks({ facts, lxcPath: "/var/lib/lxc" });
    expect(facts.asked).toEqual(["iptables-save"]);
  });

  it("a Fedora has firewalld in the way, and lacks programs; nothing keeps a container from starting", async () => {
    expect(await statuses(fedora)).toEqual({
      subids: "warning",
      lxcfs: "warning",
      firewall: "warning",
      templates: "warning",
      images: "warning",
    });
    expect((await check(fedora, "apparmor")).title).toBe("SELinux");
    expect((await check(fedora, "storage")).summary).toContain("btrfs");
  });

  it("an Arch after an update of its kernel says to restart the computer", async () => {
    expect(await statuses(arch)).toEqual({
      kernel: "problem",
      subids: "warning",
      apparmor: "warning",
      lxcfs: "warning",
      bridge: "warning",
      dhcp: "warning",
      masquerading: "warning",
      firewall: "warning",
      "free-space": "warning",
      polkit: "warning",
      agent: "warning",
      templates: "problem",
      images: "warning",
    });
    expect((await check(arch, "kernel")).summary).toContain("restart the computer");
  });

  it("one of which nothing can be read is never called good", async () => {
    const checks = await makeChecks({ facts: factsOf({}), lxcPath: "/var/lib/lxc" });
    expect(checks.map(({ name }) => name)).toEqual(hostCheckNames);
    // No IPv6 at all is a fact of its own: containers use IPv4.
    expect(checks.filter(({ status }) => status === "ok").map(({ name }) => name)).toEqual(["ipv6"]);
  });
});

describe("packages", () => {
  it("are installed by the distribution's own package manager, and only those that are missing", async () => {
    expect(await commandsOf(without(ubuntu, "rsync"), "templates")).toEqual([
      "apt-get update",
      "apt-get install --yes --no-install-recommends --option DPkg::Options::=--force-confold rsync",
    ]);
    expect(await commandsOf(fedora, "templates")).toEqual(["dnf install --assumeyes debootstrap distro-info rsync"]);
    expect(await commandsOf(arch, "templates")).toEqual(["pacman --sync --needed --noconfirm busybox lxc"]);
    expect(await commandsOf(without(ubuntu, "skopeo", "tini-static"), "images")).toEqual([
      "apt-get update",
      "apt-get install --yes --no-install-recommends --option DPkg::Options::=--force-confold skopeo tini",
    ]);
    expect((await commandsOf(without(ubuntu, "xz", "zstd"), "images"))?.at(-1)).toMatch(/ xz-utils zstd$/);
  });

  it("are not offered where the package manager is not known", async () => {
    const other = but(without(ubuntu, "rsync"), { "/etc/os-release": "ID=gentoo\n" });
    expect(await check(other, "templates")).toMatchObject({ status: "warning", fix: undefined });
    expect(await check(but(without(ubuntu, "rsync", "apt-get"), {}), "templates")).toMatchObject({ fix: undefined });
  });

  it("are looked for in what the distribution is like, where it is not known itself", async () => {
    const mint = but(without(ubuntu, "rsync"), { "/etc/os-release": 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' });
    expect((await commandsOf(mint, "templates"))?.[0]).toBe("apt-get update");
  });
});

describe("LXC and the kernel", () => {
  it("LXC that is missing, incomplete, old or broken", async () => {
    expect(await check(without(ubuntu, ...lxcTools), "lxc")).toMatchObject({ status: "problem", summary: "LXC is not installed." });
    expect(await check(without(ubuntu, "lxc-copy"), "lxc")).toMatchObject({
      status: "problem",
      summary: "LXC is not complete: lxc-copy missing.",
    });
    expect(await check({ ...ubuntu, lxcVersion: "3.0.3" }, "lxc")).toMatchObject({ status: "warning" });
    expect(await check({ ...ubuntu, lxcVersion: undefined }, "lxc")).toMatchObject({ status: "problem" });
  });

  it("a kernel without veth, and one whose configuration nobody has", async () => {
    const config = kernelConfig.replace("CONFIG_VETH=m\n", "# CONFIG_VETH is not set\n");
    expect(await check({ ...ubuntu, kernelConfig: config }, "kernel")).toMatchObject({
      status: "problem",
      summary: expect.stringContaining("veth"),
    });
    const unknown = { ...ubuntu, kernelConfig: undefined };
    expect(await check(unknown, "kernel")).toMatchObject({ status: "warning", summary: expect.stringContaining("Cannot be told") });
    const modules = "kernel/drivers/net/veth.ko.zst:\nkernel/net/bridge/bridge.ko.zst: kernel/net/llc/llc.ko.zst\n";
    expect(await check(but(unknown, { "/lib/modules/6.8.0-45-generic/modules.dep": modules }), "kernel")).toMatchObject({ status: "ok" });
  });

  it("a kernel's configuration and its lists of modules", () => {
    expect(configValue("CONFIG_VETH=m\n", "VETH")).toBe("m");
    expect(configValue("CONFIG_X=y\n# CONFIG_VETH is not set\nCONFIG_VETH2=y", "VETH")).toBeUndefined();
    expect(configValue('CONFIG_VETH="text"', "VETH")).toBeUndefined();
    expect(hasModule("kernel/net/netfilter/nft-masq.ko.xz: x", "nft_masq")).toBe(true);
    expect(hasModule("kernel/net/netfilter/nft_masq_more.ko", "nft_masq")).toBe(false);
  });

  it("control groups: read-only, without memory, and version 1 with an LXC that has left it behind", async () => {
    const mounts = (text: string) => but(ubuntu, { "/proc/self/mountinfo": `${rootMount("ext4")}\n${text}` });
    expect(await check(mounts(cgroup2("ro,nosuid")), "cgroups")).toMatchObject({ status: "problem" });
    expect(await check(mounts(""), "cgroups")).toMatchObject({ status: "problem" });
    const pi = but(ubuntu, { "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n" });
    expect(await check(pi, "cgroups")).toMatchObject({ status: "warning", summary: expect.stringContaining("without memory") });
    const v1 = mounts("32 31 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory");
    expect(await check(v1, "cgroups")).toMatchObject({ status: "warning" });
    expect(await check({ ...v1, lxcVersion: "7.0.0" }, "cgroups")).toMatchObject({ status: "problem" });
  });

  it("user namespaces that are turned off are turned on, for good", async () => {
    const off = but(ubuntu, { "/proc/sys/user/max_user_namespaces": "0\n" });
    const { status, fix } = await check(off, "user-namespaces");
    expect(status).toBe("problem");
    expect(fix?.files).toEqual([
      { path: "/etc/sysctl.d/60-lxc-desktop-userns.conf", text: expect.stringContaining("user.max_user_namespaces = 28633") },
    ]);
    expect(await check(but(ubuntu, { "/proc/self/ns/user": undefined }), "user-namespaces")).toMatchObject({ status: "problem" });
    expect((await check(ubuntu, "user-namespaces")).summary).toContain("ordinary users are restricted");
  });

  it("ids: a range in one file alone is none, and a new one lies after everybody's", async () => {
    const half = but(ubuntu, { "/etc/subgid": "alice:3000000:65536\n" });
    expect(await check(half, "subids")).toMatchObject({ status: "warning" });
    expect(await commandsOf(half, "subids")).toEqual([
      "usermod --add-subuids 1001062400-1068171263 --add-subgids 1001062400-1068171263 root",
    ]);
    expect((await check(ubuntu, "subids")).evidence.join()).not.toContain("alice");
    expect(await check(without(arch, "usermod"), "subids")).toMatchObject({ status: "problem" });
  });

  it("AppArmor without its parser stops containers only where their profile is generated", async () => {
    expect(await check(without(ubuntu, "apparmor_parser"), "apparmor")).toMatchObject({ status: "problem", fix: expect.anything() });
    const unconfined = but(without(ubuntu, "apparmor_parser"), { "/etc/lxc/default.conf": "lxc.net.0.type = empty\n" });
    expect(await check(unconfined, "apparmor")).toMatchObject({ status: "warning" });
    expect(await check(but(fedora, { "/sys/fs/selinux/enforce": "0" }), "apparmor")).toMatchObject({ status: "warning", title: "SELinux" });
  });

  it("seccomp and lxcfs", async () => {
    expect(await check(but(ubuntu, { "/proc/sys/kernel/seccomp/actions_avail": undefined }), "seccomp")).toMatchObject({
      status: "warning",
    });
    expect(await check(but(ubuntu, { "/usr/share/lxc/config/common.seccomp": undefined }), "seccomp")).toMatchObject({ status: "warning" });
    expect(await commandsOf(fedora, "lxcfs")).toEqual(["dnf install --assumeyes lxcfs", "systemctl enable --now lxcfs.service"]);
    expect(await check(but(fedora, { "/run/systemd/system": undefined }), "lxcfs")).toMatchObject({ status: "warning", fix: undefined });
  });
});

describe("the network", () => {
  const noBridge = but(ubuntu, Object.fromEntries(Object.keys(bridgeIsUp).map((path) => [path, undefined])));

  it("a bridge that is missing, down, without its address, turned off, or somebody else's", async () => {
    expect(await check(noBridge, "bridge")).toMatchObject({ status: "problem" });
    expect(await commandsOf(noBridge, "bridge")).toEqual(["systemctl enable lxc-net.service", "systemctl restart lxc-net.service"]);
    expect((await commandsOf(without(noBridge, "dnsmasq"), "bridge"))?.slice(0, 2)).toEqual([
      "apt-get update",
      "apt-get install --yes --no-install-recommends --option DPkg::Options::=--force-confold dnsmasq-base iptables",
    ]);
    expect(await commandsOf(but(noBridge, { "/run/systemd/system": undefined }), "bridge")).toEqual(["lxc-net stop", "lxc-net start"]);
    expect(await check(but(ubuntu, { "/sys/class/net/lxcbr0/flags": "0x1002\n" }), "bridge")).toMatchObject({
      status: "warning",
      fix: expect.anything(),
    });
    expect(await check(but(ubuntu, { "/proc/net/fib_trie": "" }), "bridge")).toMatchObject({ status: "warning" });
    const off = but(noBridge, { "/etc/default/lxc-net": 'USE_LXC_BRIDGE="false"\n' });
    expect(await check(off, "bridge")).toMatchObject({ status: "problem" });
    expect(await commandsOf(off, "bridge")).toBeUndefined();
    const own = but(ubuntu, {
      "/etc/lxc/default.conf": "lxc.net.0.type = veth\nlxc.net.0.link = br0\n",
      "/sys/class/net/br0/flags": "0x1003\n",
    });
    expect(await check(own, "bridge")).toMatchObject({ status: "ok" });
    expect(await check(own, "dhcp")).toMatchObject({ status: "warning" });
    expect(await commandsOf(own, "dhcp")).toBeUndefined();
  });

  it("a link whose name is an option of some tool is never passed to one", async () => {
    const hostile = but(
      ubuntu,
      { "/etc/lxc/default.conf": "lxc.net.0.type = veth\nlxc.net.0.link = --flush\n" },
      { answers: { "iptables-save": firewall("docker.txt") } },
    );
    for (const name of ["bridge", "firewall", "dhcp"] as const) expect((await check(hostile, name)).fix).toBeUndefined();
  });

  it("a DHCP server that has ended, or whose number another program has", async () => {
    expect(await check(but(ubuntu, { "/proc/812/comm": undefined }), "dhcp")).toMatchObject({ status: "warning", fix: expect.anything() });
    expect(await check(but(ubuntu, { "/proc/812/comm": "bash\n" }), "dhcp")).toMatchObject({ status: "warning" });
    const ours = but(ubuntu, {
      "/proc/812/cmdline": "dnsmasq\0--conf-file=/etc/lxc/lxc-desktop-dnsmasq.conf\0",
      "/var/lib/lxc-desktop/dhcp-hosts/10.0.3.2": "",
    });
    expect((await check(ours, "dhcp")).summary).toBe("It runs, and has one address reserved for containers.");
  });

  it("forwarding, of IPv4 and of IPv6", async () => {
    const off = but(ubuntu, { "/proc/sys/net/ipv4/ip_forward": "0\n" });
    expect(await commandsOf(off, "forwarding")).toEqual(["sysctl --write net.ipv4.ip_forward=1"]);
    const settings = 'LXC_IPV6_ADDR="fd00::1"\nLXC_IPV6_MASK="64"\nLXC_IPV6_NETWORK="fd00::/64"\n';
    expect(await check(but(ubuntu, { "/etc/default/lxc-net": settings }), "ipv6")).toMatchObject({
      status: "warning",
      fix: expect.anything(),
    });
    expect(await check(but(ubuntu, { "/proc/sys/net/ipv6/conf/all/disable_ipv6": "1\n" }), "ipv6")).toMatchObject({ status: "ok" });
  });

  it("whose firewall it is decides what it is told", async () => {
    const withRules = (rules: string) => ({ ...ubuntu, answers: { "iptables-save": rules } });
    expect(await commandsOf(withRules(firewall("ufw.txt")), "firewall")).toEqual([
      "ufw allow in on lxcbr0 to any port 67 proto udp",
      "ufw allow in on lxcbr0 to any port 53",
      "ufw route allow in on lxcbr0",
    ]);
    expect(await commandsOf(fedora, "firewall")).toEqual([
      "firewall-cmd --permanent --zone=trusted --add-interface=lxcbr0",
      "firewall-cmd --zone=trusted --add-interface=lxcbr0",
    ]);
    expect((await commandsOf(withRules(firewall("docker.txt")), "firewall"))?.[0]).toBe(
      "iptables --wait --insert DOCKER-USER --in-interface lxcbr0 --jump ACCEPT",
    );
    const own = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n";
    expect(await check(withRules(own), "firewall")).toMatchObject({ status: "warning", fix: undefined });
  });

  it("asks iptables, too, where nft has rules of its making, and the old iptables where the kernel has tables of it", async () => {
    const facts = factsOf({
      ...but(ubuntu, { "/proc/net/ip_tables_names": "nat\n" }),
      programs: [...(ubuntu.programs ?? []), "nft", "iptables-legacy-save"],
      answers: { nft: firewall("mixed-nft.json"), "iptables-save": firewall("mixed.txt"), "iptables-legacy-save": firewall("docker.txt") },
    });
    expect(await makeCheck("firewall", { facts, lxcPath: "/var/lib/lxc" })).toMatchObject({ status: "warning" });
    expect(facts.asked).toEqual(["nft", "iptables-save", "iptables-legacy-save"]);
  });

  it("the way out is where the default route leads", () => {
    const routes =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\nlxcbr0\t0003000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\nwlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\n";
    expect(defaultRouteInterface(routes)).toBe("wlan0");
    expect(defaultRouteInterface("Iface\tDestination\n")).toBeUndefined();
  });
});

describe("storage", () => {
  it("the file system of a folder is that of the longest mount above it, and the last one there", () => {
    const mounts = [
      rootMount("ext4"),
      "50 29 0:40 / /var rw - xfs /dev/sdb rw",
      "51 50 0:41 / /var rw,noexec - btrfs /dev/sdc rw",
      "52 29 0:42 / /var/lib/lx rw - zfs a rw",
    ];
    expect(findMount(mounts.join("\n"), "/var/lib/lxc")).toMatchObject({ mountPoint: "/var", type: "btrfs", options: ["rw", "noexec"] });
    expect(findMount("50 29 0:40 / /mnt/my\\040disk rw - xfs a rw", "/mnt/my disk/lxc")?.type).toBe("xfs");
    expect(findMount("", "/var/lib/lxc")).toBeUndefined();
  });

  it("nothing runs from a read-only or noexec one, and clones need one that carries overlays", async () => {
    const on = (type: string, options?: string) => but(ubuntu, { "/proc/self/mountinfo": rootMount(type, options) });
    expect(await check(on("ext4", "ro"), "storage")).toMatchObject({ status: "problem" });
    expect(await check(on("ext4", "rw,noexec"), "storage")).toMatchObject({ status: "problem" });
    expect(await check(on("ext4", "rw,nosuid"), "storage")).toMatchObject({ status: "warning" });
    expect(await check(on("nfs4"), "storage")).toMatchObject({ status: "warning" });
    expect(await check(on("fuse.sshfs"), "storage")).toMatchObject({ status: "warning" });
    const noOverlay = but({ ...ubuntu, kernelConfig: "CONFIG_X=y\n" }, { "/proc/filesystems": "\text4\n" });
    expect(await check(noOverlay, "storage")).toMatchObject({
      status: "warning",
      summary: expect.stringContaining("clones cannot be made"),
    });
  });

  it("space and files run out", async () => {
    expect(await check({ ...ubuntu, freeBytes: 10_000_000 }, "free-space")).toMatchObject({ status: "problem" });
    expect(await check({ ...ubuntu, freeFiles: 0 }, "free-space")).toMatchObject({ status: "problem" });
    expect(await check({ ...ubuntu, freeBytes: gibibyte / 2 }, "free-space")).toMatchObject({
      status: "warning",
      summary: "Only 512 MiB left where containers are kept.",
    });
    expect(await check({ ...ubuntu, freeFiles: 500 }, "free-space")).toMatchObject({ status: "warning" });
    expect(await check({ ...ubuntu, freeFiles: undefined }, "free-space")).toMatchObject({ status: "ok" });
  });
});

describe("polkit and its agent", () => {
  it("polkit in parts, without its bus, and without our rights", async () => {
    expect(await check(without(ubuntu, "pkexec"), "polkit")).toMatchObject({ status: "warning", fix: expect.anything() });
    expect(await check(but(ubuntu, { "/run/dbus/system_bus_socket": undefined }), "polkit")).toMatchObject({ status: "warning" });
    const checkout = but(ubuntu, { "/usr/share/polkit-1/actions/org.lxcdesktop.policy": undefined });
    expect((await check(checkout, "polkit")).summary).toContain("helper is not installed");
  });

  it("an agent is known by its program, not needed by root, and otherwise not claimed", async () => {
    expect(await check({ ...ubuntu, running: ["bash", "polkit-kde-auth"] }, "agent")).toMatchObject({
      status: "ok",
      evidence: ["Running: polkit-kde-auth"],
    });
    expect(await check({ ...ubuntu, running: [] }, "agent")).toMatchObject({ status: "warning" });
    expect(await check({ ...ubuntu, running: ["constructor"] }, "agent")).toMatchObject({ status: "warning" });
    expect(await check({ ...ubuntu, running: [], isRootSession: true }, "agent")).toMatchObject({ status: "ok" });
  });
});
