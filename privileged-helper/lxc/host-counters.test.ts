import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { disksOf, interfacesOf, openHostCounters } from "./host-counters.ts";

describe("the counters of a computer", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "host-counters-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (path: string, text = "") => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const sysFolder = () => join(folder, "sys");
  const read = () => {
    const counters = openHostCounters({ procFolder: join(folder, "proc"), sysFolder: sysFolder(), hostCpus: 2, hostMemoryBytes: 4096_000 });
    try {
      return { counters: counters.read(), missing: counters.missing };
    } finally {
      counters.close();
    }
  };

  it("are told in the words of a container's", () => {
    put("proc/stat", "cpu  100 10 50 9999 500 3 2 70 40 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
    put(
      "proc/meminfo",
      "MemTotal: 4000 kB\nMemFree: 100 kB\nMemAvailable: 1500 kB\nActive(file): 300 kB\nInactive(file): 700 kB\nAnonPages: 1200 kB\nSReclaimable: 30 kB\nSUnreclaim: 20 kB\nKernelStack: 5 kB\nPageTables: 5 kB\nSwapTotal: 1000 kB\nSwapFree: 400 kB\n",
    );
    put("proc/vmstat", "nr_free_pages 5\noom_kill 3\n");
    put(
      "proc/diskstats",
      "   8       0 sda 10 0 100 0 20 0 200 0 0 0 0\n   8       1 sda1 10 0 100 0 20 0 200 0 0 0 0\n 253       0 dm-0 10 0 100 0 20 0 200 0 0 0 0\n",
    );
    put("sys/block/sda/size");
    put("sys/block/dm-0/slaves/sda/size");
    put("proc/1/net/dev", "a\nb\neth0: 10 1 0 2 0 0 0 0 20 3 0 4 0 0 0 0\nveth1: 99 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n");
    put("sys/class/net/eth0/device/vendor");
    put("sys/class/net/veth1/address");
    put("proc/loadavg", "0.10 0.20 0.30 3/456 7890\n");
    put("proc/sys/kernel/threads-max", "31000\n");
    for (const name of ["cpu", "memory", "io"]) put(`proc/pressure/${name}`, "some avg10=0.00 avg60=0.00 avg300=0.00 total=77\n");
    const { counters, missing } = read();
    expect(missing).toEqual({});
    expect(counters).toEqual({
      cpuUserNanoseconds: 110e7,
      cpuSystemNanoseconds: 55e7,
      cpuNanoseconds: 165e7,
      cpuLimit: 2,
      // Without the inactive file cache it is what is not available.
      memoryUsageBytes: (4000 - 1500 + 700) * 1024,
      inactiveFileBytes: 700 * 1024,
      activeFileBytes: 300 * 1024,
      anonymousBytes: 1200 * 1024,
      kernelBytes: 60 * 1024,
      memoryLimitBytes: 4096_000,
      swapBytes: 600 * 1024,
      swapLimitBytes: 1000 * 1024,
      oomKills: 3,
      diskReads: 10,
      diskReadBytes: 51_200,
      diskWrites: 20,
      diskWriteBytes: 102_400,
      networkReceivedBytes: 10,
      networkSentBytes: 20,
      networkReceivedPackets: 1,
      networkSentPackets: 3,
      networkDrops: 6,
      interfaces: [{ name: "eth0", receivedBytes: 10, sentBytes: 20, receivedPackets: 1, sentPackets: 3, drops: 6 }],
      processes: 1,
      threads: 456,
      processesLimit: 31_000,
      cpuPressureMicroseconds: 77,
      memoryPressureMicroseconds: 77,
      diskPressureMicroseconds: 77,
    });
  });

  it("are absent where the kernel does not count, with the reason", () => {
    put("proc/stat", "cpu  1 0 0 0 0 0 0 0 0 0\n");
    const { counters, missing } = read();
    expect(counters).toEqual({
      cpuUserNanoseconds: 1e7,
      cpuSystemNanoseconds: 0,
      cpuNanoseconds: 1e7,
      cpuLimit: 2,
      memoryLimitBytes: 4096_000,
      processes: 0,
    });
    expect(Object.keys(missing).sort()).toEqual(["disk", "network", "pressure"]);
  });

  it("leave out disks in memory, and those that lie on others", () => {
    for (const name of ["loop0", "ram1", "zram0", "nvme0n1", "cciss!c0d0"]) put(`sys/block/${name}/size`);
    put("sys/block/md0/slaves/nvme0n1/size");
    expect(disksOf(sysFolder())).toEqual(new Set(["nvme0n1", "cciss/c0d0"]));
  });

  it("leave out bridges and the ends of containers, also where no interface has a device", () => {
    for (const path of ["lo/address", "eth0/address", "lxcbr0/bridge/age", "veth1/brport/age"]) put(`sys/class/net/${path}`);
    expect(interfacesOf(sysFolder())).toEqual(new Set(["lo", "eth0"]));
    put("sys/class/net/wlan0/device/vendor");
    expect(interfacesOf(sysFolder())).toEqual(new Set(["wlan0"]));
  });
});
