import type { OperationContext, TaskContext } from "./context.ts";
import { removeFiles } from "./destroy.ts";
import { unmountBelow } from "./mounts.ts";

/** The folder of a new image; undoing removes it, and what is mounted in it. */
export function makeImageFolder({ images, task }: Pick<OperationContext, "images" | "task">, id: string) {
  task.onUndo(() => removeImageFolder(task, images.partialOf(id)));
  return images.begin(id);
}

/** Removes the folder of an image that is none yet, or none any more. */
export async function removeImageFolder(task: TaskContext, folder: string): Promise<void> {
  await unmountBelow(task, folder);
  await removeFiles(task, folder);
}
