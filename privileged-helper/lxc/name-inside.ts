import { chmodSync, chownSync, ftruncateSync, lstatSync, mkdirSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withFileInside } from "./open-inside.ts";

/** What stands for the container's name in files of an image (lxc-download(1)). */
const placeholder = "LXC_NAME";
const maxFileBytes = 64 * 1024;
const hostnameFile = "etc/hostname";
/** Files in which a distribution keeps the name among other things. */
const filesWithName = ["etc/hosts", "etc/sysconfig/network"];

/**
 * Writes a new container's name into the files of its root file system that tell it. LXC's own tools would follow whatever links a
 * foreign image has there; here none is followed, and a file that is none stays as it is.
 * @param templates Further files, relative to the root, in which a placeholder stands for the name.
 * @param rootfs Files of the container alone, or with `upper` what lies below its own.
 * @param upper Where an instant clone has its own files. Nothing uses it yet, but it may be a copy of what another container wrote.
 */
export function writeNameInside(name: string, templates: readonly string[], rootfs: string, upper?: string): void {
  for (const path of new Set([hostnameFile, ...templates])) {
    rewrite(path, rootfs, upper, (text) =>
      path === hostnameFile && !text.includes(placeholder) ? `${name}\n` : text.replaceAll(placeholder, name),
    );
  }
}

/**
 * Replaces the name of the container that another one was cloned from where it stands as a whole word, so that the clone's own name
 * can be resolved in it. As careful as `writeNameInside`.
 */
export function renameInside(from: string, name: string, rootfs: string, upper: string): void {
  const word = new RegExp(`(?<![\\w.-])${from.replaceAll(".", "\\.")}(?![\\w-])`, "g");
  for (const path of filesWithName) rewrite(path, rootfs, upper, (text) => text.replace(word, name));
}

function rewrite(path: string, rootfs: string, upper: string | undefined, edit: (text: string) => string) {
  const own = upper === undefined ? undefined : readText(upper, path);
  const text = own ?? readText(rootfs, path);
  if (text === undefined) return;
  const edited = edit(text);
  if (edited === text) return;
  if (upper === undefined) overwrite(rootfs, path, edited);
  else if (own !== undefined) overwrite(upper, path, edited);
  else writeOver(rootfs, upper, path, edited);
}

function readText(rootfs: string, path: string): string | undefined {
  return withFileInside(rootfs, path, (file) => {
    const bytes = Buffer.alloc(maxFileBytes + 1);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return length > maxFileBytes ? undefined : bytes.toString("utf8", 0, length);
  });
}

function overwrite(rootfs: string, path: string, text: string) {
  withFileInside(
    rootfs,
    path,
    (file) => {
      ftruncateSync(file, 0);
      writeFileSync(file, text);
    },
    "write",
  );
}

/** A file of the upper layer, in folders that are like those below them: overlayfs shows both as one. */
function writeOver(lower: string, upper: string, path: string, text: string) {
  const components = path.split("/");
  for (let depth = 1; depth < components.length; depth++) {
    const folder = components.slice(0, depth).join("/");
    const there = lstatSync(join(upper, folder), { throwIfNoEntry: false });
    if (there?.isDirectory()) continue;
    // A link, or the mark that it was removed.
    if (there) return;
    mkdirSync(join(upper, folder));
    resemble(join(upper, folder), join(lower, folder));
  }
  if (lstatSync(join(upper, path), { throwIfNoEntry: false })) return;
  writeFileSync(join(upper, path), text, { flag: "wx" });
  resemble(join(upper, path), join(lower, path));
}

/** Owner first: changing it takes setuid bits away. */
function resemble(path: string, like: string) {
  const { uid, gid, mode } = lstatSync(like);
  chownSync(path, uid, gid);
  chmodSync(path, mode & 0o7777);
}
