import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

/** Where the built packages are. */
export type BuiltPackages = {
  current: string;
  /** The same sources once more, in another folder, with an addon compiled there. */
  again: string;
  /** The same, called an older version. */
  older: string;
};
declare module "vitest" {
  interface ProvidedContext {
    builtPackages: BuiltPackages;
  }
}

export const olderVersion = "0.0.9";
const notSources = new Set([".git", "node_modules", "dist", "release", "test-results", "playwright-report"]);

/** Builds the packages three times, by the script that everybody uses. */
export default function buildPackages(project: TestProject) {
  const checkout = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "packages-"));
  try {
    const copy = copyCheckout(checkout, join(folder, "a copy"));
    const builtPackages: BuiltPackages = {
      current: build(checkout, join(folder, "current"), {}),
      again: build(copy, join(folder, "again"), { TZ: "Asia/Tokyo", LC_ALL: "C", HOME: folder }, 0o077),
      older: build(renamed(copy), join(folder, "older"), {}),
    };
    project.provide("builtPackages", builtPackages);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return () => rmSync(folder, { recursive: true, force: true });
}

function build(checkout: string, target: string, environment: Record<string, string>, mask = 0o022): string {
  const before = process.umask(mask);
  try {
    execFileSync("npm", ["run", "--silent", "package:deb"], { cwd: checkout, env: { ...process.env, ...environment }, stdio: "pipe" });
  } finally {
    process.umask(before);
  }
  cpSync(join(checkout, "release"), target, { recursive: true, filter: (path) => path.endsWith("release") || path.endsWith(".deb") });
  return target;
}

function copyCheckout(checkout: string, target: string): string {
  for (const name of readdirSync(checkout)) {
    if (!notSources.has(name)) cpSync(join(checkout, name), join(target, name), { recursive: true });
  }
  // Links as far as that is possible: thousands of files that only are read.
  const modules = [join(checkout, "node_modules"), join(target, "node_modules")];
  try {
    execFileSync("cp", ["--archive", "--link", ...modules], { stdio: "pipe" });
  } catch {
    execFileSync("cp", ["--archive", ...modules]);
  }
  // Those that npm may write to are files of the copy's own.
  for (const name of ["node-pty", ".package-lock.json"]) {
    rmSync(join(target, "node_modules", name), { recursive: true });
    cpSync(join(checkout, "node_modules", name), join(target, "node_modules", name), { recursive: true });
  }
  rmSync(join(target, "node_modules/node-pty/build"), { recursive: true });
  execFileSync("npm", ["rebuild", "node-pty"], { cwd: target, stdio: "pipe" });
  return target;
}

function renamed(checkout: string): string {
  const manifest = join(checkout, "package.json");
  const { version, ...others } = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, JSON.stringify({ version: olderVersion, ...others }));
  const metadata = join(checkout, "assets/org.lxcdesktop.app.metainfo.xml");
  const release = /<release version="[^"]+" date="[^"]+">/;
  writeFileSync(metadata, readFileSync(metadata, "utf8").replace(release, `<release version="${olderVersion}" date="2026-01-01">`));
  rmSync(join(checkout, "release"), { recursive: true, force: true });
  return checkout;
}
