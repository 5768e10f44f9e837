import { type FSWatcher, watch } from "node:fs";

/** What came of the wish to watch: watched, nothing there, or the kernel has no watch left (inotify(7), max_user_watches). */
export type PathWatch = { state: "watched"; close(): void } | { state: "missing" } | { state: "refused"; reason: string };

/**
 * Tells when a file or the entries of a folder change. Does not keep the process alive.
 * @param onEvent Gets the name of the entry, or undefined where the kernel did not give one. `change`: written to, or other attributes;
 *   `rename`: come, gone or called otherwise.
 */
export function watchPath(path: string, onEvent: (entry: string | undefined, type: "change" | "rename") => void): PathWatch {
  let watcher: FSWatcher;
  try {
    watcher = watch(path, { persistent: false }, (type, entry) => onEvent(entry ?? undefined, type));
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENODEV") return { state: "missing" };
    return { state: "refused", reason: message };
  }
  // Without a listener an error would end the process; the owner looks again by itself now and then.
  watcher.on("error", () => watcher.close());
  return { state: "watched", close: () => watcher.close() };
}
