import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolderInside, writeInside } from "./write-inside.ts";

let place: string;
let rootfs: string;
let upper: string;
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const readable = { uid: 0, gid: 0, mode: 0o640 };
const layer = () => ({ rootfs, upper, root: owner.uid });
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "lxc-desktop-inside-"));
  [rootfs, upper] = [join(place, "rootfs"), join(place, "upper")];
  mkdirSync(rootfs);
  mkdirSync(upper);
});
afterEach(() => rmSync(place, { recursive: true }));

describe("a file in a container's own layer", () => {
  it("is written where nothing is, and over what is there", () => {
    mkdirSync(join(rootfs, "etc"), { mode: 0o750 });
    writeFileSync(join(rootfs, "etc/hosts"), "old");
    for (const path of ["etc/hosts", "new/folder/file"]) expect(writeInside(layer(), path, "new", readable)).toBe(true);
    expect(readFileSync(join(upper, "etc/hosts"), "utf8")).toBe("new");
    expect(lstatSync(join(upper, "etc/hosts")).mode & 0o777).toBe(0o640);
    expect(lstatSync(join(upper, "etc")).mode & 0o777).toBe(0o750);
    expect(readFileSync(join(upper, "new/folder/file"), "utf8")).toBe("new");
    expect(readFileSync(join(rootfs, "etc/hosts"), "utf8")).toBe("old");
  });

  it("covers a link, and follows one to a folder as the container would", () => {
    const outside = join(place, "outside");
    writeFileSync(outside, "mine");
    mkdirSync(join(rootfs, "usr/etc"), { recursive: true });
    symlinkSync("/usr/etc", join(rootfs, "etc"));
    symlinkSync(outside, join(rootfs, "usr/etc/hosts"));
    symlinkSync("../../../../../../../../../..", join(rootfs, "up"));
    expect(writeInside(layer(), "etc/hosts", "new", readable)).toBe(true);
    expect(writeInside(layer(), "up/file", "new", readable)).toBe(true);
    expect(readFileSync(outside, "utf8")).toBe("mine");
    expect(lstatSync(join(upper, "usr/etc/hosts")).isFile()).toBe(true);
    expect(existsSync(join(upper, "etc"))).toBe(false);
    expect(existsSync("/file")).toBe(false);
  });

  it("is not written through what is no folder, nor over one", () => {
    writeFileSync(join(rootfs, "file"), "");
    mkdirSync(join(rootfs, "folder"));
    expect(writeInside(layer(), "file/x", "new", readable)).toBe(false);
    expect(writeInside(layer(), "folder", "new", readable)).toBe(false);
    expect(existsSync(join(upper, "file"))).toBe(false);
  });
});

describe("a folder in a container's own layer", () => {
  it("is made with those above it, and covers a link that leads nowhere", () => {
    symlinkSync("/nowhere/else", join(rootfs, "data"));
    expect(makeFolderInside(layer(), "/data/a/b")).toBe("data/a/b");
    expect(lstatSync(join(upper, "data/a/b")).isDirectory()).toBe(true);
    expect(makeFolderInside(layer(), "/")).toBe("");
    symlinkSync("loop", join(rootfs, "loop"));
    // On this computer it leads to a folder, which has an owner and a mode.
    mkdirSync(join(place, "outside/secret"), { recursive: true, mode: 0o700 });
    symlinkSync(join(place, "outside"), join(rootfs, "out"));
    expect(makeFolderInside(layer(), "/out/secret")).toBe("out/secret");
    expect(lstatSync(join(upper, "out/secret")).mode & 0o777).toBe(0o755);
    expect(makeFolderInside(layer(), "/loop/x")).toBe("loop/x");
  });
});
