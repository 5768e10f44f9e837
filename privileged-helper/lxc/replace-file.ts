import { renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Writes a file anew in one step: whoever reads it has the old text or the new one. */
export function replaceFile(path: string, text: string, mode: number): void {
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  rmSync(staged, { force: true });
  writeFileSync(staged, text, { flag: "wx", mode });
  renameSync(staged, path);
}
