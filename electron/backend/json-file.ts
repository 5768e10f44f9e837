import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Files in which something of a person's is kept. */

/**
 * @param understand Throws where it is not what it should be.
 * @returns What it understood; undefined where there is no file, or one that is not understood: that is put aside, so that nothing of it is lost.
 */
export function readJsonFile<T>(path: string, maxBytes: number, understand: (content: unknown) => T): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    if (text.length > maxBytes) throw new Error("too large");
    return understand(JSON.parse(text));
  } catch {
    renameSync(path, `${path}.broken`);
    return undefined;
  }
}

/** Replaces the file in one step. Nobody else can read it. */
export function writeJsonFile(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const staged = `${path}.${process.pid}.new`;
  rmSync(staged, { force: true });
  writeFileSync(staged, `${JSON.stringify(content, undefined, 2)}\n`, { flag: "wx", mode: 0o600 });
  renameSync(staged, path);
}
