import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemFiles } from "../lxc/network.ts";

/** @returns The addresses that are reserved for containers of that folder: others have their own at the same time. */
export function reservationsOf(lxcPath: string): string[] {
  const mark = ` # ${createHash("sha256").update(lxcPath).digest("hex").slice(0, 16)}.`;
  if (!existsSync(systemFiles.hosts)) return [];
  return readdirSync(systemFiles.hosts).filter((file) => readFileSync(join(systemFiles.hosts, file), "utf8").includes(mark));
}
