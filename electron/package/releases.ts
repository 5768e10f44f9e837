import { readFileSync } from "node:fs";

/** One version of the app and what is new in it, as the AppStream metadata tells. */
export type Release = { version: string; date: string; changes: string[] };

/**
 * The releases that AppStream metadata lists, the newest first. The file is ours, so its order is known.
 * @param path of the metainfo file
 */
export function readReleases(path: string): Release[] {
  const xml = readFileSync(path, "utf8");
  return [...xml.matchAll(/<release version="([^"]+)" date="([^"]+)">(.*?)<\/release>/gs)].map(
    ([, version = "", date = "", body = ""]) => ({
      version,
      date,
      changes: [...body.matchAll(/<li>(.*?)<\/li>/gs)].map(([, text = ""]) => unescapeXml(text).replace(/\s+/g, " ").trim()),
    }),
  );
}

/**
 * A changelog as Debian has it (deb-changelog(5)).
 * @param name of the package
 * @param maintainer with an address
 */
export function formatChangelog(name: string, maintainer: string, releases: readonly Release[]): string {
  return releases
    .map(({ version, date, changes }) => {
      const day = new Date(`${date}T00:00:00Z`).toUTCString().replace("GMT", "+0000");
      const lines = changes.map((change) => `  * ${wrapWords(`${change}.`, 76).join("\n    ")}`).join("\n");
      return `${name} (${debianVersion(version)}) unstable; urgency=medium\n\n${lines}\n\n -- ${maintainer}  ${day}\n`;
    })
    .join("\n");
}

/** 1.0.0-rc.1 comes before 1.0.0: Debian says that with a tilde (deb-version(7)). */
export function debianVersion(version: string): string {
  return version.replace("-", "~");
}

/**
 * Breaks a text into lines.
 * @param columns the longest that a line may be
 */
export function wrapWords(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function unescapeXml(text: string): string {
  const characters: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&" };
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => characters[entity] ?? entity);
}
