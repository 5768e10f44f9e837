import { mkdirSync, rmdirSync } from "node:fs";
import { type ConfigEntry, lastValueOf } from "./config.ts";
import type { TaskContext } from "./context.ts";
import { parseRootfs } from "./list.ts";
import { unmountBelow } from "./mounts.ts";
import { run } from "./run.ts";

export type ShownFiles = { folder: string; hide(): Promise<void> } | { reason: string };

/**
 * The folder with a container's files as it sees them.
 * @param entries Of its configuration.
 * @param merged Where they are mounted if they lie in layers; not there yet.
 */
export async function showFiles(task: TaskContext, entries: readonly ConfigEntry[], merged: string): Promise<ShownFiles> {
  const { storage, lower, folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  const [first, upper] = folders;
  if ((storage === "dir" || storage === "btrfs") && first !== undefined) return { folder: first, hide: async () => {} };
  if (storage !== "overlay" || lower === undefined || upper === undefined) return { reason: "Its files are not in a plain folder." };
  if ([lower, upper].some((path) => /[:,\\]/.test(path))) return { reason: `The kernel cannot mount ${lower}.` };
  mkdirSync(merged, { mode: 0o700 });
  await run("mount", mountArguments(entries, { lower, upper }, merged), { task });
  return {
    folder: merged,
    async hide() {
      await unmountBelow(task, merged);
      rmdirSync(merged);
    },
  };
}

/** The arguments of mount. With two layers below and none above them it can only be read, and nothing is written beside the layers either. */
export function mountArguments(
  entries: readonly ConfigEntry[],
  { lower, upper }: { lower: string; upper: string },
  merged: string,
): string[] {
  const options = (lastValueOf(entries, "lxc.rootfs.options") ?? "").split(",");
  const overlay = ["ro", "nodev", "nosuid", "noexec", `lowerdir=${upper}:${lower}`];
  if (options.includes("userxattr")) overlay.push("userxattr");
  return ["-t", "overlay", "-o", overlay.join(","), "lxc-desktop", merged];
}
