import type { KnownTarEntry, KnownTarType, TarEntry } from "../archive/tar-reader.ts";
import { type Problem, ProblemError } from "../contract/problems.ts";
import { capabilitiesFor } from "./capability-attribute.ts";
import { type IdRange, idsPerContainer } from "./idmap.ts";

/**
 * Decides about every entry of an archive that is to become a root file system. What would leave its folder when it is unpacked, or
 * could do harm as the lower layer of an overlay, is refused by name or left out; everything else gets one plain name below `./`.
 */
export type ArchivePolicy = {
  origin: "server" | "archive" | "oci";
  /** Ids on the host for those inside; without them the image is for privileged containers, and ids stay as they are. */
  ids?: IdRange;
  /** Bytes of data, and of attributes, that there is space for. */
  maxBytes: number;
  /** Where they go, for whoever is told that there is not enough. */
  folder: string;
};

export type ArchiveJudge = {
  /**
   * @returns What is to be written instead, folders that it needs first; nothing where it is left out.
   * @throws ProblemError `archive-refused`, `no-space`.
   */
  judge(entry: TarEntry): KnownTarEntry[];
  /** To be asked at the end: what a person should know. @throws ProblemError `archive-refused` where it was no root file system. */
  finish(): { notices: string[] };
};

type RefusalReason = Extract<Problem, { code: "archive-refused" }>["reason"];

const maxEntries = 2_000_000;
/** They are kept in memory, and deep ones would fill it long before there are too many. */
const maxBytesOfNames = 256 * 1024 * 1024;
const maxNameBytes = 4000;
const maxComponentBytes = 255;
/** An overlay of its own has a device 0:0 for a file that was removed. */
const whiteout = { deviceMajor: 0, deviceMinor: 0 };
/** What archives of whole containers and of image servers have beside a folder `rootfs`; no root file system begins with one of these. */
const besideRootfs = new Set(["rootfs", "metadata.yaml", "templates", "config", "fstab"]);

export function createArchiveJudge({ origin, ids, maxBytes, folder }: ArchivePolicy): ArchiveJudge {
  /** What has been written, by its name; `left-out` for devices that were not. */
  const seen = new Map<string, KnownTarType | "left-out">([["", "folder"]]);
  let entries = 0;
  let bytesOfNames = 0;
  let bytes = 0;
  let devices = 0;
  /** True where the root file system is a folder of the archive; told by its first entry. The layers of an image are it. */
  let isInRootfs = origin === "oci" ? false : undefined;
  /** The archive's own folder, until it is known whether that is the root file system. */
  let root: KnownTarEntry | undefined;

  const remember = (entry: TarEntry, name: string, type: KnownTarType | "left-out") => {
    if (!seen.has(name)) bytesOfNames += name.length;
    if (bytesOfNames > maxBytesOfNames) throw refused(entry, "too-many-entries");
    seen.set(name, type);
  };
  const ownerOf = (entry: TarEntry, id: number): number => {
    if (!ids) return id;
    if (id >= idsPerContainer) throw refused(entry, "unknown-owner");
    return ids.first + id;
  };
  /** The name below the root file system; undefined where it is beside it. */
  const place = (entry: TarEntry, name: string): string[] | undefined => {
    const components = componentsOf(entry, name);
    const [first] = components;
    if (first === undefined) return isInRootfs ? undefined : [];
    isInRootfs ??= besideRootfs.has(first);
    if (!isInRootfs) return components;
    return first === "rootfs" ? components.slice(1) : undefined;
  };
  const parentsOf = (entry: TarEntry, components: readonly string[]): KnownTarEntry[] => {
    const missing: KnownTarEntry[] = [];
    // What is a folder stays one, and so do all above it.
    if (seen.get(components.slice(0, -1).join("/")) === "folder") return missing;
    for (const name of namesAbove(components)) {
      const type = seen.get(name);
      if (type === "symbolic-link") throw refused(entry, "through-link");
      if (type !== undefined && type !== "folder") throw refused(entry, "named-twice");
      if (type === "folder") continue;
      if (++entries > maxEntries) throw refused(entry, "too-many-entries");
      remember(entry, name, "folder");
      missing.push(folderEntry(name, entry, ids?.first ?? 0));
    }
    return missing;
  };
  const checkTarget = (entry: TarEntry, components: readonly string[]) => {
    const { target } = entry;
    if (target === "" || target.includes("\0") || target.length > maxNameBytes) throw refused(entry, "bad-name");
    if (target.startsWith("/")) return;
    let depth = components.length - 1;
    for (const component of target.split("/")) {
      if (component === "..") depth--;
      else if (component !== "" && component !== ".") depth++;
      if (depth < 0) throw refused(entry, "link-climbs-out");
    }
  };
  /** The name of the file that a hard link stands for. */
  const linked = (entry: TarEntry): string => {
    const components = place(entry, entry.target);
    if (components === undefined) throw refused(entry, "hard-link-to-nothing");
    for (const name of namesAbove(components)) if (seen.get(name) === "symbolic-link") throw refused(entry, "through-link");
    return components.join("/");
  };

  const hasFolder = () => {
    for (const [name, type] of seen) if (name !== "" && type === "folder") return true;
    return false;
  };

  return {
    judge(entry) {
      if (++entries > maxEntries) throw refused(entry, "too-many-entries");
      bytes += entry.size;
      for (const value of entry.attributes.values()) bytes += value.length;
      if (bytes > maxBytes) throw new ProblemError({ code: "no-space", path: folder, availableBytes: maxBytes, neededBytes: bytes });
      const components = place(entry, entry.name);
      if (components === undefined) return [];
      if (entry.type === "unknown") throw refused(entry, "unknown-type");
      const name = components.join("/");
      if (name === "" && entry.type !== "folder") throw refused(entry, "bad-name");
      const before = seen.get(name);
      // Of two files the last one counts. A link may be made only at the end by whoever unpacks it, so nothing takes its place.
      const excludeEachOther = before === "symbolic-link" || (before === "folder") !== (entry.type === "folder");
      if (before !== undefined && excludeEachOther) throw refused(entry, "named-twice");

      let type = entry.type;
      let target = "";
      if (entry.type === "character-device" || entry.type === "block-device") {
        const { deviceMajor, deviceMinor } = entry;
        const isWhiteout = deviceMajor === whiteout.deviceMajor && deviceMinor === whiteout.deviceMinor;
        if (isWhiteout || (ids && origin === "archive")) throw refused(entry, "device");
        if (ids) {
          devices++;
          remember(entry, name, "left-out");
          return [];
        }
      } else if (entry.type === "symbolic-link") {
        checkTarget(entry, components);
        target = entry.target;
      } else if (entry.type === "hard-link") {
        const source = linked(entry);
        const sourceType = seen.get(source);
        if (sourceType === undefined || sourceType === "folder") throw refused(entry, "hard-link-to-nothing");
        if (source === name) return [];
        if (sourceType === "left-out") {
          remember(entry, name, "left-out");
          return [];
        }
        type = sourceType;
        target = `./${source}`;
      }
      const parents = parentsOf(entry, components);
      remember(entry, name, type);
      const judged: KnownTarEntry = {
        ...entry,
        type: entry.type,
        name: `./${name}`,
        target,
        uid: ownerOf(entry, entry.uid),
        gid: ownerOf(entry, entry.gid),
        attributes: judgeAttributes(entry, ids),
      };
      if (name === "" && isInRootfs === undefined) {
        root = judged;
        return [];
      }
      const first = root && !isInRootfs ? [root] : [];
      root = undefined;
      return [...first, ...parents, judged];
    },
    finish() {
      // An application may be a single file.
      if (origin !== "oci" && !hasFolder()) {
        throw new ProblemError({ code: "archive-refused", entry: "", reason: "no-root-file-system" });
      }
      const notices =
        devices === 0 ? [] : [`${devices} device ${devices === 1 ? "file was" : "files were"} left out: LXC gives containers their own.`];
      return { notices };
    },
  };
}

/** @throws ProblemError where it is not a name below the archive's own folder. */
function componentsOf(entry: TarEntry, name: string): string[] {
  if (name.startsWith("/")) throw refused(entry, "absolute-name");
  if (name === "" || /[\0\n]/.test(name) || name.length > maxNameBytes) throw refused(entry, "bad-name");
  const components = name.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) throw refused(entry, "name-climbs-out");
  if (components.some(({ length }) => length > maxComponentBytes)) throw refused(entry, "bad-name");
  return components;
}

/** Of the folders that it lies in, from the first on. */
function* namesAbove(components: readonly string[]): Generator<string> {
  let name = "";
  for (const component of components.slice(0, -1)) {
    name = name === "" ? component : `${name}/${component}`;
    yield name;
  }
}

/** A folder that has no entry of its own. */
function folderEntry(name: string, { modifiedSeconds }: TarEntry, owner: number): KnownTarEntry {
  return {
    name: `./${name}`,
    type: "folder",
    mode: 0o755,
    uid: owner,
    gid: owner,
    size: 0,
    modifiedSeconds,
    target: "",
    deviceMajor: 0,
    deviceMinor: 0,
    attributes: new Map(),
  };
}

/** People's own attributes stay, but not those by which an overlay would take a file for another or for none (`userxattr`). */
function judgeAttributes({ type, attributes }: TarEntry, ids: IdRange | undefined): Map<string, Buffer> {
  const judged = new Map<string, Buffer>();
  // The kernel lets only files and folders have them, and a hard link has those of its file.
  if (type !== "file" && type !== "folder") return judged;
  for (const [name, value] of attributes) {
    if (/^user\.[\x21-\x7e]{1,250}$/.test(name) && !name.startsWith("user.overlay.")) judged.set(name, value);
    const capabilities = name === "security.capability" && type === "file" ? capabilitiesFor(value, ids?.first) : undefined;
    if (capabilities) judged.set(name, capabilities);
  }
  return judged;
}

function refused({ name }: TarEntry, reason: RefusalReason): ProblemError {
  return new ProblemError({ code: "archive-refused", entry: Buffer.from(name, "latin1").toString("utf8").slice(0, 1024), reason });
}
