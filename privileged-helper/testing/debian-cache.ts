import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where LXC keeps what it downloaded of Debian for the next time. */
export const debianCache = "/var/cache/lxc/debian";

export function cachedDebians(): string[] {
  return existsSync(debianCache) ? readdirSync(debianCache) : [];
}

/** Takes away what came since. */
export function restoreDebianCache(before: readonly string[]): void {
  for (const name of cachedDebians().filter((one) => !before.includes(one))) execFileSync("rm", ["-rf", join(debianCache, name)]);
}
