import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cgroupsOf, joinCgroups, parseHierarchies, parseMemberships, versionOfController } from "./cgroup.ts";

const recorded = (name: string) => readFileSync(join(import.meta.dirname, "testdata/proc", name), "utf8");
const cgroups = (mountinfo: string, membership: string) =>
  joinCgroups(parseHierarchies(recorded(mountinfo)), parseMemberships(recorded(membership)));

describe("control groups of a process", () => {
  it("are one folder per controller on v1, wherever its hierarchy has put the process", () => {
    expect(cgroups("mountinfo-hybrid", "cgroup-v1-hybrid")).toEqual({
      version: "hybrid",
      unified: "/sys/fs/cgroup/unified/lxc.payload.web",
      cpu: "/sys/fs/cgroup/cpu/lxc.payload.web",
      cpuacct: "/sys/fs/cgroup/cpuacct/lxc.payload.web",
      cpuset: "/sys/fs/cgroup/cpuset/lxc.payload.web",
      memory: "/sys/fs/cgroup/memory/agent/lxc.payload.web",
      pids: "/sys/fs/cgroup/pids/lxc.payload.web",
      blkio: "/sys/fs/cgroup/blkio/lxc.payload.web",
      freezer: "/sys/fs/cgroup/freezer/lxc.payload.web",
      devices: "/sys/fs/cgroup/devices/lxc.payload.web",
    });
  });

  it("are found where controllers share a hierarchy, and left out where the host has none", () => {
    expect(cgroups("mountinfo-v1-systemd", "cgroup-v1-systemd")).toEqual({
      version: "v1",
      cpu: "/sys/fs/cgroup/cpu,cpuacct/lxc.payload.web",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct/lxc.payload.web",
      memory: "/sys/fs/cgroup/memory/lxc.payload.web",
    });
  });

  it("are one folder for everything on v2", () => {
    const folder = "/sys/fs/cgroup/lxc.payload.web/init.scope";
    expect(cgroups("mountinfo-v2", "cgroup-v2")).toEqual({
      version: "v2",
      unified: folder,
      cpu: folder,
      cpuacct: folder,
      cpuset: folder,
      memory: folder,
      pids: folder,
      blkio: folder,
      freezer: folder,
      devices: folder,
    });
  });

  it("are seen through a mount that shows only a part, and not outside of it", () => {
    const mounted = parseHierarchies("1 0 0:1 /part /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    expect(joinCgroups(mounted, parseMemberships("0::/part/lxc.payload.a\n")).unified).toBe("/sys/fs/cgroup/lxc.payload.a");
    expect(joinCgroups(mounted, parseMemberships("0::/partial/lxc.payload.a\n")).unified).toBeUndefined();
  });

  it("keep a path with colons and blanks whole", () => {
    expect(parseMemberships("0::/a:b c\n")).toEqual([{ controllers: [], path: "/a:b c" }]);
    expect(parseHierarchies("1 0 0:1 / /sys/fs/my\\040cgroup rw - cgroup2 x rw\n")[0]?.mountPoint).toBe("/sys/fs/my cgroup");
  });

  it("of a process that is not there are none", () => {
    expect(cgroupsOf(2 ** 22 + 1)).toBeUndefined();
    expect(cgroupsOf(process.pid)).toBeDefined();
  });
});

describe("the version that a controller belongs to", () => {
  const versions = (mountinfo: string, available?: string) =>
    ["cpu", "memory", "pids"].map((controller) => versionOfController(controller, parseHierarchies(recorded(mountinfo)), () => available));

  it("is that of the hierarchy that has it", () => {
    expect(versions("mountinfo-v2", "cpuset cpu io memory pids\n")).toEqual(["v2", "v2", "v2"]);
    expect(versions("mountinfo-hybrid", "hugetlb\n")).toEqual(["v1", "v1", "v1"]);
    const mounted = parseHierarchies(
      "1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    );
    const version = (controller: string) => versionOfController(controller, mounted, () => "cpu pids\n");
    expect([version("cpu"), version("memory"), version("cpuset")]).toEqual(["v2", "v1", undefined]);
  });

  it("is none where no hierarchy has it", () => {
    expect(versions("mountinfo-v2", "cpuset io pids\n")).toEqual([undefined, undefined, "v2"]);
    expect(versions("mountinfo-v1-systemd")[2]).toBeUndefined();
  });
});
