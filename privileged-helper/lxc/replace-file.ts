import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Writes a file anew in one step: whoever reads it has the old text or the new one, also after a power cut. */
export function replaceFile(path: string, text: string, mode: number): void {
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  rmSync(staged, { force: true });
  try {
    writeToDisk(staged, text, mode);
    renameSync(staged, path);
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  }
}

/** Makes a file, and waits until what is in it is on the disk: a file system may otherwise note its name, or what comes after it, before that. */
export function writeToDisk(path: string, text: string, mode: number): void {
  const file = openSync(path, "wx", mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
