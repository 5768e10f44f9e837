import { readFileSync } from "node:fs";
import type { TaskContext } from "./context.ts";
import { run } from "./run.ts";

/** Unmounts everything at and below a folder, the deepest first (proc_pid_mountinfo(5): field 5 is the mount point). */
export async function unmountBelow(task: TaskContext, folder: string): Promise<void> {
  const points = parseMountPoints(readFileSync("/proc/self/mountinfo", "utf8")).filter(
    (point) => point === folder || point.startsWith(`${folder}/`),
  );
  for (const point of points.reverse()) await run("umount", ["--lazy", "--no-canonicalize", "--", point], { task });
}

/** Mount points in the order in which they were mounted; blanks are written as \040. */
export function parseMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter(Boolean);
}
