import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** True for a program or a library as Linux has them. */
export function isElf(body: Buffer): boolean {
  return body.subarray(0, 4).equals(Buffer.from("\x7fELF"));
}

/**
 * A library without its symbols, which are for debuggers and name the folder that it was compiled in. What is left, and the id
 * that was made of both, is the same wherever it was compiled.
 */
export function strip(body: Buffer): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "strip-"));
  try {
    const path = join(folder, "library");
    writeFileSync(path, body);
    execFileSync("strip", ["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note.gnu.build-id", path]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
