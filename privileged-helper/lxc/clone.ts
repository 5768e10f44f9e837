import { join } from "node:path";
import { editConfig, readConfigurationText, readEffectiveConfig, writeConfig } from "./config.ts";
import { isOwnNetworkKey, networkEntries } from "./container-network.ts";
import type { OperationContext } from "./context.ts";
import { consoleLogEntries } from "./create.ts";
import { removeHalfMade } from "./destroy.ts";
import { run } from "./run.ts";

export type CloneParams = { name: string; from: string; address: "static" | "dhcp" };

const timeoutSeconds = 600;
const consoleKeys = new Set(["lxc.console.logfile", "lxc.console.size", "lxc.console.rotate", "lxc.log.file"]);

/**
 * Clones a stopped container in a moment: the clone's root file system is a layer over its base's, which from then on has
 * to stay. It has the same ids as its base, and a MAC, an address and logs of its own.
 */
export async function cloneContainer(context: OperationContext, { name, from, address }: CloneParams): Promise<void> {
  const { lxcPath, task } = context;
  const { entries } = readEffectiveConfig(join(lxcPath, from, "config"));
  const network = await networkEntries(context, name, entries, address);
  task.onUndo(() => removeHalfMade(context, name));
  task.step(`Cloning ${from}`);
  await run("lxc-copy", ["-n", from, "-N", name, "-P", lxcPath, "-s", "-B", "overlayfs"], { task, timeoutSeconds });
  const { path, text } = readConfigurationText(lxcPath, name);
  writeConfig(
    path,
    editConfig(text, {
      remove: (key) => consoleKeys.has(key) || (network.length > 0 && isOwnNetworkKey(key)),
      add: [...network, ...consoleLogEntries(join(lxcPath, name))],
    }),
  );
}
