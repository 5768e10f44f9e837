import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetricsSample, MetricsTick } from "./contract/model.ts";
import { payloadCgroups } from "./lxc/payload.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { createContainerWatch } from "./watch.ts";

describe("figures of real containers", () => {
  let lxc: RealLxc;
  let metrics: Metrics;
  let ticks: MetricsTick[];

  beforeAll(() => {
    lxc = createRealLxc("metrics");
    for (const name of ["busy", "idle"]) {
      lxc.makeContainer(name);
      lxc.run("lxc-start", "-d", "-n", name);
    }
  });
  afterAll(() => lxc?.close());

  beforeEach(() => {
    ticks = [];
    metrics = createMetrics({
      containers: createContainerWatch({ reader: lxc.reader, lxcPath: lxc.lxcPath, operations: () => new Map() }),
    });
  });
  afterEach(() => metrics.stop());

  const onTick = (tick: MetricsTick) => ticks.push(tick);
  /** Those that the newest tick tells of. */
  const told = () => ticks.slice(-1).flatMap(({ samples, unchanged }) => [...samples.map(({ name }) => name), ...unchanged]);
  /** What is known of a container at the newest tick: where nothing has moved in it, an earlier one says it. */
  const sampleOf = (name: string): MetricsSample | undefined =>
    told().includes(name)
      ? ticks.findLast(({ unchanged }) => !unchanged.includes(name))?.samples.find((sample) => sample.name === name)
      : undefined;
  const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 });
  const cgroupsOf = (name: string) => {
    const initPid = lxc.reader.readOne(name)?.initPid;
    const cgroups = initPid === undefined ? undefined : payloadCgroups(name, initPid);
    if (!cgroups) throw new Error(`${name} does not run`);
    return cgroups;
  };
  /** A counter as the kernel writes it, from the first of these files that this host has. */
  const raw = (...paths: (string | undefined)[]): string => {
    for (const path of paths) {
      try {
        if (path !== undefined) return readFileSync(path, "utf8");
      } catch {
        // The other version of cgroups.
      }
    }
    throw new Error(`none of ${paths.join(", ")}`);
  };
  const rawCpuNanoseconds = (name: string) => {
    const { cpuacct, unified } = cgroupsOf(name);
    if (cpuacct !== undefined && cpuacct !== unified) return Number(raw(join(cpuacct, "cpuacct.usage")));
    return Number(/usage_usec (\d+)/.exec(raw(join(unified ?? "", "cpu.stat")))?.[1]) * 1000;
  };
  const limit = (name: string, v1: string, v2: string, value: string) => {
    const isUnified = cgroupsOf(name).version === "v2";
    lxc.run("lxc-cgroup", "-n", name, "--", isUnified ? v2 : v1, value);
  };

  it("show the CPU time that a busy loop burns, and none for a container at rest", async () => {
    const before = rawCpuNanoseconds("busy");
    metrics.watch("running", 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(1));
    const burning = lxc.runAside("lxc-attach", "-n", "busy", "--", "timeout", "3", "sh", "-c", "while :; do :; done").catch(() => {});
    await until(() => expect(sampleOf("busy")?.cpuPercent).toBeGreaterThan(20));
    expect(sampleOf("idle")?.cpuPercent).toBeLessThan(10);
    expect(sampleOf("busy")?.cpuPercent).toBeLessThan(150);
    await burning;
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count + 1));
    // The percentages, each over the time to the tick before, add up to what the kernel counted.
    const counted = rawCpuNanoseconds("busy") - before;
    const added = ticks.reduce((sum, { samples }, index) => {
      const percent = samples.find(({ name }) => name === "busy")?.cpuPercent;
      const previous = ticks[index - 1];
      return percent === undefined || !previous ? sum : sum + (percent / 100) * ((ticks[index]?.time ?? 0) - previous.time) * 1e6;
    }, 0);
    expect(added / counted).toBeGreaterThan(0.9);
    expect(added / counted).toBeLessThan(1.1);
    expect(sampleOf("busy")?.cpuNanoseconds).toBeLessThanOrEqual(rawCpuNanoseconds("busy"));
    expect(sampleOf("busy")?.cpuNanoseconds).toBeGreaterThan(before);
  });

  it("name a container at rest only, until something moves in it", async () => {
    metrics.watch(["idle"], 500, onTick);
    await until(() => expect(ticks.at(-1)).toMatchObject({ samples: [], unchanged: ["idle"] }));
    expect(sampleOf("idle")).toMatchObject({ cpuPercent: 0, memoryBytes: expect.any(Number) });
    const used = rawCpuNanoseconds("idle");
    lxc.run("lxc-attach", "-n", "idle", "--", "true");
    await until(() => expect(sampleOf("idle")?.cpuNanoseconds).toBeGreaterThan(used));
  });

  it("show processes, memory without cache, and the limits that are set", async () => {
    limit("idle", "memory.limit_in_bytes", "memory.max", String(64 * 1024 * 1024));
    limit("idle", "pids.max", "pids.max", "123");
    const sleeping = lxc.runAside("lxc-attach", "-n", "idle", "--", "timeout", "2", "sleep", "60").catch(() => {});
    metrics.watch(["idle"], 500, onTick);
    const { memory, pids } = cgroupsOf("idle");
    await until(() => {
      const sample = sampleOf("idle");
      expect(sample).toMatchObject({ memoryLimitBytes: 64 * 1024 * 1024, processesLimit: 123 });
      expect(sample?.processes).toBe(Number(raw(join(pids ?? "", "pids.current"))));
    });
    const usage = Number(raw(join(memory ?? "", "memory.usage_in_bytes"), join(memory ?? "", "memory.current")));
    const stat = raw(join(memory ?? "", "memory.stat"));
    const inactive = Number((/^total_inactive_file (\d+)/m.exec(stat) ?? /^inactive_file (\d+)/m.exec(stat))?.[1]);
    expect(Math.abs((sampleOf("idle")?.memoryBytes ?? 0) - (usage - inactive))).toBeLessThan(2 * 1024 * 1024);
    await sleeping;
    expect(ticks.every(({ samples }) => samples.every(({ name }) => name === "idle"))).toBe(true);
  });

  it("show how long something waited for a CPU, as the kernel counts it", async (context) => {
    const file = join(cgroupsOf("busy").unified ?? "/nowhere", "cpu.pressure");
    if (!existsSync(file)) return context.skip("this host counts no pressure of containers (PSI on cgroup v2)");
    const waited = () => Number(/^some .*total=(\d+)$/m.exec(readFileSync(file, "utf8"))?.[1]);
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(sampleOf("busy")?.cpuPressurePercent).toBeGreaterThanOrEqual(0));
    const [before, from] = [waited(), Date.now()];
    // More loops than CPUs: one of them waits always.
    const loop = 'timeout 3 sh -c "while :; do :; done" &';
    const loops = `${Array.from({ length: availableParallelism() + 1 }, () => loop).join(" ")} wait`;
    const burning = lxc.runAside("lxc-attach", "-n", "busy", "--", "sh", "-c", loops).catch(() => {});
    await burning;
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count));
    const counted = waited() - before;
    const shown = ticks.reduce((sum, { time, samples }, index) => {
      const previous = ticks[index - 1]?.time ?? time;
      return time < from ? sum : sum + ((samples[0]?.cpuPressurePercent ?? 0) / 100) * (time - previous) * 1000;
    }, 0);
    expect(counted).toBeGreaterThan(1_000_000);
    // The first tick and the last one lie partly outside.
    expect(Math.abs(shown - counted)).toBeLessThan(700_000);
    for (const key of ["memoryPressurePercent", "diskPressurePercent"]) expect(sampleOf("busy")).toHaveProperty(key);
  });

  it("leave out limits where there are none, and never exceed the host's CPUs", async () => {
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(1));
    expect(sampleOf("busy")).not.toHaveProperty("memoryLimitBytes");
    limit("busy", "cpu.cfs_quota_us", "cpu.max", cgroupsOf("busy").version === "v2" ? "50000 100000" : "50000");
    metrics.stop();
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(sampleOf("busy")?.cpuLimit).toBe(0.5));
    limit("busy", "cpu.cfs_quota_us", "cpu.max", cgroupsOf("busy").version === "v2" ? "max 100000" : "-1");
  });

  it("show network traffic from the container's own side", async () => {
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(1));
    // Nobody answers there: the requests for its address are broadcast all the same.
    const pinging = lxc
      .runAside(
        "lxc-attach",
        "-n",
        "busy",
        "--",
        "sh",
        "-c",
        "ip link set eth0 up; ip addr add 192.0.2.1/24 dev eth0; timeout 3 ping -c 3 -w 3 192.0.2.9",
      )
      .catch(() => {});
    await until(() => expect(sampleOf("busy")?.networkSentBytesPerSecond).toBeGreaterThan(0));
    await pinging;
  });

  it("follow a container that stops and starts again, and let go of what was read", async () => {
    const descriptors = () => readdirSync("/proc/self/fd").length;
    metrics.watch("running", 500, onTick);
    await until(() => expect(told()).toHaveLength(2));
    const before = descriptors();
    await lxc.runAside("lxc-stop", "-k", "-n", "busy");
    await until(() => expect(told()).toEqual(["idle"]));
    expect(descriptors()).toBeLessThan(before);
    const count = ticks.length;
    await lxc.runAside("lxc-start", "-d", "-n", "busy");
    await until(() => expect(sampleOf("busy")?.cpuPercent).toBeGreaterThanOrEqual(0));
    expect(ticks.slice(count).every(({ afterGap }) => !afterGap)).toBe(true);
    // Its counters began anew, and no rate was made of the difference.
    for (const { samples } of ticks) for (const { cpuPercent = 0 } of samples) expect(cpuPercent).toBeGreaterThanOrEqual(0);
    await until(() => expect(descriptors()).toBe(before));
  });

  it("go on while a container is frozen", async () => {
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(1));
    await lxc.runAside("lxc-freeze", "-n", "busy");
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count + 2));
    expect(sampleOf("busy")).toMatchObject({ cpuPercent: expect.any(Number), processes: expect.any(Number) });
    await lxc.runAside("lxc-unfreeze", "-n", "busy");
  });
});
