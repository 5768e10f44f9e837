import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { overlayOptions, withOwnCloneHooks, withoutOwnCloneHooks } from "./clone-config.ts";
import {
  type ConfigEntry,
  editConfig,
  lastValueOf,
  parseConfig,
  readConfigurationText,
  readEffectiveConfig,
  writeConfig,
} from "./config.ts";
import { consoleLogEntries } from "./container-config.ts";
import { takenIdentity } from "./container-network.ts";
import { type ContainerOptions, containerOptionChanges } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { claimFolder } from "./destroy.ts";
import { parseRootfs } from "./list.ts";
import { renameInside, writeNameInside } from "./name-inside.ts";
import { run } from "./run.ts";

export type CloneParams = ContainerOptions & { from: string };

const timeoutSeconds = 600;
/** A clone has logs of its own. */
const replacedKeys = new Set(["lxc.uts.name", "lxc.console.logfile", "lxc.console.size", "lxc.console.rotate", "lxc.log.file"]);

/**
 * Clones a stopped container in a moment: the clone's root file system is a layer over its base's, which from then on has
 * to stay. It has the same ids as its base, and a MAC, an address and logs of its own.
 */
export async function cloneContainer(context: OperationContext, params: CloneParams): Promise<void> {
  const { lxcPath, task } = context;
  const { name, from } = params;
  const { entries } = readEffectiveConfig(join(lxcPath, from, "config"));
  const { text: baseText } = readConfigurationText(lxcPath, from);
  await claimFolder(context, params);
  const changes = await containerOptionChanges(takenIdentity(context, name), params, entries);
  task.step(`Cloning ${from}`);
  const forCopying = copiedConfigPath(lxcPath, name);
  writeFileSync(forCopying, withoutOwnCloneHooks(baseText, entries), { flag: "wx", mode: 0o600 });
  await run("lxc-copy", cloneArguments({ lxcPath, name, from }), { task, timeoutSeconds });
  rmSync(forCopying);
  const { path, text } = readConfigurationText(lxcPath, name);
  const [lower, upper] = parseRootfs(lastValueOf(parseConfig(text), "lxc.rootfs.path") ?? "").folders;
  if (lower !== undefined && upper?.startsWith(`${join(lxcPath, name)}/`)) {
    writeNameInside(name, [], lower, upper);
    renameInside(from, name, lower, upper);
  }
  writeConfig(path, cloneConfig(text, { folder: join(lxcPath, name), name, baseText, entries, changes }));
  if (parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "").storage === "overlay") forgetDependency(lxcPath, name, from);
}

/** The arguments of lxc-copy. Without -K it would write the name into the base's files, and through whatever links its root has made of them. */
export function cloneArguments({ lxcPath, name, from }: { lxcPath: string; name: string; from: string }): string[] {
  return ["-n", from, "-N", name, "-P", lxcPath, "-s", "-B", "overlayfs", "-K", `--rcfile=${copiedConfigPath(lxcPath, name)}`];
}

function copiedConfigPath(lxcPath: string, name: string): string {
  return join(lxcPath, name, "clone.conf");
}

type CloneOf = {
  folder: string;
  name: string;
  baseText: string;
  /** The base's, with everything that it includes. */
  entries: readonly ConfigEntry[];
  changes: Awaited<ReturnType<typeof containerOptionChanges>>;
};

/** The configuration of a clone. @param text What lxc-copy makes of the base's. */
export function cloneConfig(text: string, { folder, name, baseText, entries, changes: { remove, add } }: CloneOf): string {
  return editConfig(withOwnCloneHooks(text, baseText), {
    remove: (key) => remove(key) || replacedKeys.has(key),
    add: [...add, ["lxc.uts.name", name], ...consoleLogEntries(folder), ...overlayOptions(entries)],
  });
}

/**
 * LXC copies the layer of a clone that is cloned itself, so that both depend on the same base, and yet notes that one needs the
 * other and refuses to remove it. Its notes (lxccontainer.c, mod_rdep) are pairs of lines, folder and name: `lxc_snapshots` of
 * those that depend on a container, `lxc_rdepends` of those that it depends on. Nothing can depend on an overlay.
 */
function forgetDependency(lxcPath: string, name: string, from: string) {
  rmSync(join(lxcPath, from, "lxc_snapshots"), { force: true });
  const path = join(lxcPath, name, "lxc_rdepends");
  if (!existsSync(path)) return;
  const pairs = readFileSync(path, "utf8").match(/.*\n.*\n/g) ?? [];
  writeFileSync(path, pairs.filter((pair) => pair !== `${lxcPath}\n${from}\n`).join(""));
}
