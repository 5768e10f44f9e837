import { readProcessStat } from "./lxc/proc.ts";

/** A process, told apart from a later one of the same number by when it was started (clock ticks after boot, proc_pid_stat(5)). */
export type Holder = { pid: number; startTicks: string };

let self: Holder | undefined;

/** This process. */
export function ownProcess(): Holder {
  if (!self) {
    const stat = readProcessStat(process.pid);
    if (!stat) throw new Error("/proc is not there: the helper cannot tell who it is");
    self = { pid: process.pid, startTicks: stat.startTicks };
  }
  return self;
}

/** True while that very process lives. One that has ended and was not waited for yet holds nothing any more. */
export function isHeld({ pid, startTicks }: Holder): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
}
