import { statfs } from "node:fs/promises";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";

/** @param folder One that is there. @throws ProblemError `no-space` where not so many bytes may still be written below it. */
export async function requireSpace(folder: string, neededBytes: number): Promise<void> {
  if ((await freeBytes(folder)) < neededBytes) throw await noSpace(folder, neededBytes);
}

export async function noSpace(folder: string, neededBytes: number): Promise<ProblemError> {
  const availableBytes = await freeBytes(folder);
  return new ProblemError({ code: "no-space", path: folder, availableBytes, neededBytes: Math.max(0, neededBytes) });
}

/** True for what is thrown where there is no room left, or none for this person. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
