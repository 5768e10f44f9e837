import { basename, join } from "node:path";
import type { Container } from "../../contract/model.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ConversionFix, ConversionWay, SecurityFixPreview } from "../../contract/security.ts";
import { controllerVersion } from "../cgroup.ts";
import { type ConfigEntry, editConfig, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf } from "../config.ts";
import { shareConfig, uselessCapabilities, usernsInclude } from "../container-config.ts";
import { usesHostNetwork } from "../container-network.ts";
import type { OperationContext, TaskContext } from "../context.ts";
import { countFiles, toolsOfConversion } from "../convert-files.ts";
import type { ConvertedFolder } from "../convert-owners.ts";
import { foreseeIds, type IdRange, idmapEntries, requireFree, singleIdRange } from "../idmap.ts";
import { canMountIdmapped } from "../idmapped-mount.ts";
import { isActive, parseRootfs } from "../list.ts";
import { parseMountinfo } from "../mountinfo.ts";
import { readProcFile } from "../proc.ts";
import { changedLines } from "../repair.ts";
import { listSnapshots } from "../snapshots.ts";
import { idmapOption, keptBeside, withPlacesIdmapped } from "./writable-places.ts";

type World = Pick<OperationContext, "lxcPath" | "reader">;
type Line = readonly [key: string, value: string];

/** The ids of a privileged container: this computer's own, as many as an unprivileged one has. */
const hostIds = (count: number): IdRange => ({ first: 0, count });
const whyNotIdmapped = "LXC, the kernel or the file system of this computer cannot show files with other owners: it was tried.";

/** Which files go from which ids to which. */
export type Shift = { folders: ConvertedFolder[]; from: IdRange; to: IdRange };

export type ConversionPlan = {
  to: ConversionFix["to"];
  way: ConversionWay;
  path: string;
  before: string;
  after: string;
  /** Absent where nothing on the disk changes. */
  shift?: Shift;
  ids: IdRange;
};

/**
 * How a container becomes an unprivileged or a privileged one.
 * @param range The ids that an unprivileged one gets.
 * @throws ProblemError `not-supported` with the reason, `has-clones`, `not-found`, `tool-missing`.
 */
export async function planConversion(
  world: World,
  name: string,
  fix: ConversionFix,
  range: IdRange,
  signal: TaskContext["signal"],
): Promise<ConversionPlan> {
  const { lxcPath } = world;
  const { path, text } = readConfigurationText(lxcPath, name);
  const { entries } = readEffectiveConfig(path);
  const folders = requireConvertible(world, name, entries);
  const maps = valuesOf(entries, "lxc.idmap");
  const common = { to: fix.to, path, before: text };
  if (fix.to === "privileged") {
    if (maps.length === 0) throw notSupported("It is privileged already.");
    const ids = singleIdRange(maps);
    if (!ids) throw notSupported("Its ids are not one range.");
    const after = withPlacesIdmapped(privilegedConfig(text), lxcPath, name, false);
    if (valuesOf(parseConfig(after), "lxc.idmap").length > 0)
      throw notSupported("Its mapping of ids is in a file that other containers include, too.");
    if (rootfsOptions(entries).includes(idmapOption)) return { ...common, after, ids, way: "idmapped" };
    toolsOfConversion();
    return { ...common, after, ids, way: "shifted", shift: { folders, from: ids, to: hostIds(ids.count) } };
  }
  if (maps.length > 0) throw notSupported("It is unprivileged already.");
  if (usesHostNetwork(entries)) throw notSupported("Only a privileged container can use this computer's own network.");
  const way = fix.way ?? ((await canMountIdmapped(lxcPath, range, signal)) ? "idmapped" : "shifted");
  if (fix.way === "idmapped" && !(await canMountIdmapped(lxcPath, range, signal))) throw notSupported(whyNotIdmapped);
  const after = withPlacesIdmapped(unprivilegedConfig(text, entries, range, way), lxcPath, name, way === "idmapped");
  if (way === "idmapped") return { ...common, after, ids: range, way };
  toolsOfConversion();
  return { ...common, after, ids: range, way, shift: { folders, from: hostIds(range.count), to: range } };
}

/** What a conversion would do; nothing of it is done, but that its files are counted and one way is tried. @throws ProblemError as `planConversion`. */
export async function previewConversion(
  world: World,
  name: string,
  fix: ConversionFix,
  signal: TaskContext["signal"],
): Promise<SecurityFixPreview> {
  const { lxcPath, reader } = world;
  const range = fix.firstId === undefined ? foreseeIds({ reader }, { commands: [], notices: [] }) : requireFree({ reader }, fix.firstId);
  const plan = await planConversion(world, name, fix, range, signal);
  return {
    changes: "configuration",
    ...wordsOf(plan),
    ...changedLines(plan.before, plan.after),
    files: [],
    needsRestart: isActive(reader.readOne(name)),
    conversion: {
      way: plan.way,
      files: plan.shift ? await countFiles(plan.shift, signal) : 0,
      ...(plan.to === "unprivileged" && { ids: plan.ids }),
      ways: plan.to === "unprivileged" ? await possibleWays(lxcPath, range, signal) : [{ way: plan.way }],
      snapshots: listSnapshots(lxcPath, name).length,
    },
  };
}

function wordsOf({ to, way }: ConversionPlan): Pick<SecurityFixPreview, "summary" | "mayBreak"> {
  if (to === "privileged") {
    return {
      summary: "Root of this container becomes root of this computer: whoever breaks out of it is root here.",
      mayBreak: "Nothing inside. What protects this computer from the container is less than before.",
    };
  }
  return {
    summary:
      way === "idmapped"
        ? "Its ids become ids that are nobody's on this computer. The kernel shows its files with other owners, and nothing on the disk changes."
        : "Its ids become ids that are nobody's on this computer, and its files are given to them, with access lists and capabilities.",
    mayBreak: `Mounts of file systems, making device files and loading kernel modules inside, and folders of this computer that are mounted in: they keep their owners.${
      way === "idmapped" ? " Instant clones of it cannot be made." : ""
    }`,
  };
}

/** The one that is to be preferred first. */
async function possibleWays(
  lxcPath: string,
  range: IdRange,
  signal: TaskContext["signal"],
): Promise<{ way: ConversionWay; reason?: string }[]> {
  const can = await canMountIdmapped(lxcPath, range, signal);
  return [{ way: "idmapped", ...(can ? {} : { reason: whyNotIdmapped }) }, { way: "shifted" }];
}

/** @returns The folders of its files. */
function requireConvertible({ lxcPath, reader }: World, name: string, entries: readonly ConfigEntry[]): ConvertedFolder[] {
  const container: Container | undefined = reader.readOne(name);
  if (!container) throw new ProblemError({ code: "not-found", what: name });
  if (container.clones.length > 0) throw new ProblemError({ code: "has-clones", name, clones: container.clones });
  const { storage, folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  if (storage === "overlay")
    throw notSupported("Its files lie over those of another container or image. Make a full copy of it, and convert that.");
  const rootfs = join(lxcPath, name, "rootfs");
  if ((storage !== "dir" && storage !== "btrfs") || folders[0] !== rootfs)
    throw notSupported(`Only files in the container's own folder can be converted, at ${rootfs}.`);
  const all = foldersOfFiles(lxcPath, name, entries);
  const inside = parseMountinfo(readProcFile("/proc/self/mountinfo") ?? "").find(({ mountPoint }) =>
    all.some(({ path }) => mountPoint.startsWith(`${path}/`)),
  );
  if (inside)
    throw notSupported(`Something else is mounted in its files, at ${inside.mountPoint}. Unmount it first: it is none of the container's.`);
  return all;
}

/** Its root file system, and what it keeps on disk beside that. @throws ProblemError `not-supported`. */
export function foldersOfFiles(lxcPath: string, name: string, entries: readonly ConfigEntry[]): ConvertedFolder[] {
  return [{ path: join(lxcPath, name, "rootfs"), inside: "/" }, ...keptBeside(entries, lxcPath, name)];
}

function rootfsOptions(entries: readonly ConfigEntry[]): string[] {
  return (lastValueOf(entries, "lxc.rootfs.options") ?? "").split(",").filter((option) => option !== "");
}

/**
 * What LXC's templates write for an unprivileged container. Their include takes back which capabilities are dropped and which devices may be
 * opened: those lines are written again after it. Other than one that was made unprivileged, this container may have device files of its own
 * making, and without the kernel's rule they would open this computer's disks.
 */
function unprivilegedConfig(text: string, entries: readonly ConfigEntry[], range: IdRange, way: ConversionWay): string {
  const own = parseConfig(text);
  const distribution = valuesOf(own, "lxc.include")
    .map((file) => /^(.+)\.common\.conf$/.exec(basename(file))?.[1])
    .find((one) => one !== undefined);
  const isAboutCapabilities = (key: string) => key === "lxc.cap.drop" || key === "lxc.cap.keep";
  const capabilities = own.filter(({ key }) => isAboutCapabilities(key)).map(({ key, value }): Line => [key, value]);
  const options = [...new Set([...rootfsOptions(entries), ...(way === "idmapped" ? [idmapOption] : [])])];
  return editConfig(text, {
    remove: (key) =>
      isAboutCapabilities(key) || isAboutDevices(key) || (way === "idmapped" && key === "lxc.rootfs.options") || key === "lxc.idmap",
    add: [
      ["lxc.include", join(shareConfig, usernsInclude(distribution))],
      ...(capabilities.length > 0 ? capabilities : [["lxc.cap.drop", uselessCapabilities.join(" ")] as const]),
      ...deviceLines(entries),
      ...(way === "idmapped" ? [["lxc.rootfs.options", options.join(",")] as const] : []),
      ...idmapEntries(range),
    ],
  });
}

/** null, zero, full, tty, console, ptmx, random, urandom and pseudo-terminals, as in LXC's common.conf. */
const harmlessDevices = ["1:3", "1:5", "1:7", "5:0", "5:1", "5:2", "1:8", "1:9", "136:*"];

/** The rules that are in force, in their order; where not everything is refused first, those that every container has. */
function deviceLines(entries: readonly ConfigEntry[]): Line[] {
  let lines: Line[] = [];
  for (const { key, value } of entries.filter((entry) => isAboutDevices(entry.key))) {
    // An empty value takes back those before it.
    if (value === "") lines = lines.filter(([other]) => other !== key);
    else lines.push([key, value]);
  }
  if (lines.some(([key, value]) => key.endsWith(".deny") && value === "a")) return lines;
  const prefix = controllerVersion("devices") === "v1" ? "lxc.cgroup" : "lxc.cgroup2";
  return [
    [`${prefix}.devices.deny`, "a"],
    ...harmlessDevices.map((numbers): Line => [`${prefix}.devices.allow`, `c ${numbers} rwm`]),
    ...lines,
  ];
}

function isAboutDevices(key: string): boolean {
  return /^lxc\.cgroup2?\.devices\.(allow|deny)$/.test(key);
}

/** Without the mapping, and what goes with it. */
function privilegedConfig(text: string): string {
  const withOption = (value: string) => value.split(",").includes(idmapOption);
  const options = rootfsOptions(parseConfig(text)).filter((option) => option !== idmapOption);
  const had = parseConfig(text).some(({ key, value }) => key === "lxc.rootfs.options" && withOption(value));
  return editConfig(text, {
    remove: (key, value) =>
      key === "lxc.idmap" ||
      (key === "lxc.include" && /(^|\.)userns\.conf$/.test(basename(value))) ||
      (key === "lxc.rootfs.options" && withOption(value)),
    add: had && options.length > 0 ? [["lxc.rootfs.options", options.join(",")]] : [],
  });
}

function notSupported(why: string): ProblemError {
  return new ProblemError({ code: "not-supported", what: why });
}
