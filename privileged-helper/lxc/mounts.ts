import { readFileSync } from "node:fs";
import type { TaskContext } from "./context.ts";
import { parseMountinfo } from "./mountinfo.ts";
import { run } from "./run.ts";

/** Unmounts everything at and below a folder, the deepest first. */
export async function unmountBelow(task: TaskContext, folder: string): Promise<void> {
  const points = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of points.reverse()) await run("umount", unmountArguments(point), { task });
}

/** The arguments of umount. */
export function unmountArguments(point: string): string[] {
  return ["--lazy", "--no-canonicalize", "--", point];
}
