import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renameInside, writeNameInside } from "./name-inside.ts";

let folder: string;
let rootfs: string;
let upper: string;
let victim: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-name-"));
  [rootfs, upper, victim] = ["rootfs", "upper", "victim"].map((name) => join(folder, name)) as [string, string, string];
  mkdirSync(join(rootfs, "etc"), { recursive: true });
  mkdirSync(upper);
  writeFileSync(victim, "LXC_NAME");
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, text: string) => writeFileSync(join(rootfs, path), text);
const read = (path: string, below = rootfs) => readFileSync(join(below, path), "utf8");
const everything = (path: string) => readdirSync(path, { recursive: true }).sort();

describe("a container's name in its files", () => {
  it("is its host name, and stands where a template says so", () => {
    write("etc/hostname", "image\n");
    write("etc/hosts", "127.0.1.1 LXC_NAME LXC_NAME.local\n");
    write("etc/other", "LXC_NAME");
    writeNameInside("web", ["etc/hosts"], rootfs);
    expect([read("etc/hostname"), read("etc/hosts"), read("etc/other")]).toEqual(["web\n", "127.0.1.1 web web.local\n", "LXC_NAME"]);
  });

  it("is in the upper layer of an instant clone, in folders like those below, and nowhere in the image", () => {
    write("etc/hostname", "LXC_NAME\n");
    mkdirSync(join(rootfs, "etc/deep/er"), { recursive: true, mode: 0o710 });
    write("etc/deep/er/file", "name=LXC_NAME");
    writeNameInside("web", ["etc/deep/er/file"], rootfs, upper);
    expect([read("etc/hostname", upper), read("etc/deep/er/file", upper)]).toEqual(["web\n", "name=web"]);
    expect(statSync(join(upper, "etc/deep")).mode).toBe(statSync(join(rootfs, "etc/deep")).mode);
    expect([read("etc/hostname"), read("etc/deep/er/file")]).toEqual(["LXC_NAME\n", "name=LXC_NAME"]);
  });

  it.each([["in a copy"], ["in an instant clone"]])("is written through no link that an image has: %s", (where) => {
    symlinkSync(victim, join(rootfs, "etc/hostname"));
    symlinkSync(folder, join(rootfs, "exit"));
    symlinkSync("etc", join(rootfs, "inside"));
    write("etc/hosts", "LXC_NAME");
    writeNameInside("web", ["exit/victim", "inside/hosts"], rootfs, where === "in a copy" ? undefined : upper);
    expect(readFileSync(victim, "utf8")).toBe("LXC_NAME");
    expect(read("etc/hosts")).toBe("LXC_NAME");
    expect(everything(upper)).toEqual([]);
  });

  it("is written into what a copied layer has, and through none of its links", () => {
    write("etc/hostname", "image\n");
    mkdirSync(join(rootfs, "other"));
    write("other/hosts", "LXC_NAME");
    mkdirSync(join(upper, "etc"));
    writeFileSync(join(upper, "etc/hostname"), "base\n");
    symlinkSync(folder, join(upper, "other"));
    writeNameInside("web", ["other/hosts", "other/victim"], rootfs, upper);
    expect(read("etc/hostname", upper)).toBe("web\n");
    expect(readFileSync(victim, "utf8")).toBe("LXC_NAME");
    expect(readdirSync(folder).sort()).toEqual(["rootfs", "upper", "victim"]);
  });

  it("is not written where there is no such file, it is a folder, or it is no text of a few lines", () => {
    mkdirSync(join(rootfs, "etc/hostname"));
    write("large", `LXC_NAME${"x".repeat(70_000)}`);
    writeNameInside("web", ["missing", "large"], rootfs, upper);
    expect(everything(upper)).toEqual([]);
  });
});

describe("the name of a clone's base", () => {
  it("becomes the clone's where it stands for the whole of a name, in the clone alone", () => {
    const hosts = (name: string) => `127.0.0.1 localhost\n127.0.1.1 ${name}.lan ${name} ${name} my-web web-2 my.web\n`;
    write("etc/hosts", hosts("web"));
    mkdirSync(join(rootfs, "etc/sysconfig"));
    write("etc/sysconfig/network", "HOSTNAME=web\n");
    renameInside("web", "copy", rootfs, upper);
    expect([read("etc/hosts", upper), read("etc/sysconfig/network", upper)]).toEqual([hosts("copy"), "HOSTNAME=copy\n"]);
    expect(read("etc/hosts")).toBe(hosts("web"));
  });

  it("is not replaced where a link leads to it", () => {
    writeFileSync(join(folder, "network"), "HOSTNAME=web\n");
    symlinkSync(join(folder, "network"), join(rootfs, "etc/hosts"));
    symlinkSync(folder, join(rootfs, "etc/sysconfig"));
    renameInside("web", "copy", rootfs, upper);
    expect(read("network", folder)).toBe("HOSTNAME=web\n");
    expect(everything(upper)).toEqual([]);
  });
});
