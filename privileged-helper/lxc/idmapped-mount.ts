import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskContext } from "./context.ts";
import { directIdmap } from "./direct-idmap.ts";
import { type IdRange, idmapEntries } from "./idmap.ts";
import { run } from "./run.ts";

const probeTimeoutSeconds = 20;
/** What LXC says of it (conf.c, lxc_rootfs_prepare_parent), and of an option that it does not know. */
const refusals = /idmapped mount|Failed to change mount attributes|idmap=container|only supports the dir storage driver/i;

/** What was found out, by the file system. It changes with a new kernel or LXC, and the helper does not outlive either for long. */
const known = new Map<number, boolean>();

/**
 * Whether LXC can show files of a file system with other owners. It is tried, because it depends on the kernel, the file system and LXC: with
 * a container that has no files and nothing to run, so that its start fails either way, and LXC says of what.
 * @param range Ids that root may give away.
 */
export async function canMountIdmapped(lxcPath: string, range: IdRange, signal: TaskContext["signal"]): Promise<boolean> {
  const { dev } = statSync(lxcPath);
  const answer = known.get(dev);
  if (answer !== undefined) return answer;
  const folder = mkdtempSync(join(lxcPath, ".lxc-desktop-probe-"));
  try {
    chmodSync(folder, 0o711);
    const rootfs = join(folder, "probe", "rootfs");
    for (const name of ["dev", "proc", "sys"]) mkdirSync(join(rootfs, name), { recursive: true });
    const idmaps = idmapEntries(range);
    const lines = [
      ["lxc.uts.name", "probe"],
      ["lxc.net.0.type", "empty"],
      ["lxc.rootfs.path", `dir:${rootfs}`],
      ["lxc.rootfs.options", "idmap=container"],
      ["lxc.init.cmd", "/nothing"],
      ...idmaps,
    ];
    writeFileSync(join(folder, "probe", "config"), lines.map(([key, value]) => `${key} = ${value}\n`).join(""));
    const environment = directIdmap({ entries: idmaps.map(([key, value]) => ({ key, value, line: 0 })) });
    const { output } = await run("lxc-start", ["-n", "probe", "-P", folder, "-F"], {
      signal,
      environment,
      timeoutSeconds: probeTimeoutSeconds,
      allowExitCodes: "any",
    });
    const can = !refusals.test(output);
    known.set(dev, can);
    return can;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
