import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Folders `.<random>.<pid>` of this process's, for what goes when its work is done. */
const workFolder = /^\.[0-9a-f]{16}\.(\d{1,10})$/;

/** @param base Is there. @returns The path of a new one. */
export async function makeWorkFolder(base: string): Promise<string> {
  const folder = join(base, `.${randomBytes(8).toString("hex")}.${process.pid}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** Removes what processes left that have ended. */
export async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base).catch(() => [])) {
    const pid = workFolder.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(base, name), { recursive: true, force: true });
  }
}
