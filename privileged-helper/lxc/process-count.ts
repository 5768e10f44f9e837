import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readIfThere } from "./counter-files.ts";

/**
 * Counts the processes of a cgroup and of all below it, line by line of their `cgroup.procs` (cgroups(7)). No counter of the kernel's
 * tells it: `pids.current` counts threads.
 * @returns undefined where it cannot be read; `cgroups` is how many were looked into, which is what it costs.
 */
export function countProcesses(folder: string): { processes: number; cgroups: number } | undefined {
  const text = readIfThere(join(folder, "cgroup.procs"));
  if (text === undefined) return undefined;
  let processes = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) processes += 1;
  let cgroups = 1;
  for (const name of foldersIn(folder)) {
    // One that cannot be read has threads of a process that is counted elsewhere, or has gone.
    const below = countProcesses(join(folder, name));
    processes += below?.processes ?? 0;
    cgroups += below?.cgroups ?? 0;
  }
  return { processes, cgroups };
}

/** The processes of a cgroup and of all below it, by their numbers of this computer. */
export function listProcesses(folder: string): number[] {
  const own = (readIfThere(join(folder, "cgroup.procs")) ?? "").split("\n").filter(Boolean).map(Number);
  return [...own, ...foldersIn(folder).flatMap((name) => listProcesses(join(folder, name)))];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
