import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackagedFile } from "./packages.ts";

/** Writes files below a folder with the modes that they have in a package, whatever this process's umask is. */
export function writeTree(root: string, files: readonly PackagedFile[]) {
  for (const { path, body, executable } of files) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, body);
    chmodSync(target, executable ? 0o755 : 0o644);
  }
  for (const folder of [root, ...foldersBelow(root)]) chmodSync(folder, 0o755);
}

function foldersBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}
