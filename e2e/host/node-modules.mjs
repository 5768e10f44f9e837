import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runLive } from "./command.mjs";

/**
 * Installs the npm packages where they are missing or not those of package-lock.json, and compiles node-pty.
 * @param {string} checkout
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function installNodeModules(checkout) {
  const reason = whyStale(checkout);
  if (reason !== undefined) {
    console.log(`Installing the npm packages: ${reason}`);
    if ((await runLive(["npm", "ci", "--ignore-scripts"])) !== 0) return "npm ci failed.";
  }
  const nodePty = join(checkout, "node_modules/node-pty/build/Release/pty.node");
  if (existsSync(nodePty)) return undefined;
  // Where Node brings its own headers, node-gyp need not download them.
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, "include/node/node.h")) ? { npm_config_nodedir: prefix } : undefined;
  if ((await runLive(["npm", "rebuild", "node-pty"], headers)) !== 0) return "npm rebuild node-pty failed.";
  return existsSync(nodePty) ? undefined : "npm rebuild node-pty made no pty.node.";
}

/**
 * Compares npm's record of what it installed with the lock file.
 * @param {string} checkout
 */
function whyStale(checkout) {
  const record = join(checkout, "node_modules/.package-lock.json");
  if (!existsSync(record)) return "there are none yet";
  const installed = readVersions(record);
  const wanted = readVersions(join(checkout, "package-lock.json"));
  for (const [path, { version, optional }] of wanted) {
    const found = installed.get(path);
    if (found === undefined ? !optional : found.version !== version) return `${path} is not at ${version}`;
  }
  for (const path of installed.keys()) if (!wanted.has(path)) return `${path} is not wanted any more`;
  return undefined;
}

/**
 * @param {string} file in npm's format: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
 * @returns {Map<string, { version: string, optional: boolean }>}
 */
function readVersions(file) {
  /** @type {{ packages: Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> }} */
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  const versions = new Map();
  for (const [path, { version = "", optional = false, devOptional = false }] of Object.entries(packages)) {
    if (path !== "") versions.set(path, { version, optional: optional || devOptional });
  }
  return versions;
}
