import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Container, ContainersChanged, MetricsTick } from "./contract/model.ts";
import { sampleContainer } from "./contract/testing/sample-container.ts";
import type { Counters } from "./lxc/counters.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

const container = (name: string, initPid?: number) =>
  sampleContainer(name, initPid === undefined ? {} : { state: "running", initPid, startedAt: initPid * 1000 });

/** A host whose containers and counters a test sets, under a clock that it moves. */
function createHost() {
  const known = new Map<string, Container>();
  const counters = new Map<string, Counters | undefined>();
  const listeners = new Set<(change: ContainersChanged) => void>();
  const opened: string[] = [];
  const closed: string[] = [];
  let hostCounters: Counters = { cpuLimit: 2 };
  let reads = 0;
  let isBehind = false;
  let isFresh = false;
  return {
    setFresh(fresh: boolean) {
      isFresh = fresh;
    },
    counters,
    setBehind(behind: boolean) {
      isBehind = behind;
    },
    opened,
    closed,
    reads: () => reads,
    countOfHost(counters: Partial<Counters>) {
      hostCounters = { cpuLimit: 2, ...counters };
    },
    watchers: () => listeners.size,
    run(name: string, initPid: number, initial: Partial<Counters> = {}) {
      counters.set(name, { cpuLimit: 2, ...initial });
      this.change(container(name, initPid));
    },
    change(changed: Container) {
      known.set(changed.name, changed);
      for (const listener of listeners) listener({ revision: 1, changed: [changed], removed: [] });
    },
    /** Other counters than before, though they count the same. */
    countAnew(name: string) {
      const before = counters.get(name);
      counters.set(name, before && { ...before });
    },
    remove(name: string) {
      known.delete(name);
      for (const listener of listeners) listener({ revision: 1, changed: [], removed: [name] });
    },
    create: () =>
      createMetrics({
        isBehind: () => isBehind,
        containers: {
          snapshot: () => ({ revision: 0, containers: [...known.values()] }),
          onChanged(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
        },
        openHost: () => {
          opened.push("host");
          return { missing: { pressure: "It has none." }, isFresh: () => true, read: () => hostCounters, close: () => closed.push("host") };
        },
        open: ({ name, initPid }) => {
          opened.push(`${name}:${initPid}`);
          return {
            isFresh: () => isFresh,
            missing: name === "lacks" ? { network: "It shares this computer's network." } : {},
            read: () => {
              reads += 1;
              return counters.get(name);
            },
            close: () => closed.push(`${name}:${initPid}`),
          };
        },
      }),
  };
}

let host: ReturnType<typeof createHost>;
let metrics: Metrics;
let ticks: MetricsTick[];
const onTick = (tick: MetricsTick) => ticks.push(tick);
const namesOf = (tick: MetricsTick | undefined) => tick && [...tick.samples.map(({ name }) => name), ...tick.unchanged];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  host = createHost();
  metrics = host.create();
  ticks = [];
});
afterEach(() => {
  metrics.stop();
  vi.useRealTimers();
});

describe("ticks", () => {
  it("come at once, then early with rates, then at the interval, one for all containers", () => {
    host.run("web", 10, { cpuNanoseconds: 1e9 });
    host.run("db", 20);
    metrics.watch("running", 1000, onTick);
    expect(ticks).toHaveLength(0);
    vi.advanceTimersByTime(0);
    expect(ticks.map(namesOf)).toEqual([["web", "db"]]);
    expect(ticks[0]?.samples[0]).not.toHaveProperty("cpuPercent");
    host.counters.set("web", { cpuLimit: 2, cpuNanoseconds: 1e9 + 125e6 });
    vi.advanceTimersByTime(250);
    expect(ticks[1]?.samples[0]).toMatchObject({ name: "web", cpuPercent: 50, cpuNanoseconds: 1.125e9 });
    vi.advanceTimersByTime(3000);
    expect(ticks).toHaveLength(5);
  });

  it("tell of running containers only, or of those named", () => {
    host.run("web", 10);
    host.run("db", 20);
    host.change(container("off"));
    metrics.watch(["db", "off", "never"], 1000, onTick);
    vi.advanceTimersByTime(300);
    expect(ticks.map(namesOf)).toEqual([["db"], ["db"]]);
    expect(host.opened).toEqual(["db:20"]);
  });

  it("follow containers that start, stop, are started again and go", () => {
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(10_000);
    expect(ticks).toEqual([]);
    host.run("web", 10, { processes: 1 });
    vi.advanceTimersByTime(2000);
    expect(namesOf(ticks.at(-1))).toEqual(["web"]);
    host.run("web", 11, { processes: 2 });
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.samples).toEqual([{ name: "web", cpuLimit: 2, processes: 2 }]);
    expect(host.closed).toEqual(["web:10"]);
    host.change(container("web"));
    const count = ticks.length;
    vi.advanceTimersByTime(5000);
    expect(ticks).toHaveLength(count);
    host.run("web", 12);
    host.remove("web");
    expect(host.closed).toEqual(["web:10", "web:11", "web:12"]);
  });

  it("have a rate for a container the first time it takes part, since it was read when it appeared", () => {
    host.run("web", 10);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(1250);
    host.run("late", 20, { cpuNanoseconds: 0 });
    vi.advanceTimersByTime(500);
    host.counters.set("late", { cpuLimit: 2, cpuNanoseconds: 1e9 });
    vi.advanceTimersByTime(500);
    expect(ticks.at(-1)?.samples.find(({ name }) => name === "late")).toMatchObject({ cpuPercent: 100 });
  });

  it("leave a container out whose cgroup is gone, and read it again if it lives on", () => {
    host.run("web", 10);
    host.run("db", 20);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
    host.counters.set("web", undefined);
    vi.advanceTimersByTime(1000);
    expect(namesOf(ticks.at(-1))).toEqual(["db"]);
    expect(host.closed).toContain("web:10");
    host.run("web", 11);
    vi.advanceTimersByTime(1000);
    expect(namesOf(ticks.at(-1))?.sort()).toEqual(["db", "web"]);
  });

  it("stop, and with them all reading, when nobody looks", () => {
    host.run("web", 10);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
    metrics.stop();
    const before = [ticks.length, host.reads()];
    vi.advanceTimersByTime(10_000);
    expect([ticks.length, host.reads()]).toEqual(before);
    expect(host.closed).toEqual(["web:10"]);
    expect(host.watchers()).toBe(0);
    metrics.watch("running", 1000, onTick);
    metrics.watch([], 1000, onTick);
    expect(host.watchers()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keep what they know of a container when another watch still wants it", () => {
    host.run("web", 10);
    host.run("db", 20);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
    metrics.watch(["web"], 500, onTick);
    expect(host.opened).toEqual(["web:10", "db:20"]);
    expect(host.closed).toEqual(["db:20"]);
    vi.advanceTimersByTime(250 + 500);
    expect(namesOf(ticks.at(-1))).toEqual(["web"]);
    expect(host.watchers()).toBe(1);
  });
});

describe("containers in which nothing moves", () => {
  const restingAndBusy = () => {
    host.run("rests", 10, { cpuNanoseconds: 1e9, memoryUsageBytes: 500 });
    host.run("works", 20, { cpuNanoseconds: 1e9 });
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
  };
  const work = () => host.counters.set("works", { cpuLimit: 2, cpuNanoseconds: 1e9 + performance.now() * 1e5 });

  it("are told by name only, once they were told with rates of nothing", () => {
    restingAndBusy();
    work();
    vi.advanceTimersByTime(1000);
    expect(ticks[1]?.unchanged).toEqual([]);
    expect(ticks[1]?.samples[0]).toMatchObject({ name: "rests", cpuPercent: 0, memoryBytes: 500 });
    expect(ticks[2]?.unchanged).toEqual(["rests"]);
    expect(namesOf(ticks[2])).toEqual(["works", "rests"]);
  });

  it("are told by name only, too, where somebody else has had them read anew", () => {
    restingAndBusy();
    vi.advanceTimersByTime(1000);
    host.countAnew("rests");
    work();
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.unchanged).toEqual(["rests"]);
    expect(ticks.at(-1)?.samples).toMatchObject([{ name: "works" }]);
  });

  it("are told in full as soon as something moves", () => {
    restingAndBusy();
    vi.advanceTimersByTime(3000);
    expect(ticks.at(-1)?.unchanged).toEqual(["rests", "works"]);
    host.counters.set("rests", { cpuLimit: 2, cpuNanoseconds: 1e9, memoryUsageBytes: 600 });
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.samples).toEqual([expect.objectContaining({ name: "rests", cpuPercent: 0, memoryBytes: 600 })]);
    host.counters.set("rests", { cpuLimit: 2, cpuNanoseconds: 1.5e9, memoryUsageBytes: 600 });
    vi.advanceTimersByTime(1000);
    // The time in which it rested is not part of what its rate is an average over.
    expect(ticks.at(-1)?.samples[0]).toMatchObject({ name: "rests", cpuPercent: 50 });
  });

  it("have rates over all the time since what they are made of was read", () => {
    const rest = { cpuLimit: 2, cpuNanoseconds: 1e9 };
    host.run("rests", 10, { ...rest, networkReceivedBytes: 0 });
    metrics.watch("running", 1000, onTick);
    // The very same counters: nothing was read since.
    vi.advanceTimersByTime(4250);
    host.counters.set("rests", { ...rest, cpuNanoseconds: 1.5e9, networkReceivedBytes: 5250 });
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.samples[0]).toMatchObject({ cpuPercent: 50, networkReceivedBytesPerSecond: 1000 });
  });

  it("have rates over the time since they were last seen at rest, where all of it was read", () => {
    const rest = { cpuLimit: 2, cpuNanoseconds: 1e9 };
    host.setFresh(true);
    host.run("rests", 10, { ...rest, networkReceivedBytes: 0 });
    metrics.watch(["rests"], 1000, onTick);
    vi.advanceTimersByTime(4250);
    host.counters.set("rests", { ...rest, networkReceivedBytes: 5000 });
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.samples[0]).toMatchObject({ networkReceivedBytesPerSecond: 5000 });
  });

  it("are told in full to whoever begins to watch", () => {
    restingAndBusy();
    vi.advanceTimersByTime(2000);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(0);
    expect(ticks.at(-1)?.samples).toHaveLength(2);
    expect(ticks.at(-1)?.unchanged).toEqual([]);
  });
});

it("does not read while nobody takes what it tells, and goes on after that with a gap", () => {
  host.run("web", 10, { cpuNanoseconds: 1e9 });
  metrics.watch("running", 1000, onTick);
  vi.advanceTimersByTime(2250);
  const before = [ticks.length, host.reads()];
  host.setBehind(true);
  vi.advanceTimersByTime(5000);
  expect([ticks.length, host.reads()]).toEqual(before);
  host.setBehind(false);
  vi.advanceTimersByTime(1000);
  expect(ticks).toHaveLength((before[0] ?? 0) + 1);
  expect(ticks.at(-1)).toMatchObject({ afterGap: true, unchanged: [] });
  expect(namesOf(ticks.at(-1))).toEqual(["web"]);
});

describe("recording", () => {
  const recorded: MetricsTick[] = [];
  const onRecorded = (tick: MetricsTick) => recorded.push(tick);
  beforeEach(() => recorded.splice(0));
  afterEach(() => metrics.record(0, onRecorded));

  it("tells of all that run and of the host, whatever else is watched, and outlives that", () => {
    host.run("web", 10, { cpuNanoseconds: 0 });
    host.run("db", 20);
    metrics.record(5000, onRecorded);
    metrics.watch(["web"], 1000, onTick);
    vi.advanceTimersByTime(5250);
    expect(recorded.map(namesOf)).toEqual([
      ["web", "db"],
      ["web", "db"],
      ["web", "db"],
    ]);
    expect(recorded[0]?.host).toEqual({ cpuLimit: 2, missing: { pressure: "It has none." } });
    expect(ticks.at(-1)).not.toHaveProperty("host");
    metrics.stop();
    expect(host.closed).toEqual([]);
    const count = ticks.length;
    vi.advanceTimersByTime(5000);
    expect(recorded).toHaveLength(4);
    expect(ticks).toHaveLength(count);
    metrics.record(0, onRecorded);
    expect(host.closed.toSorted()).toEqual(["db:20", "host", "web:10"]);
    expect(host.watchers()).toBe(0);
  });

  it("opens nothing a second time, and reads nothing twice at one moment", () => {
    host.run("web", 10, { cpuNanoseconds: 0 });
    metrics.record(5000, onRecorded);
    metrics.watch("running", 5000, onTick, true);
    expect(host.opened).toEqual(["web:10", "host"]);
    vi.advanceTimersByTime(0);
    const before = host.reads();
    vi.advanceTimersByTime(250);
    expect([ticks.length, recorded.length]).toEqual([2, 2]);
    expect(host.reads() - before).toBe(1);
  });

  it("gives each of both its own rates, over the time since its own last tick", () => {
    host.run("web", 10, { cpuNanoseconds: 0 });
    metrics.record(10_000, onRecorded);
    metrics.watch(["web"], 1000, onTick);
    vi.advanceTimersByTime(9750);
    host.counters.set("web", { cpuLimit: 2, cpuNanoseconds: 1e9 });
    vi.advanceTimersByTime(500);
    expect(ticks.at(-1)?.samples[0]).toMatchObject({ cpuPercent: 100 });
    expect(recorded.at(-1)?.samples[0]).toMatchObject({ cpuPercent: 10 });
  });
});

describe("the host", () => {
  it("is told with no container at all, with rates and with what it lacks", () => {
    host.countOfHost({ cpuNanoseconds: 1e9, diskReads: 10 });
    metrics.watch([], 1000, onTick, true);
    vi.advanceTimersByTime(0);
    host.countOfHost({ cpuNanoseconds: 1.5e9, diskReads: 20 });
    vi.advanceTimersByTime(250);
    expect(ticks.at(-1)).toMatchObject({
      samples: [],
      unchanged: [],
      host: { cpuPercent: 200, diskReadsPerSecond: 40, missing: { pressure: "It has none." } },
    });
    metrics.watch([], 1000, onTick);
    expect(host.closed).toEqual(["host"]);
  });
});

describe("containers that are watched by name", () => {
  it("have rates of each interface, and reasons for what is missing; those in a list have not", () => {
    const web = (bytes: number) => ({
      networkReceivedBytes: bytes,
      interfaces: [{ name: "eth0", receivedBytes: bytes, sentBytes: 0, receivedPackets: 1, sentPackets: 0, drops: 0 }],
    });
    host.run("web", 10, web(0));
    host.run("lacks", 20);
    metrics.watch(["web", "lacks"], 1000, onTick);
    host.counters.set("web", { cpuLimit: 2, ...web(500) });
    vi.advanceTimersByTime(250);
    expect(ticks.at(-1)?.samples).toEqual([
      expect.objectContaining({
        interfaces: [
          {
            name: "eth0",
            receivedBytesPerSecond: 2000,
            sentBytesPerSecond: 0,
            receivedPacketsPerSecond: 0,
            sentPacketsPerSecond: 0,
            dropsPerSecond: 0,
          },
        ],
      }),
      expect.objectContaining({ name: "lacks", missing: { network: "It shares this computer's network." } }),
    ]);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
    for (const sample of ticks.at(-1)?.samples ?? []) {
      expect(sample).not.toHaveProperty("interfaces");
      expect(sample).not.toHaveProperty("missing");
    }
  });
});

describe("gaps", () => {
  const watchWeb = (interval = 1000) => {
    host.run("web", 10, { cpuNanoseconds: 1e9, networkSentBytes: 5000 });
    metrics.watch("running", interval, onTick);
    vi.advanceTimersByTime(250);
  };

  it("are told where ticks are missing, and no rate is given across them", () => {
    watchWeb();
    expect(ticks.map(({ afterGap }) => afterGap)).toEqual([true, false]);
    // The process was stopped for a while: the clocks go on, the timer does not.
    vi.setSystemTime(Date.now() + 5000);
    const now = performance.now();
    vi.spyOn(performance, "now").mockImplementation(() => now + 5000);
    vi.advanceTimersByTime(1000);
    vi.restoreAllMocks();
    expect(ticks.at(-1)).toMatchObject({ afterGap: true });
    expect(ticks.at(-1)?.samples[0]).not.toHaveProperty("cpuPercent");
  });

  it("are told after the computer slept, though the monotonic clock stood still", () => {
    watchWeb();
    host.counters.set("web", { cpuLimit: 2, cpuNanoseconds: 2e9 });
    vi.setSystemTime(Date.now() + 3600_000);
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.afterGap).toBe(true);
    expect(ticks.at(-1)?.samples[0]).not.toHaveProperty("cpuPercent");
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.afterGap).toBe(false);
  });

  it("are one figure's own where its counter went back", () => {
    watchWeb();
    host.counters.set("web", { cpuLimit: 2, cpuNanoseconds: 2e9, networkSentBytes: 100 });
    vi.advanceTimersByTime(1000);
    expect(ticks.at(-1)?.samples[0]).toMatchObject({ cpuPercent: 100 });
    expect(ticks.at(-1)?.samples[0]).not.toHaveProperty("networkSentBytesPerSecond");
  });

  it("are not made by a change of what is watched", () => {
    watchWeb();
    metrics.stop();
    metrics.watch(["web"], 1000, onTick);
    vi.advanceTimersByTime(0);
    expect(ticks.at(-1)?.afterGap).toBe(false);
  });
});

describe("figures", () => {
  it("leave inactive file cache out of memory, and never fall below nothing", () => {
    host.run("web", 10, { memoryUsageBytes: 1000, inactiveFileBytes: 300, activeFileBytes: 50 });
    host.run("db", 20, { memoryUsageBytes: 100, inactiveFileBytes: 300 });
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(0);
    expect(ticks[0]?.samples).toEqual([
      { name: "web", cpuLimit: 2, memoryBytes: 700, memoryCacheBytes: 350, memoryActiveFileBytes: 50, memoryInactiveFileBytes: 300 },
      { name: "db", cpuLimit: 2, memoryBytes: 0, memoryCacheBytes: 300, memoryInactiveFileBytes: 300 },
    ]);
  });

  it("are absent where the host does not count them, and limits where there are none", () => {
    host.run("web", 10);
    metrics.watch("running", 1000, onTick);
    vi.advanceTimersByTime(250);
    expect(ticks[1]?.samples).toEqual([{ name: "web", cpuLimit: 2 }]);
  });

  it("are shares of the time for pressure, never more than all of it", () => {
    host.run("web", 10, { cpuPressureMicroseconds: 100, memoryPressureMicroseconds: 100, diskPressureMicroseconds: 100 });
    metrics.watch("running", 2000, onTick);
    host.countAnew("web");
    vi.advanceTimersByTime(250);
    host.counters.set("web", {
      cpuLimit: 2,
      cpuPressureMicroseconds: 500_100,
      memoryPressureMicroseconds: 100,
      diskPressureMicroseconds: 2_000_200,
    });
    vi.advanceTimersByTime(2000);
    expect(ticks.at(-1)?.samples).toEqual([
      { name: "web", cpuLimit: 2, cpuPressurePercent: 25, memoryPressurePercent: 0, diskPressurePercent: 100 },
    ]);
  });

  it("are bytes per second for disks and network", () => {
    host.run("web", 10, { diskReadBytes: 0, diskWriteBytes: 0, networkReceivedBytes: 0, networkSentBytes: 0 });
    metrics.watch("running", 2000, onTick);
    host.countAnew("web");
    vi.advanceTimersByTime(250);
    host.counters.set("web", {
      cpuLimit: 2,
      diskReadBytes: 2000,
      diskWriteBytes: 4000,
      networkReceivedBytes: 6000,
      networkSentBytes: 8000,
    });
    vi.advanceTimersByTime(2000);
    expect(ticks.at(-1)?.samples[0]).toMatchObject({
      diskReadBytesPerSecond: 1000,
      diskWriteBytesPerSecond: 2000,
      networkReceivedBytesPerSecond: 3000,
      networkSentBytesPerSecond: 4000,
    });
  });
});
