import type { OperationContext, TaskContext } from "./context.ts";
import { unmountBelow } from "./mounts.ts";
import { run } from "./run.ts";

/** The folder of a new image; undoing removes it, and what is mounted in it. */
export function makeImageFolder({ images, task }: Pick<OperationContext, "images" | "task">, id: string) {
  task.onUndo(() => removeImageFolder(task, images.partialOf(id)));
  return images.begin(id);
}

/** Removes the folder of an image that is none yet, or none any more. */
export async function removeImageFolder(task: TaskContext, folder: string): Promise<void> {
  await unmountBelow(task, folder);
  await run("rm", ["-rf", "--one-file-system", "--", folder], { task, signal: new AbortController().signal });
}

/** What it takes on disk. */
export async function bytesOnDisk(task: TaskContext, folder: string): Promise<number> {
  const { output } = await run("du", ["--summarize", "--one-file-system", "--block-size=1", folder], {
    signal: task.signal,
    environment: task.environment ?? {},
  });
  return Number(/^\d+/.exec(output)?.[0] ?? 0);
}
