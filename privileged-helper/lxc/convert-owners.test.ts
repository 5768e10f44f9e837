import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addEveryKindOfFile, describeTree } from "../testing/every-kind-of-file.ts";
import { type ConvertReport, type ConvertRequest, convertOwners, parseAttributes } from "./convert-owners.ts";

const host = { first: 0, count: 65_536 };
const range = { first: 1_000_000, count: 65_536 };
const tools = { find: "/usr/bin/find", chown: "/usr/bin/chown", getfattr: "/usr/bin/getfattr", setfattr: "/usr/bin/setfattr" };

let folder: string;
let rootfs: string;
let manifest: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-convert-"));
  rootfs = join(folder, "rootfs");
  manifest = join(folder, "manifest");
  mkdirSync(rootfs, { mode: 0o755 });
});
afterEach(() => void execFileSync("rm", ["-rf", folder]));

async function convert(others: Partial<ConvertRequest> = {}): Promise<ConvertReport[]> {
  const reports: ConvertReport[] = [];
  await convertOwners(
    { folders: [{ path: rootfs, inside: "/" }], from: host, to: range, mode: "convert", manifest, tools, ...others },
    (line) => reports.push(line),
  );
  return reports;
}
const takeBack = () => convert({ from: range, to: host, mode: "return" });
/** A program that does a part of what it is asked for, and is killed then. */
function halfOf(script: string): string {
  const path = join(folder, "half");
  writeFileSync(path, `#!/bin/sh\n${script}\nkill -9 $$\n`, { mode: 0o755 });
  return path;
}

/** Only root may give files away. */
describe.skipIf(process.getuid?.() !== 0 || !existsSync(tools.getfattr))(
  "giving the files of a container to other ids",
  { timeout: 60_000 },
  () => {
    it("counts before, changes nothing while it only looks, and is the same after there and back", async () => {
      addEveryKindOfFile(rootfs);
      const before = describeTree(rootfs);
      const count = Number(execFileSync("find", [rootfs, "-printf", "."], { encoding: "utf8" }).length);
      expect(await convert({ mode: "look" })).toEqual([{ counted: count }]);
      expect(describeTree(rootfs)).toBe(before);
      expect(existsSync(manifest)).toBe(false);
      expect(await convert()).toEqual([{ counted: count }, { done: count }]);
      // Nothing but device files is left to root.
      const left = execFileSync("find", [rootfs, "-uid", "-1000000", "-printf", "%y"], { encoding: "utf8" });
      expect([...left].sort().join("")).toBe("bc");
      await convert({ from: range, to: host });
      expect(describeTree(rootfs)).toBe(before);
    });

    it.each([
      ["most files", { chown: "chown -h +1000000:+1000000 kinds/suid kinds/capable kinds/listed" }],
      ["all files, and before any attribute", { setfattr: "exit 1" }],
    ])("is taken back where it was killed before it had changed %s", async (_, scripts) => {
      addEveryKindOfFile(rootfs);
      const before = describeTree(rootfs);
      const broken = Object.fromEntries(Object.entries(scripts).map(([tool, script]) => [tool, halfOf(script)]));
      await expect(convert({ tools: { ...tools, ...broken } })).rejects.toThrow();
      expect(describeTree(rootfs)).not.toBe(before);
      await takeBack();
      expect(describeTree(rootfs)).toBe(before);
      // Whoever takes it back may be killed, too.
      await takeBack();
      expect(describeTree(rootfs)).toBe(before);
    });

    describe("in several folders", () => {
      let places: ConvertRequest["folders"];
      const all = () => places.map(({ path }) => describeTree(path)).join();
      beforeEach(() => {
        const place = join(folder, "place");
        mkdirSync(place);
        for (const path of [rootfs, place]) addEveryKindOfFile(path);
        places = [
          { path: rootfs, inside: "/" },
          { path: place, inside: "/var" },
        ];
        // What was moved out of a root file system may have names in both.
        for (const name of ["of-user", "suid-of-user", "capable", "suid-and-listed"])
          linkSync(join(rootfs, "kinds", name), join(place, `also-${name}`));
      });

      it("gives each file away once, whichever of its names is met first, and back", async () => {
        const before = all();
        const [looked] = await convert({ folders: places, mode: "look" });
        expect(all()).toBe(before);
        expect(await convert({ folders: places })).toEqual([looked, { done: looked && "counted" in looked && looked.counted }]);
        expect(lstatSync(join(folder, "place/also-of-user"))).toMatchObject({ uid: range.first + 1000, gid: range.first + 1001 });
        expect(lstatSync(join(folder, "place/kinds/suid")).mode & 0o7777).toBe(0o4755);
        await convert({ folders: places, from: range, to: host });
        expect(all()).toBe(before);
      });

      it.each(["rootfs", "place"])("is taken back where it was killed in the middle of %s", async (last) => {
        const before = all();
        // One after the other: the first that does not lie in this folder is done whole.
        const path =
          halfOf(`case $(readlink /proc/self/cwd) in */${last}) chown -h +1000000:+1000000 kinds/suid kinds/capable kinds/listed ;;
          *) exec chown "$@" ;; esac`);
        await expect(convert({ folders: places, tools: { ...tools, chown: path } })).rejects.toThrow();
        expect(all()).not.toBe(before);
        expect(lstatSync(join(rootfs, "kinds/plain")).uid).toBe(last === "rootfs" ? 0 : range.first);
        await convert({ folders: places, from: range, to: host, mode: "return" });
        expect(all()).toBe(before);
      });

      it("names a file of a place as the container does, and changes none of either", async () => {
        execFileSync("chown", ["70000:0", join(folder, "place/kinds/plain")]);
        const before = all();
        await expect(convert({ folders: places })).rejects.toThrow('"/var/kinds/plain" belongs to id 70000');
        expect(all()).toBe(before);
      });
    });

    it("takes back what was left when a file is gone or another one has its name", async () => {
      addEveryKindOfFile(rootfs);
      await convert();
      unlinkSync(join(rootfs, "kinds/suid"));
      unlinkSync(join(rootfs, "kinds/capable"));
      unlinkSync(join(rootfs, "kinds/null"));
      symlinkSync("/etc/passwd", join(rootfs, "kinds/suid"));
      writeFileSync(join(rootfs, "kinds/new"), "");
      chmodSync(join(rootfs, "kinds/new"), 0o4711);
      execFileSync("chown", ["-h", "1000000:1000000", join(rootfs, "kinds/new"), join(rootfs, "kinds/suid")]);
      chmodSync(join(rootfs, "kinds/new"), 0o4711);
      const hosts = lstatSync("/etc/passwd").mode;
      await takeBack();
      expect(lstatSync("/etc/passwd").mode).toBe(hosts);
      expect(lstatSync(join(rootfs, "kinds/new")).mode & 0o7777).toBe(0o4711);
      expect(lstatSync(join(rootfs, "kinds/new")).uid).toBe(0);
    });

    it("never follows a link, and refuses one instead of a folder", async () => {
      const outside = join(folder, "outside");
      mkdirSync(outside);
      writeFileSync(join(outside, "file"), "the host's");
      symlinkSync(outside, join(rootfs, "absolute"));
      symlinkSync("../outside/file", join(rootfs, "relative"));
      await convert();
      expect(lstatSync(outside).uid).toBe(0);
      expect(lstatSync(join(outside, "file")).uid).toBe(0);
      expect(lstatSync(join(rootfs, "absolute")).uid).toBe(range.first);
      symlinkSync(rootfs, join(folder, "link"));
      await expect(convert({ folders: [{ path: join(folder, "link"), inside: "/" }] })).rejects.toThrow();
    });

    it("names files whose ids are none of the container's, at most five, and changes none", async () => {
      for (let number = 0; number < 8; number++) {
        writeFileSync(join(rootfs, `foreign-${number}`), "");
        execFileSync("chown", [`${70_000 + number}:0`, join(rootfs, `foreign-${number}`)]);
      }
      writeFileSync(join(rootfs, "own"), "");
      const refusal = convert();
      await expect(refusal).rejects.toThrow(/"\/foreign-\d" belongs to id 7000\d.*, and 3 more\./);
      expect(lstatSync(join(rootfs, "own")).uid).toBe(0);
      expect(existsSync(manifest)).toBe(false);
      rmSync(rootfs, { recursive: true });
      mkdirSync(rootfs);
      writeFileSync(join(rootfs, "listed"), "");
      const list = "0x0200000001000600ffffffff020004007011010004000400ffffffff10000400ffffffff20000400ffffffff";
      execFileSync("setfattr", ["-n", "system.posix_acl_access", "-v", list, join(rootfs, "listed")]);
      await expect(convert()).rejects.toThrow('of "/listed": its access list names id 70000');
      expect(lstatSync(join(rootfs, "listed")).uid).toBe(0);
    });

    it("refuses folders that lie deeper than a path may be long, and changes none", async () => {
      const code = `const fs = require("node:fs"); const name = "d".repeat(200);
      for (let depth = 0; depth < 30; depth++) { fs.mkdirSync(name); process.chdir(name); }`;
      execFileSync(process.execPath, ["-e", code], { cwd: rootfs });
      await expect(convert()).rejects.toThrow("too deep");
      expect(lstatSync(rootfs).uid).toBe(0);
    });
  },
);

describe("what getfattr prints", () => {
  it("is read with names of any bytes, and nothing but attributes that we know", () => {
    const text = "# file: ./odd\\012\\134x\nsecurity.capability=0x01ff\nuser.mine=0x00\n\n# file: .\nsystem.posix_acl_default=0x02\n\n";
    expect([...parseAttributes(text)]).toEqual([
      ["./odd\n\\x", { "security.capability": "01ff" }],
      [".", { "system.posix_acl_default": "02" }],
    ]);
  });
});
