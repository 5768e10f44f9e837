import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  countCpus,
  parseCpu,
  parseCpuParts,
  parseDisk,
  parseMemoryEvents,
  parseMemoryStat,
  parseNetworkDevices,
  parsePressure,
  parseQuota,
  parseStackedMajors,
  parseThrottled,
} from "./counter-parsers.ts";
import { openCounters } from "./counters.ts";

const recorded = fileURLToPath(new URL("testdata/counters/", import.meta.url));
const gibibyte = 1024 ** 3;
/** What the only interface of the containers below has counted. */
const ofEth0 = {
  networkReceivedBytes: 10,
  networkSentBytes: 20,
  networkReceivedPackets: 0,
  networkSentPackets: 0,
  networkDrops: 0,
  interfaces: [{ name: "eth0", receivedBytes: 10, sentBytes: 20, receivedPackets: 0, sentPackets: 0, drops: 0 }],
};

describe("parsers", () => {
  it("takes CPU time as nanoseconds in both versions", () => {
    expect(parseCpu("cpuacct.usage", "123456789\n")).toBe(123456789);
    expect(parseCpu("cpu.stat", "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n")).toBe(2_500_000);
    expect(parseCpu("cpu.stat", "nr_periods 0\n")).toBeUndefined();
  });

  it("prefers figures that include cgroups below, which only v1 tells apart", () => {
    const v1 =
      "cache 8192\ninactive_file 1\nactive_file 2\nhierarchical_memory_limit 1048576\ntotal_inactive_file 4096\ntotal_active_file 512\n";
    expect(parseMemoryStat(v1)).toEqual({ stat: { inactiveFileBytes: 4096, activeFileBytes: 512 }, limitBytes: 1048576 });
    expect(parseMemoryStat("anon 1\ninactive_file 10\nactive_file 20\nkernel 5\nslab 3\n")).toEqual({
      stat: { inactiveFileBytes: 10, activeFileBytes: 20, anonymousBytes: 1, kernelBytes: 5 },
    });
  });

  it("adds up what older kernels tell of their own memory in parts", () => {
    expect(parseMemoryStat("anon 1\nkernel_stack 10\nslab 20\nsock 3\n").stat).toEqual({ anonymousBytes: 1, kernelBytes: 33 });
  });

  it("takes the time in programs and in the kernel in the units of each version", () => {
    expect(parseCpuParts("cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\n")).toEqual({
      cpuUserNanoseconds: 3000,
      cpuSystemNanoseconds: 2000,
    });
    expect(parseCpuParts("cpuacct.stat", "user 7\nsystem 2\n")).toEqual({ cpuUserNanoseconds: 7e7, cpuSystemNanoseconds: 2e7 });
  });

  it("takes how long a quota has held it up, in the units of each version", () => {
    expect(parseThrottled("nr_periods 1\nnr_throttled 1\nthrottled_time 5000\n")).toBe(5000);
    expect(parseThrottled("usage_usec 1\nnr_throttled 1\nthrottled_usec 5\n")).toBe(5000);
    expect(parseThrottled("usage_usec 1\n")).toBeUndefined();
  });

  it("takes kills and limits that were hit from both versions", () => {
    expect(parseMemoryEvents("memory.events", "low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 1\n")).toEqual({
      memoryLimitHits: 4,
      oomKills: 2,
    });
    expect(parseMemoryEvents("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", "9\n")).toEqual({
      memoryLimitHits: 9,
      oomKills: 2,
    });
    // Before Linux 4.13 v1 did not count kills.
    expect(parseMemoryEvents("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", "9\n")).toEqual({ memoryLimitHits: 9 });
  });

  it("adds up disks, and counts nothing twice that passed through a device on top of them", () => {
    const stacked = parseStackedMajors("Character devices:\n  7 vcs\n\nBlock devices:\n  7 loop\n  8 sd\n253 device-mapper\n259 blkext\n");
    expect(stacked).toEqual(new Set([7, 253]));
    const v2 =
      "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n253:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n";
    expect(parseDisk("io.stat", v2, stacked)).toEqual({ diskReadBytes: 101, diskWriteBytes: 22, diskReads: 1, diskWrites: 1 });
    const v1 = "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 0\n8:0 Total 4608\n253:0 Read 4096\nTotal 8704\n";
    expect(parseDisk("blkio.throttle.io_service_bytes", v1, stacked)).toEqual({ diskReadBytes: 4096, diskWriteBytes: 512 });
    expect(parseDisk("io.stat", "", stacked)).toEqual({ diskReadBytes: 0, diskWriteBytes: 0, diskReads: 0, diskWrites: 0 });
  });

  it("adds up interfaces without the loopback, however narrow the columns are", () => {
    const text = [
      "Inter-|   Receive                                                |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
      "    lo:  999       1    0    0    0     0          0         0      999       1    0    0    0     0       0          0",
      "  eth0:1500      10    0    2    0     0          0         0      700       8    0    1    0     0       0          0",
      "  eth1: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0",
      "",
    ].join("\n");
    expect(parseNetworkDevices(text)).toEqual({
      networkReceivedBytes: 1505,
      networkSentBytes: 706,
      networkReceivedPackets: 11,
      networkSentPackets: 9,
      networkDrops: 3,
      interfaces: [
        { name: "eth0", receivedBytes: 1500, sentBytes: 700, receivedPackets: 10, sentPackets: 8, drops: 3 },
        { name: "eth1", receivedBytes: 5, sentBytes: 6, receivedPackets: 1, sentPackets: 1, drops: 0 },
      ],
    });
    expect(parseNetworkDevices(text, (name) => name === "eth1")).toMatchObject({ networkReceivedBytes: 5 });
  });

  it("takes how long some process waited, not how long all did", () => {
    const some = "some avg10=1.23 avg60=0.50 avg300=0.10 total=123456\n";
    expect(parsePressure(`${some}full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n`)).toBe(123456);
    expect(parsePressure("full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n")).toBeUndefined();
    expect(parsePressure(undefined)).toBeUndefined();
  });

  it("counts the CPUs of a list", () => {
    expect(countCpus("0-3,8\n")).toBe(5);
    expect(countCpus("2")).toBe(1);
    expect(countCpus("\n")).toBeUndefined();
  });

  it("takes no quota for none", () => {
    expect(parseQuota("50000\n", "100000\n")).toBe(0.5);
    expect(parseQuota("150000 100000\n")).toBe(1.5);
    expect(parseQuota("max 100000\n")).toBeUndefined();
    expect(parseQuota("-1\n", "100000\n")).toBeUndefined();
    expect(parseQuota(undefined, undefined)).toBeUndefined();
  });
});

describe("a container's counters", () => {
  let folder: string;
  let time: number;
  const closers: (() => void)[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "counters-"));
    time = 0;
    put("proc/devices", "Block devices:\n253 device-mapper\n");
    link("proc/self/ns/net", "net:[1]");
    link("init/ns/net", "net:[2]");
    put("init/net/dev", "a\nb\neth0: 10 0 0 0 0 0 0 0 20 0 0 0 0 0 0 0\n");
  });
  afterEach(() => {
    for (const close of closers.splice(0)) close();
    rmSync(folder, { recursive: true });
  });

  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const link = (path: string, target: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  };
  const open = (cgroups: Parameters<typeof openCounters>[0]["cgroups"]) => {
    const counters = openCounters({
      cgroups,
      initFolder: join(folder, "init"),
      procFolder: join(folder, "proc"),
      clock: () => time,
      hostCpus: 4,
      hostMemoryBytes: 8 * gibibyte,
    });
    closers.push(() => counters.close());
    return counters;
  };
  const openUnified = () => {
    const unified = join(folder, "cgroup");
    return open({ unified, cpu: unified, cpuset: unified, memory: unified, pids: unified, blkio: unified });
  };

  it("come from one folder on cgroup v2", () => {
    put("cgroup/cpu.stat", "usage_usec 10\nuser_usec 6\nsystem_usec 4\nnr_periods 2\nnr_throttled 1\nthrottled_usec 7\n");
    put("cgroup/cpu.max", "150000 100000\n");
    put("cgroup/cgroup.procs", "10\n11\n");
    put("cgroup/system.slice/cgroup.procs", "12\n");
    put("cgroup/memory.swap.current", "50\n");
    put("cgroup/memory.swap.max", "500\n");
    put("cgroup/memory.events", "low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\n");
    put("cgroup/cpuset.cpus.effective", "0-2\n");
    put("cgroup/memory.current", "1000\n");
    put("cgroup/memory.stat", "anon 500\nkernel 90\ninactive_file 300\nactive_file 100\n");
    put("cgroup/memory.max", "2000000\n");
    put("cgroup/pids.current", "7\n");
    put("cgroup/pids.max", "100\n");
    put("cgroup/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
    for (const [name, total] of Object.entries({ cpu: 30, memory: 40, io: 50 })) {
      put(`cgroup/${name}.pressure`, `some avg10=0.00 avg60=0.00 avg300=0.00 total=${total}\n`);
    }
    expect(openUnified().read()).toEqual({
      ...ofEth0,
      cpuNanoseconds: 10_000,
      cpuUserNanoseconds: 6_000,
      cpuSystemNanoseconds: 4_000,
      cpuThrottledNanoseconds: 7_000,
      anonymousBytes: 500,
      kernelBytes: 90,
      swapBytes: 50,
      swapLimitBytes: 500,
      memoryLimitHits: 4,
      oomKills: 2,
      threads: 7,
      diskReads: 3,
      diskWrites: 4,
      cpuLimit: 1.5,
      memoryUsageBytes: 1000,
      inactiveFileBytes: 300,
      activeFileBytes: 100,
      memoryLimitBytes: 2_000_000,
      processes: 3,
      processesLimit: 100,
      diskReadBytes: 1,
      diskWriteBytes: 2,
      cpuPressureMicroseconds: 30,
      memoryPressureMicroseconds: 40,
      diskPressureMicroseconds: 50,
    });
  });

  it("come from a folder per controller on cgroup v1, as a kernel wrote them", () => {
    const v1 = (controller: string) => join(recorded, "v1", controller);
    const counters = open({
      cpuacct: v1("cpuacct"),
      cpu: v1("cpu"),
      cpuset: v1("cpuset"),
      memory: v1("memory"),
      pids: v1("pids"),
      blkio: v1("blkio"),
    });
    expect(counters.read()).toEqual({
      cpuNanoseconds: 18975396,
      cpuLimit: 1,
      memoryUsageBytes: 1040384,
      inactiveFileBytes: 16384,
      activeFileBytes: 20480,
      memoryLimitBytes: 67108864,
      threads: 5,
      processesLimit: 200,
      anonymousBytes: 270336,
      cpuThrottledNanoseconds: 0,
      ...ofEth0,
    });
  });

  it("are absent, not 0, where there is no controller or no limit", () => {
    put("cgroup/cpu.stat", "usage_usec 10\n");
    put("cgroup/memory.current", "1000\n");
    put("cgroup/memory.max", "max\n");
    put("cgroup/pids.max", "max\n");
    expect(openUnified().read()).toEqual({ ...ofEth0, cpuNanoseconds: 10_000, memoryUsageBytes: 1000, cpuLimit: 4 });
  });

  it("have no disk figures on a v1 kernel that does not count them, and else those of cgroups below as well", () => {
    put("blkio/blkio.throttle.io_service_bytes", "Total 0\n");
    put("blkio/web/blkio.throttle.io_service_bytes", "Total 0\n");
    put("blkio/web/blkio.throttle.io_service_bytes_recursive", "8:0 Read 30\n8:0 Write 40\nTotal 70\n");
    const blkio = join(folder, "blkio/web");
    expect(open({ blkio }).read()).not.toHaveProperty("diskReadBytes");
    put("blkio/blkio.throttle.io_service_bytes", "8:0 Read 1000\n8:0 Write 1000\nTotal 2000\n");
    expect(open({ blkio }).read()).toMatchObject({ diskReadBytes: 30, diskWriteBytes: 40 });
  });

  it("leave the network out where it is the host's", () => {
    rmSync(join(folder, "init/ns/net"));
    link("init/ns/net", "net:[1]");
    expect(openUnified().read()).not.toHaveProperty("networkReceivedBytes");
  });

  it("take no limit from one above the memory that there is", () => {
    put("cgroup/memory.max", `${9 * gibibyte}\n`);
    expect(openUnified().read()).not.toHaveProperty("memoryLimitBytes");
  });

  it("are read anew each time, also when a file has grown", () => {
    put("cgroup/pids.current", "7\n");
    put("cgroup/io.stat", "8:0 rbytes=1 wbytes=2\n");
    const counters = openUnified();
    expect(counters.read()?.threads).toBe(7);
    put("cgroup/pids.current", "12\n");
    for (let disk = 1; disk <= 1000; disk += 1)
      appendFileSync(join(folder, "cgroup/io.stat"), `8:${disk * 16} rbytes=1 wbytes=2 rios=1 wios=1\n`);
    expect(counters.read()).toMatchObject({ threads: 12, diskReadBytes: 1001, diskWriteBytes: 2002 });
  });

  it("read what is costly or hardly changes less often", () => {
    put("cgroup/memory.current", "1000\n");
    put("cgroup/memory.stat", "inactive_file 300\n");
    put("cgroup/pids.max", "100\n");
    const counters = openUnified();
    counters.read();
    put("cgroup/memory.stat", "inactive_file 400\n");
    put("cgroup/pids.max", "200\n");
    time = 1_000;
    expect(counters.read()).toMatchObject({ inactiveFileBytes: 300, processesLimit: 100 });
    time = 2_000;
    expect(counters.read()).toMatchObject({ inactiveFileBytes: 400, processesLimit: 100 });
    time = 60_000;
    expect(counters.read()).toMatchObject({ processesLimit: 200 });
  });

  it("read no more than the CPU's and the network's while it rests, and all again as soon as it does something, or at times", () => {
    const putOwn = (microseconds: number, memory: number) => {
      put("cgroup/cpu.stat", `usage_usec ${microseconds}\n`);
      put("cgroup/memory.current", `${memory}\n`);
    };
    putOwn(500, 1_000);
    const counters = openUnified();
    expect(counters.read()).toMatchObject({ cpuNanoseconds: 500_000, memoryUsageBytes: 1_000 });
    time = 1_000;
    // That it rests is known from now on.
    counters.read();
    putOwn(500, 2_000);
    time = 5_000;
    expect(counters.read()).toMatchObject({ cpuNanoseconds: 500_000, memoryUsageBytes: 1_000 });
    putOwn(501, 2_000);
    expect(counters.read()).toMatchObject({ cpuNanoseconds: 501_000, memoryUsageBytes: 2_000 });
    putOwn(501, 3_000);
    time = 40_000;
    expect(counters.read()).toMatchObject({ memoryUsageBytes: 3_000 });
  });

  it("give the very same object as long as none has changed, whatever is read again", () => {
    put("cgroup/cpu.stat", "usage_usec 500\n");
    put("cgroup/memory.current", "1000\n");
    const counters = openUnified();
    const before = counters.read();
    for (time of [1_000, 35_000, 120_000]) expect(counters.read()).toBe(before);
    put("cgroup/memory.current", "1001\n");
    time = 160_000;
    expect(counters.read()).toEqual({ ...before, memoryUsageBytes: 1001 });
  });

  it("read no more than the CPU's at a glance while it rests, but all again at times, and the network's for whoever looks closely", () => {
    const receive = (bytes: number) => put("init/net/dev", `a\nb\neth0: ${bytes} 0 0 0 0 0 0 0 20 0 0 0 0 0 0 0\n`);
    put("cgroup/cpu.stat", "usage_usec 500\n");
    receive(100);
    const counters = openUnified();
    expect(counters.read("glance")).toMatchObject({ networkReceivedBytes: 100 });
    receive(200);
    time = 5_000;
    expect(counters.read("glance")).toMatchObject({ networkReceivedBytes: 100 });
    expect(counters.read()).toMatchObject({ networkReceivedBytes: 200 });
    receive(300);
    time = 64_999;
    expect(counters.read("glance")).toMatchObject({ networkReceivedBytes: 200 });
    time = 65_000;
    expect(counters.read("glance")).toMatchObject({ networkReceivedBytes: 300 });
    receive(400);
    put("cgroup/cpu.stat", "usage_usec 501\n");
    expect(counters.read("glance")).toMatchObject({ cpuNanoseconds: 501_000, networkReceivedBytes: 400 });
  });

  it("do not ask the kernel for the parts of memory of a container that rests with as much of it as before, but with its limits", () => {
    put("cgroup/cpu.stat", "usage_usec 500\n");
    put("cgroup/memory.current", "1000\n");
    put("cgroup/memory.stat", "inactive_file 300\n");
    const counters = openUnified();
    counters.read();
    put("cgroup/memory.stat", "inactive_file 400\n");
    time = 31_000;
    expect(counters.read()).toMatchObject({ inactiveFileBytes: 300 });
    put("cgroup/memory.current", "1100\n");
    time = 62_000;
    expect(counters.read()).toMatchObject({ inactiveFileBytes: 400, memoryUsageBytes: 1100 });
    put("cgroup/memory.stat", "inactive_file 500\n");
    time = 123_000;
    expect(counters.read()).toMatchObject({ inactiveFileBytes: 500 });
  });

  it("come from the files of v1 that have each figure, also where no kernel has recorded them yet", () => {
    const v1 = { cpuacct: join(folder, "a"), cpu: join(folder, "c"), memory: join(folder, "m"), pids: join(folder, "p") };
    put("a/cpuacct.usage", "100\n");
    put("a/cpuacct.stat", "user 7\nsystem 2\n");
    put("c/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 30\n");
    put("m/memory.usage_in_bytes", "1000\n");
    put("m/memory.memsw.usage_in_bytes", "1040\n");
    put("m/memory.kmem.usage_in_bytes", "60\n");
    put("m/memory.failcnt", "5\n");
    put("m/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    put(
      "m/memory.stat",
      "hierarchical_memory_limit 2000\nhierarchical_memsw_limit 3000\ntotal_rss 400\ntotal_swap 40\ntotal_inactive_file 1\ntotal_active_file 2\n",
    );
    put("p/cgroup.procs", "10\n");
    put("p/below/cgroup.procs", "11\n12\n");
    const counters = open(v1);
    expect(counters.read()).toMatchObject({
      cpuUserNanoseconds: 7e7,
      cpuSystemNanoseconds: 2e7,
      cpuThrottledNanoseconds: 30,
      kernelBytes: 60,
      anonymousBytes: 400,
      swapBytes: 40,
      swapLimitBytes: 1000,
      memoryLimitHits: 5,
      oomKills: 1,
      processes: 3,
    });
    expect(counters.missing).not.toHaveProperty("swap");
    rmSync(join(folder, "m/memory.memsw.usage_in_bytes"));
    const uncounted = open(v1);
    expect(uncounted.read()).not.toHaveProperty("swapBytes");
    expect(uncounted.missing.swap).toContain("swapaccount=1");
  });

  it("are without those that no list shows at a glance", () => {
    put("cgroup/cpu.stat", "usage_usec 10\nuser_usec 6\nsystem_usec 4\n");
    put("cgroup/memory.events", "max 4\noom_kill 2\n");
    const counters = openUnified();
    expect(counters.read("glance")).not.toHaveProperty("oomKills");
    expect(counters.read("full")).toMatchObject({ oomKills: 2, cpuUserNanoseconds: 6_000 });
  });

  it("say why there are none of some kind, and of the others nothing", () => {
    rmSync(join(folder, "init/ns/net"));
    link("init/ns/net", "net:[1]");
    put("cgroup/cpu.stat", "usage_usec 10\n");
    put("cgroup/memory.current", "1\n");
    put("cgroup/memory.swap.current", "1\n");
    put("cgroup/pids.current", "1\n");
    const { missing } = openUnified();
    expect(missing.network).toBe("It shares this computer's network.");
    expect(Object.keys(missing).sort()).toEqual(["disk", "network", "pressure"]);
    expect(missing.pressure).toContain("psi=1");
    put("proc/pressure/cpu", "some total=0\n");
    expect(openUnified().missing.pressure).toContain("version 2");
  });

  it("have the smallest limit of the cgroups that hold them", () => {
    put("cgroup/cpu.max", "50000 100000\n");
    put("cgroup/memory.max", "3000\n");
    put("cgroup/pids.max", "max\n");
    put("cgroup/inner/cpu.max", "max 100000\n");
    put("cgroup/inner/memory.max", "max\n");
    put("cgroup/inner/pids.max", "50\n");
    const inner = join(folder, "cgroup/inner");
    expect(open({ unified: inner, cpu: inner, memory: inner, pids: inner }).read()).toMatchObject({
      cpuLimit: 0.5,
      memoryLimitBytes: 3000,
      processesLimit: 50,
    });
  });

  it("count processes of many cgroups less often for a list than for whoever looks closely", () => {
    put("cgroup/cpu.stat", "usage_usec 1\n");
    put("cgroup/cgroup.procs", "1\n");
    for (let service = 0; service < 9; service++) put(`cgroup/service-${service}/cgroup.procs`, "");
    const counters = openUnified();
    expect(counters.read()).toMatchObject({ processes: 1 });
    put("cgroup/cgroup.procs", "1\n2\n");
    put("cgroup/cpu.stat", "usage_usec 2\n");
    time = 6_000;
    expect(counters.read()).toMatchObject({ processes: 1 });
    put("cgroup/cpu.stat", "usage_usec 3\n");
    expect(counters.read("close")).toMatchObject({ processes: 2 });
  });

  it("have usage and cache of the same time, also right after much of it has become cache and the container rests", () => {
    const hold = (microseconds: number, usage: number, inactive: number) => {
      put("cgroup/cpu.stat", `usage_usec ${microseconds}\n`);
      put("cgroup/memory.current", `${usage}\n`);
      put("cgroup/memory.stat", `inactive_file ${inactive}\n`);
    };
    hold(1, 5e6, 1e6);
    const counters = openUnified();
    counters.read();
    time = 500;
    hold(2, 505e6, 501e6);
    expect(counters.read()).toMatchObject({ memoryUsageBytes: 505e6, inactiveFileBytes: 501e6 });
    // The last it did is only seen by the next look.
    put("cgroup/memory.current", "605000000\n");
    put("cgroup/memory.stat", "inactive_file 601000000\n");
    time = 1_000;
    expect(counters.read()).toMatchObject({ memoryUsageBytes: 605e6, inactiveFileBytes: 601e6 });
  });

  it("say whether they were looked at or given on trust", () => {
    put("cgroup/cpu.stat", "usage_usec 1\n");
    const counters = openUnified();
    counters.read("glance");
    expect(counters.isFresh()).toBe(true);
    counters.read("glance");
    expect(counters.isFresh()).toBe(false);
    counters.read();
    expect(counters.isFresh()).toBe(true);
  });
});
