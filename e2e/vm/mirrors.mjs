import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The mirror that this computer installs Debian from: the only one of which is known that it can be reached from here.
 * Formats: sources.list(5).
 * @param {string} [root]
 * @returns {string | undefined}
 */
export function findDebianMirror(root = "/") {
  const folder = join(root, "etc/apt/sources.list.d");
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files = ["etc/apt/sources.list", ...names.map((name) => `etc/apt/sources.list.d/${name}`)];
  for (const file of files) {
    const path = join(root, file);
    const text = existsSync(path) ? readFileSync(path, "utf8").replace(/^\s*#.*$/gm, "") : "";
    const mirror = file.endsWith(".sources") ? findInParagraphs(text) : findInLines(text);
    if (mirror !== undefined) return mirror.replace(/\/+$/, "");
  }
  return undefined;
}

/** Debian's own archive is where Debian's releases are, with the section "main"; its updates and fixes are elsewhere. */
const release = /^(stable|testing|unstable|sid|oldstable|bookworm|trixie|forky|duke)$/;

/** @param {string} text */
function findInLines(text) {
  for (const line of text.split("\n")) {
    const [, uri, suite = "", components = ""] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (release.test(suite) && components.split(/\s+/).includes("main")) return uri;
  }
  return undefined;
}

/** @param {string} text */
function findInParagraphs(text) {
  for (const paragraph of text.split(/\n\s*\n/)) {
    const [uri] = readField(paragraph, "URIs").filter((one) => /^https?:/.test(one));
    if (uri && readField(paragraph, "Suites").some((suite) => release.test(suite)) && readField(paragraph, "Components").includes("main"))
      return uri;
  }
  return undefined;
}

/**
 * @param {string} paragraph
 * @param {string} name
 */
function readField(paragraph, name) {
  const [, value = ""] = new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, "im").exec(paragraph) ?? [];
  return value.split(/\s+/).filter((word) => word !== "");
}
