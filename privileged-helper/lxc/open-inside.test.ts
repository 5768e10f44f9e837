import { execFileSync } from "node:child_process";
import { closeSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openInside } from "./open-inside.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "open-inside-"));
  mkdirSync(join(folder, "web/logs"), { recursive: true });
  writeFileSync(join(folder, "web/logs/console.log"), "inside");
  writeFileSync(join(folder, "secret"), "outside");
});
afterEach(() => rmSync(folder, { recursive: true }));

const textOf = (relative: string) => {
  const file = openInside(join(folder, "web"), relative);
  if (file === undefined) return undefined;
  const text = readFileSync(file, "utf8");
  closeSync(file);
  return text;
};

it("opens a file at any depth below the folder", () => {
  expect(textOf("logs/console.log")).toBe("inside");
});

it("leads out by no path", () => {
  for (const path of ["../secret", "logs/../../secret", "logs//console.log", "./logs/console.log", "", "/", join(folder, "secret")]) {
    expect(textOf(path)).toBeUndefined();
  }
});

it("follows no link, as the file or on the way to it, wherever it leads", () => {
  symlinkSync(join(folder, "secret"), join(folder, "web/file"));
  symlinkSync("logs/console.log", join(folder, "web/near"));
  symlinkSync(folder, join(folder, "web/way"));
  for (const path of ["file", "near", "way/secret"]) expect(textOf(path)).toBeUndefined();
});

it("opens nothing but regular files, and does not wait for a pipe", () => {
  execFileSync("mkfifo", [join(folder, "web/pipe")]);
  for (const path of ["pipe", "logs"]) expect(textOf(path)).toBeUndefined();
});

it("leaves no descriptor open when it refuses", () => {
  const before = readdirSync("/proc/self/fd").length;
  for (const path of ["logs", "logs/none", "none/none", "logs/console.log/x"]) textOf(path);
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});

it("writes into no file that has another name as well: that may be one of this computer's", () => {
  linkSync(join(folder, "secret"), join(folder, "web/hostname"));
  expect(openInside(join(folder, "web"), "hostname", "write")).toBeUndefined();
  rmSync(join(folder, "secret"));
  const file = openInside(join(folder, "web"), "hostname", "write");
  expect(file).toBeDefined();
  if (file !== undefined) closeSync(file);
});
