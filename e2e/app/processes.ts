import { readdirSync, readFileSync } from "node:fs";

/** Helpers that were started through the installed launcher, without what they start, which looks like themselves for a moment. */
export function helperPids(): number[] {
  const found = pids().filter((pid) => commandOf(pid).includes("/usr/lib/lxc-desktop/helper/main.cjs"));
  return found.filter((pid) => !found.includes(parentOf(pid) ?? 0));
}

/** Processes whose command line has this in it. */
export function pidsOf(text: string): number[] {
  return pids().filter((pid) => pid !== process.pid && commandOf(pid).includes(text));
}

/** All processes below one, whoever they belong to, and that one. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const one of pids()) {
    const parent = parentOf(one);
    if (parent !== undefined) parents.set(one, parent);
  }
  const found = [pid];
  for (const parent of found) for (const [child, its] of parents) if (its === parent) found.push(child);
  return found;
}

/** Nothing once the process has ended. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** The command line, with blanks between the arguments; nothing once the process has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** False for one that has ended and only was not waited for. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
