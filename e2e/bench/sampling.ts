import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median } from "./figures.ts";

const rounds = 15;
const roundMilliseconds = 5_000;
const barTimesLess = 25;
const barPercent = 0.15;

/**
 * CPU time of sampling all running containers once a second, as a page that shows the list has it done, against `lxc-top -d 1`, in turns.
 * The helper's own threads are all counted, and of lxc-top itself only what it uses once it has begun.
 */
export async function samplingFigures(helper: HelperClient, lxcPath: string, running: number): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  let ticks = 0;
  helper.on("metrics.tick", ({ samples, unchanged }) => {
    if (samples.length + unchanged.length >= running) ticks += 1;
  });
  for (let round = 0; round < rounds; round++) {
    await helper.call("metrics.watch", { containers: "running", intervalMilliseconds: 1000 });
    // The first ticks come fast.
    await wait(1_500);
    const before = ticks;
    ours.push(await percentOfCore(helper.pid));
    if (ticks - before < roundMilliseconds / 1000 - 2) throw new Error(`only ${ticks - before} ticks told of ${running} containers`);
    await helper.call("metrics.watch", { containers: [], intervalMilliseconds: 1000 });
    theirs.push(await percentOfTop(lxcPath));
  }
  const [ourMedian, theirMedian] = [median(ours), median(theirs)];
  const ratio = theirMedian / ourMedian;
  return [
    {
      name: `CPU of sampling ${running} containers at 1 s, against lxc-top -d 1`,
      ours: percent(ourMedian),
      theirs: percent(theirMedian),
      result: `${ratio.toFixed(0)} times less`,
      bar: `at least ${barTimesLess} times less`,
      met: ratio >= barTimesLess,
    },
    {
      name: `The same, of one core`,
      ours: percent(ourMedian),
      theirs: percent(theirMedian),
      result: percent(ourMedian),
      bar: `at most ${barPercent} %`,
      met: ourMedian <= barPercent,
    },
  ];
}

const percent = (value: number): string => `${value.toFixed(3)} %`;
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a process uses of one core over a round, per cent. */
async function percentOfCore(pid: number): Promise<number> {
  const [used, at] = [cpuMilliseconds(pid), performance.now()];
  await wait(roundMilliseconds);
  return ((cpuMilliseconds(pid) - used) / (performance.now() - at)) * 100;
}

/** CPU time of all threads of a process: the first number of /proc/PID/task/TID/schedstat, nanoseconds (sched-stats.rst of the kernel). */
function cpuMilliseconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => {
    return sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  }, 0);
}

/** lxc-top draws on a terminal: script gives it one. What it starts itself, if anything, is not counted for it. */
async function percentOfTop(lxcPath: string): Promise<number> {
  const script = spawn("/usr/bin/script", ["-q", "-c", `exec /usr/bin/lxc-top -d 1 -P ${lxcPath}`, "/dev/null"], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { ...process.env, TERM: "xterm" },
  });
  try {
    await wait(1_500);
    const [top] = readFileSync(`/proc/${script.pid}/task/${script.pid}/children`, "utf8").trim().split(" ").map(Number);
    if (!top || readFileSync(`/proc/${top}/comm`, "utf8").trim() !== "lxc-top") throw new Error("lxc-top has not started");
    return await percentOfCore(top);
  } finally {
    script.kill();
  }
}
