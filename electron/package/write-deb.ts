import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lutimesSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { maintainer, type Package, type PackagedFile } from "./packages.ts";
import { wrapWords } from "./releases.ts";
import { isElf } from "./strip.ts";
import { writeTree } from "./write-tree.ts";

/**
 * Writes a package as a deb. The same content gives the same bytes: names in order, one time for all, root as the owner.
 * @param folder where the file goes
 * @returns its path
 */
export function writeDeb(content: Package, folder: string): string {
  const architecture = content.architecture === "all" ? "all" : dpkgArchitecture();
  const target = join(folder, `${content.name}_${content.version}_${architecture}.deb`);
  const staged = mkdtempSync(join(tmpdir(), "deb-"));
  try {
    const files = [...content.files].sort((a, b) => (a.path < b.path ? -1 : 1));
    writeTree(staged, files);
    writeTree(staged, controlFiles({ ...content, files }, architecture));
    setTimes(staged, content.releasedAt);
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", staged, target], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        PATH: process.env.PATH,
        LC_ALL: "C",
        TZ: "UTC",
        SOURCE_DATE_EPOCH: String(content.releasedAt),
        // More threads cut the archive into other pieces.
        DPKG_DEB_THREADS_MAX: "1",
        DPKG_DEB_COMPRESSOR_TYPE: "xz",
      },
    });
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
  return target;
}

function controlFiles(content: Package, architecture: string): PackagedFile[] {
  const { name, version, summary, description, files, maintainerScripts } = content;
  const depends = [...librariesOf(files), ...content.depends];
  // Whole kibibytes, and one for each folder, as dpkg-gencontrol(1) counts.
  const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)));
  const size = files.reduce((sum, { body }) => sum + Math.ceil(body.length / 1024), folders.size);
  const control = [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${size}`,
    `Depends: ${depends.join(", ")}`,
    `Recommends: ${content.recommends.join(", ")}`,
    "Section: admin",
    "Priority: optional",
    `Description: ${summary}`,
    ...description
      .map((paragraph) => ` ${wrapWords(paragraph, 78).join("\n ")}`)
      .join("\n .\n")
      .split("\n"),
  ];
  const sums = files.map(({ path, body }) => `${createHash("md5").update(body).digest("hex")}  ${path}\n`);
  return [
    { path: "DEBIAN/control", body: Buffer.from(`${control.join("\n")}\n`) },
    { path: "DEBIAN/md5sums", body: Buffer.from(sums.join("")) },
    ...Object.entries(maintainerScripts).map(([script, body]) => ({ path: `DEBIAN/${script}`, body, executable: true })),
  ];
}

/** The versions of glibc's symbols that an addon asks for tell how old a glibc will do. */
function librariesOf(files: readonly PackagedFile[]): string[] {
  const addons = files.filter(({ body }) => isElf(body));
  if (addons.length === 0) return [];
  const versions = addons.flatMap(({ body }) => [...body.toString("latin1").matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor)));
  return [`libc6 (>= 2.${Math.max(...versions)})`, "libstdc++6"];
}

function setTimes(root: string, seconds: number) {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).map((path) => join(root, path));
  for (const path of [...paths, root]) lutimesSync(path, seconds, seconds);
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === "." ? [] : [above, ...foldersAbove(above)];
}

/** As dpkg calls this machine. */
function dpkgArchitecture(): string {
  return execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
}
