import { join } from "node:path";
import type { Container } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { type ConfigEntry, lastValueOf, readConfigurationText, readEffectiveConfig, valuesOf } from "./config.ts";
import { parseRootfs } from "./list.ts";
import { requireSnapshot, snapshotsFolderOf } from "./snapshots.ts";

export type Copy = "instant" | "full";

/** What a clone is made of: a container, or a snapshot of one, which to LXC is a container of another folder. */
export type CloneSource = {
  lxcPath: string;
  name: string;
  text: string;
  /** With everything that it includes. */
  entries: ConfigEntry[];
  storage: Container["storage"];
};

/** @throws ProblemError `not-found`. */
export function readCloneSource(lxcPath: string, from: string, snapshot?: string): CloneSource {
  if (snapshot !== undefined) requireSnapshot(lxcPath, from, snapshot);
  const [folder, name] = snapshot === undefined ? [lxcPath, from] : [snapshotsFolderOf(lxcPath, from), snapshot];
  const { text } = readConfigurationText(folder, name);
  const { entries } = readEffectiveConfig(join(folder, name, "config"));
  return { lxcPath: folder, name, text, entries, storage: parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "").storage };
}

export function isPrivileged({ entries }: CloneSource): boolean {
  return valuesOf(entries, "lxc.idmap").length === 0;
}

/** True where LXC has no way of its own to make a copy without copying. */
export function isLayered({ storage }: Pick<CloneSource, "storage">): boolean {
  return storage === "dir" || storage === "overlay";
}

/**
 * Refuses what cannot be copied as it is now. The kernel says that what lies below an overlay must not change: nothing would keep a
 * container that runs from doing that to its clones. A snapshot of btrfs, and files of its own, are a copy of one moment.
 * @throws ProblemError `wrong-state`.
 */
export function requireClonable(base: Container, storage: Container["storage"], copy: Copy): void {
  const needed = reasonAgainst(base, storage, copy);
  if (needed !== undefined) throw new ProblemError({ code: "wrong-state", name: base.name, state: base.state, needed });
}

function reasonAgainst({ state, note }: Container, storage: Container["storage"], copy: Copy): string | undefined {
  if (state === "stopped") return undefined;
  if (state === "error") return note ?? "It cannot be read.";
  if (state !== "running" && state !== "frozen") return "Wait until it has started or stopped.";
  const isInLayers = isLayered({ storage });
  if (storage === "btrfs" || (copy === "full" && isInLayers)) return undefined;
  if (!isInLayers) return `Stop it first: its storage (${storage}) can be copied only then.`;
  return "Stop it first, or make a full copy: an instant clone shares its files, so they have to stay as they are.";
}
