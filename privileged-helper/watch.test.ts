import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Container, ContainersChanged, TaskKind } from "./contract/model.ts";
import { type ContainerWatch, containersOfCgroup, createContainerWatch } from "./watch.ts";

let folder: string;
let lxcPath: string;
let cgroups: string;
let operations: Map<string, { task: string; kind: TaskKind }>;
let watch: ContainerWatch;
let changes: ContainersChanged[];
let reads: number;
const unsubscribers: (() => void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "watch-"));
  lxcPath = join(folder, "lxc");
  cgroups = join(folder, "cgroup");
  mkdirSync(lxcPath);
  mkdirSync(cgroups);
  operations = new Map();
  changes = [];
  reads = 0;
  define("web");
  define("db");
  watch = createContainerWatch({
    reader: { readAll: () => namesIn(lxcPath).flatMap((name) => read(name) ?? []), readOne: read },
    lxcPath,
    operations: () => operations,
    cgroupRoots: () => [cgroups],
    cgroups: (_name, initPid) => ({ unified: join(cgroups, namesIn(cgroups).find((name) => pidIn(name) === initPid) ?? "gone") }),
    readEnd: (_name, initPid) => ({ signal: `SIGKILL of ${initPid}` }),
  });
});
afterEach(() => {
  for (const unsubscribe of unsubscribers.splice(0)) unsubscribe();
  rmSync(folder, { recursive: true });
});

const namesIn = (path: string) => readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
const textOf = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};
const pidIn = (cgroup: string) => Number(textOf(join(cgroups, cgroup, "pid")) ?? Number.NaN);

/** Stands in for the reader: a folder with a config is a container, and runs while there is a cgroup with a pid for it. */
function read(name: string): Container | undefined {
  reads += 1;
  const config = textOf(join(lxcPath, name, "config"));
  if (config === undefined) return undefined;
  const payload = join(cgroups, `lxc.payload.${name}`);
  const initPid = Number(textOf(join(payload, "pid")) ?? Number.NaN);
  const hasMonitor = existsSync(join(cgroups, `lxc.monitor.${name}`));
  const isFrozen = textOf(join(payload, "cgroup.events"))?.includes("frozen 1");
  const clonedFrom = /^base=(.+)$/m.exec(config)?.[1];
  const clones = namesIn(lxcPath).filter((other) => textOf(join(lxcPath, other, "config"))?.includes(`base=${name}\n`));
  return {
    name,
    manageable: true,
    privileged: config.includes("privileged"),
    autostart: false,
    ipv4: (textOf(join(payload, "addresses")) ?? "").split(" ").filter(Boolean),
    ipv6: [],
    clones,
    storage: clonedFrom === undefined ? "dir" : "overlay",
    ...(clonedFrom === undefined ? {} : { clonedFrom }),
    state: Number.isNaN(initPid) ? (hasMonitor ? "starting" : "stopped") : isFrozen ? "frozen" : "running",
    ...(Number.isNaN(initPid) ? {} : { initPid }),
  };
}

function define(name: string, config = "") {
  mkdirSync(join(lxcPath, name));
  writeFileSync(join(lxcPath, name, "config"), config);
}
function start(name: string, initPid: number, addresses = "10.0.3.2") {
  const payload = join(cgroups, `lxc.payload.${name}`);
  mkdirSync(payload);
  writeFileSync(join(payload, "cgroup.events"), "populated 1\nfrozen 0\n");
  writeFileSync(join(payload, "addresses"), addresses);
  writeFileSync(join(payload, "pid"), String(initPid));
}
const subscribe = () => {
  const unsubscribe = watch.onChanged((change) => changes.push(change));
  unsubscribers.push(unsubscribe);
  return unsubscribe;
};
const stateOf = (name: string) => changes.flatMap(({ changed }) => changed).findLast((container) => container.name === name)?.state;
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 4_000, interval: 5 });
const watchedNow = () => {
  const inotify = readdirSync("/proc/self/fdinfo").map((fd) => textOf(join("/proc/self/fdinfo", fd)) ?? "");
  return inotify.join("\n").match(/^inotify wd/gm)?.length ?? 0;
};

describe("the end of a run", () => {
  const payload = () => join(cgroups, "lxc.payload.web");
  beforeEach(async () => {
    start("web", 100);
    writeFileSync(join(payload(), "cgroup.freeze"), "0");
    subscribe();
  });
  const ended = () => changes.flatMap(({ changed }) => changed).findLast(({ name }) => name === "web")?.ended;
  /** As with a real cgroup nothing is told of the files in it. */
  const end = () => renameSync(payload(), join(folder, `ended-${ends++}`));
  let ends = 0;

  it("is told with how its init ended, and is LXC's where that has thawed what it killed, be it seen before or after", async () => {
    writeFileSync(join(payload(), "cgroup.freeze"), "0");
    end();
    // Whatever asks now finds it gone before the event of that write is read.
    watch.snapshot();
    await eventually(() => expect(ended()).toEqual({ byLxc: true, signal: "SIGKILL of 100" }));
  });

  it("is not LXC's where nobody wrote to its freezer, or long before", async () => {
    end();
    await eventually(() => expect(ended()).toEqual({ signal: "SIGKILL of 100" }));
    start("web", 101);
    writeFileSync(join(payload(), "cgroup.freeze"), "0");
    await eventually(() => expect(stateOf("web")).toBe("running"));
    expect(ended()).toBeUndefined();
    writeFileSync(join(payload(), "cgroup.freeze"), "1");
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    end();
    await eventually(() => expect(ended()).toEqual({ signal: "SIGKILL of 101" }));
  });

  it("is looked for while its monitor is still there", async () => {
    mkdirSync(join(cgroups, "lxc.monitor.web"));
    rmSync(join(payload(), "pid"));
    writeFileSync(join(payload(), "cgroup.events"), "populated 0\nfrozen 0\n");
    await eventually(() => expect(stateOf("web")).toBe("stopping"));
    writeFileSync(join(payload(), "cgroup.freeze"), "0");
    rmSync(join(cgroups, "lxc.monitor.web"), { recursive: true });
    end();
    await eventually(() => expect(ended()).toMatchObject({ byLxc: true }));
  });
});

describe("a change made by anyone", () => {
  beforeEach(() => {
    subscribe();
  });

  it("is reported for a container that starts, freezes, thaws and stops", async () => {
    start("web", 100);
    await eventually(() => expect(stateOf("web")).toBe("running"));
    writeFileSync(join(cgroups, "lxc.payload.web/cgroup.events"), "populated 1\nfrozen 1\n");
    await eventually(() => expect(stateOf("web")).toBe("frozen"));
    writeFileSync(join(cgroups, "lxc.payload.web/cgroup.events"), "populated 1\nfrozen 0\n");
    await eventually(() => expect(stateOf("web")).toBe("running"));
    rmSync(join(cgroups, "lxc.payload.web"), { recursive: true });
    await eventually(() => expect(stateOf("web")).toBe("stopped"));
  });

  it("is a start or an end by what was before, while there is a monitor without an init", async () => {
    const monitor = join(cgroups, "lxc.monitor.web");
    mkdirSync(monitor);
    await eventually(() => expect(stateOf("web")).toBe("starting"));
    start("web", 100);
    await eventually(() => expect(stateOf("web")).toBe("running"));
    rmSync(join(cgroups, "lxc.payload.web"), { recursive: true });
    await eventually(() => expect(stateOf("web")).toBe("stopping"));
    rmSync(monitor, { recursive: true });
    await eventually(() => expect(stateOf("web")).toBe("stopped"));
    mkdirSync(monitor);
    await eventually(() => expect(stateOf("web")).toBe("starting"));
  });

  it("is reported for a container that is made, configured, renamed and removed", async () => {
    define("new");
    await eventually(() => expect(stateOf("new")).toBe("stopped"));
    writeFileSync(join(lxcPath, "new/config.next"), "privileged");
    renameSync(join(lxcPath, "new/config.next"), join(lxcPath, "new/config"));
    await eventually(() => expect(changes.at(-1)?.changed).toMatchObject([{ name: "new", privileged: true }]));
    renameSync(join(lxcPath, "new"), join(lxcPath, "renamed"));
    await eventually(() => {
      expect(changes.flatMap(({ removed }) => removed)).toContain("new");
      expect(stateOf("renamed")).toBe("stopped");
    });
    writeFileSync(join(lxcPath, "renamed/config"), "");
    await eventually(() => expect(changes.at(-1)?.changed).toMatchObject([{ name: "renamed", privileged: false }]));
    rmSync(join(lxcPath, "renamed"), { recursive: true });
    await eventually(() => expect(changes.at(-1)).toMatchObject({ changed: [], removed: ["renamed"] }));
  });

  it("is seen in a container that was removed and made again under its name", async () => {
    for (let round = 0; round < 3; round += 1) {
      rmSync(join(lxcPath, "web"), { recursive: true });
      define("web", `round ${round}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    writeFileSync(join(lxcPath, "web/config"), "privileged");
    await eventually(() => expect(changes.at(-1)?.changed).toMatchObject([{ name: "web", privileged: true }]));
  });

  it("is followed to the address that comes later", async () => {
    start("web", 100, "");
    await eventually(() => expect(stateOf("web")).toBe("running"));
    writeFileSync(join(cgroups, "lxc.payload.web/addresses"), "10.0.3.7");
    await eventually(() => expect(changes.at(-1)?.changed).toMatchObject([{ name: "web", ipv4: ["10.0.3.7"] }]));
  });

  it("changes the base, too, when a clone comes or goes", async () => {
    define("clone", "base=web\n");
    await eventually(() =>
      expect(changes.flatMap(({ changed }) => changed)).toContainEqual(expect.objectContaining({ name: "web", clones: ["clone"] })),
    );
    rmSync(join(lxcPath, "clone"), { recursive: true });
    await eventually(() => expect(changes.flatMap(({ changed }) => changed).findLast(({ name }) => name === "web")?.clones).toEqual([]));
  });

  it("reads that container alone", async () => {
    await eventually(() => expect(watch.snapshot().containers).toHaveLength(2));
    const before = reads;
    writeFileSync(join(lxcPath, "web/config"), "privileged");
    await eventually(() => expect(changes).toHaveLength(1));
    expect(reads - before).toBeLessThan(4);
    expect(changes[0]?.changed.map(({ name }) => name)).toEqual(["web"]);
  });

  it("is looked for ever more rarely where containers of others come and go, until all is read again anyway", async () => {
    unsubscribers.pop()?.();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const unsubscribe = subscribe();
    try {
      let foreign = 0;
      /** A control group of no container that is known. @returns Once the watch has heard of it. */
      const startForeign = async () => {
        const timers = vi.getTimerCount();
        mkdirSync(join(cgroups, `lxc.payload.foreign${++foreign}`));
        while (vi.getTimerCount() === timers) await new Promise((resolve) => setImmediate(resolve));
      };
      const looksAfter = (milliseconds: number) => {
        const before = reads;
        vi.advanceTimersByTime(milliseconds);
        return reads > before;
      };
      await startForeign();
      expect(looksAfter(100)).toBe(true);
      await startForeign();
      expect(looksAfter(199)).toBe(false);
      expect(looksAfter(1)).toBe(true);
      await startForeign();
      expect(looksAfter(399)).toBe(false);
      expect(looksAfter(1)).toBe(true);
      // The next sweep of its own begins anew.
      vi.advanceTimersByTime(10_000);
      await startForeign();
      expect(looksAfter(100)).toBe(true);
    } finally {
      unsubscribe();
      vi.useRealTimers();
    }
  });

  it("is none where nothing differs, as when a log grows", async () => {
    writeFileSync(join(lxcPath, "web/config"), "");
    writeFileSync(join(lxcPath, "web/console.log"), "line\n");
    writeFileSync(join(lxcPath, "db/config"), "privileged");
    await eventually(() => expect(changes.length).toBeGreaterThan(0));
    expect(changes.flatMap(({ changed }) => changed.map(({ name }) => name))).toEqual(["db"]);
  });
});

describe("our own operations", () => {
  beforeEach(() => {
    subscribe();
  });

  it("are part of a container while they run", async () => {
    operations.set("web", { task: "1", kind: "start" });
    watch.operationsChanged();
    await eventually(() =>
      expect(changes.at(-1)?.changed).toMatchObject([{ name: "web", state: "starting", operation: { task: "1", kind: "start" } }]),
    );
    start("web", 100);
    await eventually(() => expect(changes.at(-1)?.changed).toMatchObject([{ state: "running", operation: { kind: "start" } }]));
    operations.clear();
    watch.operationsChanged();
    await eventually(() => expect(changes.at(-1)?.changed[0]).not.toHaveProperty("operation"));
    operations.set("web", { task: "2", kind: "stop" });
    watch.operationsChanged();
    await eventually(() => expect(stateOf("web")).toBe("stopping"));
  });

  it("say nothing that is not so: a container whose start failed is stopped", async () => {
    operations.set("web", { task: "1", kind: "restart" });
    watch.operationsChanged();
    await eventually(() => expect(stateOf("web")).toBe("starting"));
    operations.clear();
    watch.operationsChanged();
    await eventually(() => expect(stateOf("web")).toBe("stopped"));
  });
});

describe("watching", () => {
  it("gives all containers, and changes that count on from there", async () => {
    subscribe();
    const { revision, containers } = watch.snapshot();
    expect(containers.map(({ name }) => name).sort()).toEqual(["db", "web"]);
    start("web", 100);
    await eventually(() => expect(stateOf("web")).toBe("running"));
    define("new");
    await eventually(() => expect(stateOf("new")).toBe("stopped"));
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, index) => revision + 1 + index));
    expect(watch.snapshot().revision).toBe(changes.at(-1)?.revision);
    expect(watch.snapshot().containers.find(({ name }) => name === "web")?.state).toBe("running");
  });

  it("happens only while someone listens, and leaves no watch behind", async () => {
    const before = watchedNow();
    expect(watch.snapshot().containers).toHaveLength(2);
    expect(watchedNow()).toBe(before);
    const first = subscribe();
    const second = subscribe();
    start("web", 100);
    await eventually(() => expect(stateOf("web")).toBe("running"));
    // The folder of containers, two containers, the folder of cgroups, one running container's cgroup.
    expect(watchedNow()).toBe(before + 5);
    first();
    first();
    expect(watchedNow()).toBe(before + 5);
    second();
    expect(watchedNow()).toBe(before);
    const count = changes.length;
    rmSync(join(cgroups, "lxc.payload.web"), { recursive: true });
    expect(watch.snapshot().containers.find(({ name }) => name === "web")?.state).toBe("stopped");
    expect(changes).toHaveLength(count);
  });

  it("drops what it watched of containers that are gone", async () => {
    subscribe();
    const before = watchedNow();
    for (let round = 1; round <= 5; round += 1) {
      define(`short-${round}`);
      start(`short-${round}`, 200 + round);
      await eventually(() => expect(stateOf(`short-${round}`)).toBe("running"));
      rmSync(join(cgroups, `lxc.payload.short-${round}`), { recursive: true });
      rmSync(join(lxcPath, `short-${round}`), { recursive: true });
      await eventually(() => expect(changes.flatMap(({ removed }) => removed)).toContain(`short-${round}`));
    }
    expect(watchedNow()).toBe(before);
  });

  it("waits for a folder of containers that is not there yet", async () => {
    rmSync(lxcPath, { recursive: true });
    const late = createContainerWatch({
      reader: { readAll: () => (textOf(join(lxcPath, "web/config")) === undefined ? [] : [read("web") as Container]), readOne: read },
      lxcPath,
      operations: () => operations,
      cgroupRoots: () => [],
    });
    unsubscribers.push(late.onChanged((change) => changes.push(change)));
    expect(late.snapshot().containers).toEqual([]);
    mkdirSync(lxcPath);
    define("web");
    await eventually(() => expect(stateOf("web")).toBe("stopped"));
  });
});

it("knows to which containers a cgroup may belong", () => {
  expect(containersOfCgroup("lxc.payload.web")).toEqual(["web"]);
  expect(containersOfCgroup("lxc.monitor.web-1")).toEqual(["web-1", "web"]);
  expect(containersOfCgroup("lxc.payload.a.b-c")).toEqual(["a.b-c"]);
  expect(containersOfCgroup("lxc.pivot")).toBeUndefined();
  expect(containersOfCgroup("user.slice")).toBeUndefined();
});
