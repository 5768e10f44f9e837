import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lookInside } from "./look-inside.ts";

/** A layer in which nobody has written but we, over files that nobody changes: an image's. */
export type FreshLayer = { rootfs: string; upper: string /** Root's number on this computer, as the container has it. */; root: number };

export type Ownership = { uid: number; gid: number; mode: number };

/**
 * Puts a file over whatever the image has there. No link of the image's is followed on this computer: those on the way are
 * resolved as the container would, and one that is the file itself is covered.
 * @returns False where something that is no folder is on the way; then nothing is written.
 */
export function writeInside(layer: FreshLayer, path: string, text: string, { uid, gid, mode }: Ownership): boolean {
  const slash = path.lastIndexOf("/");
  const folder = makeFolderInside(layer, path.slice(0, Math.max(0, slash)));
  if (folder === undefined) return false;
  const name = path.slice(slash + 1);
  const found = lookInside([layer.rootfs], join(folder, name));
  // Under its own name, so there is no link.
  if (found?.type === "folder" && found.relative === join(folder, name)) return false;
  const place = join(layer.upper, folder, name);
  rmSync(place, { force: true });
  writeFileSync(place, text, { flag: "wx", mode: 0o600 });
  chownSync(place, layer.root + uid, layer.root + gid);
  chmodSync(place, mode);
  return true;
}

/**
 * Makes a folder, and those above it, where they are not there.
 * @returns Its path in the layer, free of links; undefined where something that is no folder is on the way.
 */
export function makeFolderInside({ rootfs, upper, root }: FreshLayer, path: string): string | undefined {
  let folder = "";
  for (const component of path.split("/").filter(Boolean)) {
    const found = lookInside([upper, rootfs], join(folder, component));
    if (found !== undefined && found.type !== "folder") return undefined;
    const next = found?.relative ?? join(folder, component);
    // A link that leads nowhere is covered, and so stays what it is below.
    if (found?.layer !== upper) copyFolders({ rootfs, upper, root }, next);
    folder = next;
  }
  return folder;
}

/** Folders of the layer, each like the one that it lies over: overlayfs shows both as one. */
function copyFolders({ rootfs, upper, root }: FreshLayer, path: string) {
  const components = path.split("/").filter(Boolean);
  /** What is below something that is covered is nobody's, and a link there would lead anywhere. */
  let isCovered = false;
  for (let depth = 1; depth <= components.length; depth++) {
    const folder = components.slice(0, depth).join("/");
    const below: Stats | undefined = isCovered ? undefined : lstatSync(join(rootfs, folder), { throwIfNoEntry: false });
    isCovered = !below?.isDirectory();
    const place = join(upper, folder);
    if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) continue;
    mkdirSync(place);
    const { uid, gid, mode } = below?.isDirectory() ? below : { uid: root, gid: root, mode: 0o755 };
    chownSync(place, uid, gid);
    chmodSync(place, mode & 0o7777);
  }
}
