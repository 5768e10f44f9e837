import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";

const { O_RDONLY, O_RDWR, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

/**
 * Opens a regular file that lies below a folder, component by component and without following any link, so
 * that nothing put in the way by someone else leads out of the folder. (Node has no openat2(2): `/proc/self/fd/N/NAME` stands in.)
 * @param folder One that only root can change; it is followed as it is written.
 * @param relative A path such as `logs/console.log`; undefined comes back for empty components, `.` and `..`.
 * @param access Nothing is written into a file that has other names as well, which may lie anywhere on the same file system.
 * @returns A descriptor that the caller closes, or undefined where there is no such file or it is not a regular one.
 */
export function openInside(folder: string, relative: string, access: "read" | "write" = "read"): number | undefined {
  const components = relative.split("/");
  const name = components.pop();
  if (name === undefined || [...components, name].some((component) => ["", ".", ".."].includes(component))) return undefined;
  let parent: number | undefined;
  try {
    parent = openSync(folder, O_RDONLY | O_DIRECTORY);
    for (const component of components) {
      const next = openSync(`/proc/self/fd/${parent}/${component}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(parent);
      parent = next;
    }
    const path = `/proc/self/fd/${parent}/${name}`;
    // Some devices act on being opened.
    if (!lstatSync(path).isFile()) return undefined;
    const file = openSync(path, (access === "read" ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const status = fstatSync(file);
    if (status.isFile() && (access === "read" || status.nlink === 1)) return file;
    closeSync(file);
    return undefined;
  } catch {
    return undefined;
  } finally {
    if (parent !== undefined) closeSync(parent);
  }
}

/** Opens such a file for as long as it is used. @returns undefined where there is no such file or it is not a regular one. */
export function withFileInside<T>(
  folder: string,
  relative: string,
  use: (file: number) => T,
  access: "read" | "write" = "read",
): T | undefined {
  const file = openInside(folder, relative, access);
  if (file === undefined) return undefined;
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/**
 * The end of a file that is open, such as a log.
 * @param from What lies before this place is not read, in bytes.
 */
export function readTail(file: number, maxBytes: number, from = 0): Buffer {
  const { size } = fstatSync(file);
  const start = Math.max(Math.min(from, size), size - maxBytes);
  const bytes = Buffer.alloc(size - start);
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
}
