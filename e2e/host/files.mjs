import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * @typedef {object} Entry
 * @property {"file" | "folder" | "link" | "other"} kind
 * @property {number} mode
 * @property {number} uid
 * @property {number} gid
 * @property {string} content of a file in base64, or the target of a link
 */

/** @typedef {Map<string, Entry>} Tree by path */

/** Whole root file systems, of which only the names count. */
const images = "/var/lib/lxc-desktop/images";

/**
 * Records files and folders with all that is below them, images excepted; one that is not there has no entry.
 * @param {readonly string[]} paths
 * @returns {Tree}
 */
export function readTrees(paths) {
  /** @type {Tree} */
  const tree = new Map();
  for (const path of paths) read(path);
  return tree;

  /** @param {string} path */
  function read(path) {
    try {
      const stat = lstatSync(path);
      const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
      const content = kind === "file" ? readFileSync(path, "base64") : kind === "link" ? readlinkSync(path) : "";
      tree.set(path, { kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, content });
      if (kind === "folder" && path !== images) for (const name of readdirSync(path)) read(join(path, name));
    } catch (error) {
      // A file may go while we read; all else is a real error.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") throw error;
    }
  }
}

/**
 * @param {Tree} before
 * @param {Tree} after
 * @returns {string[]} one sentence for each difference
 */
export function compareTrees(before, after) {
  const differences = [];
  for (const [path, entry] of after) {
    const old = before.get(path);
    // A new folder stands for all that is in it.
    if (old === undefined && after.has(dirname(path)) && !before.has(dirname(path))) continue;
    if (old === undefined) differences.push(`${path} is new`);
    else if (JSON.stringify(old) !== JSON.stringify(entry)) differences.push(`${path} is not as it was`);
  }
  for (const path of before.keys()) if (!after.has(path)) differences.push(`${path} is gone`);
  return differences;
}

/**
 * Makes files and folders what they were; only what differs is touched.
 * @param {readonly string[]} paths
 * @param {Tree} before what `readTrees` returned for these paths
 */
export function restoreTrees(paths, before) {
  const now = readTrees(paths);
  for (const [path, entry] of now) {
    const old = before.get(path);
    if (old?.kind !== entry.kind) rmSync(path, { recursive: true, force: true });
  }
  for (const [path, old] of before) {
    if (JSON.stringify(readTrees([path]).get(path)) === JSON.stringify(old)) continue;
    mkdirSync(dirname(path), { recursive: true });
    if (old.kind === "folder") mkdirSync(path, { recursive: true });
    if (old.kind === "file") writeFileSync(path, Buffer.from(old.content, "base64"));
    if (old.kind === "link") {
      rmSync(path, { force: true });
      symlinkSync(old.content, path);
    }
    if (old.kind !== "file" && old.kind !== "folder") continue;
    chownSync(path, old.uid, old.gid);
    chmodSync(path, old.mode);
  }
}
