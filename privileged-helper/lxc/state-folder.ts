import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Where images and uploads lie: beside the folder of containers, so that they share its file system, and everything that lies on an
 * image is below that one folder. Of LXC's own, /var/lib/lxc, it is where the helper keeps what it knows.
 */
export function imagesFolderOf(lxcPath: string): string {
  return join(`${lxcPath}-desktop`, "images");
}

export function uploadsFolderOf(lxcPath: string): string {
  return join(`${lxcPath}-desktop`, "uploads");
}

/** What LXC reads of ours for containers; it stays when the app goes, because they are started without it, too. */
export function profilesFolderOf(lxcPath: string): string {
  return join(`${lxcPath}-desktop`, "profiles");
}

/**
 * Makes such a folder, where it is not there, and lets everybody through, as the root of an unprivileged container needs; nobody but
 * root sees what is in it.
 * @throws Error where it, or the one above it, is somebody else's.
 */
export function openToPassThrough(folder: string): void {
  for (const path of [join(folder, ".."), folder]) {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    const { uid, mode } = lstatSync(path);
    if (!lstatSync(path).isDirectory() || uid !== 0 || (mode & 0o022) !== 0) throw new Error(`${path} is not root's alone`);
    if ((mode & 0o111) !== 0o111) chmodSync(path, (mode & 0o777) | 0o111);
  }
}
