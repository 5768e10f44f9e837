import { dirname } from "node:path";
import { replaceFile } from "../replace-file.ts";
import { openToPassThrough } from "../state-folder.ts";

/** Writes a file of ours that configurations name, in one step. */
export function writeProfileFile({ path, text }: { path: string; text: string }): void {
  openToPassThrough(dirname(path));
  replaceFile(path, text, 0o644);
}
