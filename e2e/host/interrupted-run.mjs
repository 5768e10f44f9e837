import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { capture } from "./command.mjs";

/** What the end-to-end tests make on this host and take away at their end. */
export const testUser = "lxcdesktop-test";
export const testRules = "/etc/polkit-1/rules.d/00-lxc-desktop-test.rules";
export const testBuilds = "/var/tmp/lxc-desktop-e2e-";

/**
 * Takes away what end-to-end tests left that were killed in their midst, so that it is not taken for a part of this host. Their user
 * exists only while they run: without it nothing is done, and whatever is installed belongs to somebody.
 * @returns {boolean} true if there was something
 */
export function removeInterruptedRun() {
  const isThere = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .some((line) => line.startsWith(`${testUser}:`));
  if (!isThere) return false;
  rmSync(testRules, { force: true });
  capture(["userdel", "--remove", "--force", testUser]);
  for (const name of readdirSync("/var/tmp")) {
    const path = join("/var/tmp", name);
    if (path.startsWith(testBuilds)) rmSync(path, { recursive: true, force: true });
  }
  if (existsSync("/usr/lib/lxc-desktop")) capture([process.execPath, "electron/launch/uninstall-helper.mjs"]);
  return true;
}
