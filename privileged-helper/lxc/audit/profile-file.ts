import { renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { openToPassThrough } from "../state-folder.ts";

/** Writes a file of ours that configurations name, in one step. */
export function writeProfileFile({ path, text }: { path: string; text: string }): void {
  openToPassThrough(dirname(path));
  const staged = `${path}.${process.pid}.new`;
  rmSync(staged, { force: true });
  writeFileSync(staged, text, { flag: "wx", mode: 0o644 });
  renameSync(staged, path);
}
