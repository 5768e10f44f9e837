import { chmodSync, chownSync, ftruncateSync, lstatSync, mkdirSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withFileInside } from "./open-inside.ts";

const maxFileBytes = 64 * 1024;

/**
 * Changes the text of a file in a new container's root file system. LXC's own tools would follow whatever links a foreign image has
 * there; here none is followed, and what is no file, or a large one, stays as it is.
 * @param layers Files of the container alone, or with `upper` what lies below its own: then nothing but `upper` is changed.
 */
export function rewriteInside(
  { rootfs, upper }: { rootfs: string; upper?: string | undefined },
  path: string,
  change: (text: string) => string,
): void {
  const own = upper === undefined ? undefined : readText(upper, path);
  const text = own ?? readText(rootfs, path);
  if (text === undefined) return;
  const changed = change(text);
  if (changed === text) return;
  if (upper === undefined) overwrite(rootfs, path, changed);
  else if (own !== undefined) overwrite(upper, path, changed);
  else writeOver(rootfs, upper, path, changed);
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
