import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

type Licence = { name: string; text: string };

const ownLicence = `License: Apache-2.0
 Licensed under the Apache License, Version 2.0. On Debian systems, its full text is in
 /usr/share/common-licenses/Apache-2.0.`;

/**
 * The copyright file of a package (Debian's machine-readable format 1.0): ours, and the licence of every npm package whose code is
 * in the bundles.
 * @param checkout where node_modules is
 * @param names of the npm packages
 */
export function formatCopyright(checkout: string, names: readonly string[]): string {
  const licences: Licence[] = [];
  const stanzas = [...new Set(names)].sort().map((name) => {
    const { holders, licence } = readLicence(join(checkout, "node_modules", name));
    return `Files: node_modules/${name}/*\nCopyright: ${holders.join("\n ")}\nLicense: ${nameOf(licence, licences)}`;
  });
  return `${[
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: LXC Desktop",
    "Files: *\nCopyright: LXC Desktop contributors\nLicense: Apache-2.0",
    ...stanzas,
    ownLicence,
    ...licences.map(({ name, text }) => `License: ${name}\n${indent(text)}`),
  ].join("\n\n")}\n`;
}

/** The same text has one name; another text of the same kind has another. */
function nameOf(licence: Licence, known: Licence[]): string {
  const sameText = known.find(({ text }) => foldBlanks(text) === foldBlanks(licence.text));
  if (sameText) return sameText.name;
  const sameKind = known.filter(({ name }) => name === licence.name || name.startsWith(`${licence.name}~`)).length;
  const name = sameKind === 0 ? licence.name : `${licence.name}~${sameKind + 1}`;
  known.push({ name, text: licence.text });
  return name;
}

function readLicence(folder: string): { holders: string[]; licence: Licence } {
  const { license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const name = String(license).replaceAll(/[()]/g, "").replaceAll(" AND ", "-and-").replaceAll(" ", "-");
  const authorName = typeof author === "string" ? author : author?.name;
  const file = readdirSync(folder)
    .sort()
    .find((one) => /^(licen[cs]e|copying)(\.|$)/i.test(one));
  if (file === undefined) {
    const text = `The package holds no text of its licence; its package.json says: ${license}. See https://spdx.org/licenses/${license}.html`;
    return { holders: [authorName ?? "its authors"], licence: { name: `${name}~as-declared`, text } };
  }
  const lines = readFileSync(join(folder, file), "utf8").replaceAll("\r", "").split("\n");
  // The words "copyright notice" and "copyright holders" stand in the licences themselves.
  const isHolder = (line: string) => /^[\s*]*(copyright\b.*(\d{4}|\(c\)|©)|\(c\)|©)/i.test(line);
  const holders = lines.filter(isHolder).map((line) => line.replace(/^[\s*]*(copyright\s*)?/i, "").trim());
  const text = lines
    .filter((line) => !isHolder(line))
    .join("\n")
    .trim();
  return { holders: holders.length > 0 ? holders : [authorName ?? "its authors"], licence: { name, text } };
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
    .join("\n");
}

function foldBlanks(text: string): string {
  return text.replace(/\s+/g, " ").toLowerCase();
}
