import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetricsSample, MetricsTick } from "./contract/model.ts";
import { payloadCgroups } from "./lxc/payload.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { slowness } from "./testing/patience.ts";
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
  afterEach(() => {
    metrics.stop();
    metrics.record(0, () => {});
  });

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
    metrics.watch("running", 500, onTick);
    // Until BusyBox has started what it starts, neither of them is.
    await until(() => expect(ticks.at(-1)?.unchanged).toEqual(expect.arrayContaining(["busy", "idle"])));
    const before = rawCpuNanoseconds("busy");
    const rest = ticks.length - 1;
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
      return percent === undefined || !previous || index <= rest
        ? sum
        : sum + (percent / 100) * ((ticks[index]?.time ?? 0) - previous.time) * 1e6;
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
      expect(sample?.threads).toBe(Number(raw(join(pids ?? "", "pids.current"))));
      // No program of BusyBox has a second thread.
      expect(sample?.processes).toBe(sample?.threads);
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
    await lxc.freeze("busy");
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count + 2));
    expect(sampleOf("busy")).toMatchObject({ cpuPercent: expect.any(Number), threads: expect.any(Number) });
    await lxc.runAside("lxc-unfreeze", "-n", "busy");
  });

  it("are within half a per cent point of what the kernel counted in 30 s, for a loop that its limit holds at half a core", async () => {
    limit("busy", "cpu.cfs_quota_us", "cpu.max", cgroupsOf("busy").version === "v2" ? "50000 100000" : "50000");
    const burning = lxc.runAside("lxc-attach", "-n", "busy", "--", "timeout", "33", "sh", "-c", "while :; do :; done").catch(() => {});
    const readings: { at: number; nanoseconds: number; percent: number; userAndSystem: number; throttled: number }[] = [];
    metrics.watch(["busy"], 1000, (tick) => {
      const [sample] = tick.samples;
      if (sample?.cpuPercent === undefined) return;
      readings.push({
        at: performance.now(),
        nanoseconds: rawCpuNanoseconds("busy"),
        percent: sample.cpuPercent,
        userAndSystem: (sample.cpuUserPercent ?? Number.NaN) + (sample.cpuSystemPercent ?? Number.NaN),
        throttled: sample.cpuThrottledPercent ?? Number.NaN,
      });
    });
    await vi.waitFor(() => expect((readings.at(-1)?.at ?? 0) - (readings[0]?.at ?? 0)).toBeGreaterThan(30_000), {
      timeout: 40_000,
      interval: 100,
    });
    metrics.stop();
    const [first] = readings;
    const last = readings.at(-1);
    if (!first || !last) throw new Error("no ticks");
    const counted = ((last.nanoseconds - first.nanoseconds) / 1e6 / (last.at - first.at)) * 100;
    const mean = (of: (reading: (typeof readings)[number]) => number) =>
      readings.slice(1).reduce((sum, reading, index) => sum + of(reading) * (reading.at - (readings[index]?.at ?? 0)), 0) /
      (last.at - first.at);
    expect(counted).toBeGreaterThan(10);
    expect(counted).toBeLessThan(51);
    expect(Math.abs(mean(({ percent }) => percent) - counted)).toBeLessThan(0.5);
    expect(Math.abs(mean(({ userAndSystem }) => userAndSystem) - counted)).toBeLessThan(1.5);
    expect(mean(({ throttled }) => throttled)).toBeGreaterThan(0);
    await burning;
    limit("busy", "cpu.cfs_quota_us", "cpu.max", cgroupsOf("busy").version === "v2" ? "max 100000" : "-1");
  }, 60_000);

  it("count memory that is held, and not the cache of files that were read", async () => {
    const megabyte = 1024 * 1024;
    const { memory } = cgroupsOf("busy");
    const rawUsage = () => Number(raw(join(memory ?? "", "memory.usage_in_bytes"), join(memory ?? "", "memory.current")));
    // Written past the cache: what is cached already would be charged to whoever wrote it.
    execFileSync("dd", ["if=/dev/zero", `of=${join(lxc.lxcPath, "busy/rootfs/large")}`, "bs=1M", "count=500", "oflag=direct"], {
      stdio: "ignore",
    });
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(sampleOf("busy")?.memoryBytes).toBeGreaterThan(0));
    const [usedBefore, rawBefore] = [sampleOf("busy")?.memoryBytes ?? 0, rawUsage()];
    // BusyBox's cat has the kernel send it, which takes the pages for ones that are used again and again: active, and no mere cache.
    await lxc.runAside("lxc-attach", "-n", "busy", "--", "md5sum", "/large");
    expect(rawUsage() - rawBefore).toBeGreaterThan(400 * megabyte);
    await until(() => expect(sampleOf("busy")?.memoryInactiveFileBytes).toBeGreaterThan(400 * megabyte));
    expect(Math.abs((sampleOf("busy")?.memoryBytes ?? 0) - usedBefore)).toBeLessThan(0.05 * 500 * megabyte);
    const usedWithCache = sampleOf("busy")?.memoryBytes ?? 0;
    // Its only buffer is as large as that, and filled from one end to the other.
    const holding = lxc
      .runAside("lxc-attach", "-n", "busy", "--", "timeout", "6", "dd", "if=/dev/zero", "of=/dev/null", "bs=200M")
      .catch(() => {});
    await until(() => {
      expect((sampleOf("busy")?.memoryBytes ?? 0) - usedWithCache).toBeGreaterThan(0.95 * 200 * megabyte);
      expect(sampleOf("busy")?.memoryAnonymousBytes).toBeGreaterThan(0.95 * 200 * megabyte);
    });
    await holding;
    rmSync(join(lxc.lxcPath, "busy/rootfs/large"));
  }, 40_000);

  /** What ticks add up to, each rate over the time since the tick before. */
  const added = (key: "networkReceivedBytesPerSecond" | "diskReadBytesPerSecond") =>
    ticks.reduce((sum, { time, samples }, index) => sum + (samples[0]?.[key] ?? 0) * ((time - (ticks[index - 1]?.time ?? time)) / 1000), 0);

  it("add up to what was sent to it over the network", async (context) => {
    const bytes = 50_000_000;
    const listening = lxc.runAside("lxc-attach", "-n", "busy", "--", "sh", "-c", "timeout 20 nc -l -p 9000 > /dev/null").catch(() => {});
    const address = await vi
      .waitFor(() => lxc.reader.readOne("busy")?.ipv4[0] ?? Promise.reject(new Error("no address")), { timeout: 8_000, interval: 200 })
      .catch(() => undefined);
    if (address === undefined) return context.skip("the container was given no address by this host's bridge");
    metrics.watch(["busy"], 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(2));
    const before = added("networkReceivedBytesPerSecond");
    // At an even pace: what a tick's time is off by then cancels out.
    const socket = connect(9000, address);
    for (let sent = 0; sent < bytes; sent += bytes / 50) {
      socket.write(Buffer.alloc(bytes / 50));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    socket.end();
    await listening;
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count + 1));
    // Headers come on top, of large packets only a few.
    expect(Math.abs(added("networkReceivedBytesPerSecond") - before - bytes) / bytes).toBeLessThan(0.02);
    expect(sampleOf("busy")?.interfaces?.map(({ name }) => name)).toEqual(["eth0"]);
  }, 40_000);

  it("add up to what it has read from a disk", async (context) => {
    const { dev } = statSync(lxc.lxcPath);
    // The numbers of a device in the 64 bits of a stat (gnu_dev_major(3)), of which Node shows them all.
    const device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
    const { blkio } = cgroupsOf("idle");
    if (device.startsWith("0:")) return context.skip("the test's folder lies on no block device");
    if (existsSync(join(blkio ?? "", "blkio.throttle.read_bps_device"))) {
      // v1 counts from the first limit on.
      writeFileSync(join(blkio ?? "", "blkio.throttle.read_bps_device"), `${device} 100000000000`);
    }
    const bytes = 100 * 1024 * 1024;
    execFileSync("dd", ["if=/dev/zero", `of=${join(lxc.lxcPath, "idle/rootfs/large")}`, "bs=1M", "count=100", "oflag=direct"], {
      stdio: "ignore",
    });
    metrics.watch(["idle"], 500, onTick);
    await until(() => expect(ticks.length).toBeGreaterThan(2));
    if (sampleOf("idle")?.missing?.disk !== undefined) return context.skip("this host does not count what containers read");
    const before = added("diskReadBytesPerSecond");
    const piece = "dd if=/large of=/dev/null bs=1M iflag=direct count=2 skip=$((part * 2)) 2> /dev/null; sleep 0.1";
    const evenly = `part=0; while [ $part -lt 50 ]; do ${piece}; part=$((part + 1)); done`;
    await lxc.runAside("lxc-attach", "-n", "idle", "--", "sh", "-c", evenly);
    const count = ticks.length;
    await until(() => expect(ticks.length).toBeGreaterThan(count + 1));
    expect(Math.abs(added("diskReadBytesPerSecond") - before - bytes) / bytes).toBeLessThan(0.02);
    rmSync(join(lxc.lxcPath, "idle/rootfs/large"));
  }, 40_000);

  it("of the computer are told beside them, and are no container's", async () => {
    metrics.watch(["idle"], 500, onTick, true);
    await until(() => expect(ticks.at(-1)?.host?.cpuPercent).toBeGreaterThan(0));
    const total = Number(/^MemTotal: +(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) * 1024;
    expect(ticks.at(-1)?.host).toMatchObject({ cpuLimit: availableParallelism(), memoryLimitBytes: total });
    expect(ticks.at(-1)?.host?.memoryBytes).toBeLessThan(total);
    expect(ticks.at(-1)?.host?.threads).toBeGreaterThan(ticks.at(-1)?.host?.processes ?? Number.NaN);
    expect(sampleOf("idle")?.memoryBytes).toBeLessThan(ticks.at(-1)?.host?.memoryBytes ?? 0);
  });

  it("leave nothing open behind, however often a container starts and stops", async () => {
    lxc.makeContainer("cycled");
    const config = join(lxc.lxcPath, "cycled/config");
    writeFileSync(config, `${readFileSync(config, "utf8").replace(/^lxc\.net\..*$/gm, "")}\nlxc.net.0.type = empty\n`);
    const descriptors = () => readdirSync("/proc/self/fd").length;
    metrics.record(5_000, () => {});
    metrics.watch("running", 500, onTick);
    await until(() => expect(told()).toHaveLength(2));
    const before = descriptors();
    let timesMetered = 0;
    // Starting takes seconds where the processor is emulated.
    const cycles = slowness > 1 ? 20 : 200;
    for (let cycle = 0; cycle < cycles; cycle++) {
      await lxc.runAside("lxc-start", "-d", "-n", "cycled");
      // Its start is noticed a moment later, which only some of these wait for.
      if (cycle % 10 === 0) await until(() => expect(told()).toContain("cycled"));
      if (descriptors() > before) timesMetered += 1;
      await lxc.runAside("lxc-stop", "-k", "-n", "cycled");
    }
    await until(() => expect(told().sort()).toEqual(["busy", "idle"]));
    await until(() => expect(descriptors()).toBe(before));
    expect(timesMetered).toBeGreaterThan(cycles / 20);
  }, 180_000);
});
