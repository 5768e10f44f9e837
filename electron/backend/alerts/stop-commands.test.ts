import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isBeingStopped } from "./stop-commands.ts";

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), "lxc-desktop-proc-"));
  mkdirSync(join(proc, "self"));
});
afterEach(() => rmSync(proc, { recursive: true }));

let pid = 1;
function run(...argv: string[]) {
  const folder = join(proc, String(++pid));
  mkdirSync(folder);
  writeFileSync(join(folder, "comm"), `${argv[0]?.split("/").at(-1)}\n`);
  writeFileSync(join(folder, "cmdline"), argv.map((word) => `${word}\0`).join(""));
}

it("finds the programs that end a container, however they are told which", () => {
  for (const argv of [
    ["/usr/bin/lxc-stop", "-n", "web"],
    ["lxc-stop", "web", "-k"],
    ["lxc-stop", "-nweb"],
    ["lxc-destroy", "-f", "--name=web"],
    ["lxc-autostart", "-a", "-s"],
  ]) {
    rmSync(proc, { recursive: true });
    mkdirSync(proc);
    expect(isBeingStopped("web", proc)).toBe(false);
    run(...argv);
    expect(isBeingStopped("web", proc), argv.join(" ")).toBe(true);
  }
});

it("takes no other program for one, and none that ends another container", () => {
  run("lxc-stop", "-n", "web-2");
  run("lxc-start", "-n", "web");
  run("lxc-autostart", "-a");
  run("bash", "-c", "lxc-stop web");
  run("lxc-stop");
  expect(isBeingStopped("web", proc)).toBe(false);
});

it("bears processes that end while it looks, and a /proc of which nothing can be read", () => {
  mkdirSync(join(proc, "99"));
  expect(isBeingStopped("web", proc)).toBe(false);
  expect(isBeingStopped("web")).toBe(false);
});
