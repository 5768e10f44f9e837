/** Whether the npm packages and the build are there and newer than what they are made from; and how they are made. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "./installed-helper.mjs";

const sources = ["electron", "renderer", "privileged-helper", "assets", "build.ts", "vite.config.ts", "package.json"];

/** @returns {boolean} True if every package of the lockfile is installed in the version that it names. */
export function packagesAreFresh() {
  const installed = readLock("node_modules/.package-lock.json");
  const wanted = readLock("package-lock.json");
  if (!installed || !wanted) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || entry.optional || entry.peer) return true;
    return installed[path]?.version === entry.version;
  });
}

/** node-pty is compiled here: no binary of somebody else's runs as root. */
export function addonIsBuilt() {
  return existsSync(join(checkout, "node_modules/node-pty/build/Release/pty.node"));
}

export function installPackages() {
  // Scripts of packages do not run; the one addon is built by name.
  npm("ci", "--ignore-scripts", "--no-audit", "--no-fund");
  buildAddon();
}

export function buildAddon() {
  npm("rebuild", "node-pty");
}

/** @returns {boolean} True if no source is newer than the build. */
export function buildIsFresh() {
  const stamp = statSync(join(checkout, "dist/version"), { throwIfNoEntry: false });
  return stamp !== undefined && sources.every((source) => newestIn(join(checkout, source)) <= stamp.mtimeMs);
}

export function build() {
  npm("run", "--silent", "build");
}

/** @param {string[]} args */
function npm(...args) {
  const { status, error } = spawnSync("npm", args, { cwd: checkout, stdio: ["ignore", "inherit", "inherit"] });
  if (error) throw new Error(`npm could not be run: ${error.message}`);
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed, see above.`);
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean, peer?: boolean }> | undefined}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(checkout, path), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** @param {string} path @returns {number} */
function newestIn(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return 0;
  if (!status.isDirectory()) return status.mtimeMs;
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !/\.test\.tsx?$/.test(name) && name !== "screenshots" && name !== "testdata")
    .reduce((newest, { name }) => Math.max(newest, newestIn(join(path, name))), 0);
}
