import { readFileSync } from "node:fs";
import { type Figure, median, milliseconds } from "./figures.ts";
import { openAppWindow, openEmptyWindow, startDisplay, type Window } from "./window.ts";
import { openAppWindowOfPerson, openEmptyWindowOfPerson, setBenchArguments } from "./window-of-person.ts";

const rounds = 15;
/** So long until nothing of the start is left. */
const settleMilliseconds = 20_000;
const idleMilliseconds = 30_000;
/** USER_HZ on every Linux that Node runs on (time(7)). */
const ticksPerSecond = 100;

/** The whole app with its window, against an empty window of the same Chromium with the same flags. */
export async function appWindowFigures(running: number): Promise<Figure[]> {
  const endDisplay = await startDisplay();
  try {
    const ours: number[] = [];
    const theirs: number[] = [];
    const takeBenchArguments = setBenchArguments();
    for (let round = -1; round < rounds; round++) {
      const empty = await startToPaint(openEmptyWindowOfPerson);
      const app = await startToPaint(openAppWindowOfPerson);
      if (round < 0) continue;
      theirs.push(empty);
      ours.push(app);
    }
    takeBenchArguments();
    const ratio = median(ours) / median(theirs);
    const empty = await idle(openEmptyWindow);
    const app = await idle(openAppWindow);
    const more = app.megabytes - empty.megabytes;
    const percent = app.cpuPercent;
    return [
      {
        name: "Start to first paint, against an empty window of Chromium",
        ours: milliseconds(median(ours)),
        theirs: milliseconds(median(theirs)),
        result: `${ratio.toFixed(2)} times`,
        bar: "at most 1.5 times",
        met: ratio <= 1.5,
      },
      {
        name: "Memory of the whole app (PSS), against an empty window of Chromium",
        ours: `${app.megabytes.toFixed(0)} MB`,
        theirs: `${empty.megabytes.toFixed(0)} MB`,
        result: `${more.toFixed(0)} MB more`,
        bar: "at most 100 MB more",
        met: more <= 100,
      },
      {
        name: `CPU time of the whole app, ${running} running containers in the list, nobody touching it`,
        ours: `${percent.toFixed(2)} %`,
        theirs: `${empty.cpuPercent.toFixed(2)} %`,
        result: `${percent.toFixed(2)} % of a core`,
        bar: "at most 1 % of a core",
        met: percent <= 1,
      },
    ];
  } finally {
    endDisplay();
  }
}

async function startToPaint(open: () => Promise<Window>): Promise<number> {
  const window = await open();
  try {
    return (await window.firstPaint()) - window.startedAt;
  } finally {
    await window.close();
  }
}

async function idle(open: () => Promise<Window>): Promise<{ megabytes: number; cpuPercent: number }> {
  const window = await open();
  try {
    await window.firstPaint();
    await wait(settleMilliseconds);
    const pids = window.pids();
    const before = cpuTicks(pids);
    const start = performance.now();
    await wait(idleMilliseconds);
    const seconds = (performance.now() - start) / 1000;
    const cpuPercent = ((cpuTicks(pids) - before) / ticksPerSecond / seconds) * 100;
    return { megabytes: pids.reduce((sum, pid) => sum + proportionalSetMegabytes(pid), 0), cpuPercent };
  } finally {
    await window.close();
  }
}

/** utime and stime, fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)). */
function cpuTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }, 0);
}

function proportionalSetMegabytes(pid: number): number {
  return (Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024) / 1e6;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const wait = (duration: number) => new Promise((resolve) => setTimeout(resolve, duration));
