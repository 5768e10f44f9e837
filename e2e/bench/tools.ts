import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs one of LXC's own tools, as a person in a shell would, and waits for it. */
export async function lxc(tool: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(`/usr/bin/${tool}`, args, { encoding: "utf8" });
  return stdout;
}

/** A folder of the bench's own for containers; mapped root users have to be able to enter it. */
export function makeLxcPath(): string {
  const path = mkdtempSync("/var/tmp/lxc-desktop-bench-");
  chmodSync(path, 0o755);
  return path;
}

/** Kills and removes everything below a folder of containers, clones before what they are cloned from. */
export async function removeLxcPath(lxcPath: string): Promise<void> {
  const names = readdirSync(lxcPath);
  for (const name of names) await lxc("lxc-stop", "-k", "-n", name, "-P", lxcPath).catch(() => {});
  for (let left = names, pass = 0; left.length > 0 && pass < 3; pass++, left = readdirSync(lxcPath)) {
    for (const name of left) await lxc("lxc-destroy", "-n", name, "-P", lxcPath).catch(() => {});
  }
  rmSync(lxcPath, { recursive: true, force: true });
}
