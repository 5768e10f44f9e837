import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import { writableFolderOf } from "./audit/writable-places.ts";
import { overlayOptions, withOwnCloneHooks, withoutOwnCloneHooks } from "./clone-config.ts";
import { type CloneSource, type Copy, isLayered, readCloneSource } from "./clone-source.ts";
import {
  type ConfigEntry,
  editConfig,
  lastValueOf,
  parseConfig,
  readConfigurationText,
  readEffectiveConfig,
  replaceInConfig,
  writeConfig,
} from "./config.ts";
import { consoleLogEntries } from "./container-config.ts";
import { takenIdentity } from "./container-network.ts";
import { type ContainerOptions, containerOptionChanges } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { copyFiles } from "./copy-files.ts";
import { claimFolder, removeFiles } from "./destroy.ts";
import { parseRootfs } from "./list.ts";
import { forgetMachineId } from "./machine-id.ts";
import { renameInside, writeNameInside } from "./name-inside.ts";
import { replaceFile } from "./replace-file.ts";
import { run } from "./run.ts";
import { showFiles } from "./show-files.ts";
import { isThrowAwayMark, throwAwayMark } from "./throw-away.ts";
import { whileFrozen } from "./while-frozen.ts";

export type CloneParams = ContainerOptions & {
  from: string;
  snapshot?: string | undefined;
  copy: Copy;
  /** It is only tried out. */
  throwAway?: boolean;
};

/** Of what LXC copies itself, which may be a whole file system. */
const timeoutSeconds = 6 * 3600;
/** A clone has logs of its own. */
const replacedKeys = new Set(["lxc.uts.name", "lxc.console.logfile", "lxc.console.size", "lxc.console.rotate", "lxc.log.file"]);

/**
 * Clones a container, or a snapshot of one. An instant clone is a layer over its base's files, which from then on have to stay, or what
 * the storage itself can do. A full copy begins as one, and is then given files of its own: of a clone of something else, too. It has
 * the same ids as its base, and a MAC, an address and logs of its own.
 * @throws ProblemError `not-found`, `no-space`, `command-failed`, `cancelled`, ...
 */
export async function cloneContainer(context: OperationContext, params: CloneParams): Promise<void> {
  const { lxcPath } = context;
  const { name, from, snapshot, copy, throwAway = false } = params;
  const source = readCloneSource(lxcPath, from, snapshot);
  await claimFolder(context, params);
  const changes = await containerOptionChanges(takenIdentity(context, name), params, source.entries);
  const copying = async () => {
    await copyByLxc(context, source, name, copy);
    if (isLayered(source) && copy === "full") await layDown(context, name);
    await copyPlaces(context, from, name);
  };
  // Nobody changes a snapshot.
  await (snapshot === undefined ? whileFrozen(context, from, copying) : copying());
  const { path, text } = readConfigurationText(lxcPath, name);
  const layers = ownLayers(join(lxcPath, name), parseConfig(text));
  if (layers) {
    writeNameInside(name, [], layers.rootfs, layers.upper);
    renameInside(from, name, layers.rootfs, layers.upper);
    forgetMachineId(layers);
  }
  writeConfig(path, cloneConfig(text, { folder: join(lxcPath, name), name, source, changes, throwAway }), "just-made");
  if (source.storage === "overlay") forgetDependencies(lxcPath, name, (folder, base) => folder === source.lxcPath && base === source.name);
}

type CloneOf = {
  folder: string;
  name: string;
  source: CloneSource;
  changes: Awaited<ReturnType<typeof containerOptionChanges>>;
  throwAway?: boolean;
};

/** What a container with a read-only system keeps on disk lies beside it, and each has its own. */
async function copyPlaces({ lxcPath, task }: OperationContext, from: string, name: string): Promise<void> {
  const places = writableFolderOf(lxcPath, from);
  if (!existsSync(places)) return;
  mkdirSync(writableFolderOf(lxcPath, name), { mode: 0o711 });
  await copyFiles(task, places, writableFolderOf(lxcPath, name));
}

/** The configuration of a clone. @param text What it is without what is the clone's own. */
export function cloneConfig(text: string, { folder, name, source, changes: { remove, add }, throwAway = false }: CloneOf): string {
  const isLayer = ownLayers(folder, parseConfig(text))?.upper !== undefined;
  // A snapshot has the lines of the container that it is of.
  const places = /^(.*\/)[^/]+(\/writable\/[^/]+ \S+ none bind)/;
  const withOwnPlaces = replaceInConfig(text, ({ key, value }) =>
    key === "lxc.mount.entry" && value.startsWith(`${dirname(folder)}/`) ? [key, value.replace(places, `$1${name}$2`)] : undefined,
  );
  return editConfig(withOwnCloneHooks(withOwnPlaces, source.text), {
    remove: (key, value) => remove(key) || replacedKeys.has(key) || isThrowAwayMark(key, value),
    add: [
      ...add,
      ["lxc.uts.name", name],
      ...consoleLogEntries(folder),
      ...(isLayer ? overlayOptions(source.entries) : []),
      ...(throwAway ? [throwAwayMark] : []),
    ],
  });
}

/** What is no plain folder is copied as LXC and the storage can; a snapshot of btrfs does not need its base, so it is a full copy, too. */
async function copyByLxc({ lxcPath, task }: OperationContext, source: CloneSource, name: string, copy: Copy): Promise<void> {
  task.step(`Cloning ${source.name}`);
  const forCopying = copiedConfigPath(lxcPath, name);
  writeFileSync(forCopying, withoutOwnCloneHooks(source.text, source.entries), { flag: "wx", mode: 0o600 });
  await run("lxc-copy", cloneArguments({ lxcPath, name, source, copy }), { task, timeoutSeconds });
  rmSync(forCopying);
}

type WantedCopy = { lxcPath: string; name: string; source: Pick<CloneSource, "lxcPath" | "name" | "storage">; copy: Copy };

/**
 * The arguments of lxc-copy. Without -K it would write the name into the base's files, and through whatever links its root has made of
 * them. With -a it does so of a frozen one, too.
 */
export function cloneArguments({ lxcPath, name, source, copy }: WantedCopy): string[] {
  const how = isLayered(source) ? ["-s", "-B", "overlayfs"] : copy === "instant" || source.storage === "btrfs" ? ["-s"] : [];
  const places = ["-n", source.name, "-N", name, "-P", source.lxcPath, "-p", lxcPath];
  return [...places, ...how, "-a", "-K", `--rcfile=${copiedConfigPath(lxcPath, name)}`];
}

function copiedConfigPath(lxcPath: string, name: string): string {
  return join(lxcPath, name, "clone.conf");
}

/** Gives an instant clone files of its own, of which no other container is the base. */
async function layDown({ lxcPath, task }: OperationContext, name: string): Promise<void> {
  const folder = join(lxcPath, name);
  const rootfs = join(folder, "rootfs");
  const { path, text } = readConfigurationText(lxcPath, name);
  const { entries } = readEffectiveConfig(path);
  const shown = await showFiles(task, entries, join(folder, "merged"));
  if ("reason" in shown) throw new ProblemError({ code: "not-supported", what: `No full copy can be made. ${shown.reason}` });
  await copyFiles(task, shown.folder, rootfs);
  await shown.hide();
  writeConfig(path, plainConfig(text, { rootfs, entries }), "just-made");
  await removeFiles(task, join(folder, "overlay"));
  forgetDependencies(lxcPath, name, () => true);
}

/** The configuration of what lies in layers, once it has a plain folder of its own. @param entries With everything that it includes. */
export function plainConfig(text: string, { rootfs, entries }: { rootfs: string; entries: readonly ConfigEntry[] }): string {
  return editConfig(text, {
    remove: (key) => key === "lxc.rootfs.path" || key === "lxc.rootfs.options",
    add: [["lxc.rootfs.path", `dir:${rootfs}`], ...plainOptions(entries)],
  });
}

/** Those that are of use to a plain folder. */
function plainOptions(entries: readonly ConfigEntry[]): [key: string, value: string][] {
  const options = lastValueOf(entries, "lxc.rootfs.options")?.split(",") ?? [];
  const kept = options.filter((option) => option !== "userxattr");
  return kept.length === 0 ? [] : [["lxc.rootfs.options", kept.join(",")]];
}

/** Where files are that are the clone's alone; undefined where they cannot be seen. */
function ownLayers(folder: string, entries: readonly ConfigEntry[]): { rootfs: string; upper?: string } | undefined {
  const { folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  const own = folders.at(-1);
  if (own === undefined || !own.startsWith(`${folder}/`)) return undefined;
  const [rootfs = own, upper] = folders;
  return upper === undefined ? { rootfs } : { rootfs, upper };
}

/**
 * Takes away LXC's notes that a clone needs what it does not need. LXC copies the layer of a clone that is cloned itself, so that both
 * depend on the same base, and yet notes that one needs the other. Its notes (lxccontainer.c, mod_rdep) are pairs of lines, folder and
 * name: `lxc_snapshots` of those that depend on a container, `lxc_rdepends` of those that it depends on.
 */
function forgetDependencies(lxcPath: string, name: string, isMeant: (folder: string, name: string) => boolean) {
  const path = join(lxcPath, name, "lxc_rdepends");
  for (const pair of readPairs(path)) {
    const [folder = "", base = ""] = pair.split("\n");
    if (!isMeant(folder, base)) continue;
    removePair(path, pair);
    removePair(join(folder, base, "lxc_snapshots"), `${lxcPath}\n${name}\n`);
  }
}

function removePair(path: string, pair: string) {
  const kept = readPairs(path).filter((other) => other !== pair);
  if (kept.length > 0) replaceFile(path, kept.join(""), lstatSync(path).mode & 0o777);
  else rmSync(path, { force: true });
}

function readPairs(path: string): string[] {
  return existsSync(path) ? (readFileSync(path, "utf8").match(/.*\n.*\n/g) ?? []) : [];
}
