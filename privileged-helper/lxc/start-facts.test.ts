import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lookInside } from "./look-inside.ts";
import { findCauseInFacts, findClosedFolders, findUnfitInit, firstWord, readStartFacts } from "./start-facts.ts";

let lxcPath: string;
beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-facts-"));
  chmodSync(lxcPath, 0o755);
  mkdirSync(join(lxcPath, "web/rootfs/sbin"), { recursive: true });
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

const inside = (path: string) => join(lxcPath, "web/rootfs", path);
function facts(...lines: string[]) {
  writeFileSync(join(lxcPath, "web/config"), `${[`lxc.rootfs.path = dir:${inside("")}`, ...lines].join("\n")}\n`);
  return readStartFacts(lxcPath, "web");
}
function addProgram(path: string, content: string | Buffer, mode = 0o755) {
  writeFileSync(inside(path), content, { mode });
}
function elf(machine: number): Buffer {
  const head = Buffer.alloc(64);
  head.write("\x7fELF\x02\x01\x01", "latin1");
  head.writeUInt16LE(machine, 18);
  return head;
}

describe("the first program", () => {
  it("is fit where it is one", () => {
    addProgram("sbin/init", "#!/sbin/init\n");
    expect(findUnfitInit(facts())).toBeUndefined();
    expect(findCauseInFacts(facts())).toBeUndefined();
  });

  it("is missing, may not be executed, is a folder, or lacks its interpreter", () => {
    expect(findUnfitInit(facts())).toEqual({ id: "init-missing", program: "/sbin/init" });
    addProgram("sbin/init", "", 0o644);
    expect(findUnfitInit(facts())).toEqual({ id: "init-not-executable", program: "/sbin/init" });
    expect(findUnfitInit(facts("lxc.init.cmd = '/sbin' x"))).toEqual({ id: "init-missing", program: "/sbin" });
    addProgram("run.py", "#! /usr/bin/python3 -u\n");
    expect(findUnfitInit(facts("lxc.init.cmd = /run.py"))).toEqual({
      id: "init-interpreter-missing",
      program: "/run.py",
      interpreter: "/usr/bin/python3",
    });
  });

  it("is for another architecture", () => {
    addProgram("sbin/init", elf(process.arch === "riscv64" ? 62 : 243));
    expect(findUnfitInit(facts())).toMatchObject({ id: "init-other-architecture", program: "/sbin/init" });
    addProgram("sbin/init", elf(process.arch === "arm64" ? 183 : 62));
    if (process.arch === "x64" || process.arch === "arm64") expect(findUnfitInit(facts())).toBeUndefined();
  });

  it("is only a command for lxc-execute", () => {
    expect(findUnfitInit(facts(`lxc.execute.cmd = '"/bin/sh" "-c" '`))).toEqual({ id: "nothing-to-run", command: '"/bin/sh" "-c" ' });
  });

  it("is not judged where a mount hides it, or PATH finds it", () => {
    expect(findUnfitInit(facts("lxc.mount.entry = /sbin sbin none bind 0 0"))).toBeUndefined();
    expect(findUnfitInit(facts("lxc.init.cmd = sh"))).toBeUndefined();
  });

  it("is found through links, and a link never leads out of the container", () => {
    addProgram("real", "#!/real\n");
    symlinkSync("/real", inside("sbin/init"));
    expect(findUnfitInit(facts())).toBeUndefined();
    symlinkSync("../../../../../../../../bin/sh", inside("out"));
    expect(findUnfitInit(facts("lxc.init.cmd = /out"))).toEqual({ id: "init-missing", program: "/out" });
    symlinkSync("loop", inside("loop"));
    expect(lookInside([inside("")], "/loop")).toBeUndefined();
  });
});

describe("a root file system", () => {
  it("may be nowhere, or empty but for what LXC made", () => {
    rmSync(inside(""), { recursive: true });
    expect(findCauseInFacts(facts())).toEqual({ id: "rootfs-missing", path: inside("") });
    mkdirSync(inside("dev"), { recursive: true });
    expect(findCauseInFacts(facts())).toEqual({ id: "rootfs-empty", path: inside("") });
  });

  it("may be closed to the container's root user", () => {
    const unprivileged = facts("lxc.idmap = u 0 100000 65536");
    expect(findClosedFolders(unprivileged)).toEqual([]);
    chmodSync(join(lxcPath, "web"), 0o700);
    chmodSync(lxcPath, 0o750);
    expect(findClosedFolders(unprivileged)).toEqual([lxcPath, join(lxcPath, "web")]);
    expect(findClosedFolders(facts())).toEqual([]);
    chmodSync(lxcPath, 0o755);
  });

  it("is looked at in layers, the uppermost first", () => {
    mkdirSync(join(lxcPath, "upper"));
    writeFileSync(join(lxcPath, "upper/file"), "");
    writeFileSync(inside("file"), "");
    writeFileSync(inside("below"), "");
    const layers = [join(lxcPath, "upper"), inside("")];
    expect(lookInside(layers, "/file")?.layer).toBe(layers[0]);
    expect(lookInside(layers, "/below")).toMatchObject({ layer: layers[1], relative: "below", type: "file" });
  });
});

describe("a configuration", () => {
  it("may be missing, include what is not there, or be of an older LXC", () => {
    expect(findCauseInFacts(readStartFacts(lxcPath, "nowhere"))).toEqual({ id: "config-missing" });
    expect(findCauseInFacts(facts("lxc.include = /nowhere/x.conf"))).toEqual({ id: "include-missing", path: "/nowhere/x.conf" });
    expect(findCauseInFacts(facts("lxc.network.type = veth"))).toEqual({
      id: "config-key-unknown",
      key: "lxc.network.type",
      age: "old",
      line: 2,
    });
  });

  it("may name links that are not there", () => {
    addProgram("sbin/init", "#!/sbin/init\n");
    expect(findCauseInFacts(facts("lxc.net.0.type = veth", "lxc.net.0.link = nowhere9"))).toEqual({
      id: "bridge-missing",
      link: "nowhere9",
    });
    expect(findCauseInFacts(facts("lxc.net.0.type = phys", "lxc.net.0.link = nowhere9"))).toMatchObject({
      id: "link-missing",
      type: "phys",
    });
    expect(findCauseInFacts(facts("lxc.net.0.type = veth", "lxc.net.0.link = lo"))).toBeUndefined();
  });
});

it.each([
  ["/sbin/init", "/sbin/init"],
  ["/bin/sh -c x", "/bin/sh"],
  ['"/bin/a b" "-c"', "/bin/a b"],
  ["", ""],
])("the first word of %j is %j", (command, word) => expect(firstWord(command)).toBe(word));
