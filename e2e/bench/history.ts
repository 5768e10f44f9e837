import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createAlertFile } from "../../electron/backend/alerts/alert-file.ts";
import { createAlertRules } from "../../electron/backend/alerts/alert-rules.ts";
import { createAlerts } from "../../electron/backend/alerts/alerts.ts";
import { createFigureHistory } from "../../electron/backend/history/history.ts";
import { createObserver } from "../../electron/backend/observer.ts";
import { keptFigures } from "../../privileged-helper/contract/history.ts";
import type { MetricsFigures, MetricsTick } from "../../privileged-helper/contract/model.ts";
import type { Figure } from "./figures.ts";

const hours = 4;
const tickMilliseconds = 5_000;
const flushMilliseconds = 5 * 60_000;
const hourMilliseconds = 3_600_000;
const barCpuPercent = 0.2;
const barMegabytesPerHour = 40;
const barGrowthMegabytes = 8;

/**
 * What the host needs to keep the history and to look for alerts, while every figure of every container moves at each tick: hours of it,
 * as fast as they can be taken in, with the real files. The ticks are made up; taking them is the helper's part.
 */
export async function historyFigures(running: number): Promise<Figure[]> {
  const folder = mkdtempSync("/var/tmp/lxc-desktop-history-bench-");
  let now = Date.now();
  const history = createFigureHistory({ folder, maxBytes: () => 64 * 1024 * 1024, clock: () => now });
  const observer = createObserver({
    history,
    alerts: createAlerts({
      rules: createAlertRules(join(folder, "rules")),
      file: createAlertFile(join(folder, "alerts")),
      onChanged: () => {},
      onRulesChanged: () => {},
    }),
    diskFill: { percent: () => undefined },
    keepsHistory: () => true,
    onEvent: () => {},
    onEarlierStart: () => {},
    askHelper: () => undefined,
  });
  const growth: number[] = [];
  let cpuMicroseconds = 0;
  const before = bytesWritten();
  try {
    for (let hour = 0; hour < hours; hour++) {
      for (const end = now + hourMilliseconds; now < end; now += tickMilliseconds) {
        const tick = madeUpTick(running, now);
        const start = process.cpuUsage();
        observer.onRecorded(tick);
        const isFlushed = now % flushMilliseconds < tickMilliseconds;
        if (isFlushed) await history.flush();
        const { user, system } = process.cpuUsage(start);
        cpuMicroseconds += user + system;
        // The kernel writes what is half a minute old. Here five minutes go by at once, and a page would be counted once for many writes.
        if (isFlushed) execFileSync("/bin/sync", ["--file-system", folder]);
      }
      globalThis.gc?.();
      growth.push(process.memoryUsage().rss);
    }
  } finally {
    await history.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const cpuPercent = (100 * cpuMicroseconds) / (hours * 3.6e9);
  const megabytesPerHour = (bytesWritten() - before) / hours / 1e6;
  // The first hour fills what is kept in memory.
  const grown = ((growth.at(-1) ?? 0) - (growth[1] ?? 0)) / 1e6;
  return [
    {
      name: `The host's CPU for history and alerts, ${running} containers every 5 s`,
      ours: `${cpuPercent.toFixed(3)} % of a core`,
      theirs: "",
      result: `${((100 * cpuPercent) / barCpuPercent).toFixed(0)} % of the bar`,
      bar: `under ${barCpuPercent} %`,
      met: cpuPercent < barCpuPercent,
    },
    {
      name: `Written to disk by the history, ${running} containers`,
      ours: `${megabytesPerHour.toFixed(1)} MB an hour`,
      theirs: "",
      result: `${((100 * megabytesPerHour) / barMegabytesPerHour).toFixed(0)} % of the bar`,
      bar: `under ${barMegabytesPerHour} MB an hour`,
      met: megabytesPerHour < barMegabytesPerHour,
    },
    {
      name: `Memory that the history grows by from the second to hour ${hours}`,
      ours: `${grown.toFixed(1)} MB`,
      theirs: "",
      result: "",
      bar: `under ${barGrowthMegabytes} MB`,
      met: grown < barGrowthMegabytes,
    },
  ];
}

function madeUpTick(running: number, time: number): MetricsTick {
  const figures = (): MetricsFigures =>
    Object.fromEntries([...keptFigures.map((figure) => [figure, Math.random() * 1e6]), ["cpuLimit", 2], ["memoryLimitBytes", 8e9]]);
  const samples = Array.from({ length: running }, (_none, index) => ({ name: `c${index}`, ...figures() }));
  return { time, afterGap: false, samples, unchanged: [], host: figures() };
}

/** What this process has made the kernel write to disks, whole pages (kernel: proc/PID/io). */
function bytesWritten(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}
