/** One mount, as the process that reads it sees it. */
export type Mount = {
  /** What of the file system the mount shows: "/" unless a part of it was bound. */
  root: string;
  mountPoint: string;
  type: string;
  /** What was named when it was mounted: a device, or any word where the type needs none. */
  source: string;
  /** Of this mount. */
  options: string[];
  /** Of the file system, the same wherever it is mounted. */
  superOptions: string[];
};

/**
 * The mounts in the order in which they were made.
 * @param text Of /proc/PID/mountinfo (proc_pid_mountinfo(5)): `ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS`.
 */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, mountPoint, options] = before.split(" ");
    const [type, source = "", superOptions = ""] = after.split(" ");
    if (root === undefined || mountPoint === undefined || options === undefined || !type) return [];
    return {
      root: unescapeField(root),
      mountPoint: unescapeField(mountPoint),
      type,
      source: unescapeField(source),
      options: options.split(","),
      superOptions: superOptions.split(","),
    };
  });
}

/** Blanks and backslashes are written as three octal digits. */
function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
