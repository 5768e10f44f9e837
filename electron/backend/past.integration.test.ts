import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlertList } from "../../privileged-helper/contract/alerts.ts";
import type { History, HistoryEvent } from "../../privileged-helper/contract/history.ts";
import type { Session } from "../../privileged-helper/contract/model.ts";
import { bundleHelper } from "../../privileged-helper/testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "../../privileged-helper/testing/real-lxc.ts";
import { createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { type Backend, createBackend } from "./backend.ts";
import { startHelperProcess } from "./helper-process.ts";
import { createFigureHistory } from "./history/history.ts";

/** The host as it is, a helper as it is, and containers. */
let lxc: RealLxc;
let helperFolder: string;
let script: string;
let folder: string;
let backend: Backend | undefined;
let notified: string[];

beforeAll(async () => {
  helperFolder = mkdtempSync(join(tmpdir(), "lxc-desktop-past-helper-"));
  script = await bundleHelper(helperFolder);
  lxc = createRealLxc("past");
  lxc.makeContainer("web");
  // Whichever version of cgroups this computer has takes its own line. Without a network its init waits for no address, and hears at once
  // that it is to end.
  appendFileSync(
    join(lxc.lxcPath, "web/config"),
    "lxc.net =\nlxc.net.0.type = empty\nlxc.cgroup.memory.limit_in_bytes = 64M\nlxc.cgroup2.memory.max = 64M\nlxc.cgroup2.memory.swap.max = 0\n",
  );
});
afterAll(async () => {
  await lxc?.close();
  rmSync(helperFolder, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-past-"));
  notified = [];
});
afterEach(async () => {
  await backend?.close();
  backend = undefined;
  rmSync(folder, { recursive: true, force: true });
});

type Page = Peer & { events: HistoryEvent[]; alerts: AlertList[] };
async function openApp(): Promise<Page> {
  backend = createBackend({
    version: "0.0.0-test",
    installedAs: { kind: "checkout" },
    launch: async () => ({
      process: startHelperProcess(process.execPath, [script, "root", `--lxcpath=${lxc.lxcPath}`], { PATH: process.env.PATH }),
      mayBeAsking: () => false,
      explainEnd: ({ errors }) => ({ code: "helper-lost", detail: errors }),
    }),
    settingsPath: join(folder, "settings.json"),
    cacheFolder: join(folder, "cache"),
    stateFolder: join(folder, "state"),
    notify({ body }) {
      notified.push(body);
      return undefined;
    },
  });
  const events: HistoryEvent[] = [];
  const alerts: AlertList[] = [];
  const [near, far] = createPortPair();
  const page = createPeer(near, {
    onCall: async () => undefined,
    onNotification(method, params) {
      if (method === "history.event") events.push(params as HistoryEvent);
      if (method === "alerts.changed") alerts.push(params as AlertList);
    },
    onData: () => {},
    onClose: () => {},
  });
  backend.accept(far);
  await vi.waitUntil(async () => ((await page.call("session.get", {})) as Session).state === "ready", { timeout: 20_000 });
  return { ...page, events, alerts };
}

const initPid = () => Number(lxc.run("lxc-info", "-n", "web", "-p", "-H"));
const isRunning = () => lxc.run("lxc-info", "-n", "web", "-s", "-H").trim() === "RUNNING";
/** As this app does it. */
const start = () => lxc.run("lxc-start", "-n", "web", "-o", join(lxc.lxcPath, "web/lxc.log"), "-l", "INFO");
const stopIfRunning = () => isRunning() && lxc.run("lxc-stop", "-k", "-n", "web");
const seen = (page: Page, ...kinds: string[]) =>
  vi.waitFor(() => expect(page.events.map(({ kind }) => kind)).toEqual(kinds), { timeout: 10_000 });
/** One would come a moment after the event. */
async function noAlarmCame() {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(notified).toEqual([]);
}

describe("a stop", () => {
  beforeEach(() => {
    stopIfRunning();
    start();
  });

  it("that nobody asked for is told once, and is over when the container runs again", async () => {
    const page = await openApp();
    await seen(page, "started");
    process.kill(initPid(), "SIGKILL");
    await seen(page, "started", "stopped");
    await vi.waitFor(() => expect(notified).toEqual(["web has stopped unexpectedly. Its first program was killed (SIGKILL)."]));
    start();
    await seen(page, "started", "stopped", "started");
    const { alerts } = (await page.call("alerts.list", {})) as AlertList;
    expect(alerts).toMatchObject([{ container: "web", condition: "stopped-unexpectedly", until: expect.any(Number) }]);
    expect(notified).toHaveLength(1);
  });

  it("by this app, at once or in order, and a restart are no alarm", async () => {
    const page = await openApp();
    await seen(page, "started");
    const expected = ["started"];
    const stops: (() => Promise<unknown>)[] = [
      () => page.call("containers.forceStop", { name: "web" }),
      () =>
        page.call("containers.stop", { name: "web", timeoutSeconds: 5 }).catch(() => page.call("containers.forceStop", { name: "web" })),
    ];
    for (const stop of stops) {
      await stop();
      expected.push("stopped");
      await seen(page, ...expected);
      lxc.run("lxc-start", "-n", "web");
      expected.push("started");
      await seen(page, ...expected);
    }
    await page.call("containers.restart", { name: "web", timeoutSeconds: 30 });
    await seen(page, ...expected, "stopped", "started");
    await noAlarmCame();
    expect(page.events.filter(({ detail }) => detail !== undefined)).toEqual([]);
  });
});

describe("an end that somebody wanted", () => {
  it.each<[string, () => unknown]>([
    ["lxc-stop by hand", () => lxc.run("lxc-stop", "-k", "-n", "web")],
    ["a shutdown from inside", () => lxc.inside("web", "poweroff", "-f")],
    ["a restart from inside", () => lxc.inside("web", "reboot", "-f")],
  ])("is no alarm: %s", async (how, end) => {
    stopIfRunning();
    start();
    const page = await openApp();
    await seen(page, "started");
    await end();
    await seen(page, "started", "stopped", ...(how.startsWith("a restart") ? ["started"] : []));
    await noAlarmCame();
    expect(((await page.call("alerts.list", {})) as AlertList).alerts).toEqual([]);
  });
});

describe("figures", () => {
  beforeEach(() => {
    if (!isRunning()) lxc.run("lxc-start", "-n", "web");
  });

  it("of before are there after the app was started anew, and the time in between is a gap", async () => {
    const from = Date.now();
    const hasFigures = (page: Page, since: number) => async () => {
      const { figures } = (await ask(page, since)) as History;
      return (figures.memoryBytes?.average.filter((value) => value !== null).length ?? 0) >= 3;
    };
    const ask = (page: Page, since: number) =>
      page.call("history.get", {
        subject: { type: "container", name: "web" },
        figures: ["memoryBytes", "cpuPercent", "processes"],
        from: since,
        to: Date.now(),
        maxSteps: 200,
      });
    const first = await openApp();
    await first.call("metrics.watch", { containers: ["web"], intervalMilliseconds: 1_000 });
    await vi.waitUntil(hasFigures(first, from), { timeout: 30_000, interval: 500 });
    await backend?.close();
    // Two whole steps of five seconds, wherever the first one begins.
    await new Promise((resolve) => setTimeout(resolve, 16_000));
    const restarted = Date.now();
    const second = await openApp();
    await second.call("metrics.watch", { containers: ["web"], intervalMilliseconds: 1_000 });
    await vi.waitUntil(hasFigures(second, restarted), { timeout: 30_000, interval: 500 });
    const { figures, stepMilliseconds } = (await ask(second, from)) as History;
    const memory = figures.memoryBytes?.average ?? [];
    const isMeasured = memory
      .map((value) => (value === null ? " " : "x"))
      .join("")
      .trim();
    expect(stepMilliseconds).toBe(5_000);
    expect(isMeasured).toMatch(/^x+ +x+$/);
    expect(isMeasured.split("x").join("").length).toBeGreaterThanOrEqual(2);
    for (const value of memory) if (value !== null) expect(value).toBeGreaterThan(10_000);
    expect((figures.processes?.maximum ?? []).some((count) => (count ?? 0) >= 1)).toBe(true);
  });

  it("tell of an OOM kill: an event, one alert, and its end", async () => {
    const page = await openApp();
    // So that it is looked at often.
    await page.call("metrics.watch", { containers: ["web"], intervalMilliseconds: 1_000 });
    await page.call("history.get", {
      subject: { type: "host" },
      figures: ["cpuPercent"],
      from: Date.now() - 60_000,
      to: Date.now(),
      maxSteps: 10,
    });
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    try {
      lxc.inside("web", "sh", "-c", "x=$(head -c 300000000 /dev/zero | tr '\\0' a)");
    } catch {
      // It was killed.
    }
    await vi.waitFor(() => expect(page.events.map(({ kind }) => kind)).toContain("oom-kill"), { timeout: 30_000 });
    expect(notified).toEqual(["A process in web was killed because its memory ran out."]);
    await vi.waitFor(async () => expect(((await page.call("alerts.list", {})) as AlertList).alerts[0]?.until).toBeGreaterThan(0), {
      timeout: 90_000,
      interval: 1_000,
    });
    expect(notified).toHaveLength(1);
  }, 150_000);
});

describe("a disk that is full", () => {
  const disk = () => join(folder, "disk");
  beforeEach(() => {
    mkdirSync(disk());
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", disk()]);
  });
  afterEach(() => {
    execFileSync("/bin/umount", ["--lazy", disk()]);
  });

  it("costs the history what is written meanwhile, and is told", async () => {
    const history = createFigureHistory({ folder: disk(), maxBytes: () => 64 * 1024 * 1024 });
    const names = Array.from({ length: 40 }, (_none, index) => `c${index}`);
    const now = Date.now();
    const feed = (from: number, to: number) => {
      for (const name of names) {
        for (let time = from; time < to; time += 5_000)
          history.add({ type: "container", name: name as never }, time, time - 5_000, { cpuPercent: 1 });
      }
    };
    const ask = (name: string) =>
      history.get({
        subject: { type: "container", name: name as never },
        figures: ["cpuPercent"],
        from: now - 300_000,
        to: now,
        maxSteps: 60,
      });
    feed(now - 300_000, now);
    await history.flush();
    const { trouble, figures } = await ask("c39");
    expect(trouble).toBe("The disk is full: the history of figures has a gap from now on.");
    expect(figures.cpuPercent?.average.filter((value) => value === 1).length).toBeGreaterThan(55);
    execFileSync("/bin/mount", ["-o", "remount,size=16m", disk()]);
    await history.flush();
    expect((await ask("c39")).trouble).toBeUndefined();
    await history.close();
    const after = createFigureHistory({ folder: disk(), maxBytes: () => 64 * 1024 * 1024 });
    const kept = await after.get({
      subject: { type: "container", name: "c39" as never },
      figures: ["cpuPercent"],
      from: now - 300_000,
      to: now,
      maxSteps: 60,
    });
    expect(kept.figures.cpuPercent?.average.filter((value) => value === 1).length).toBeGreaterThan(55);
    await after.close();
  });
});
