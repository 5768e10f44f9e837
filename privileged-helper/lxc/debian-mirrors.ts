import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readProcFile } from "./proc.ts";

/**
 * The mirrors that this computer itself installs from, by the names of the options of LXC's Debian template: where only a mirror of
 * one's own can be reached, the template's default would fail. Nothing where this computer is no Debian, or has no such list.
 * Formats: sources.list(5), os-release(5).
 */
export function readDebianMirrors(root = "/"): { mirror?: string; "security-mirror"?: string } {
  if (!/^ID=["']?debian["']?$/m.test(readProcFile(join(root, "etc/os-release")) ?? "")) return {};
  const folder = join(root, "etc/apt/sources.list.d");
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const texts = [
    parseOneLineSources(readProcFile(join(root, "etc/apt/sources.list")) ?? ""),
    ...names.map((name) => {
      const text = readProcFile(join(folder, name)) ?? "";
      if (name.endsWith(".sources")) return parseDeb822Sources(text);
      return name.endsWith(".list") ? parseOneLineSources(text) : [];
    }),
  ].flat();
  // Whatever else is installed from, Debian's own archive is where Debian's releases and sections are.
  const ofDebian = texts.filter(({ uri, components }) => isUsable(uri) && components.includes("main"));
  const mirror = ofDebian.find(({ suite }) => releases.test(suite))?.uri;
  const security = ofDebian.find(({ suite }) => securityReleases.test(suite))?.uri;
  return { ...(mirror && { mirror: withoutSlash(mirror) }), ...(security && { "security-mirror": withoutSlash(security) }) };
}

export type AptSource = { uri: string; suite: string; components: string[] };

const releases = /^(stable|testing|unstable|sid|oldstable|buster|bullseye|bookworm|trixie|forky|duke)$/;
const securityReleases = /^[a-z]+(-security|\/updates)$/;

/** Only what debootstrap can fetch by itself, and nothing that a shell or a sources.list would read differently. */
function isUsable(uri: string): boolean {
  return /^https?:\/\/[A-Za-z0-9.-]+(:\d+)?(\/[A-Za-z0-9._~/-]*)?$/.test(uri);
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, "");
}

/** `deb [OPTIONS] URI SUITE COMPONENT...` */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line.replace(/#.*/, ""));
    const [, uri, suite, components = ""] = match ?? [];
    return uri && suite ? [{ uri, suite, components: words(components) }] : [];
  });
}

/** Paragraphs of `Field: value`, continued by lines that begin with a blank. */
export function parseDeb822Sources(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    let field = "";
    for (const line of paragraph.split("\n").filter((one) => !one.startsWith("#"))) {
      const match = /^([A-Za-z-]+):(.*)$/.exec(line);
      if (match?.[1] !== undefined) field = match[1].toLowerCase();
      fields.set(field, `${fields.get(field) ?? ""} ${match ? match[2] : line}`);
    }
    const valuesOf = (name: string) => words(fields.get(name) ?? "");
    if (!valuesOf("types").includes("deb") || valuesOf("enabled").includes("no")) return [];
    const components = valuesOf("components");
    return valuesOf("uris").flatMap((uri) => valuesOf("suites").map((suite) => ({ uri, suite, components })));
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
