import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { lxcCgroupRoots } from "./lxc/cgroup.ts";
import { createContainerReader } from "./lxc/list.ts";
import { commandSocketName, parseListeningSockets } from "./lxc/monitors.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
beforeAll(() => {
  lxc = createRealLxc("list");
  lxc.makeContainer("one");
  lxc.makeContainer("two");
  lxc.run("lxc-copy", "-n", "two", "-N", "layer", "-s", "-B", "overlayfs");
});
afterAll(() => lxc.close());

const stateOf = (name: string) => lxc.reader.readOne(name)?.state;
/** Rows of `lxc-ls -f`: name -> state, IPv4, IPv6. */
const lxcLs = () =>
  new Map(
    lxc
      .run("lxc-ls", "--fancy", "--fancy-format", "NAME,STATE,IPV4,IPV6")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const [name = "", state, rest = ""] = /^(\S+)\s+(\S+)\s+(.*)$/.exec(line)?.slice(1) ?? [];
        return [name, { state: state?.toLowerCase(), addresses: rest.split(/[\s,]+/).filter((word) => word !== "-" && word !== "") }];
      }),
  );

describe("the list", () => {
  it("says what lxc-ls says, addresses included", async () => {
    lxc.run("lxc-start", "-n", "one");
    await vi.waitUntil(() => (lxc.reader.readOne("one")?.ipv4.length ?? 0) > 0, { timeout: 20_000, interval: 50 });
    const theirs = lxcLs();
    const ours = lxc.reader.readAll();
    expect(ours.map(({ name }) => name)).toEqual(["layer", "one", "two"]);
    for (const { name, state, ipv4, ipv6 } of ours) {
      expect({ state, addresses: [...ipv4, ...ipv6].sort() }, name).toEqual({
        state: theirs.get(name)?.state,
        addresses: theirs.get(name)?.addresses.sort(),
      });
    }
  });

  it("shows an address that is added inside", () => {
    lxc.inside("one", "ip", "addr", "add", "192.0.2.7/32", "dev", "eth0");
    lxc.inside("one", "ip", "addr", "add", "fd00:7::7/128", "dev", "eth0");
    const { ipv4, ipv6 } = lxc.reader.readOne("one") ?? {};
    expect(ipv4).toContain("192.0.2.7");
    // lxc-net of LXC 6 announces a network of its own.
    expect(ipv6?.filter((address) => !address.startsWith("fc42:5009:ba4b:5ab0:"))).toEqual(["fd00:7::7"]);
  });

  it("knows clones and what they are cloned from", () => {
    expect(lxc.reader.readOne("layer")).toMatchObject({ storage: "overlay", clonedFrom: "two", clones: [] });
    expect(lxc.reader.readOne("two")).toMatchObject({ storage: "dir", clones: ["layer"] });
  });

  it("names init's process and start as the kernel has them", () => {
    const { initPid, startedAt } = lxc.reader.readOne("one") ?? {};
    expect(initPid).toBe(Number(lxc.run("lxc-info", "-n", "one", "-p", "-H")));
    expect(Math.abs((startedAt ?? 0) - Date.now())).toBeLessThan(120_000);
  });

  it("follows a container through frozen, running and stopped", async () => {
    await lxc.freeze("one");
    expect(stateOf("one")).toBe("frozen");
    lxc.run("lxc-unfreeze", "-n", "one");
    expect(stateOf("one")).toBe("running");
    lxc.run("lxc-stop", "-k", "-n", "one");
    expect(stateOf("one")).toBe("stopped");
    expect(lxc.reader.readOne("one")?.ipv4).toEqual([]);
  });

  it("has no folder without a configuration, no link to a container, and no file", () => {
    mkdirSync(join(lxc.lxcPath, "empty"));
    symlinkSync(join(lxc.lxcPath, "one"), join(lxc.lxcPath, "link"));
    writeFileSync(join(lxc.lxcPath, "file"), "");
    expect(lxc.reader.readAll().map(({ name }) => name)).toEqual(["layer", "one", "two"]);
    expect(lxc.reader.readOne("link")).toBeUndefined();
    expect(lxc.reader.readOne("../one")).toBeUndefined();
    for (const name of ["empty", "link", "file"]) rmSync(join(lxc.lxcPath, name), { recursive: true });
  });

  it("shows a container with an unsafe name, and that it is not to be touched", () => {
    for (const name of ["$(touch x)", "a b", "-P", "ünsafe"]) {
      mkdirSync(join(lxc.lxcPath, name));
      writeFileSync(join(lxc.lxcPath, name, "config"), "lxc.uts.name = x\n");
      expect(lxc.reader.readOne(name), name).toMatchObject({ manageable: false, state: "stopped", note: expect.stringContaining("shell") });
      rmSync(join(lxc.lxcPath, name), { recursive: true });
    }
  });

  it("tells why a container cannot run: its configuration or its files are not there", () => {
    mkdirSync(join(lxc.lxcPath, "broken"));
    const config = join(lxc.lxcPath, "broken/config");
    writeFileSync(config, `lxc.rootfs.path = dir:${lxc.lxcPath}/broken/rootfs\n`);
    expect(lxc.reader.readOne("broken")).toMatchObject({ state: "error", note: expect.stringContaining("rootfs") });
    rmSync(config);
    symlinkSync("/etc/shadow", config);
    expect(lxc.reader.readOne("broken")).toMatchObject({ state: "error", privileged: true });
    rmSync(join(lxc.lxcPath, "broken"), { recursive: true });
  });
});

describe("containers of the same name in two folders", () => {
  // So long that the command socket's name holds a hash of it.
  const long = createRealLxc(`list-${"x".repeat(90)}`);
  afterAll(() => long.close());

  it("are told apart while both run, though their control groups are named alike", async () => {
    long.makeContainer("one");
    lxc.run("lxc-start", "-n", "one");
    expect(long.reader.readOne("one")?.state).toBe("stopped");
    long.run("lxc-start", "-n", "one");
    const [here, there] = [lxc, long].map(({ reader, run }) => {
      const { state, initPid } = reader.readOne("one") ?? {};
      expect({ state, initPid }).toEqual({ state: "running", initPid: Number(run("lxc-info", "-n", "one", "-p", "-H")) });
      return initPid;
    });
    expect(here).not.toBe(there);
    await long.freeze("one");
    expect(long.reader.readOne("one")?.state).toBe("frozen");
    expect(stateOf("one")).toBe("running");
    lxc.run("lxc-stop", "-k", "-n", "one");
    expect(stateOf("one")).toBe("stopped");
    expect(long.reader.readOne("one")?.state).toBe("frozen");
  });
});

describe("what is not root's", () => {
  const helpers: ChildProcess[] = [];
  afterAll(async () => {
    for (const helper of helpers) {
      helper.kill("SIGKILL");
      await once(helper, "exit");
    }
  });
  const likeNobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  /** Runs a line of Node as a user without rights until it prints something. */
  const asNobody = async (script: string) => {
    const [file = "", ...args] = [...likeNobody, process.execPath, "-e", script];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    helpers.push(child);
    await once(child.stdout, "data");
    return child;
  };

  /** Perl, because Node fills abstract names up with zeros, and then they are other names. `$>` is the effective user. */
  type Listening = { launch?: string[]; makeAs?: "nobody" | "whoever it is"; name?: string; title?: string };
  const listen = async ({ launch = [], makeAs = "whoever it is", name = commandSocketName(lxc.lxcPath, "two"), title = "" }: Listening) => {
    const [become, comeBack] = makeAs === "nobody" ? ["$> = 65534;", "$> = 0;"] : ["", ""];
    const script = `use Socket; ${become} socket(S, PF_UNIX, SOCK_STREAM, 0) or die; bind(S, pack_sockaddr_un("\\0$ARGV[0]")) or die;
      listen(S, 5) or die; ${comeBack} $0 = $ARGV[1] if $ARGV[1]; $| = 1; print "listening\\n"; sleep 600;`;
    const [file = "", ...args] = [...launch, "/usr/bin/perl", "-e", script, name.slice(1), title];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    helpers.push(child);
    await once(child.stdout, "data");
    expect(readFileSync("/proc/net/unix", "utf8")).toContain(name);
    return child;
  };
  const socketsNamed = (name: string) =>
    parseListeningSockets(readFileSync("/proc/net/unix", "utf8")).get(commandSocketName(lxc.lxcPath, name)) ?? [];
  /** As the kernel prints a listening socket (proc_pid_net(5), unix), without leading zeros: all of it has to fit into a name. */
  const rowOf = (name: string, inode: number) => `0: 2 0 10000 1 1 ${inode} ${commandSocketName(lxc.lxcPath, name)}`;
  const end = async (child: ChildProcess) => {
    helpers.splice(helpers.indexOf(child), 1);
    child.kill("SIGKILL");
    await once(child, "exit");
  };

  it("makes no container run: a socket of LXC's name that somebody else holds", async () => {
    const child = await listen({ launch: likeNobody });
    expect(stateOf("two")).toBe("stopped");
    expect(stateOf("two")).toBe("stopped");
    await end(child);
  });

  it("makes no container run: a process that calls itself the container's monitor, with its socket", async () => {
    const child = await listen({ launch: likeNobody, title: `[lxc monitor] ${lxc.lxcPath} two` });
    expect(readFileSync(`/proc/${child.pid}/cmdline`, "utf8")).toContain(`[lxc monitor] ${lxc.lxcPath} two`);
    expect(stateOf("two")).toBe("stopped");
    await end(child);
  });

  it("makes no container run: a socket that somebody else made and a process of root's got hold of", async () => {
    const child = await listen({ makeAs: "nobody" });
    expect(stateOf("two")).toBe("stopped");
    await end(child);
  });

  it("makes no container run: root of a pid namespace of its own, such as LXC in a container on the host's network", async () => {
    const child = await listen({ launch: ["/usr/bin/unshare", "--pid", "--fork", "--kill-child"] });
    expect(stateOf("two")).toBe("stopped");
    await end(child);
  });

  it("makes no container run as another one: a name that the kernel prints as a row of its own", async () => {
    lxc.run("lxc-start", "-n", "one");
    const init = Number(lxc.run("lxc-info", "-n", "one", "-p", "-H"));
    const [inode] = socketsNamed("one");
    const child = await listen({ launch: likeNobody, name: `@x\n${rowOf("two", inode ?? 0)}` });
    expect(socketsNamed("two")).toEqual([inode]);
    for (const reader of [lxc.reader, createContainerReader({ lxcPath: lxc.lxcPath })]) {
      expect(reader.readOne("two")?.state).toBe("stopped");
      expect(reader.readAll().map(({ name, state, initPid }) => [name, state, initPid])).toEqual([
        ["layer", "stopped", undefined],
        ["one", "running", init],
        ["two", "stopped", undefined],
      ]);
    }
    await end(child);
  });

  it("hides no container that runs: another socket by its name, before and after its own", async () => {
    const [inode] = socketsNamed("one");
    const children = [
      await listen({ launch: likeNobody, name: `@x\n${rowOf("one", 1)}` }),
      await listen({ launch: likeNobody, name: `@y\n${rowOf("one", 2)}` }),
    ];
    expect(socketsNamed("one")).toEqual(expect.arrayContaining([1, 2, inode]));
    expect(stateOf("one")).toBe("running");
    expect(createContainerReader({ lxcPath: lxc.lxcPath }).readOne("one")?.state).toBe("running");
    for (const child of children) await end(child);
    lxc.run("lxc-stop", "-k", "-n", "one");
    expect(stateOf("one")).toBe("stopped");
  });

  it("keeps no container from being seen to run, once it is gone", async () => {
    const child = await listen({ launch: likeNobody });
    expect(stateOf("two")).toBe("stopped");
    await end(child);
    lxc.run("lxc-destroy", "-n", "layer");
    lxc.run("lxc-start", "-n", "two");
    expect(stateOf("two")).toBe("running");
    lxc.run("lxc-stop", "-k", "-n", "two");
  });

  it.each([
    ["at the top", ""],
    ["below one of somebody's own", "user-of-ours"],
  ])("makes no container run: a control group of LXC's name with somebody else's process in it, %s", async (_where, below) => {
    const [root = ""] = lxcCgroupRoots();
    const group = join(root, below, "lxc.payload.one");
    mkdirSync(group, { recursive: true });
    const child = await asNobody("console.log('here'); setInterval(() => {}, 1000)");
    try {
      writeFileSync(join(group, "cgroup.procs"), String(child.pid));
      expect(stateOf("one")).toBe("stopped");
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
      helpers.splice(helpers.indexOf(child), 1);
      await vi.waitFor(() => rmdirSync(group));
      if (below !== "") rmdirSync(join(root, below));
    }
  });
});
