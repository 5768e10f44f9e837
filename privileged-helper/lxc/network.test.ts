import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Problem, ProblemError, toProblem } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import type { ContainerReader } from "./list.ts";
import {
  type Bridge,
  foreseeReservation,
  type NetworkFiles,
  randomMac,
  readBridge,
  releaseAddress,
  reservationsAreSetUp,
  reserveAddress,
  setUpReservations,
  undoNetworkSetup,
} from "./network.ts";
import { run } from "./run.ts";

/** The bridge of this computer is not started anew for a unit test. */
vi.mock("./run.ts", () => ({ run: vi.fn(async () => ({ exitCode: 0, output: "" })) }));

const bridge: Bridge = { name: "lxcbr0", address: "10.9.8.1", prefix: 24, rangeFirst: "10.9.8.2", rangeLast: "10.9.8.5" };

let folder: string;
let files: NetworkFiles;
let lxcPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-network-"));
  lxcPath = join(folder, "lxc");
  for (const name of ["etc", "state", "lxc"]) mkdirSync(join(folder, name));
  files = {
    defaults: [join(folder, "etc/lxc"), join(folder, "etc/lxc-net")],
    hosts: join(folder, "state/hosts"),
    dnsmasqConf: join(folder, "etc/ours.conf"),
    leases: join(folder, "BRIDGE.leases"),
    pid: join(folder, "dnsmasq.pid"),
  };
  mkdirSync(files.hosts);
  vi.mocked(run).mockClear();
});
afterEach(() => rmSync(folder, { recursive: true }));

const task = {
  step() {},
  output() {},
  notice() {},
  command() {},
  onUndo() {},
  critical: (work) => work(),
  signal: new AbortController().signal,
} satisfies TaskContext;
const reader = (claimed: string[] = [], running: string[] = []) =>
  ({
    readClaims: () => ({ ipv4: new Set(claimed), idRanges: [], ofImages: new Map() }),
    readAll: () => [{ ipv4: running }],
  }) as unknown as ContainerReader;
const reserve = (name: string, from = reader(), path = lxcPath) => reserveAddress({ lxcPath: path, reader: from }, name, bridge, files);
/** A container that is there, or being made. */
const addContainer = (name: string) => mkdirSync(join(lxcPath, name));
const problemOf = (work: () => unknown): Problem | undefined => {
  try {
    work();
  } catch (thrown) {
    return toProblem(thrown);
  }
  return undefined;
};
const reserved = () => readdirSync(files.hosts).sort();
const settingsFile = () => files.defaults[1] ?? "";
const settings = () => readFileSync(settingsFile(), "utf8");

describe("reserving an address", () => {
  it("writes what dnsmasq reads, and tells what the container's configuration needs", () => {
    const reservation = reserve("web");
    expect(reservation).toEqual({
      // LXC's own range, and the address.
      mac: "00:16:3e:09:08:02",
      address: "10.9.8.2",
      prefix: 24,
      broadcast: "10.9.8.255",
      gateway: "10.9.8.1",
    });
    expect(readFileSync(join(files.hosts, "10.9.8.2"), "utf8")).toMatch(new RegExp(`^${reservation.mac},10\\.9\\.8\\.2,10m # `));
  });

  it("lets the server's own user read it", () => {
    reserve("web");
    expect(statSync(join(files.hosts, "10.9.8.2")).mode & 0o777).toBe(0o644);
  });

  it("gives each container another address", () => {
    expect(["a", "b", "c"].map((name) => reserve(name).address)).toEqual(["10.9.8.2", "10.9.8.3", "10.9.8.4"]);
  });

  it("leaves out what is in a configuration, in use, leased, or the bridge's own", () => {
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    writeFileSync(
      join(folder, "lxcbr0.leases"),
      [
        `${inAnHour} 00:16:3e:aa:bb:cc 10.9.8.4 other *`,
        "0 00:16:3e:aa:bb:cd 10.9.8.6 forever *",
        "1700000000 00:16:3e:aa:bb:ce 10.9.8.7 gone *",
        "",
      ].join("\n"),
    );
    const within = { ...bridge, address: "10.9.8.2", rangeFirst: "10.9.8.2", rangeLast: "10.9.8.9" };
    const from = reader(["10.9.8.3"], ["10.9.8.5"]);
    expect(reserveAddress({ lxcPath, reader: from }, "web", within, files).address).toBe("10.9.8.7");
  });

  it("is foreseen as it is made then, and nothing is reserved before", () => {
    const foresee = () => foreseeReservation({ lxcPath, reader: reader() }, bridge, files);
    const [first, other] = [foresee(), foresee()];
    expect(other).toEqual(first);
    expect(reserved()).toEqual([]);
    expect(reserve("web")).toEqual(first);
    addContainer("web");
    expect(foresee().address).toBe("10.9.8.3");
    // Its container was removed by somebody else, and the next one gets its address.
    rmSync(join(lxcPath, "web"), { recursive: true });
    expect(foresee()).toEqual(first);
  });

  it("gives out again what destroyed containers had, although the server has a lease on it, with the MAC that the lease is for", () => {
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const seen = new Set<string>();
    // More containers than the range has addresses, one after the other.
    for (let count = 0; count < 20; count++) {
      const { address, mac } = reserve("short-lived");
      writeFileSync(join(folder, "lxcbr0.leases"), `${inAnHour} ${mac} ${address} * 01:${mac}\n`, { flag: "a" });
      seen.add(`${address} ${mac}`);
      releaseAddress(lxcPath, "short-lived", files);
    }
    expect([...seen]).toEqual(["10.9.8.2 00:16:3e:09:08:02"]);
  });

  it("says so where the range is used up", () => {
    for (const name of ["a", "b", "c", "d"]) {
      addContainer(name);
      reserve(name);
    }
    expect(problemOf(() => reserve("e"))).toEqual({
      code: "not-supported",
      what: "Every address of lxcbr0 (10.9.8.2 to 10.9.8.5) is taken.",
    });
  });

  it("takes addresses back from containers that were removed by other means, and not from those of other folders", () => {
    const other = join(folder, "other");
    addContainer("kept");
    reserve("kept");
    reserve("removed");
    reserve("theirs", reader(), other);
    reserve("being-made");
    addContainer("being-made");
    expect(reserve("next").address).toBe("10.9.8.3");
    expect(reserved()).toEqual(["10.9.8.2", "10.9.8.3", "10.9.8.4", "10.9.8.5"]);
  });

  it("knows the broadcast address of other sizes of networks", () => {
    const small = { ...bridge, prefix: 30 };
    const large = { ...bridge, address: "10.9.0.1", prefix: 16 };
    expect(reserveAddress({ lxcPath, reader: reader() }, "small", small, files).broadcast).toBe("10.9.8.3");
    expect(reserveAddress({ lxcPath, reader: reader() }, "large", large, files).broadcast).toBe("10.9.255.255");
  });
});

describe("giving an address back", () => {
  it("removes that container's reservation and no other", () => {
    for (const name of ["web", "web2"]) reserve(name);
    reserve("web", reader(), join(folder, "other"));
    releaseAddress(lxcPath, "web", files);
    expect(reserved()).toEqual(["10.9.8.3", "10.9.8.4"]);
  });

  it("does nothing where there is none, not even the folder", () => {
    rmSync(files.hosts, { recursive: true });
    releaseAddress(lxcPath, "web", files);
  });

  it("never signals a process that is not the server", () => {
    writeFileSync(files.pid, `${process.pid}\n`);
    const kill = vi.spyOn(process, "kill");
    reserve("web");
    releaseAddress(lxcPath, "web", files);
    expect(kill).not.toHaveBeenCalled();
    kill.mockRestore();
  });
});

describe("setting up", () => {
  it("adds one line to lxc-net's settings and starts the server anew", async () => {
    writeFileSync(settingsFile(), 'USE_LXC_BRIDGE="true"\n');
    await setUpReservations(task, files);
    expect(settings()).toMatch(new RegExp(`^USE_LXC_BRIDGE="true"\nLXC_DHCP_CONFILE=${files.dnsmasqConf} # added by LXC Desktop[^\n]*\n$`));
    expect(readFileSync(files.dnsmasqConf, "utf8")).toBe(`# Written by LXC Desktop.\ndhcp-hostsdir=${files.hosts}\n`);
    expect(vi.mocked(run).mock.calls.length).toBeGreaterThan(0);
  });

  it("makes settings where there were none", async () => {
    await setUpReservations(task, files);
    expect(settings()).toMatch(/^LXC_DHCP_CONFILE=/);
  });

  it("adds the line once, however often it is needed", async () => {
    await Promise.all([setUpReservations(task, files), setUpReservations(task, files)]);
    await setUpReservations(task, files);
    expect(settings().match(/LXC_DHCP_CONFILE/g)).toHaveLength(1);
  });

  it("keeps a configuration of the administrator's own in force, also the second time", async () => {
    const own = join(folder, "etc/own.conf");
    writeFileSync(own, "domain=example\n");
    writeFileSync(settingsFile(), `LXC_DHCP_CONFILE="${own}"`);
    for (let times = 0; times < 2; times++) {
      await setUpReservations(task, files);
      expect(readFileSync(files.dnsmasqConf, "utf8")).toContain(`conf-file=${own}\n`);
      expect(settings().split("\n")[0]).toBe(`LXC_DHCP_CONFILE="${own}"`);
    }
  });

  it("keeps what others may not read away from the server's user", async () => {
    await setUpReservations(task, files);
    expect((statSync(join(folder, "state")).mode & 0o777).toString(8)).toBe("711");
    expect((statSync(files.hosts).mode & 0o777).toString(8)).toBe("755");
  });

  it("is taken back where the server does not start with it", async () => {
    writeFileSync(settingsFile(), "LXC_ADDR=10.9.8.1\n");
    const problem: Problem = { code: "timed-out", what: "lxc-net", seconds: 60 };
    vi.mocked(run).mockRejectedValueOnce(new ProblemError(problem));
    await expect(setUpReservations(task, files)).rejects.toMatchObject({ problem });
    expect(settings()).toBe("LXC_ADDR=10.9.8.1\n");
    expect(existsSync(files.dnsmasqConf)).toBe(false);
    expect(vi.mocked(run).mock.calls.length).toBeGreaterThan(1);
  });

  it("leaves no settings behind that were not there, where the server does not start with it", async () => {
    vi.mocked(run).mockRejectedValueOnce(new Error("no"));
    await expect(setUpReservations(task, files)).rejects.toThrow("no");
    expect(existsSync(settingsFile())).toBe(false);
  });

  it("counts only once the running server uses it", async () => {
    await setUpReservations(task, files);
    expect(reservationsAreSetUp(files)).toBe(false);
    writeFileSync(files.pid, `${process.pid}\n`);
    expect(reservationsAreSetUp(files)).toBe(false);
  });

  it("is undone to the byte", async () => {
    const before = 'USE_LXC_BRIDGE="true"\n\n# a comment\n#LXC_DHCP_CONFILE=/etc/dnsmasq.conf';
    writeFileSync(settingsFile(), `${before}\n`);
    await setUpReservations(task, files);
    reserve("web");
    await undoNetworkSetup(task, files);
    expect(settings()).toBe(`${before}\n`);
    expect([existsSync(files.hosts), existsSync(files.dnsmasqConf)]).toEqual([false, false]);
  });

  it("is undone without touching anything where it was never done", async () => {
    rmSync(files.hosts, { recursive: true });
    writeFileSync(settingsFile(), "LXC_ADDR=10.9.8.1");
    await undoNetworkSetup(task, files);
    expect(settings()).toBe("LXC_ADDR=10.9.8.1");
    expect(run).not.toHaveBeenCalled();
  });
});

describe("LXC's bridge", () => {
  it("is not there where lxc-net is told not to make it", () => {
    writeFileSync(settingsFile(), "USE_LXC_BRIDGE=false\n");
    expect(readBridge(files)).toBeUndefined();
  });

  it("is not there where it has no device, or settings that make no sense", () => {
    writeFileSync(settingsFile(), "LXC_BRIDGE=nowhere0\n");
    expect(readBridge(files)).toBeUndefined();
    writeFileSync(settingsFile(), "LXC_DHCP_RANGE=10.0.3.2\n");
    expect(readBridge(files)).toBeUndefined();
    writeFileSync(settingsFile(), "LXC_NETMASK=$(date)\n");
    expect(readBridge(files)).toBeUndefined();
  });

  it.skipIf(!existsSync("/sys/class/net/lxcbr0/bridge"))("is as lxc-net's settings say, later ones over earlier ones", () => {
    writeFileSync(files.defaults[0] ?? "", 'USE_LXC_BRIDGE="false"  # overridden\nLXC_ADDR=10.1.0.1\n');
    writeFileSync(
      settingsFile(),
      "USE_LXC_BRIDGE='true'\n#LXC_ADDR=10.2.0.1\n  LXC_NETMASK=255.255.240.0 # wide\nLXC_DHCP_RANGE=\"10.1.0.9,10.1.15.254\"",
    );
    expect(readBridge(files)).toEqual({
      name: "lxcbr0",
      address: "10.1.0.1",
      prefix: 20,
      rangeFirst: "10.1.0.9",
      rangeLast: "10.1.15.254",
    });
  });
});

describe("a random MAC", () => {
  it("is one of LXC's range, and another one each time", () => {
    const macs = Array.from({ length: 100 }, randomMac);
    expect(macs.every((mac) => /^00:16:3e(:[0-9a-f]{2}){3}$/.test(mac))).toBe(true);
    expect(new Set(macs).size).toBe(100);
  });
});
