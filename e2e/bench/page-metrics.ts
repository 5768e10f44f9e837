import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type CDPSession, chromium, type Page } from "@playwright/test";
import { build, type Plugin } from "vite";
import { type FedHost, startFedHost } from "./fed-host.ts";
import { type Figure, median, milliseconds } from "./figures.ts";

const containers = 200;
const tickMilliseconds = 1_000;
/** Of each page in turn, so often; so many ticks each time. */
const rounds = 2;
const ticksPerRound = 15;
/** Until what the page does once is over, and its charts have something to draw. */
const settleMilliseconds = 25_000;
const charts = 4;
const root = join(fileURLToPath(import.meta.url), "../../..");

type Cost = { perTick: number; scripting: number; longTasks: number; heapMegabytes: number };

/**
 * The Host page's metrics with 200 running containers, all of them busy, at one tick a second: four charts are in sight, and below them a
 * table with a sparkline a row, of which those in sight are drawn. Beside it the very same page, built with plain recharts in the place of
 * the app's own charts, and with nothing left out that is out of sight. Both are fed made-up figures, so that only the page is measured: the
 * processor time of its main thread, that is scripts, layout and painting and all else that it does.
 * @param minutes How long the page is then watched for memory that it does not give back.
 */
export async function pageMetricsFigures(minutes: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-plain-"));
  const names = Array.from({ length: containers }, (_, index) => `container-${index + 1}`);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc", "--enable-precise-memory-info"],
  });
  const hosts: FedHost[] = [];
  try {
    await build({
      root: join(root, "renderer"),
      configFile: join(root, "vite.config.ts"),
      logLevel: "error",
      plugins: [plainRecharts],
      build: { outDir: folder, emptyOutDir: true },
    });
    hosts.push(await startFedHost({ folder: join(root, "dist/renderer"), names }), await startFedHost({ folder, names }));
    const [ourHost, theirHost] = hosts as [FedHost, FedHost];
    const ours: Cost[] = [];
    const theirs: Cost[] = [];
    for (let round = 0; round < rounds; round++) {
      theirs.push(await measure(browser, theirHost, [...names]));
      ours.push(await measure(browser, ourHost, [...names]));
    }
    const cost = (of: Cost[]) => median(of.map(({ perTick }) => perTick));
    const ratio = cost(theirs) / cost(ours);
    const longTasks = ours.reduce((sum, one) => sum + one.longTasks, 0);
    const growth = await watchMemory(browser, ourHost, minutes);
    return [
      {
        name: `Page's main thread for a tick, ${containers} busy containers with sparklines and ${charts} charts at 1 Hz`,
        ours: milliseconds(cost(ours)),
        theirs: milliseconds(cost(theirs)),
        result: `${milliseconds(cost(ours))}, of which scripts ${milliseconds(median(ours.map(({ scripting }) => scripting)))}`,
        bar: "at most 8 ms",
        met: cost(ours) <= 8,
      },
      {
        name: "The same, against plain recharts everywhere",
        ours: milliseconds(cost(ours)),
        theirs: milliseconds(cost(theirs)),
        result: `${ratio.toFixed(1)} times less`,
        bar: "at least 10 times less",
        met: ratio >= 10,
      },
      {
        name: "Tasks of more than 50 ms meanwhile",
        ours: String(longTasks),
        theirs: String(theirs.reduce((sum, one) => sum + one.longTasks, 0)),
        result: String(longTasks),
        bar: "none",
        met: longTasks === 0,
      },
      {
        name: `Memory of the page's scripts over ${minutes} min`,
        ours: `${growth.before.toFixed(1)} MB to ${growth.after.toFixed(1)} MB`,
        theirs: "",
        result: `${(growth.after - growth.before).toFixed(2)} MB more`,
        bar: "at most 2 MB more",
        met: growth.after - growth.before <= 2,
      },
    ];
  } finally {
    await browser.close();
    for (const host of hosts) await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const plainRecharts: Plugin = {
  name: "plain-recharts",
  enforce: "pre",
  async resolveId(source, importer) {
    const replaced = /\/(sparkline\.tsx|time-chart\.tsx|use-rows-in-sight\.ts|use-is-in-sight\.ts)$/.exec(source)?.[1];
    if (replaced === undefined || importer?.includes("plain-recharts")) return undefined;
    return join(root, "e2e/bench/plain-recharts", replaced);
  },
};

async function openMetrics(browser: Browser, host: FedHost): Promise<{ page: Page; session: CDPSession }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "no-preference" });
  await page.goto(host.address());
  await page.getByRole("heading", { name: "Containers", level: 1 }).waitFor();
  await page.evaluate(() => {
    location.hash = "/host/metrics";
  });
  await page.getByRole("table", { name: "Containers that take most" }).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.waitForTimeout(settleMilliseconds);
  return { page, session };
}

async function measure(browser: Browser, host: FedHost, names: readonly string[]): Promise<Cost> {
  const { page, session } = await openMetrics(browser, host);
  try {
    const rows = await page.getByRole("table", { name: "Containers that take most" }).getAttribute("aria-rowcount");
    if (Number(rows) !== names.length + 1) throw new Error(`${rows} rows`);
    await page.evaluate(() => {
      const seen = window as unknown as { longTasks: number };
      seen.longTasks = 0;
      new PerformanceObserver((list) => {
        seen.longTasks += list.getEntries().length;
      }).observe({ type: "longtask" });
    });
    const before = await readMetrics(session);
    await page.waitForTimeout(ticksPerRound * tickMilliseconds);
    const after = await readMetrics(session);
    return {
      perTick: ((after.TaskDuration - before.TaskDuration) * 1_000) / ticksPerRound,
      scripting: ((after.ScriptDuration - before.ScriptDuration) * 1_000) / ticksPerRound,
      longTasks: await page.evaluate(() => (window as unknown as { longTasks: number }).longTasks),
      heapMegabytes: after.JSHeapUsedSize / 1e6,
    };
  } finally {
    await page.close();
  }
}

/** After the rings are full, and so many minutes later; collected both times, so that only what is still held counts. */
async function watchMemory(browser: Browser, host: FedHost, minutes: number): Promise<{ before: number; after: number }> {
  const { page, session } = await openMetrics(browser, host);
  try {
    const ringsAreFullMilliseconds = 125_000;
    await page.waitForTimeout(ringsAreFullMilliseconds);
    const before = await heap(session);
    await page.waitForTimeout(minutes * 60_000);
    return { before, after: await heap(session) };
  } finally {
    await page.close();
  }
}

async function heap(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await readMetrics(session)).JSHeapUsedSize / 1e6;
}

type PageMetrics = Record<"TaskDuration" | "ScriptDuration" | "JSHeapUsedSize", number>;

async function readMetrics(session: CDPSession): Promise<PageMetrics> {
  const { metrics } = await session.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as PageMetrics;
}
