/** What `npm run install-helper` puts on the system, and where. Shared by the scripts that install it and remove it. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const checkout = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const helperHome = "/usr/lib/lxc-desktop";
export const policyPath = "/usr/share/polkit-1/actions/org.lxcdesktop.policy";

/**
 * Runs this script again as root: by sudo where there is a terminal to ask in, or else by pkexec.
 * @param {string} script Path of the script.
 * @returns {never} Ends the process with the exit code of the elevated one.
 */
export function runAsRoot(script) {
  const sudo = ["/usr/bin/sudo", "/bin/sudo"].find(existsSync);
  const [file, prefix] = sudo && process.stdin.isTTY ? [sudo, ["--"]] : ["/usr/bin/pkexec", []];
  if (!existsSync(file)) fail("This needs root, and neither sudo nor pkexec is here. Run it as root.");
  const { status } = spawnSync(file, [...prefix, process.execPath, script], { stdio: "inherit" });
  process.exit(status ?? 1);
}

/**
 * The package that owns a file, where a package manager knows one.
 * @param {string} path
 * @returns {string | undefined} What the package manager printed.
 */
export function owningPackage(path) {
  for (const [file, option] of [
    ["/usr/bin/dpkg", "-S"],
    ["/usr/bin/rpm", "-qf"],
    ["/usr/bin/pacman", "-Qo"],
  ]) {
    if (file === undefined || option === undefined || !existsSync(file)) continue;
    const { status, stdout } = spawnSync(file, [option, path], { encoding: "utf8", env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" } });
    if (status === 0) return stdout.trim();
  }
  return undefined;
}

/**
 * True if nobody but root can change a file: it and every folder above it are root's, and not writable for others.
 * @param {string} path Absolute, without symbolic links.
 */
export function isRootsAlone(path) {
  for (let at = path; ; at = dirname(at)) {
    const status = lstatSync(at);
    if (status.uid !== 0 || (status.mode & 0o022) !== 0 || status.isSymbolicLink()) return false;
    if (at === "/") return true;
  }
}

/**
 * SHA-256 of every file below a folder.
 * @param {string} folder
 */
export function digestsOf(folder) {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return digestsOfFiles(files.map((path) => ({ path: path.slice(folder.length + 1), body: readFileSync(path) })));
}

/**
 * What the manifest of an installed helper says of its files.
 * @param {readonly { path: string, body: Buffer }[]} files
 * @returns {Record<string, string>} Path below the folder -> hexadecimal digest.
 */
export function digestsOfFiles(files) {
  const digests = files.map(({ path, body }) => [path, createHash("sha256").update(body).digest("hex")]);
  return Object.fromEntries(digests.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
}

/**
 * @param {string} sentence For the person who ran the script.
 * @returns {never}
 */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
