import { readPublicFiles } from "../../electron/backend/public-files.ts";
import { startWebServer } from "../../electron/web/server.ts";
import type { AlertList } from "../../privileged-helper/contract/alerts.ts";
import { type History, type HistoryEvent, historyQuestion, type KeptFigure } from "../../privileged-helper/contract/history.ts";
import type { Container, MetricsFigures, MetricsSample, MetricsTick, Settings } from "../../privileged-helper/contract/model.ts";
import { defaultTerminalSettings } from "../../privileged-helper/contract/terminal-settings.ts";
import { sampleContainer } from "../../privileged-helper/contract/testing/sample-container.ts";
import { createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";

/**
 * Stands in for everything behind the page: no container, no helper, only figures that are made up, so that the page alone is measured
 * with as many as one likes, all of them busy. The page is the real one, by the real web server.
 */
export type FedHost = { address(): string; close(): Promise<void> /** The page's last wish, as it sent it. */; watched(): unknown };

export type FedHostOptions = {
  /** The built page. */
  folder: string;
  names: readonly string[];
};

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;
const recordedStep = 5_000;

export async function startFedHost({ folder, names }: FedHostOptions): Promise<FedHost> {
  const startedAt = Date.now() - 7_000_000;
  const containers = names.map((name, index) => running(name, index, startedAt));
  let watched: { containers: "running" | string[]; intervalMilliseconds: number; host?: boolean } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const server = await startWebServer({
    files: readPublicFiles(folder),
    port: 0,
    accept(port) {
      const peer: Peer = createPeer(port, {
        onCall: async (method, params) => answer(method, params as never),
        onNotification() {},
        onData() {},
        onClose() {
          clearInterval(timer);
        },
      });
      const tick = () => {
        if (!watched) return;
        const wanted = watched.containers === "running" ? names : watched.containers;
        const time = Date.now();
        const samples = wanted.map((name) => sampleOf(name, names.indexOf(name), time, watched?.containers !== "running"));
        const message: MetricsTick = { time, afterGap: false, samples, unchanged: [] };
        if (watched.host) message.host = { ...figuresOf(names.length + 1, time), cpuLimit: 8, memoryLimitBytes: 32 * gibibyte };
        if (samples.length > 0 || message.host) peer.notify("metrics.tick", message);
      };
      const answer = (method: string, params: never): unknown => {
        switch (method) {
          case "metrics.watch":
            watched = params as typeof watched;
            clearInterval(timer);
            timer = setInterval(tick, watched?.intervalMilliseconds);
            setTimeout(tick, 50);
            return undefined;
          case "history.get":
            return historyOf(params);
          case "history.events":
            return eventsOf(names);
          default:
            return answers(containers)[method];
        }
      };
    },
  });
  return {
    address: () => server.issueAddress(60_000),
    watched: () => watched,
    close: async () => {
      clearInterval(timer);
      await server.close();
    },
  };
}

function answers(containers: readonly Container[]): Record<string, unknown> {
  const settings: Settings = {
    theme: "system",
    stopTimeoutSeconds: 30,
    lockAfterMinutes: 0,
    imageServers: [],
    imageKeyring: "",
    historyMegabytes: 64,
    terminal: defaultTerminalSettings,
    shortcuts: {},
  };
  const [first] = containers;
  const alerts: AlertList = {
    toldBy: "page",
    rules: [
      { id: "stopped", condition: "stopped-unexpectedly", enabled: true },
      { id: "memory", condition: "memory", abovePercent: 90, forSeconds: 60, enabled: true },
      { id: "cpu", container: first?.name as never, condition: "cpu", abovePercent: 80, forSeconds: 300, enabled: false },
    ],
    alerts: first
      ? [{ id: "a1", rule: "memory", container: first.name, condition: "memory", since: Date.now() - 600_000, percent: 94 }]
      : [],
  };
  return {
    "session.get": { state: "ready", mode: "root", version: "0.1.0", epoch: 1 },
    "settings.get": settings,
    "containers.watch": { revision: 1, containers },
    "tasks.watch": { revision: 1, tasks: [] },
    "alerts.list": alerts,
    "host.checks": [],
    "containers.snapshots": [],
    "profiles.list": [],
    "host.info": {
      hostname: "computer",
      kernel: "6.18.0",
      lxcVersion: "5.0.2",
      lxcPath: "/var/lib/lxc",
      cgroupVersion: "v2",
      cpus: 8,
      memoryBytes: 32 * gibibyte,
      bridges: [],
      freeBytes: 100 * gibibyte,
    },
  };
}

function running(name: string, index: number, startedAt: number): Container {
  return sampleContainer(name, {
    state: "running",
    startedAt,
    initPid: 10_000 + index,
    ipv4: [`10.0.3.${(index % 250) + 2}`],
    privileged: index % 5 === 4,
  });
}

/** Between 0 and 1, the same for the same number and moment. */
function wave(seed: number, time: number): number {
  const seconds = time / 1_000;
  return 0.5 + 0.28 * Math.sin(seconds / 7 + seed) + 0.14 * Math.sin(seconds / 1.7 + seed * 3) + 0.08 * Math.sin(seconds * 2.3 + seed * 7);
}

function figuresOf(seed: number, time: number): MetricsFigures {
  const of = (shift: number) => wave(seed + shift, time);
  return {
    cpuPercent: 90 * of(0),
    cpuUserPercent: 60 * of(0),
    cpuSystemPercent: 30 * of(0),
    cpuNanoseconds: time * 1e5,
    memoryBytes: (200 + 80 * of(1)) * mebibyte,
    memoryAnonymousBytes: (150 + 60 * of(1)) * mebibyte,
    memoryKernelBytes: 20 * mebibyte,
    memoryActiveFileBytes: (30 + 20 * of(1)) * mebibyte,
    memoryInactiveFileBytes: (60 + 30 * of(2)) * mebibyte,
    oomKills: 0,
    memoryLimitHits: 3,
    diskReadBytesPerSecond: 5 * mebibyte * of(3) ** 4,
    diskWriteBytesPerSecond: 2 * mebibyte * of(4) ** 4,
    diskReadsPerSecond: 300 * of(3),
    diskWritesPerSecond: 100 * of(4),
    networkReceivedBytesPerSecond: 900_000 * of(5),
    networkSentBytesPerSecond: 200_000 * of(6),
    networkReceivedPacketsPerSecond: 800 * of(5),
    networkSentPacketsPerSecond: 300 * of(6),
    networkDropsPerSecond: 0,
    processes: 12 + Math.round(5 * of(7)),
    threads: 40 + Math.round(9 * of(7)),
    cpuPressurePercent: 8 * of(0),
    memoryPressurePercent: 0,
    diskPressurePercent: 3 * of(3),
  };
}

function sampleOf(name: string, seed: number, time: number, isByName: boolean): MetricsSample {
  return {
    name,
    ...figuresOf(seed, time),
    cpuLimit: 2,
    memoryLimitBytes: 512 * mebibyte,
    ...(isByName
      ? {
          interfaces: [
            { name: "eth0", receivedBytesPerSecond: 900_000 * wave(seed, time), sentBytesPerSecond: 100_000, dropsPerSecond: 0 },
          ],
          missing: { swap: "The kernel of this computer counts no swap for containers." },
        }
      : {}),
  };
}

/** Everything before now, but for a gap an hour ago. */
function historyOf(params: unknown): History {
  const { from, to, figures, maxSteps, subject } = historyQuestion.parse(params);
  const seed = subject.type === "host" ? 500 : subject.name.length;
  const now = Date.now();
  const stepMilliseconds = Math.max(recordedStep, Math.ceil((to - from) / maxSteps / recordedStep) * recordedStep);
  const begin = Math.floor(from / stepMilliseconds) * stepMilliseconds;
  const steps = Math.max(0, Math.ceil((Math.min(to, now) - begin) / stepMilliseconds));
  const series = (figure: KeptFigure) => {
    const average = Array.from({ length: steps }, (_, step) => {
      const time = begin + (step + 0.5) * stepMilliseconds;
      return now - time > 3_000_000 && now - time < 3_600_000 ? null : (figuresOf(seed, time)[figure] ?? null);
    });
    return {
      average,
      minimum: average.map((value) => value && value * 0.6),
      maximum: average.map((value) => value && value * 1.5),
    };
  };
  return {
    from: begin,
    stepMilliseconds,
    steps,
    figures: Object.fromEntries(figures.filter((figure) => figure !== "swapBytes").map((figure) => [figure, series(figure)])),
  };
}

function eventsOf([name = "web"]: readonly string[]): HistoryEvent[] {
  const now = Date.now();
  return [
    { time: now - 3_000_000, container: name, kind: "started" },
    { time: now - 200_000, container: name, kind: "limit-changed", detail: "memory 512 MiB" },
    { time: now - 30_000, container: name, kind: "oom-kill" },
  ];
}
