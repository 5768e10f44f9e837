import type { KnownTarType, TarEntry } from "../../../privileged-helper/archive/tar-reader.ts";
import { type Problem, ProblemError } from "../../../privileged-helper/contract/problems.ts";

/**
 * What is left of an image's layers when they lie over each other (OCI image specification, layer.md): each adds and replaces, and
 * `.wh.NAME` takes NAME of the layers below away, `.wh..wh..opq` all that they have in its folder. Only names are kept here, and which
 * entry of which layer stands behind each.
 */
export type LayerTree = {
  /** To be called for every entry, layer after layer from the lowest on. @throws ProblemError `archive-refused`. */
  add(layer: number, place: number, entry: TarEntry): void;
  /** The names that each entry of a layer has in the end, by its place; the first is the file, others are hard links to it. */
  namesIn(layer: number): Map<number, string[]>;
  /** Folders that no entry tells of, only what is or was in them. */
  impliedFolders(): string[];
};

type File = { layer: number; place: number; isFolder: false };
type Folder = { layer: number /** Absent where only what is in it is known. */; place?: number; isFolder: true; names: Map<string, Named> };
/** The layer that has put the name there; a hard link's file may be of one below. */
type Named = { layer: number; node: File | Folder };

const maxEntries = 2_000_000;
/** They are kept in memory, and long ones would fill it before there are too many. */
const maxBytesOfNames = 256 * 1024 * 1024;
/** As whoever judges the archive has it; the kernel takes no more. */
const maxNameBytes = 4000;
const whiteout = ".wh.";
const opaque = ".wh..wh..opq";
/** Others of these are an old union file system's own business. */
const ownBusiness = ".wh..wh.";

export function createLayerTree(): LayerTree {
  const root: Folder = { layer: 0, isFolder: true, names: new Map() };
  let entries = 0;
  let bytesOfNames = 0;

  /** The folder of a name, made where it is not there, or where a layer below has something else. */
  const folderOf = (layer: number, components: readonly string[], entry: TarEntry): Folder => {
    let folder = root;
    for (const component of components) {
      const there = folder.names.get(component);
      if (there?.node.isFolder) {
        // Whatever takes the layers below away leaves what this layer has.
        there.layer = layer;
        folder = there.node;
        continue;
      }
      if (there?.layer === layer) throw refused(entry, "through-link");
      const made: Folder = { layer, isFolder: true, names: new Map() };
      folder.names.set(component, { layer, node: made });
      folder = made;
    }
    return folder;
  };
  const find = (components: readonly string[]): Named | undefined => {
    let folder = root;
    for (const component of components.slice(0, -1)) {
      const there = folder.names.get(component);
      if (!there?.node.isFolder) return undefined;
      folder = there.node;
    }
    return folder.names.get(components.at(-1) ?? "");
  };

  return {
    add(layer, place, entry) {
      bytesOfNames += entry.name.length;
      if (++entries > maxEntries || bytesOfNames > maxBytesOfNames) throw refused(entry, "too-many-entries");
      const components = componentsOf(entry, entry.name);
      const name = components.pop();
      if (name === undefined) {
        if (entry.type === "folder") Object.assign(root, { layer, place });
        return;
      }
      if (name.startsWith(whiteout)) {
        const folder = find(components);
        const inside = components.length === 0 ? root : folder?.node.isFolder ? folder.node : undefined;
        if (inside === undefined) return;
        if (name === opaque) takeBelow(inside, layer);
        else if (!name.startsWith(ownBusiness)) takeNameBelow(inside, name.slice(whiteout.length), layer);
        return;
      }
      const folder = folderOf(layer, components, entry);
      const there = folder.names.get(name);
      if (entry.type === "folder") {
        if (there?.node.isFolder) {
          there.layer = layer;
          Object.assign(there.node, { layer, place });
        } else folder.names.set(name, { layer, node: { layer, place, isFolder: true, names: new Map() } });
      } else if (entry.type === "hard-link") {
        const target = find(componentsOf(entry, entry.target));
        if (!target || target.node.isFolder) throw refused(entry, "hard-link-to-nothing");
        folder.names.set(name, { layer, node: target.node });
      } else if (entry.type === "unknown") throw refused(entry, "unknown-type");
      else folder.names.set(name, { layer, node: { layer, place, isFolder: false } });
    },
    namesIn(layer) {
      const names = new Map<number, string[]>();
      walk(root, "", (node, name) => {
        if (node.place === undefined || node.layer !== layer) return;
        const others = names.get(node.place);
        if (others) others.push(name);
        else names.set(node.place, [name]);
      });
      return names;
    },
    impliedFolders() {
      const names: string[] = [];
      walk(root, "", (node, name) => {
        if (node.place === undefined && name !== "") names.push(name);
      });
      return names;
    },
  };
}

/** Tells of every name, folders before what is in them. */
function walk(folder: Folder, path: string, tell: (node: File | Folder, name: string) => void) {
  tell(folder, path);
  for (const [component, { node }] of folder.names) {
    const name = path === "" ? component : `${path}/${component}`;
    if (node.isFolder) walk(node, name, tell);
    else tell(node, name);
  }
}

/** What an entry becomes under such a name; a link to it has another. */
export function renamed(entry: TarEntry, name: string): TarEntry & { type: KnownTarType } {
  // What has no place in a tree was refused when it was added.
  return { ...entry, type: entry.type as KnownTarType, name: `./${name}` };
}

/** Takes away what layers below have in a folder. */
function takeBelow(folder: Folder, layer: number) {
  for (const name of [...folder.names.keys()]) takeNameBelow(folder, name, layer);
}

function takeNameBelow(folder: Folder, name: string, layer: number) {
  const there = folder.names.get(name);
  if (!there) return;
  if (there.layer < layer) {
    folder.names.delete(name);
    return;
  }
  if (!there.node.isFolder) return;
  takeBelow(there.node, layer);
  // It is a new one, of which this layer may not have told more than the name.
  if (there.node.layer < layer) Object.assign(there.node, { layer, place: undefined });
}

/** Layers name everything from the root on, some with a slash before it. */
function componentsOf(entry: TarEntry, name: string): string[] {
  const components = name.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) throw refused(entry, "name-climbs-out");
  if (name === "" || name.includes("\0") || name.length > maxNameBytes) throw refused(entry, "bad-name");
  return components;
}

type RefusalReason = Extract<Problem, { code: "archive-refused" }>["reason"];

function refused({ name }: TarEntry, reason: RefusalReason): ProblemError {
  return new ProblemError({ code: "archive-refused", entry: Buffer.from(name, "latin1").toString("utf8").slice(0, 1024), reason });
}
