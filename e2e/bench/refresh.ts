import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createContainerReader } from "../../privileged-helper/lxc/list.ts";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, milliseconds } from "./figures.ts";
import { lxc } from "./tools.ts";

const rounds = 15;
/** The kernel counts a child's CPU time in hundredths of a second; ours is measured over many refreshes, so that both are as exact. */
const refreshesPerRound = 20;

/**
 * CPU time of one refresh of all containers, in turns: everything read anew by the helper's own reader and written as the
 * message that it sends, against `lxc-ls -f`.
 */
export async function refreshFigures(helper: HelperClient, lxcPath: string): Promise<Figure[]> {
  const reader = createContainerReader({ lxcPath });
  const refreshAll = () => JSON.stringify(reader.readAll()).length;
  for (let warm = 0; warm < 50; warm++) refreshAll();
  let ours = 0;
  let theirs = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let count = 0; count < refreshesPerRound; count++) refreshAll();
    const { user, system } = process.cpuUsage(before);
    ours += user + system;
    const childrenBefore = childrenCpuMilliseconds();
    await lxc("lxc-ls", "-f", "-P", lxcPath);
    theirs += childrenCpuMilliseconds() - childrenBefore;
  }
  reader.rest();
  const oursMilliseconds = ours / 1e3 / (rounds * refreshesPerRound);
  const theirsMilliseconds = theirs / rounds;
  const ratio = theirsMilliseconds / oursMilliseconds;
  const processes = await processesStartedBy(helper);
  return [
    {
      name: "CPU time of a refresh of 50 running containers, against lxc-ls -f",
      ours: milliseconds(oursMilliseconds),
      theirs: milliseconds(theirsMilliseconds),
      result: `${ratio.toFixed(0)} times less`,
      bar: "at least 30 times less",
      met: ratio >= 30,
    },
    {
      name: "Processes that a refresh starts",
      ours: String(processes),
      theirs: "1 and more",
      result: String(processes),
      bar: "none",
      met: processes === 0,
    },
  ];
}

async function refresh(helper: HelperClient): Promise<void> {
  await helper.call("containers.watch", {});
  await helper.call("containers.unwatch", {});
}

/** CPU time of children that were waited for: cutime and cstime, fields 16 and 17 of /proc/self/stat (proc_pid_stat(5)). */
function childrenCpuMilliseconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Counts fork, vfork and clone without CLONE_THREAD in the helper during some refreshes, as strace sees them. */
async function processesStartedBy(helper: HelperClient): Promise<number> {
  const trace = spawn("/usr/bin/strace", ["-f", "-q", "-e", "trace=fork,vfork,clone,clone3,execve,openat", "-p", String(helper.pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let printed = "";
  trace.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  // Attached once it shows what the helper opens; without that a count of nothing would mean nothing.
  while (!printed.includes("openat(")) await refresh(helper);
  for (let count = 0; count < rounds; count++) await refresh(helper);
  trace.kill("SIGINT");
  await once(trace, "exit");
  return printed.split("\n").filter((line) => /\b(fork|vfork|clone3?|execve)\(/.test(line) && !line.includes("CLONE_THREAD")).length;
}
