import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { defaultLxcPath } from "../../privileged-helper/lxc/host.ts";

const execute = promisify(execFile);

/** Runs one of LXC's own tools, as a person in a shell would, and waits for it. */
export async function lxc(tool: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(`/usr/bin/${tool}`, args, { encoding: "utf8" });
  return stdout;
}

/** Starts this program again where what it mounts is seen by nobody else, and ends with it; returns in the second one. */
export function enterMountNamespace(): void {
  if (process.env[insideVariable]) return;
  const { status } = spawnSync(
    "/usr/bin/unshare",
    ["--mount", "--propagation", "private", process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, [insideVariable]: "1" } },
  );
  process.exit(status ?? 1);
}
const insideVariable = "LXC_DESKTOP_BENCH_INSIDE";

/** What LXC's templates keep of the distributions that they have fetched. */
const cacheOfTemplates = "/var/cache/lxc";

/** Lays empty folders over LXC's own, of containers and of what templates keep; mapped root users have to be able to enter the first. */
export function coverLxcPath(): { lxcPath: string; uncover(): void } {
  const lxcPath = defaultLxcPath();
  const covered = [lxcPath, cacheOfTemplates].filter(existsSync).map((path) => {
    const folder = mkdtempSync("/var/tmp/lxc-desktop-bench-");
    chmodSync(folder, 0o755);
    execFileSync("/usr/bin/mount", ["--bind", folder, path]);
    return { path, folder };
  });
  return {
    lxcPath,
    uncover() {
      for (const { path, folder } of covered) {
        execFileSync("/usr/bin/umount", [path]);
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Kills and removes everything below a folder of containers, clones before what they are cloned from. */
export async function removeContainers(lxcPath: string): Promise<void> {
  const names = readdirSync(lxcPath);
  for (const name of names) await lxc("lxc-stop", "-k", "-n", name, "-P", lxcPath).catch(() => {});
  for (let left = names, pass = 0; left.length > 0 && pass < 3; pass++, left = readdirSync(lxcPath)) {
    for (const name of left) await lxc("lxc-destroy", "-n", name, "-P", lxcPath).catch(() => {});
  }
}
