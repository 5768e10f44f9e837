import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { StartCause } from "../contract/start-causes.ts";
import { parseConfig } from "./config.ts";
import { findStartCause, firstError } from "./start-causes.ts";
import type { StartFacts } from "./start-facts.ts";

const folder = `${import.meta.dirname}/testdata/start`;
const recorded = (name: string) => readFileSync(`${folder}/${name}.txt`, "utf8");

/** A container of which nothing is known but its configuration. */
function factsOf(config: string, more: Partial<StartFacts> = {}): StartFacts {
  const entries = parseConfig(`lxc.rootfs.path = none:/there\n${config}`);
  const base = { lxcPath: "/var/lib/lxc", name: "web", entries, ownEntries: entries, hasConfig: true } as const;
  return { ...base, storage: "other", layers: [], rootUser: undefined, ...more };
}

/** The configuration line that each failure was recorded with, where it matters, and the cause. */
const expected: Record<string, [config: string, cause: StartCause, more?: Partial<StartFacts>]> = {
  "base-missing": [
    "",
    { id: "base-missing", path: "/var/lib/lxc/nobase/rootfs" },
    { storage: "overlay", layers: ["/proc", "/nonexistent"] },
  ],
  "bridge-missing": ["", { id: "bridge-missing", link: "lxcbr9" }],
  "capability-unknown": ["lxc.cap.drop = nonsense_cap", { id: "capability-unknown", content: "lxc.cap.drop = nonsense_cap", line: 2 }],
  "config-key-old": ["lxc.network.type = veth", { id: "config-key-unknown", key: "lxc.network.type", age: "old", line: 2 }],
  "config-key-unknown": ["lxc.rootfs.pth = /x", { id: "config-key-unknown", key: "lxc.rootfs.pth", age: "unknown", line: 2 }],
  "config-line-invalid": ["lxc.start.auto = maybe", { id: "config-line-invalid", content: "lxc.start.auto = maybe", line: 2 }],
  "console-log-missing": ["", { id: "file-missing", key: "lxc.console.logfile", path: "/nonexistent/dir/console.log" }],
  "core-scheduling-unsupported": ["", { id: "core-scheduling-unsupported" }],
  "disk-full": ["", { id: "disk-full" }],
  "folder-not-searchable": ["", { id: "folder-not-searchable", path: "/proc/1/fd", user: 7 }, { rootUser: 7, layers: ["/proc/1/fd"] }],
  "hook-failed": ["lxc.hook.pre-start = /bin/false", { id: "hook-failed", hook: "pre-start", script: "/bin/false" }],
  "hook-missing": ["lxc.hook.pre-start = /nonexistent/hook", { id: "hook-missing", hook: "pre-start", script: "/nonexistent/hook" }],
  "idmapped-root-on-file-system": [
    "",
    { id: "idmapped-root-unsupported", because: "file-system", path: "/root-files" },
    { layers: ["/root-files"] },
  ],
  "idmapped-root-on-overlay": [
    "",
    { id: "idmapped-root-unsupported", because: "storage", path: "overlay:/upper:/lower" },
    { storage: "overlay", layers: ["/upper", "/lower"] },
  ],
  "ids-not-granted": [
    "lxc.idmap = u 0 4000000000 65536",
    { id: "ids-not-granted", of: "users", first: 4_000_000_000, count: 65_536, hasOthers: expect.any(Boolean) as unknown as boolean },
  ],
  "include-missing": ["", { id: "include-missing", path: "/nonexistent.conf" }],
  "init-folder-missing": ["", { id: "init-folder-missing", path: "/nosuch" }],
  "init-interpreter-missing": ["", { id: "init-missing", program: "/sbin/init" }],
  "init-missing": ["", { id: "init-missing", program: "/sbin/init" }],
  "init-not-executable": ["", { id: "init-not-executable", program: "/sbin/init" }],
  "interface-taken": ["", { id: "interface-taken", link: "lo" }],
  "limit-absent": ["", { id: "limit-refused", key: "hugetlb.2MB.limit_in_bytes", value: "1M", because: "absent" }],
  "limit-value": ["", { id: "limit-refused", key: "memory.limit_in_bytes", value: "nonsense", because: "value" }],
  "macvlan-link-missing": ["", { id: "link-missing", link: "nowhere0", type: "macvlan" }],
  "mount-hook-failed": ["lxc.hook.mount = /bin/false", { id: "hook-failed", hook: "mount", script: "/bin/false" }],
  "mount-refused": ["", { id: "mount-refused", source: "none", target: "data" }],
  "mount-source-missing": [
    "lxc.mount.entry = /nonexistent/x data none bind,create=dir 0 0",
    { id: "mount-source-missing", source: "/nonexistent/x", target: "data" },
  ],
  "mount-table-missing": ["", { id: "file-missing", key: "lxc.mount.fstab", path: "/nonexistent/fstab" }],
  "mount-target-missing": ["lxc.mount.entry = /etc data none bind 0 0", { id: "mount-target-missing", source: "/etc", target: "data" }],
  "name-taken": ["", { id: "name-taken" }],
  "name-taken-quietly": ["", { id: "name-taken" }],
  "network-script-failed": ["lxc.net.0.script.up = /bin/false", { id: "network-script-failed", script: "/bin/false" }],
  "nothing-to-run": ["", { id: "init-missing", program: "/sbin/init" }],
  "overlay-refused": ["", { id: "overlay-refused", path: "/var/lib/lxc/files/rootfs" }, { storage: "overlay", layers: ["/proc", "/etc"] }],
  "phys-link-missing": ["", { id: "link-missing", link: "nowhere0", type: "phys" }],
  "resource-unknown": ["", { id: "resource-unknown", resource: "nosuch" }],
  "rootfs-empty": ["", { id: "init-missing", program: "/sbin/init" }],
  "rootfs-missing": ["", { id: "rootfs-missing", path: "/var/lib/lxc/web/rootfs" }],
  "rootfs-not-a-folder": ["", { id: "rootfs-missing", path: "/var/lib/lxc/web/rootfs" }],
  "rootfs-not-set": ["lxc.rootfs.path =", { id: "rootfs-not-set" }],
  "seccomp-invalid": ["lxc.seccomp.profile = /etc/hostname", { id: "seccomp-invalid", path: "/etc/hostname" }],
  "seccomp-missing": ["", { id: "seccomp-missing", path: "/nonexistent/seccomp" }],
  "start-hook-missing": ["", { id: "hook-missing", hook: "start", script: "/bin/nothere" }],
  "storage-unavailable": ["", { id: "storage-unavailable", storage: "zfs", source: "tank/x" }, { storage: "zfs" }],
  "sysctl-refused": ["", { id: "sysctl-refused", key: "net.ipv4.nosuch", value: "1" }],
  "vlan-link-missing": ["", { id: "link-missing", link: "nowhere0", type: "vlan" }],
};

describe("finding the cause of a failed start", () => {
  it("has an expectation for every recorded failure", () => {
    const files = readdirSync(folder).map((file) => file.replace(".txt", ""));
    expect(Object.keys(expected).concat("unknown").sort()).toEqual(files.sort());
  });

  it.each(Object.entries(expected))("knows %s", (name, [config, cause, more]) => {
    expect(findStartCause(recorded(name), factsOf(config, more))).toEqual(cause);
  });

  /** Not to be had on the computers that these were recorded on; worded as in LXC's sources (lsm/apparmor.c, cgfsng.c). */
  it.each<[StartCause["id"], string]>([
    ["apparmor-parser-missing", "Cannot use generated profile: apparmor_parser not available"],
    ["apparmor-incomplete", "lxc.apparmor.allow_incomplete = 1"],
    ["apparmor-profile-refused", "Failed to change AppArmor profile to lxc-nonsense"],
    ["apparmor-profile-refused", "Failed to load generated AppArmor profile"],
    ["cgroups-missing", "One or more requested controllers unavailable or not delegated"],
    ["too-many-files", "Too many open files - Failed to create anonymous pair of unix sockets"],
    ["too-many-processes", "Resource temporarily unavailable - Failed to clone a new set of namespaces"],
    ["no-memory", "Cannot allocate memory - Failed to allocate"],
    ["read-only", "Read-only file system - Failed to create directory"],
    ["disk-full", "Disk quota exceeded - Failed to write"],
  ])("knows %s, as LXC words it: %s", (id, message) => {
    const output = `lxc-start web 20260101000000.000 ERROR    x - ../src/lxc/x.c:y:1 - ${message}\n`;
    expect(findStartCause(output, factsOf(""))?.id).toBe(id);
  });

  it("says nothing rather than something wrong, and then quotes the first error", () => {
    expect(findStartCause(recorded("unknown"), factsOf(""))).toBeUndefined();
    expect(findStartCause("", factsOf(""))).toBeUndefined();
    expect(firstError(recorded("unknown"))).toBe('Invalid argument - Container "nowhere-at-all" is not running');
    expect(firstError("")).toBeUndefined();
  });

  it("does not take a kernel's limit of namespaces for a full disk", () => {
    const output =
      "lxc-start web 20260101000000.000 ERROR    start - x.c:y:1 - No space left on device - Failed to clone a new set of namespaces\n";
    expect(findStartCause(output, factsOf(""))).toBeUndefined();
  });

  it("quotes only so much", () => {
    const cause = findStartCause(`Failed to exec "${"x".repeat(100_000)}"`, factsOf(""));
    expect(JSON.stringify(cause).length).toBeLessThan(600);
  });
});
