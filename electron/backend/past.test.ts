import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlertList } from "../../privileged-helper/contract/alerts.ts";
import type { HistoryEvent } from "../../privileged-helper/contract/history.ts";
import type { Container, MetricsFigures, Settings } from "../../privileged-helper/contract/model.ts";
import { containerName } from "../../privileged-helper/contract/names.ts";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import { sampleContainer } from "../../privileged-helper/contract/testing/sample-container.ts";
import type { Notify } from "./alerts/alerts.ts";
import { recordInterval } from "./observer.ts";
import { createPast, type Past, type PastOptions } from "./past.ts";

/** A helper that is only what it says: what it tells, and when, is what these tests are about. */
let folder: string;
let past: Past<string>;
let historyMegabytes: number;
let containers: Container[];
let revision: number;
let calls: [method: string, params: object][];
let isThere: boolean;
let isLxcMissing: boolean;
let told: [event: string, params: unknown][];
let notified: { title: string; body: string }[];
let opened: Past<string>[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  vi.setSystemTime(Date.UTC(2026, 10, 29));
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-past-"));
  historyMegabytes = 64;
  containers = [web()];
  revision = 0;
  calls = [];
  isThere = true;
  isLxcMissing = false;
  told = [];
  notified = [];
  opened = [];
});
afterEach(async () => {
  for (const each of opened) await each.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const web = (change: Partial<Container> = {}): Container => ({
  ...sampleContainer("web"),
  state: "running",
  initPid: 100,
  startedAt: Date.UTC(2026, 10, 28),
  ...change,
});
const stopped = () => web({ state: "stopped", initPid: undefined, startedAt: undefined });

async function open({ isDesktop = true, notifier = toDesktop }: { isDesktop?: boolean; notifier?: PastOptions["notify"] } = {}) {
  past = createPast({
    settingsPath: join(folder, "settings.json"),
    stateFolder: join(folder, "state"),
    settings: () => ({ historyMegabytes }) as Settings,
    askHelper: () => (isThere ? answer : undefined),
    tell: (event, params) => told.push([event, params]),
    ...(isDesktop && { notify: notifier }),
  });
  opened.push(past);
  past.helperReady();
  await settled();
}

const toDesktop: Notify = (notification) => {
  notified.push(notification);
  return undefined;
};

async function answer(method: string, params: object): Promise<unknown> {
  calls.push([method, params]);
  if (method === "containers.snapshots") return [{ name: "snap0", createdAt: Date.now() - 1_000 }, { name: "snap1" }];
  if (method !== "containers.watch") return undefined;
  if (isLxcMissing) throw new ProblemError({ code: "lxc-missing", tool: "lxc-start" });
  return { revision, containers };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 1));
const callsOf = (method: string) => calls.filter(([name]) => name === method).map(([, params]) => params);
const eventsTold = () => told.filter(([event]) => event === "history.event").map(([, params]) => params as HistoryEvent);
const alertsTold = () => told.filter(([event]) => event === "alerts.changed").map(([, params]) => params as AlertList);

/** @returns Whether the page gets it, too. */
async function change(...changed: Container[]) {
  revision += 1;
  const isForPage = past.onNotification("containers.changed", { revision, changed, removed: [] });
  await settled();
  return isForPage;
}

function record(figures: MetricsFigures, { afterGap = false, name = "web", host = { memoryLimitBytes: 8e9 } as MetricsFigures } = {}) {
  vi.setSystemTime(Date.now() + 5_000);
  const isForPage = past.onNotification("metrics.recorded", {
    time: Date.now(),
    afterGap,
    samples: [{ name, ...figures }],
    unchanged: [],
    host,
  });
  expect(isForPage).toBe(false);
}
const rest = (name = "web") => {
  vi.setSystemTime(Date.now() + 5_000);
  past.onNotification("metrics.recorded", { time: Date.now(), afterGap: false, samples: [], unchanged: [name] });
};

describe("containers", () => {
  it("are watched without a page, and told to it only where it watches them itself", async () => {
    await open();
    expect(callsOf("containers.watch")).toHaveLength(1);
    expect(await change(web({ autostart: true }))).toBe(false);
    expect(past.onPageCall("page", "containers.watch", {})).toBe(false);
    expect(await change(web())).toBe(true);
    expect(past.onPageCall("page", "containers.unwatch", {})).toBe(true);
    expect(await change(web({ autostart: true }))).toBe(false);
    past.onPageCall("page", "containers.watch", {});
    past.forgetPage("page");
    past.helperReset();
    await settled();
    expect(callsOf("containers.watch")).toHaveLength(2);
    expect(await change(stopped())).toBe(false);
    expect(eventsTold().map(({ kind }) => kind)).toEqual(["started", "stopped"]);
  });

  it("are taken anew where a change is missing, and what comes before the answer is not lost", async () => {
    await open();
    revision += 4;
    containers = [stopped()];
    past.onNotification("containers.changed", { revision: revision + 1, changed: [], removed: [] });
    past.onNotification("containers.changed", { revision: revision + 1, changed: [web({ initPid: 200 })], removed: [] });
    await settled();
    expect(callsOf("containers.watch")).toHaveLength(2);
    expect(eventsTold().map(({ kind }) => kind)).toEqual(["started", "stopped", "started"]);
  });

  it("that cannot be watched yet are as soon as the page can", async () => {
    isLxcMissing = true;
    await open();
    isLxcMissing = false;
    past.onPageCall("page", "containers.watch", {});
    past.onPageAnswered("containers.watch");
    await settled();
    expect(await change(stopped())).toBe(true);
    expect(eventsTold().map(({ kind }) => kind)).toEqual(["started", "stopped"]);
  });

  it("are not watched, and nothing is recorded, where a person wants neither history nor alerts", async () => {
    await open();
    historyMegabytes = 0;
    past.settingsChanged();
    for (const rule of past.alerts.list().rules) past.alerts.deleteRule(rule.id);
    await settled();
    expect(callsOf("metrics.record").at(-1)).toEqual({ intervalMilliseconds: 0 });
    expect(callsOf("containers.unwatch")).toHaveLength(1);
    expect(past.onPageCall("page", "containers.unwatch", {})).toBe(false);
    historyMegabytes = 1;
    past.settingsChanged();
    await settled();
    expect(callsOf("containers.watch")).toHaveLength(2);
    expect(callsOf("metrics.record").at(-1)).not.toEqual({ intervalMilliseconds: 0 });
  });
});

describe("figures", () => {
  it("are taken often while a page shows some, more rarely while none does, and not at all where nothing needs them", () => {
    const memory = { id: "m", condition: "memory", abovePercent: 90, forSeconds: 60, enabled: true } as const;
    const ended = { id: "e", condition: "stopped-unexpectedly", enabled: true } as const;
    const of = (rules: Parameters<typeof recordInterval>[0]["rules"], keepsHistory: boolean, isLooking: boolean) =>
      recordInterval({ rules, keepsHistory, isLooking });
    expect([of([], true, true), of([], true, false), of([memory], true, false), of([memory], false, true)]).toEqual([
      5_000, 30_000, 15_000, 15_000,
    ]);
    expect([of([{ ...memory, forSeconds: 0 }], true, false), of([{ ...memory, forSeconds: 3_600 }], false, false)]).toEqual([
      5_000, 30_000,
    ]);
    expect([
      of([ended], false, true),
      of([{ ...memory, enabled: false }], false, true),
      of([{ ...ended, condition: "oom-kill" }], false, true),
    ]).toEqual([0, 0, 30_000]);
  });

  it("are asked for at another pace when a page begins and ceases to look at charts: a list of all that run has none", async () => {
    await open();
    past.onPageCall("page", "metrics.watch", { containers: ["web"], intervalMilliseconds: 1_000 });
    past.onPageCall("page", "metrics.watch", { containers: [], intervalMilliseconds: 1_000, host: true });
    past.onPageCall("page", "metrics.watch", { containers: [], intervalMilliseconds: 1_000 });
    past.onPageCall("page", "metrics.watch", { containers: "running", intervalMilliseconds: 1_000 });
    past.forgetCharts();
    past.helperReset();
    expect(callsOf("metrics.record")).toEqual([15_000, 5_000, 15_000].map((intervalMilliseconds) => ({ intervalMilliseconds })));
  });

  it("are kept of containers and of the computer, those that rest as well, and a lost helper is a gap", async () => {
    await open();
    const from = Date.now();
    record({ cpuPercent: 20 }, { host: { cpuPercent: 55 } });
    rest();
    past.helperGone();
    vi.setSystemTime(Date.now() + 10_000);
    record({ cpuPercent: 40 });
    const question = { figures: ["cpuPercent" as const], from, to: Date.now() + 5_000, maxSteps: 60 };
    const { figures } = await past.get({ subject: { type: "container", name: containerName.parse("web") }, ...question });
    expect(figures.cpuPercent?.average).toEqual([null, 20, 20, null, null, 40]);
    expect((await past.get({ subject: { type: "host" }, ...question })).figures.cpuPercent?.average[1]).toBe(55);
  });
});

describe("what happened", () => {
  it("is there for a later app, an old start once, and with the snapshots that a container has", async () => {
    await open();
    await change(stopped());
    await past.close();
    told = [];
    containers = [web()];
    await open();
    expect(eventsTold()).toEqual([]);
    const all = await past.events({ from: 0, to: Date.now() + 1 });
    expect(all.map(({ kind }) => kind)).toEqual(["started", "stopped"]);
    const own = await past.events({ from: 0, to: Date.now() + 1, container: "web" });
    expect(own.map(({ kind, detail }) => `${kind} ${detail ?? ""}`.trim())).toEqual([
      "started",
      "snapshot snap0",
      "stopped Whether it shut down or failed is not known.",
    ]);
    isThere = false;
    expect(await past.events({ from: 0, to: Date.now() + 1, container: "web" })).toHaveLength(2);
  });
});

describe("alerts", () => {
  it("are told to the desktop and to the page, once, and are over once", async () => {
    await open();
    await change(stopped());
    expect(notified).toEqual([{ title: "web", body: "web has stopped unexpectedly. Whether it shut down or failed is not known." }]);
    expect(alertsTold()).toHaveLength(1);
    expect(alertsTold()[0]).toMatchObject({ toldBy: "desktop", alerts: [{ container: "web", condition: "stopped-unexpectedly" }] });
    await change(web({ initPid: 101 }));
    expect(notified).toHaveLength(1);
    expect(alertsTold()).toHaveLength(2);
    const [alert] = past.alerts.list().alerts;
    expect(alert?.until).toBeGreaterThan(0);
    expect(past.alerts.dismiss(alert?.id ?? "").alerts).toEqual([]);
  });

  it("are the desktop's to tell from when there is one that shows them, and the page's again when that is gone", async () => {
    let isShown = true;
    await open({ notifier: Promise.resolve((notification) => Promise.resolve(isShown).finally(() => notified.push(notification))) });
    expect(alertsTold().map(({ toldBy }) => toldBy)).toEqual(["desktop"]);
    await change(stopped());
    expect(notified).toHaveLength(1);
    isShown = false;
    await change(web({ initPid: 101 }), stopped());
    expect(alertsTold().at(-1)?.toldBy).toBe("page");
    await change(web({ initPid: 102 }), stopped());
    expect(notified).toHaveLength(2);
    await past.close();
    told = [];
    await open({ notifier: Promise.resolve(undefined) });
    expect([...new Set(alertsTold().map(({ toldBy }) => toldBy)), past.alerts.list().toldBy]).toEqual(["page", "page"]);
  });

  it("of memory need it to be full for a minute, of its own limit or of the computer's memory", async () => {
    await open({ isDesktop: false });
    for (const sample of [{ memoryBytes: 95, memoryLimitBytes: 100 }, { memoryBytes: 7.9e9 }]) {
      told = [];
      record(sample, { afterGap: true });
      for (let seconds = 5; seconds < 60; seconds += 5) rest();
      await settled();
      expect(alertsTold()).toEqual([]);
      record(sample);
      await settled();
      expect(alertsTold()).toHaveLength(1);
      expect(alertsTold()[0]?.toldBy).toBe("page");
      expect(alertsTold()[0]?.alerts[0]).toMatchObject({ condition: "memory", percent: expect.closeTo(97, -1) });
      for (let seconds = 0; seconds < 30; seconds += 5) record({ memoryBytes: 1, memoryLimitBytes: 100 });
      await settled();
      expect(alertsTold()).toHaveLength(2);
    }
  });

  it("are the same ones when the app is started again, and those that ended meanwhile are over", async () => {
    await open();
    await change(stopped());
    containers = [stopped()];
    await past.close();
    await open();
    const [alert] = past.alerts.list().alerts;
    expect(alert).toMatchObject({ container: "web", condition: "stopped-unexpectedly" });
    expect(alert).not.toHaveProperty("until");
    await past.close();
    containers = [web({ initPid: 101 })];
    await open();
    expect(past.alerts.list().alerts).toEqual([{ ...alert, until: Date.now() }]);
    expect(notified).toHaveLength(1);
  });

  it("that cannot be read begin anew, and what was there is put aside", async () => {
    mkdirSync(join(folder, "state"));
    writeFileSync(join(folder, "state/alerts.json"), '[{"id":"<b>"}]');
    await open();
    expect(past.alerts.list().alerts).toEqual([]);
    await change(stopped());
    expect(notified).toHaveLength(1);
    expect(readdirSync(join(folder, "state")).filter((name) => name.startsWith("alerts"))).toEqual(["alerts.json", "alerts.json.broken"]);
  });

  it("of an OOM kill begin with the kill and are over a minute later", async () => {
    await open();
    record({ oomKills: 0 });
    record({ oomKills: 2 });
    await settled();
    expect(notified).toEqual([{ title: "web", body: "A process in web was killed because its memory ran out." }]);
    for (let seconds = 0; seconds < 60; seconds += 5) record({ oomKills: 2 });
    expect(past.alerts.list().alerts).toMatchObject([{ condition: "oom-kill", until: Date.now() }]);
    expect(notified).toHaveLength(1);
  });
});
