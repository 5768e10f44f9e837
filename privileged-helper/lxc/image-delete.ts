import type { OperationContext } from "./context.ts";
import { removeImageFolder } from "./image-folder.ts";

/** Deletes an image that no container lies on. Its name goes first, so that nobody meets half an image. */
export async function deleteImage({ lxcPath, journal, images, task }: OperationContext, id: string, title: string): Promise<void> {
  task.step("Removing its files");
  const record = journal.begin({ lxcPath, kind: "delete-image", name: id, title });
  await task.critical(() => removeImageFolder(task, images.retire(id)));
  record.finish();
}
