import { describe, expect, it } from "vitest";
import { methods } from "../contract/methods.ts";
import { toProblem } from "../contract/problems.ts";
import { foreseenIdentity } from "./container-network.ts";
import { checkContainerOptions, containerOptionChanges, limitLines } from "./container-options.ts";
import type { ContainerReader } from "./list.ts";

/** None of these asks for a reservation. */
const identity = foreseenIdentity({ lxcPath: "/nowhere", reader: {} as ContainerReader }, { commands: [], notices: [] });
const problemOf = (act: () => unknown) => {
  try {
    act();
  } catch (thrown) {
    return toProblem(thrown);
  }
  return undefined;
};

describe("limits", () => {
  const resources = { cpus: 0.1, memoryBytes: 64 * 1024 * 1024, processes: 20 };

  it("are written as the version of each controller has them", () => {
    expect(limitLines(resources, () => "v2")).toEqual([
      ["lxc.cgroup2.cpu.max", "10000 100000"],
      ["lxc.cgroup2.memory.max", "67108864"],
      ["lxc.cgroup2.pids.max", "20"],
    ]);
    expect(limitLines(resources, (controller) => (controller === "pids" ? "v2" : "v1"))).toEqual([
      ["lxc.cgroup.cpu.cfs_period_us", "100000"],
      ["lxc.cgroup.cpu.cfs_quota_us", "10000"],
      ["lxc.cgroup.memory.limit_in_bytes", "67108864"],
      ["lxc.cgroup2.pids.max", "20"],
    ]);
    expect(limitLines(undefined)).toEqual([]);
  });

  it("are refused where the kernel counts nothing of the kind, and only those", () => {
    const versionOf = (controller: string) => (controller === "memory" ? undefined : "v2");
    expect(limitLines({ cpus: 2 }, versionOf)).toEqual([["lxc.cgroup2.cpu.max", "200000 100000"]]);
    expect(problemOf(() => limitLines(resources, versionOf))).toMatchObject({
      code: "invalid-request",
      issues: [{ path: "resources.memoryBytes" }],
    });
  });

  it("are no numbers that the kernel refuses", () => {
    const { resources: schema } = methods["containers.create"].params.shape;
    for (const refused of [
      { cpus: 0 },
      { cpus: 0.05 },
      { cpus: Number.POSITIVE_INFINITY },
      { memoryBytes: 1024 },
      { processes: 7 },
      { processes: 5e6 },
      { swap: 1 },
    ]) {
      expect(schema.safeParse(refused).success, JSON.stringify(refused)).toBe(false);
    }
    expect(schema.safeParse({ cpus: 0.1, memoryBytes: 2 ** 24, processes: 8 }).success).toBe(true);
  });
});

describe("a network", () => {
  it("of this computer is for privileged containers alone", () => {
    expect(checkContainerOptions({ network: { type: "host" } }, true)).toBeUndefined();
    expect(problemOf(() => checkContainerOptions({ network: { type: "host" } }, false))).toMatchObject({
      code: "invalid-request",
      issues: [{ path: "network" }],
    });
  });

  it("is that of a bridge which is there", () => {
    expect(problemOf(() => checkContainerOptions({ network: { type: "bridge", bridge: "lo" } }, true))).toMatchObject({
      code: "invalid-request",
      issues: [{ path: "network.bridge" }],
    });
    const { network: schema } = methods["containers.create"].params.shape;
    for (const bridge of ["", "..", "a/b", "a b", "-a", "a;b", "sixteen-letters-"]) {
      expect(schema.safeParse({ type: "bridge", bridge }).success, bridge).toBe(false);
    }
  });
});

describe("the lines of a configuration that a new container gets others for", () => {
  const all = [
    "lxc.net",
    "lxc.net.0.type",
    "lxc.net.0.hwaddr",
    "lxc.net.1.link",
    "lxc.network.type",
    "lxc.start.auto",
    "lxc.start.delay",
    "lxc.cgroup.cpu.cfs_quota_us",
    "lxc.cgroup.cpu.shares",
    "lxc.cgroup2.cpu.max",
    "lxc.cgroup.memory.limit_in_bytes",
    "lxc.cgroup.memory.memsw.limit_in_bytes",
    "lxc.cgroup2.memory.max",
    "lxc.cgroup2.pids.max",
  ];
  const changes = (options: Partial<Parameters<typeof containerOptionChanges>[1]>) =>
    containerOptionChanges(identity, { name: "web" as never, address: "dhcp", ...options }, []);
  const removed = async (options: Parameters<typeof changes>[0]) => {
    const { remove } = await changes(options);
    return all.filter((key) => remove(key));
  };

  it("are those that it was asked for, of both versions of control groups", async () => {
    expect(await removed({})).toEqual(["lxc.start.auto"]);
    expect(await removed({ resources: { cpus: 1 } })).toEqual(["lxc.start.auto", "lxc.cgroup.cpu.cfs_quota_us", "lxc.cgroup2.cpu.max"]);
    expect(await removed({ resources: { memoryBytes: 2 ** 26 } })).toEqual(["lxc.start.auto", ...all.slice(10, 13)]);
    expect(await removed({ resources: { processes: 9 } })).toEqual(["lxc.start.auto", "lxc.cgroup2.pids.max"]);
  });

  it("are all of its base's interfaces where another network was chosen", async () => {
    expect(await removed({ network: { type: "none" } })).toEqual([...all.slice(0, 4), "lxc.start.auto"]);
    expect((await changes({ network: { type: "none" } })).add).toEqual([
      ["lxc.net", ""],
      ["lxc.net.0.type", "empty"],
      ["lxc.net.0.flags", "up"],
    ]);
    expect((await changes({ network: { type: "host" }, autostart: true })).add).toEqual([
      ["lxc.net", ""],
      ["lxc.net.0.type", "none"],
      ["lxc.start.auto", "1"],
    ]);
    expect((await changes({ network: { type: "bridge", bridge: "br0" } })).add).toEqual([
      ["lxc.net", ""],
      ["lxc.net.0.type", "veth"],
      ["lxc.net.0.link", "br0"],
      ["lxc.net.0.flags", "up"],
      ["lxc.net.0.hwaddr", "00:16:3e:xx:xx:xx"],
    ]);
  });
});
