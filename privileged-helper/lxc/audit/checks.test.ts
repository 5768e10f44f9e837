import { describe, expect, it } from "vitest";
import { capabilitiesOfPresets } from "../../contract/capabilities.ts";
import { auditFacts, statusText, unprivilegedMap } from "../../testing/audit-facts.ts";
import type { FileStatus } from "./audit-facts.ts";
import { checkCapabilities, checkNewPrivileges, configuredCapabilities, decode } from "./capabilities.ts";
import { checkDevices } from "./devices.ts";
import { checkNetwork, checkServices, listeningSockets } from "./exposure.ts";
import { checkHooks } from "./hooks.ts";
import { checkMandatoryAccess } from "./mandatory-access.ts";
import { checkHostFiles, checkKernelFiles, checkRootMount } from "./mounts.ts";
import { checkMemory, checkProcesses, checkProcessorTime } from "./resource-limits.ts";
import { checkSystemCalls, defaultSeccompProfile, parseSeccompProfile, strictSeccompProfile } from "./system-calls.ts";
import { checkUpdates } from "./updates.ts";
import { checkIdRange, checkUserNamespace } from "./user-namespace.ts";

const idmap = "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n";

describe("root inside is not root outside", () => {
  it("believes the kernel of one that runs, and names what the configuration says otherwise", () => {
    expect(checkUserNamespace(auditFacts({ config: idmap }))).toMatchObject({ state: "ok" });
    expect(checkUserNamespace(auditFacts())).toMatchObject({ state: "problem", evidence: ["lxc.idmap is not set"] });
    const lies = checkUserNamespace(auditFacts({ config: idmap, running: {} }));
    expect(lies).toMatchObject({ state: "problem", difference: expect.stringContaining("says that it is unprivileged") });
    const changed = checkUserNamespace(auditFacts({ running: { uidMap: unprivilegedMap, gidMap: unprivilegedMap } }));
    expect(changed).toMatchObject({ state: "ok", difference: expect.stringContaining("says that it is privileged") });
  });

  it("does not take a map for one that a later line takes back, or that LXC passes over", () => {
    for (const config of [`${idmap}lxc.idmap =\n`, `${idmap}lxc.idmap = ""\n`, `\ufeff${idmap.split("\n")[0]}\n`, `\0${idmap}`]) {
      expect(checkUserNamespace(auditFacts({ config })), JSON.stringify(config)).toMatchObject({
        state: "problem",
        evidence: ["lxc.idmap is not set"],
      });
    }
  });

  it("does not take a map for safe that has this computer's root in it, as a user or as a group", () => {
    expect(checkUserNamespace(auditFacts({ config: idmap, running: { uidMap: "0 100000 1000\n1000 0 1\n" } })).state).toBe("problem");
    expect(checkUserNamespace(auditFacts({ config: idmap, running: { uidMap: unprivilegedMap } }))).toMatchObject({
      state: "problem",
      summary: expect.stringContaining("group"),
    });
  });

  it("finds ids that others have, too", () => {
    expect(checkIdRange(auditFacts({ config: idmap })).state).toBe("ok");
    expect(checkIdRange(auditFacts()).state).toBe("not-applicable");
    const othersIdmaps = new Map([
      ["mail", ["u 0 150000 65536"]],
      ["far", ["u 0 165536 65536"]],
    ]);
    expect(checkIdRange(auditFacts({ config: idmap, othersIdmaps }))).toMatchObject({
      state: "warning",
      summary: expect.stringMatching(/ with mail\./),
    });
    const files = { "/etc/subuid": "root:100000:65536\nme:120000:10\n" };
    expect(checkIdRange(auditFacts({ config: idmap, files }))).toMatchObject({ state: "problem" });
    expect(checkIdRange(auditFacts({ config: "lxc.idmap = u 0 1000 65536" })).state).toBe("problem");
  });
});

describe("a network that is this computer's", () => {
  it.each([
    ["after another type", "lxc.net.0.type = veth\nlxc.net.0.type = none\n"],
    ["by another way to write its number", "lxc.net.0.type = veth\nlxc.net.00.type = none\n"],
    ["after a carriage return", "lxc.uts.name = web\rlxc.net.0.type = none\n"],
  ])("is found: %s", (_what, config) => {
    expect(checkNetwork(auditFacts({ config }))).toMatchObject({ state: "problem", summary: expect.stringContaining("network") });
  });

  it("is none that was taken back", () => {
    for (const end of ["lxc.net =", "lxc.net.0 =", "lxc.net.0.type = empty"]) {
      expect(checkNetwork(auditFacts({ config: `lxc.net.0.type = none\n${end}\n` })), end).toMatchObject({ state: "ok" });
    }
  });
});

describe("capabilities", () => {
  it("reads the kernel's mask and LXC's lines", () => {
    expect([...decode("00000000a80425fb")]).toEqual(capabilitiesOfPresets.service);
    expect([...decode("not a mask")]).toEqual([]);
    const line = (value: string) => ({ key: "lxc.cap.drop", value, line: 0 });
    expect(configuredCapabilities([line("sys_module mac_admin"), line("33")]).has("mac_admin")).toBe(false);
    expect(configuredCapabilities([line("sys_module"), line("")]).has("sys_module")).toBe(true);
    expect([...configuredCapabilities([{ key: "lxc.cap.keep", value: "none", line: 0 }])]).toEqual([]);
    expect([...configuredCapabilities([{ key: "lxc.cap.keep", value: "kill CHOWN", line: 0 }])]).toEqual(["chown", "kill"]);
  });

  it("judges a privileged container by what leads out, another by what systems use", () => {
    expect(checkCapabilities(auditFacts({ running: {} }))).toMatchObject({
      state: "problem",
      summary: expect.stringContaining("sys_module"),
    });
    const keepAll = `lxc.cap.keep = ${capabilitiesOfPresets.system.join(" ")}`;
    expect(checkCapabilities(auditFacts({ config: keepAll })).state).toBe("warning");
    expect(checkCapabilities(auditFacts({ config: `${keepAll}\n${idmap}` })).state).toBe("ok");
    const service = checkCapabilities(auditFacts({ config: `lxc.cap.keep = ${capabilitiesOfPresets.service.join(" ")}` }));
    expect(service).toMatchObject({ state: "ok", fixes: [{ check: "capabilities", preset: "minimal" }] });
  });

  it("says where what runs is not what is configured, but not of what its starter did not have either", () => {
    const status = statusText({ CapBnd: "000001fffeffffff" });
    expect(checkCapabilities(auditFacts({ running: { status } })).difference).toContain("another set");
    for (const starter of ["1", "self"]) {
      const files = { [`/proc/${starter}/status`]: "CapBnd:\t000001fffeffffff\n" };
      expect(checkCapabilities(auditFacts({ files, running: { status } })).difference, starter).toBeUndefined();
    }
  });

  it("tells the same of a stopped one whoever asks: what this computer's own init could give it", () => {
    const ask = (self: string) =>
      checkCapabilities(
        auditFacts({ files: { "/proc/1/status": "CapBnd:\t000001ffffffffff\n", "/proc/self/status": `CapBnd:\t${self}\n` } }),
      );
    expect(ask("000001d7ffefffff")).toEqual(ask("000001ffffffffff"));
    expect(ask("000001d7ffefffff").evidence.at(-1)).toContain("wake_alarm");
  });

  it("knows whether programs get more rights", () => {
    expect(checkNewPrivileges(auditFacts({ config: "lxc.no_new_privs = 1" }))).toMatchObject({ state: "ok", fixes: [] });
    const runs = checkNewPrivileges(auditFacts({ config: "lxc.no_new_privs = 1", running: {} }));
    expect(runs).toMatchObject({ state: "warning", fixes: [{ check: "new-privileges" }], difference: expect.any(String) });
  });
});

describe("system calls", () => {
  const files = {
    [defaultSeccompProfile]: "2\ndenylist\nreject_force_umount # x\n[all]\nkexec_load errno 1\ninit_module errno 1\n",
    "/s": strictSeccompProfile,
  };

  it("reads profiles as LXC does", () => {
    expect(parseSeccompProfile(files[defaultSeccompProfile] ?? "")).toEqual({ kind: "deny", calls: ["kexec_load", "init_module"] });
    expect(parseSeccompProfile("1\nallowlist\n0\n1\n")).toEqual({ kind: "allow", calls: ["0", "1"] });
    expect(parseSeccompProfile("3\ndenylist\n")).toBeUndefined();
    expect(parseSeccompProfile("")).toBeUndefined();
    expect(parseSeccompProfile(strictSeccompProfile)?.calls).toEqual(expect.arrayContaining(["bpf", "kexec_load", "open_by_handle_at"]));
  });

  it("does not call LXC's own few a strict profile for a privileged container", () => {
    const config = `lxc.seccomp.profile = ${defaultSeccompProfile}`;
    expect(checkSystemCalls(auditFacts({ config, files })).state).toBe("warning");
    expect(checkSystemCalls(auditFacts({ config: `${config}\n${idmap}`, files })).state).toBe("ok");
    expect(checkSystemCalls(auditFacts({ config: "lxc.seccomp.profile = /s", files }))).toMatchObject({ state: "ok", fixes: [] });
    expect(checkSystemCalls(auditFacts({ files })).state).toBe("problem");
    expect(checkSystemCalls(auditFacts({ config: idmap, files })).state).toBe("warning");
  });

  it("believes the kernel and not the line", () => {
    const found = checkSystemCalls(auditFacts({ config: "lxc.seccomp.profile = /s", files, running: {} }));
    expect(found).toMatchObject({ state: "problem", difference: expect.stringContaining("not in force") });
    expect(checkSystemCalls(auditFacts({ running: { status: statusText({ Seccomp: "2" }) } })).difference).toContain("names no profile");
  });
});

describe("AppArmor and SELinux", () => {
  const files = { "/sys/module/apparmor/parameters/enabled": "Y\n" };

  it("does not apply where the kernel has neither", () => {
    expect(checkMandatoryAccess(auditFacts()).state).toBe("not-applicable");
    expect(checkMandatoryAccess(auditFacts({ files: { "/sys/module/apparmor/parameters/enabled": "N\n" } })).state).toBe("not-applicable");
  });

  it("tells confined from unconfined, complaining and nesting", () => {
    const label = (text: string, config = "") => checkMandatoryAccess(auditFacts({ files, config, running: { label: text } }));
    expect(label("lxc-web_</var/lib/lxc>//&:lxc-web_<-var-lib-lxc>:unconfined (enforce)").state).toBe("ok");
    expect(label("unconfined")).toMatchObject({ state: "problem", fixes: [{ check: "mandatory-access" }] });
    expect(label("lxc-container-default-cgns (complain)").state).toBe("problem");
    expect(label("lxc-web (enforce)", "lxc.apparmor.allow_nesting = 1").state).toBe("warning");
    expect(checkMandatoryAccess(auditFacts({ files, config: "lxc.apparmor.profile = unconfined", hasProgram: () => false }))).toMatchObject(
      {
        state: "problem",
        fixes: [],
      },
    );
  });

  it("counts SELinux only where it enforces", () => {
    const running = { label: "system_u:system_r:container_t:s0:c1,c2" };
    expect(checkMandatoryAccess(auditFacts({ files: { "/sys/fs/selinux/enforce": "1" }, running })).state).toBe("ok");
    expect(checkMandatoryAccess(auditFacts({ files: { "/sys/fs/selinux/enforce": "0" }, running })).state).toBe("problem");
  });
});

describe("limits", () => {
  const v1 = () => "v1" as const;
  const none = { memory: [], processes: [], "processor-time": [] };

  it("reads the lines of the version that this computer has", () => {
    expect(checkMemory(auditFacts({ config: "lxc.cgroup2.memory.max = 512M" }))).toMatchObject({
      state: "ok",
      summary: "It can use at most 512 MiB.",
    });
    expect(checkMemory(auditFacts({ config: "lxc.cgroup2.memory.max = 512M", controllerVersion: v1 })).state).toBe("warning");
    expect(checkProcesses(auditFacts({ config: "lxc.cgroup.pids.max = 500", controllerVersion: v1 })).state).toBe("ok");
    expect(checkProcesses(auditFacts({ config: "lxc.cgroup2.pids.max = max" })).state).toBe("warning");
    expect(checkProcessorTime(auditFacts({ config: "lxc.cgroup2.cpu.max = 150000 100000" })).summary).toContain("1.5 processors");
    const quota = "lxc.cgroup.cpu.cfs_period_us = 50000\nlxc.cgroup.cpu.cfs_quota_us = 50000";
    expect(checkProcessorTime(auditFacts({ config: quota, controllerVersion: v1 })).summary).toContain("one processor's");
    expect(checkMemory(auditFacts({ controllerVersion: () => undefined })).state).toBe("unknown");
  });

  it("reads the files of both versions, and takes a limit above for one", () => {
    const unlimited = { file: "/m/memory.limit_in_bytes", text: "9223372036854771712" };
    expect(checkMemory(auditFacts({ running: { limits: { ...none, memory: [unlimited] } } })).state).toBe("warning");
    const above = [
      { file: "/a/memory.max", text: "max" },
      { file: "/memory.max", text: "1073741824" },
    ];
    expect(checkMemory(auditFacts({ running: { limits: { ...none, memory: above } } }))).toMatchObject({
      state: "ok",
      summary: "It can use at most 1 GiB.",
    });
    expect(
      checkProcessorTime(auditFacts({ running: { limits: { ...none, "processor-time": [{ file: "/cpu.max", text: "50000 100000" }] } } }))
        .summary,
    ).toContain("0.5");
    expect(checkMemory(auditFacts({ running: {} })).state).toBe("unknown");
  });

  it("names a limit that is not in force, and one that will not be", () => {
    const max = [{ file: "/pids.max", text: "max" }];
    const set = checkProcesses(auditFacts({ config: "lxc.cgroup2.pids.max = 100", running: { limits: { ...none, processes: max } } }));
    expect(set).toMatchObject({ state: "warning", difference: expect.stringContaining("100 processes") });
    const lost = checkProcesses(auditFacts({ running: { limits: { ...none, processes: [{ file: "/pids.max", text: "100" }] } } }));
    expect(lost.difference).toContain("no limit");
  });

  it("suggests half of the memory, and leaves a processor for others", () => {
    const files = { "/proc/meminfo": "MemTotal: 8388608 kB\n", "/proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\nprocessor\t: 2\n" };
    expect(checkMemory(auditFacts({ files })).fixes).toEqual([{ check: "memory", bytes: 4 * 1024 ** 3 }]);
    expect(checkProcessorTime(auditFacts({ files })).fixes).toEqual([{ check: "processor-time", cpus: 2 }]);
  });
});

describe("mounts", () => {
  const root = (options: string) => `89 42 254:0 /var/lib/lxc/web/rootfs / ${options} shared:24 - ext4 /dev/vda rw\n`;
  const exists =
    (...paths: string[]) =>
    (path: string): FileStatus | undefined =>
      paths.includes(path)
        ? { realPath: path, uid: 0, gid: 0, mode: 0o755, type: path.startsWith("/dev/") ? "device" : "folder" }
        : undefined;

  it("sees whether files can give rights", () => {
    expect(checkRootMount(auditFacts({ running: { mountinfo: root("rw,relatime") } }))).toMatchObject({
      state: "warning",
      fixes: [{ check: "root-mount" }],
    });
    expect(
      checkRootMount(auditFacts({ config: "lxc.rootfs.options = nosuid,nodev", running: { mountinfo: root("rw,nosuid,nodev") } })),
    ).toMatchObject({ state: "ok", fixes: [] });
    expect(checkRootMount(auditFacts({ config: "lxc.rootfs.options = nosuid" })).summary).toContain("without nodev");
  });

  it("sees whether the kernel's settings can be written", () => {
    const proc = (options: string) =>
      `91 89 0:46 / /proc rw - proc proc rw\n93 91 0:46 /sys /proc/sys ${options} - proc proc rw\n94 89 0:48 / /sys ro - sysfs sysfs ro\n`;
    expect(checkKernelFiles(auditFacts({ running: { mountinfo: root("rw") + proc("ro") } })).state).toBe("ok");
    expect(checkKernelFiles(auditFacts({ running: { mountinfo: root("rw") + proc("rw") } })).summary).toContain("/proc/sys");
    expect(checkKernelFiles(auditFacts({ config: "lxc.mount.auto = proc:mixed sys:rw" })).summary).toContain("/sys");
    expect(checkKernelFiles(auditFacts({ config: `lxc.mount.auto = proc:rw\n${idmap}` })).state).toBe("ok");
  });

  it.each([
    ["/", "rw", "critical"],
    ["/", "ro", "critical"],
    ["/etc", "ro", "critical"],
    ["/run/docker.sock", "ro", "critical"],
    ["/var/run/docker.sock", "rw", "critical"],
    ["/var/lib/lxc", "rw", "critical"],
    ["/usr/local/bin", "rw", "critical"],
    ["/dev/sda1", "rw", "critical"],
    ["/usr/lib", "ro", "ok"],
    ["/srv/data", "rw", "warning"],
    ["/srv/data", "ro", "ok"],
    ["/dev/null", "rw", "ok"],
    ["/sys/kernel/debug", "rw", "ok"],
  ] as const)("%s mounted %s is %s", (source, access, state) => {
    const config = `lxc.mount.entry = ${source} srv/x none bind,${access} 0 0`;
    expect(checkHostFiles(auditFacts({ config, status: exists(source) })).state).toBe(state);
  });

  it("looks through a link, and finds what no line names", () => {
    const linked = (path: string): FileStatus | undefined =>
      path === "/srv/link" ? { realPath: "/etc", uid: 0, gid: 0, mode: 0o755, type: "folder" } : undefined;
    expect(checkHostFiles(auditFacts({ config: "lxc.mount.entry = /srv/link x none bind 0 0", status: linked })).state).toBe("critical");
    const stray = `${root("rw")}120 89 254:0 /srv /mnt rw - ext4 /dev/vda rw\n121 89 254:0 /var/lib/lxc/web/rootfs/tmp /var/tmp rw - ext4 /dev/vda rw\n`;
    const found = checkHostFiles(auditFacts({ running: { mountinfo: stray } }));
    expect(found).toMatchObject({ state: "warning", difference: expect.any(String) });
    expect(found.evidence).toEqual(["/srv of a file system of type ext4 at /mnt, rw"]);
  });
});

describe("what root runs", () => {
  const owned =
    (special: Record<string, Partial<FileStatus>>) =>
    (path: string): FileStatus => ({
      realPath: path,
      uid: 0,
      gid: 0,
      mode: 0o755,
      type: "file",
      ...special[path],
    });

  it("is critical where somebody else can write it, or a folder on its way", () => {
    const config = "lxc.hook.pre-start = /opt/hooks/start.sh --now";
    const hooks = (special: Record<string, Partial<FileStatus>>) => checkHooks(auditFacts({ config, status: owned(special) })).state;
    expect(hooks({})).toBe("warning");
    expect(hooks({ "/opt/hooks/start.sh": { mode: 0o757 } })).toBe("critical");
    expect(hooks({ "/opt/hooks/start.sh": { uid: 1000 } })).toBe("critical");
    expect(hooks({ "/opt/hooks": { mode: 0o775, gid: 1000 } })).toBe("critical");
    expect(hooks({ "/opt/hooks": { mode: 0o1777 } })).toBe("warning");
    expect(hooks({ "/opt/hooks/start.sh": { realPath: "/home/me/start.sh" }, "/home/me": { uid: 1000 } })).toBe("critical");
  });

  it.each([
    ["lxc.log.file", "/etc/cron.d/x", "critical"],
    ["lxc.console.logfile", "/etc/passwd", "critical"],
    ["lxc.console.logfile", "/var/log/lxc/../../../etc/passwd", "critical"],
    ["lxc.console.logfile", "/var/lib/lxc/other/config", "critical"],
    ["lxc.console.logfile", "/var/lib/lxc/web-2/console.log", "critical"],
    ["lxc.log.file", "/tmp/x", "critical"],
    ["lxc.console.logfile", "/var/log/linked", "critical"],
    ["lxc.log.file", "/srv/logs/web", "warning"],
    ["lxc.log.file", "/var/log/lxc/web.log", "ok"],
    ["lxc.console.logfile", "/var/lib/lxc/web/console.log", "ok"],
    ["lxc.log.file", "/dev/null", "ok"],
    ["lxc.log.file", "", "ok"],
  ])("that root writes %s into %j is %s", (key, value, state) => {
    const status = owned({ "/var/log/linked": { realPath: "/etc/passwd" } });
    expect(checkHooks(auditFacts({ config: `${key} = ${value}`, status }))).toMatchObject({
      state,
      evidence: state === "ok" ? [expect.stringContaining("looked at")] : [`${key} = ${value}`],
    });
  });

  it("writes no log elsewhere where the folder of all containers is a link", () => {
    const status = (path: string) => owned({})(path.replace(/^\/var\/lib\/lxc/, "/pool/lxc"));
    const config = "lxc.console.logfile = /var/lib/lxc/web/console.log";
    expect(checkHooks(auditFacts({ config, status })).state).toBe("ok");
  });

  it("looks at what is included, and not at what runs inside", () => {
    const configFiles = ["/var/lib/lxc/web/config", "/srv/more.conf"];
    expect(checkHooks(auditFacts({ configFiles, status: owned({ "/srv/more.conf": { mode: 0o666 } }) })).state).toBe("critical");
    expect(checkHooks(auditFacts({ config: "lxc.hook.start = /root/x", status: owned({ "/root/x": { uid: 5 } }) })).state).toBe("ok");
    expect(checkHooks(auditFacts({ config: "lxc.hook.clone = /usr/share/lxc/hooks/clonehostname", status: owned({}) })).state).toBe("ok");
  });
});

describe("devices", () => {
  it("reads the rules in force, or those that will be", () => {
    expect(checkDevices(auditFacts())).toMatchObject({ state: "problem" });
    const list = "lxc.cgroup2.devices.deny = a\nlxc.cgroup2.devices.allow = c *:* m\nlxc.cgroup2.devices.allow = c 1:3 rwm";
    expect(checkDevices(auditFacts({ config: list })).state).toBe("ok");
    expect(checkDevices(auditFacts({ config: `${list}\nlxc.cgroup2.devices.allow = b 8:0 rw` })).state).toBe("problem");
    expect(checkDevices(auditFacts({ config: list, running: { devices: "a *:* rwm\n" } })).state).toBe("problem");
    expect(checkDevices(auditFacts({ config: `${list}\nlxc.cgroup2.devices.allow = c 1:1 r` })).state).toBe("problem");
    expect(checkDevices(auditFacts({ config: idmap })).state).toBe("ok");
  });
});

describe("apart from this computer", () => {
  it("names what is shared", () => {
    expect(checkNetwork(auditFacts({ config: "lxc.net.0.type = none" })).state).toBe("problem");
    expect(checkNetwork(auditFacts({ config: "lxc.net.0.type = veth" })).state).toBe("ok");
    expect(checkNetwork(auditFacts({ config: "lxc.namespace.share.pid = other" })).summary).toContain("processes");
    expect(checkNetwork(auditFacts({ config: "lxc.net.0.type = veth", running: { sharedNamespaces: ["net"] } }))).toMatchObject({
      state: "problem",
      difference: expect.any(String),
    });
  });

  it("lists what listens on all addresses", () => {
    const row = (local: string, state: string) => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 1\n`;
    const tcp = row("00000000:0050", "0A") + row("0100007F:18EB", "0A") + row("00000000:1F90", "01");
    const tcp6 = row("00000000000000000000000000000000:0050", "0A") + row("00000000000000000000000000000000:01BB", "0A");
    expect(listeningSockets(tcp + tcp6).map(({ port }) => port)).toEqual([80, 80, 443]);
    expect(checkServices(auditFacts({ running: { tcp, tcp6 } }))).toMatchObject({ state: "ok", summary: "Others reach 2 ports: 80, 443." });
    expect(checkServices(auditFacts({ running: { tcp: row("00000000:18EB", "0A") } })).state).toBe("warning");
    const socketOwners = () => new Map([["1", "ng\u001b[2Jinx"]]);
    expect(checkServices(auditFacts({ running: { tcp: row("00000000:0050", "0A"), socketOwners } }))).toMatchObject({
      summary: "Others reach one port: 80 (ng??2Jinx).",
      evidence: ["TCP port 80 on all addresses, program ng??2Jinx"],
    });
    expect(checkServices(auditFacts()).state).toBe("not-applicable");
  });
});

describe("updates inside", () => {
  const now = Date.UTC(2026, 0, 10);
  const day = 24 * 3600 * 1000;
  const pending = (count: number, isSecurity: boolean) =>
    Array.from({ length: count }, (_, at) => ({ name: `p${at}${isSecurity ? "s" : ""}`, from: "1", to: "2", isSecurity }));
  const judge = (at: number, updates: ReturnType<typeof pending>) =>
    checkUpdates(auditFacts({ now, updates: { manager: "apt-get", at, pending: updates } }));

  it("are a problem where some are for security, and a warning where they are others", () => {
    expect(judge(now - day, pending(1, true))).toMatchObject({ state: "problem", summary: "One security update is not installed: p0s." });
    expect(judge(now, [...pending(9, false), ...pending(5, true)])).toMatchObject({
      state: "problem",
      summary: "5 security updates are not installed: p0s, p1s, p2s and 2 more.",
      evidence: expect.arrayContaining(["apt-get was asked on 2026-01-10 00:00 UTC", "p0s: 1 to 2, for security", "p8: 1 to 2"]),
    });
    expect(judge(now, pending(2, false))).toMatchObject({ state: "warning" });
    expect(judge(now - 6 * day, [])).toMatchObject({ state: "ok" });
  });

  it("are not known where nobody has looked, or too long ago, or in the future", () => {
    expect(judge(now - 7 * day, [])).toMatchObject({ state: "unknown", summary: "Nobody has looked for updates for 7 days." });
    expect(judge(now + day, [])).toMatchObject({ state: "unknown" });
    expect(checkUpdates(auditFacts())).toMatchObject({ state: "unknown", summary: expect.stringContaining("Start it to look") });
    expect(checkUpdates(auditFacts({ running: {} })).state).toBe("unknown");
  });
});
