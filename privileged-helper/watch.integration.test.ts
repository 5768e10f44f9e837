import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Container, ContainersChanged, RunEnd } from "./contract/model.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { type ContainerWatch, createContainerWatch } from "./watch.ts";

/** What someone does in a shell, with LXC's own tools, while the app is open. */
describe("containers that someone else works on", () => {
  let lxc: RealLxc;
  let watch: ContainerWatch;
  let unsubscribe: () => void;
  let changes: ContainersChanged[];
  const degraded: string[] = [];

  beforeAll(() => {
    lxc = createRealLxc("watch");
    lxc.makeContainer("web");
    lxc.makeContainer("db");
  });
  afterAll(() => lxc?.close());

  beforeEach(() => {
    changes = [];
    watch = createContainerWatch({
      reader: lxc.reader,
      lxcPath: lxc.lxcPath,
      operations: () => new Map(),
      onDegraded: (reason) => degraded.push(reason),
    });
    unsubscribe = watch.onChanged((change) => changes.push(change));
    // Asked for first, as the page does.
    watch.snapshot();
  });
  afterEach(() => {
    unsubscribe();
    for (const name of ["web", "db"]) {
      if (lxc.reader.readOne(name)?.initPid !== undefined) lxc.run("lxc-stop", "-k", "-n", name);
    }
  });

  const reported = (name: string): Container | undefined =>
    changes.flatMap(({ changed }) => changed).findLast((container) => container.name === name);
  /** Shorter than the time after which everything is read anyway: what is seen within it, an event has told. */
  const soon = (check: () => void) => vi.waitFor(check, { timeout: 2_000, interval: 10 });

  it("are seen starting, with their address, and stopping", async () => {
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await soon(() =>
      expect(reported("web")).toMatchObject({ state: "running", initPid: expect.any(Number), startedAt: expect.any(Number) }),
    );
    // The address comes from dnsmasq, which first makes sure for three seconds that nobody has it.
    await vi.waitFor(() => expect(reported("web")?.ipv4).toHaveLength(1), { timeout: 15_000, interval: 20 });
    expect(lxc.run("lxc-ls", "-f", "-F", "IPV4", "web")).toContain(reported("web")?.ipv4[0]);
    await lxc.runAside("lxc-stop", "-k", "-n", "web");
    await soon(() => expect(reported("web")).toMatchObject({ state: "stopped", ipv4: [] }));
    expect(reported("web")).not.toHaveProperty("initPid");
    expect(reported("db")).toBeUndefined();
  });

  it("are seen freezing and thawing", async () => {
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await soon(() => expect(reported("web")?.state).toBe("running"));
    for (let round = 0; round < 3; round += 1) {
      await lxc.freeze("web");
      await soon(() => expect(reported("web")?.state).toBe("frozen"));
      await lxc.runAside("lxc-unfreeze", "-n", "web");
      await soon(() => expect(reported("web")?.state).toBe("running"));
    }
  });

  it("are seen starting again with another init", async () => {
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await soon(() => expect(reported("web")?.state).toBe("running"));
    const first = reported("web")?.initPid;
    await lxc.runAside("lxc-stop", "-k", "-n", "web");
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await soon(() => {
      expect(reported("web")?.state).toBe("running");
      expect(reported("web")?.initPid).not.toBe(first);
    });
    await lxc.freeze("web");
    await soon(() => expect(reported("web")?.state).toBe("frozen"));
    await lxc.runAside("lxc-unfreeze", "-n", "web");
  });

  it("are seen ending by themselves, and when their processes are killed", async () => {
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await lxc.runAside("lxc-start", "-d", "-n", "db");
    await soon(() => expect([reported("web")?.state, reported("db")?.state]).toEqual(["running", "running"]));
    lxc.inside("web", "poweroff", "-f");
    await soon(() => expect(reported("web")?.state).toBe("stopped"));
    const initPid = reported("db")?.initPid;
    if (initPid === undefined) throw new Error("db does not run");
    process.kill(initPid, "SIGKILL");
    await soon(() => expect(reported("db")?.state).toBe("stopped"));
  });

  const startWithLog = async () => {
    // As this app starts them.
    await lxc.runAside("lxc-start", "-d", "-n", "web", "-o", join(lxc.lxcPath, "web/lxc.log"), "-l", "INFO");
    await soon(() => expect(reported("web")?.state).toBe("running"));
  };
  const killInit = () => process.kill(Number(lxc.run("lxc-info", "-n", "web", "-p", "-H")), "SIGKILL");

  /** BusyBox's init loses what it is asked before it waits for signals. */
  const shutDown = async () => {
    while (reported("web")?.state !== "stopped") await lxc.runAside("lxc-stop", "-n", "web", "--nokill", "-t", "6").catch(() => {});
  };

  it.each<[string, () => unknown, RunEnd]>([
    ["killed by anybody", killInit, { signal: "SIGKILL" }],
    ["killed by lxc-stop", () => lxc.run("lxc-stop", "-k", "-n", "web"), { byLxc: true, signal: "SIGKILL" }],
    ["shut down by lxc-stop", shutDown, { signal: "SIGINT" }],
    ["shut down from inside", () => lxc.inside("web", "poweroff", "-f"), { signal: "SIGINT" }],
  ])("are told how they ended: %s", async (_how, end, expected) => {
    await startWithLog();
    changes.length = 0;
    await end();
    // A shutdown takes BusyBox's init a few seconds.
    await vi.waitFor(() => expect(reported("web")?.state).toBe("stopped"), { timeout: 15_000, interval: 10 });
    expect(reported("web")?.ended).toEqual(expected);
    await startWithLog();
    expect(reported("web")).not.toHaveProperty("ended");
  });

  it("are known to be killed by lxc-stop or not each time, also where the computer has more to do than it can", async () => {
    const busy = Array.from({ length: 12 }, () => spawn("/bin/sh", ["-c", "while :; do :; done"], { stdio: "ignore" }));
    const told: boolean[] = [];
    const patiently = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
    try {
      for (let round = 0; round < 20; round++) {
        await lxc.runAside("lxc-start", "-d", "-n", "web");
        await patiently(() => expect(reported("web")?.state).toBe("running"));
        if (round % 2 === 0) await lxc.runAside("lxc-stop", "-k", "-n", "web");
        else killInit();
        await patiently(() => expect(reported("web")?.state).toBe("stopped"));
        told.push(reported("web")?.ended?.byLxc === true);
      }
    } finally {
      for (const one of busy) one.kill("SIGKILL");
    }
    expect(told).toEqual(told.map((_one, round) => round % 2 === 0));
  });

  it("are seen when they are made, copied, renamed, configured and destroyed", async () => {
    await lxc.runAside("lxc-create", "-n", "new", "-t", "busybox");
    await soon(() => expect(reported("new")).toMatchObject({ state: "stopped", storage: "dir", clones: [] }));

    await lxc.runAside("lxc-copy", "-n", "new", "-N", "clone", "-s", "-B", "overlay");
    await soon(() => {
      expect(reported("clone")).toMatchObject({ state: "stopped", storage: "overlay", clonedFrom: "new" });
      expect(reported("new")?.clones).toEqual(["clone"]);
    });

    await lxc.runAside("lxc-destroy", "-n", "clone");
    await soon(() => {
      expect(changes.flatMap(({ removed }) => removed)).toContain("clone");
      expect(reported("new")?.clones).toEqual([]);
    });

    const config = join(lxc.lxcPath, "new/config");
    writeFileSync(`${config}.next`, `${lxc.run("lxc-info", "-n", "new", "-c", "lxc.rootfs.path").replace("\n", "")}\nlxc.start.auto = 1\n`);
    renameSync(`${config}.next`, config);
    await soon(() => expect(reported("new")?.autostart).toBe(true));

    // Where AppArmor holds lxc-copy, it may mount in LXC's own folder only, so that the folder is moved as a person would.
    if (existsSync("/sys/kernel/security/apparmor/policy") && existsSync("/etc/apparmor.d/usr.bin.lxc-copy")) {
      writeFileSync(config, readFileSync(config, "utf8").replaceAll(`${lxc.lxcPath}/new/`, `${lxc.lxcPath}/renamed/`));
      renameSync(join(lxc.lxcPath, "new"), join(lxc.lxcPath, "renamed"));
    } else await lxc.runAside("lxc-copy", "-n", "new", "-N", "renamed", "-R");
    await soon(() => {
      expect(reported("renamed")).toMatchObject({ state: "stopped", autostart: true });
      expect(changes.flatMap(({ removed }) => removed)).toContain("new");
    });

    await lxc.runAside("lxc-destroy", "-n", "renamed");
    await soon(() => expect(changes.flatMap(({ removed }) => removed)).toContain("renamed"));
  });

  it("are told of in one unbroken row of revisions, with nothing that had not changed", async () => {
    const { revision } = watch.snapshot();
    await lxc.runAside("lxc-start", "-d", "-n", "web");
    await soon(() => expect(reported("web")?.state).toBe("running"));
    await lxc.runAside("lxc-stop", "-k", "-n", "web");
    await soon(() => expect(reported("web")?.state).toBe("stopped"));
    expect(changes.map((change) => change.revision)).toEqual(changes.map((_, index) => revision + 1 + index));
    const told = changes.flatMap(({ changed }) => changed).map((container) => JSON.stringify(container));
    expect(told.some((container, index) => container === told[index - 1])).toBe(false);
    expect(degraded).toEqual([]);
  });
});
