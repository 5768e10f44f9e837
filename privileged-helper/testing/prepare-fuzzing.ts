import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleHelper } from "./helper-client.ts";

/** Bundles the target, and makes a folder of containers with one in it that never runs. @param folder is to be removed by whoever made it. */
export async function prepareFuzzing(folder: string): Promise<{ script: string; lxcPath: string; corpus: string }> {
  const script = await bundleHelper(join(folder, "target"), join(import.meta.dirname, "fuzz-target.ts"));
  const lxcPath = join(folder, "lxc");
  const container = join(lxcPath, "web");
  mkdirSync(join(container, "rootfs/etc"), { recursive: true });
  writeFileSync(join(container, "rootfs/etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(join(container, "config"), `lxc.uts.name = web\nlxc.rootfs.path = dir:${container}/rootfs\nlxc.net.0.type = empty\n`);
  return { script, lxcPath, corpus: join(import.meta.dirname, "fuzz-corpus") };
}
