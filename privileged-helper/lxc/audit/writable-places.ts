import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, rmdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ProblemError } from "../../contract/problems.ts";
import type { WritablePlace, WrittenPlaces } from "../../contract/security.ts";
import { type ConfigEntry, lastValueOf, replaceInConfig, valuesOf } from "../config.ts";
import type { ConvertedFolder } from "../convert-owners.ts";
import type { ContainerReader } from "../list.ts";
import { lookInside } from "../look-inside.ts";
import { parseMountinfo } from "../mountinfo.ts";
import { run } from "../run.ts";
import { type AuditFacts, readAuditFacts } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";
import { canMoveNameServers, moveNameServersBack, moveNameServersOut, nameServersFolder, nameServersPath } from "./name-servers.ts";

/**
 * A root file system that is mounted read-only, and the folders of it that stay writable: in memory, empty at each start, or on disk. What is
 * on disk is moved out of the root file system into `writable/` in the container's folder and mounted from there, because its root could put
 * a link in the place of any folder inside, and LXC would mount what that leads to on this computer.
 */

const folderName = "writable";
const folderOfNameServers = dirname(nameServersPath).slice(1);
const searchTimeoutSeconds = 10;
const maxPlaces = 60;
/** Of what LXC mounts something over. */
const mountedOver = /^(dev|proc|sys)(\/|$)/;
const emptyAtStart = /^\/(run|tmp|var\/run|var\/tmp|var\/lock)(\/|$)/;

export function writableFolderOf(lxcPath: string, name: string): string {
  return join(lxcPath, name, folderName);
}

/** Has the kernel show files with the owners that the container's ids stand for, of a bind as of a root (lxc.container.conf(5)). */
export const idmapOption = "idmap=container";

/** Whether some of its folders lie there, and not in its root file system. */
export function keepsFilesBeside(entries: readonly ConfigEntry[], lxcPath: string, name: string): boolean {
  return valuesOf(entries, "lxc.mount.entry").some((entry) => entry.startsWith(`${writableFolderOf(lxcPath, name)}/`));
}

/**
 * The folders that it keeps there, and where it has each.
 * @throws ProblemError `not-supported` where a line names something else below it.
 */
export function keptBeside(entries: readonly ConfigEntry[], lxcPath: string, name: string): ConvertedFolder[] {
  const folder = writableFolderOf(lxcPath, name);
  const kept = new Map<string, ConvertedFolder>();
  for (const entry of valuesOf(entries, "lxc.mount.entry")) {
    const [path = "", inside = ""] = entry.split(/\s+/);
    if (!path.startsWith(`${folder}/`)) continue;
    if (dirname(path) !== folder || basename(path) === ".." || !lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw notSupported(`${path} is no folder of ${folder}.`);
    kept.set(path, { path, inside: `/${inside}` });
  }
  return [...kept.values()];
}

/** The text of a configuration whose folders there are mounted with the owners that they have on disk, or shown with others. */
export function withPlacesIdmapped(text: string, lxcPath: string, name: string, isIdmapped: boolean): string {
  return replaceInConfig(text, ({ key, value }) => {
    const [source, target, type, options = "", ...rest] = value.split(/\s+/);
    if (key !== "lxc.mount.entry" || !source?.startsWith(`${writableFolderOf(lxcPath, name)}/`)) return undefined;
    const others = options.split(",").filter((option) => !option.startsWith("idmap="));
    return [key, [source, target, type, [...others, ...(isIdmapped ? [idmapOption] : [])].join(","), ...rest].join(" ")];
  });
}

/** Where a place has its files on disk. No component of a place has a plus. */
function volumeOf(lxcPath: string, name: string, path: string): string {
  return join(writableFolderOf(lxcPath, name), path.slice(1).replaceAll("/", "+"));
}

/** Whether its files can be changed but in the places that are for that. */
export function checkReadOnlyRoot(facts: AuditFacts): Judgement {
  const options = (lastValueOf(facts.entries, "lxc.rootfs.options") ?? "").split(",");
  const root = facts.running && parseMountinfo(facts.running.mountinfo).findLast(({ mountPoint }) => mountPoint === "/");
  const isConfigured = options.includes("ro");
  const isReadOnly = facts.running ? (root?.options.includes("ro") ?? false) : isConfigured;
  const places = suggestPlaces(facts);
  const judgement: Judgement = {
    state: isReadOnly ? "ok" : "warning",
    title: "Read-only system",
    summary: isReadOnly ? "Its programs and settings cannot be changed while it runs." : "Every file of it can be changed while it runs.",
    why: "Who breaks into a service cannot leave a program behind, or change one, where nothing can be written.",
    evidence: [
      facts.running
        ? `/proc/PID/mountinfo: / is ${root?.type ?? "not there"} with ${root?.options.join(",") ?? "nothing"}`
        : `lxc.rootfs.options = ${options.join(",") || "(not set)"}`,
      ...placeLines(facts).map((value) => `lxc.mount.entry = ${value}`),
    ],
    fixes: isReadOnly || explainNoReadOnly(facts) !== undefined ? [] : [{ check: "read-only", places }],
  };
  if (facts.running && isConfigured !== isReadOnly)
    judgement.difference = "Its configuration says otherwise: it was changed since the start.";
  return judgement;
}

function placeLines({ entries, lxcPath, name }: AuditFacts): string[] {
  return valuesOf(entries, "lxc.mount.entry").filter(
    (value) => value.startsWith(`${writableFolderOf(lxcPath, name)}/`) || /^tmpfs \S+ tmpfs /.test(value),
  );
}

/** Why its root cannot be made read-only by us, as a sentence; undefined where it can. */
export function explainNoReadOnly({ storage, layers }: Pick<AuditFacts, "storage" | "layers">): string | undefined {
  if ((storage === "dir" || storage === "overlay" || storage === "btrfs") && layers.length > 0) return undefined;
  return `Its files lie in no folder: its storage is ${storage}.`;
}

/** Why no place can be kept on disk: its folder is moved, which is possible only where it is in one folder beside the container's own. */
function explainNoDisk({ storage, layers: [layer], lxcPath, name }: AuditFacts, options: readonly string[]): string | undefined {
  const folder = join(lxcPath, name);
  if (storage !== "dir" || !layer?.startsWith(`${folder}/`))
    return "Its files lie over those of an image or a base, or elsewhere: its places can be kept in memory alone.";
  if (options.some((option) => option.startsWith("idmap=") && option !== idmapOption))
    return "Its files have other owners on disk: its places can be kept in memory alone.";
  if (lstatSync(layer).dev !== lstatSync(folder).dev) return "Its files lie on another disk: its places can be kept in memory alone.";
  return undefined;
}

/** What systems need to write at least, as far as it is there: what runs, what passes, and state (file-hierarchy(7)). */
function suggestPlaces(facts: AuditFacts): WritablePlace[] {
  const options = (lastValueOf(facts.entries, "lxc.rootfs.options") ?? "").split(",");
  const hasDisk = explainNoDisk(facts, options) === undefined;
  const isThere = ({ path }: WritablePlace) => {
    const found = lookInside(facts.layers, path);
    return found?.type === "folder" && found.relative === path.slice(1);
  };
  const memory = ["/run", "/tmp"].map((path): WritablePlace => ({ path, kept: "memory" }));
  const disk = hasDisk ? [{ path: "/var", kept: "disk" } as const] : [];
  const places: WritablePlace[] = [...memory, ...disk].filter(isThere);
  if (hasDisk && places.some(({ path }) => path === "/run") && hasNameServers(facts)) places.push({ path: nameServersPath, kept: "disk" });
  return places;
}

function hasNameServers({ layers }: AuditFacts): boolean {
  const etc = lookInside(layers, folderOfNameServers);
  return etc?.relative === folderOfNameServers && canMoveNameServers(join(etc.layer, etc.relative));
}

/**
 * The lines for these places.
 * @throws ProblemError `not-supported` where one is no folder, is reached through a link, or cannot be kept so.
 */
export function placeEntries(facts: AuditFacts, places: readonly WritablePlace[]): (readonly [key: string, value: string])[] {
  const options = (lastValueOf(facts.entries, "lxc.rootfs.options") ?? "").split(",");
  const noDisk = explainNoDisk(facts, options);
  const idmap = options.includes(idmapOption) ? `,${idmapOption}` : "";
  const nameServers = places.find(({ path }) => path === nameServersPath);
  const folders = places.filter((one) => one !== nameServers);
  const entries = folders.map(({ path, kept }) => {
    const found = lookInside(facts.layers, path);
    if (found?.type !== "folder") throw notSupported(`${path} is no folder in it. Make it first: a read-only system cannot.`);
    if (found.relative !== path.slice(1)) throw notSupported(`${path} is a link to /${found.relative}: choose that instead.`);
    if (kept === "memory") {
      const mode = found.mode.toString(8).padStart(4, "0");
      return ["lxc.mount.entry", `tmpfs ${found.relative} tmpfs rw,nosuid,nodev,size=25%,mode=${mode} 0 0`] as const;
    }
    if (noDisk !== undefined) throw notSupported(noDisk);
    const volume = volumeOf(facts.lxcPath, facts.name, path);
    return ["lxc.mount.entry", `${volume} ${found.relative} none bind,rw,nosuid,nodev${idmap} 0 0`] as const;
  });
  if (nameServers === undefined) return entries;
  if (!hasNameServers(facts)) throw notSupported(`${nameServersPath} is no file in it, or a link: leave it out.`);
  if (nameServers.kept === "memory") throw notSupported(`${nameServersPath} can be kept on disk alone.`);
  if (!folders.some(({ path }) => path === "/run")) throw notSupported(`${nameServersPath} is kept below /run: have that writable, too.`);
  if (noDisk !== undefined) throw notSupported(noDisk);
  const volume = volumeOf(facts.lxcPath, facts.name, nameServersPath);
  // After /run itself.
  return [...entries, ["lxc.mount.entry", `${volume} ${nameServersFolder} none bind,rw,nosuid,nodev${idmap},create=dir 0 0`] as const];
}

/** Whether a line of a configuration is one of ours for a place, or for one of these. */
export function isPlaceEntry(lxcPath: string, name: string, places: readonly WritablePlace[], value: string): boolean {
  const [source = "", target = ""] = value.split(/\s+/);
  return (
    source.startsWith(`${writableFolderOf(lxcPath, name)}/`) || places.some(({ path }) => target === path.slice(1) && source === "tmpfs")
  );
}

/** Places that lines of a configuration keep on disk: their path below the root, and where their files are. */
export function volumesIn(lxcPath: string, name: string, lines: readonly string[]): { relative: string; volume: string }[] {
  const folder = `${writableFolderOf(lxcPath, name)}/`;
  return lines.flatMap((line) => {
    const [, volume, relative] = /^lxc\.mount\.entry = (\S+) (\S+) none bind/.exec(line) ?? [];
    return volume?.startsWith(folder) && relative !== undefined ? [{ volume, relative }] : [];
  });
}

/** Moves folders of a stopped container out of its root file system, and leaves empty ones like them. All of it, or nothing. */
export function moveOut(rootfs: string, volumes: readonly { relative: string; volume: string }[]): void {
  const done: (typeof volumes)[number][] = [];
  try {
    for (const one of volumes) {
      const above = join(one.volume, "..");
      mkdirSync(above, { recursive: true, mode: 0o711 });
      chmodSync(above, 0o711);
      if (one.relative === nameServersFolder) {
        done.push(one);
        moveNameServersOut(plainFolder(rootfs, folderOfNameServers), one.volume);
        continue;
      }
      const place = plainFolder(rootfs, one.relative);
      const { uid, gid, mode } = statSync(place);
      renameSync(place, one.volume);
      done.push(one);
      mkdirSync(place);
      chownSync(place, uid, gid);
      chmodSync(place, mode & 0o7777);
    }
  } catch (error) {
    moveBack(rootfs, done);
    throw error;
  }
}

/** Takes that back: what was written meanwhile is in the container's own files again. */
export function moveBack(rootfs: string, volumes: readonly { relative: string; volume: string }[]): void {
  for (const { relative, volume } of volumes) {
    if (relative === nameServersFolder) {
      moveNameServersBack(plainFolder(rootfs, folderOfNameServers), volume);
      continue;
    }
    const place = join(plainFolder(rootfs, join(relative, "..")), relative.split("/").at(-1) ?? "");
    if (!lstatSync(volume, { throwIfNoEntry: false })?.isDirectory())
      throw notSupported(`Its files of /${relative} are not in ${volume} any more.`);
    try {
      rmdirSync(place);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT")
        throw notSupported(`/${relative} of its root file system is not empty, so its files cannot come back: ${code}.`);
    }
    renameSync(volume, place);
  }
}

/** A folder in the files of a container that does not run: nobody can put a link in its way between this and its use. */
function plainFolder(rootfs: string, relative: string): string {
  if (relative === "." || relative === "") return rootfs;
  const found = lookInside([rootfs], relative);
  if (found?.type !== "folder" || found.relative !== relative) throw notSupported(`/${relative} is no folder in it any more.`);
  return join(rootfs, relative);
}

/**
 * What a container has written since its start: the files below its own folder whose content or status has changed, put together to
 * folders. What it writes into memory or to mounts is none of its files.
 * @throws ProblemError `not-supported` where it does not run, `timed-out`.
 */
export async function findWritten({ lxcPath, reader }: { lxcPath: string; reader: ContainerReader }, name: string): Promise<WrittenPlaces> {
  const facts = readAuditFacts({ lxcPath, reader }, name, new Map());
  const since = reader.readOne(name)?.startedAt;
  const [layer] = facts.layers;
  if (since === undefined || layer === undefined) throw notSupported("It does not run, or its files lie in no folder.");
  // The kernel tells the moment of its start to a second. Just before that its files may have been given to other ids, which only their status shows.
  const second = Math.floor(since / 1000);
  const changed = ["(", "-newermt", `@${second}`, "-o", "-newerct", `@${second + 2}`, ")"];
  const { output } = await run("find", ["-P", layer, "-xdev", "(", "-type", "f", "-o", "-type", "l", ")", ...changed, "-printf", "%P\\0"], {
    timeoutSeconds: searchTimeoutSeconds,
    allowExitCodes: [0, 1],
  });
  return groupWritten(output.split("\0").filter(Boolean), since);
}

/** @param files Below the root, without a leading slash. */
export function groupWritten(files: readonly string[], since: number): WrittenPlaces {
  const places = new Map<string, { count: number; example: string }>();
  for (const file of files) {
    if (mountedOver.test(file) || !/^[A-Za-z0-9._/-]+$/.test(file.slice(0, file.lastIndexOf("/") + 1))) continue;
    const folders = file.split("/").slice(0, -1);
    // What lies in the root itself is in no place that can be kept writable.
    if (folders.length === 0) continue;
    const path = `/${folders.slice(0, folders[0] === "var" || folders[0] === "usr" ? 3 : 1).join("/")}`;
    const known = places.get(path);
    if (known) known.count++;
    else places.set(path, { count: 1, example: `/${file.replace(/[^\x20-\x7e]/g, "?").slice(0, 200)}` });
  }
  return {
    since,
    places: [...places]
      .map(([path, { count, example }]) => ({
        path,
        kept: emptyAtStart.test(path) ? ("memory" as const) : ("disk" as const),
        files: count,
        example,
      }))
      .sort((one, other) => other.files - one.files || one.path.localeCompare(other.path))
      .slice(0, maxPlaces),
  };
}

function notSupported(what: string): ProblemError {
  return new ProblemError({ code: "not-supported", what });
}
