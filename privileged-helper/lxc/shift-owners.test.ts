import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import { shiftOwners } from "./shift-owners.ts";

const range = { first: 1_000_000, count: 65_536 };

let folder: string;
let rootfs: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-shift-"));
  rootfs = join(folder, "rootfs");
  mkdirSync(rootfs, { mode: 0o755 });
});
// Not by Node: one test goes deeper than it can.
afterEach(() => void execFileSync("rm", ["-rf", folder]));

const at = (path: string) => join(rootfs, path);
const ownersOf = (path: string) => {
  const { uid, gid } = lstatSync(path);
  return [uid, gid];
};
const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);
function addFile(path: string, uid = 0, gid = 0, mode = 0o644) {
  writeFileSync(at(path), path);
  chownSync(at(path), uid, gid);
  chmodSync(at(path), mode);
}

/** Only root may give files away. */
describe.skipIf(process.getuid?.() !== 0)("giving a root file system to other ids", () => {
  it("shifts user and group of files, folders and the root itself", () => {
    mkdirSync(at("home"));
    chownSync(at("home"), 1000, 1001);
    addFile("home/notes", 1000, 65_534);
    expect(shiftOwners(rootfs, range)).toBe(3);
    expect(ownersOf(rootfs)).toEqual([1_000_000, 1_000_000]);
    expect(ownersOf(at("home"))).toEqual([1_001_000, 1_001_001]);
    expect(ownersOf(at("home/notes"))).toEqual([1_001_000, 1_065_534]);
    expect(readFileSync(at("home/notes"), "utf8")).toBe("home/notes");
  });

  it("keeps modes, setuid and setgid bits and the sticky bit", () => {
    addFile("su", 0, 0, 0o4755);
    addFile("mail", 0, 8, 0o2755);
    mkdirSync(at("tmp"));
    chmodSync(at("tmp"), 0o1777);
    mkdirSync(at("shared"));
    chmodSync(at("shared"), 0o2775);
    addFile("secret", 0, 42, 0o600);
    shiftOwners(rootfs, range);
    expect(["su", "mail", "tmp", "shared", "secret"].map((path) => modeOf(at(path)))).toEqual(["4755", "2755", "1777", "2775", "600"]);
  });

  it("shifts a file with several names once", () => {
    addFile("one", 5, 5);
    mkdirSync(at("other"));
    linkSync(at("one"), at("other/two"));
    shiftOwners(rootfs, range);
    expect(ownersOf(at("one"))).toEqual([1_000_005, 1_000_005]);
    expect(statSync(at("one")).ino).toBe(statSync(at("other/two")).ino);
  });

  it("shifts symbolic links and never what they lead to, file or folder, absolute or relative", () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "the host's");
    symlinkSync(outside, at("absolute"));
    symlinkSync("../outside", at("relative"));
    symlinkSync(join(outside, "file"), at("file"));
    symlinkSync("/no/such/thing", at("dangling"));
    lchownSync(at("dangling"), 7, 7);
    shiftOwners(rootfs, range);
    expect([outside, join(outside, "file")].map(ownersOf)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(["absolute", "relative", "file"].map((path) => ownersOf(at(path))[0])).toEqual([1_000_000, 1_000_000, 1_000_000]);
    expect(ownersOf(at("dangling"))).toEqual([1_000_007, 1_000_007]);
  });

  it("does not begin with a link instead of a folder", () => {
    symlinkSync(rootfs, join(folder, "link"));
    expect(() => shiftOwners(join(folder, "link"), range)).toThrow();
    expect(ownersOf(rootfs)).toEqual([0, 0]);
  });

  it("shifts pipes without waiting for anybody, and names of any bytes", () => {
    execFileSync("mkfifo", [at("pipe")]);
    const odd = Buffer.concat([Buffer.from(`${rootfs}/odd\n`), Buffer.from([0xff, 0xfe])]);
    writeFileSync(odd, "");
    shiftOwners(rootfs, range);
    expect(ownersOf(at("pipe"))).toEqual([1_000_000, 1_000_000]);
    expect(lstatSync(odd).uid).toBe(1_000_000);
  });

  it("removes device nodes", () => {
    mkdirSync(at("dev"));
    execFileSync("mknod", [at("dev/null"), "c", "1", "3"]);
    execFileSync("mknod", [at("dev/loop9"), "b", "7", "9"]);
    expect(shiftOwners(rootfs, range)).toBe(2);
    expect(execFileSync("ls", [at("dev")], { encoding: "utf8" })).toBe("");
  });

  it("leaves another file system alone that is mounted inside", () => {
    mkdirSync(at("mnt"));
    execFileSync("mount", ["-t", "tmpfs", "none", at("mnt")]);
    try {
      writeFileSync(at("mnt/theirs"), "");
      shiftOwners(rootfs, range);
      expect(ownersOf(at("mnt/theirs"))).toEqual([0, 0]);
    } finally {
      execFileSync("umount", [at("mnt")]);
    }
  });

  it("refuses a file whose owner has no counterpart", () => {
    addFile("foreign", 70_000, 0);
    let thrown: unknown;
    try {
      shiftOwners(rootfs, range);
    } catch (error) {
      thrown = error;
    }
    expect(toProblem(thrown)).toEqual({
      code: "not-supported",
      what: "A file belongs to id 70000; an unprivileged container has only 65536 ids.",
    });
  });

  it("goes deeper than a path may be long", () => {
    const code = `const fs = require("node:fs"); const name = "d".repeat(200);
      for (let depth = 0; depth < 30; depth++) { fs.mkdirSync(name); process.chdir(name); }
      fs.writeFileSync("deepest", "");`;
    execFileSync(process.execPath, ["-e", code], { cwd: rootfs });
    expect(shiftOwners(rootfs, range)).toBe(32);
    expect(execFileSync("find", [rootfs, "!", "-uid", "1000000"], { encoding: "utf8" })).toBe("");
  });
});
