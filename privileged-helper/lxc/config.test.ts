import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import {
  editConfig,
  lastValueOf,
  parseConfig,
  readConfigurationText,
  readEffectiveConfig,
  replaceInConfig,
  valuesOf,
  writeConfig,
} from "./config.ts";
import { replaceFile } from "./replace-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a configuration", () => {
  it("is read as LXC reads it: keys of its own only, blanks cut, one pair of quotes removed", () => {
    const text = `# a comment
  lxc.uts.name = "web"
lxc.rootfs.path=dir:/var/lib/lxc/web/rootfs
#lxc.include = /nowhere
something else = 1
lxc.environment = A=B
lxc.novalue
`;
    expect(parseConfig(text)).toEqual([
      { key: "lxc.uts.name", value: "web", line: 2 },
      { key: "lxc.rootfs.path", value: "dir:/var/lib/lxc/web/rootfs", line: 3 },
      { key: "lxc.environment", value: "A=B", line: 6 },
    ]);
  });

  it("loses a key's values with an empty one", () => {
    const entries = parseConfig("lxc.cap.drop = sys_module\nlxc.cap.drop =\nlxc.cap.drop = mac_admin\nlxc.cap.drop = sys_time\n");
    expect(valuesOf(entries, "lxc.cap.drop")).toEqual(["mac_admin", "sys_time"]);
    expect(lastValueOf(entries, "lxc.cap.drop")).toBe("sys_time");
    expect(lastValueOf(entries, "lxc.idmap")).toBeUndefined();
  });

  it("includes files, folders of *.conf in the order of their names, and nothing that is not there", () => {
    mkdirSync(join(folder, "more"));
    writeFileSync(join(folder, "more/2.conf"), "lxc.start.order = 2\n");
    writeFileSync(join(folder, "more/1.conf"), "lxc.start.order = 1\n");
    writeFileSync(join(folder, "more/ignored"), "lxc.start.order = 9\n");
    writeFileSync(join(folder, "common"), `lxc.include = ${folder}/more\n`);
    writeFileSync(join(folder, "config"), `lxc.include = ${folder}/common\nlxc.include = ${folder}/missing\nlxc.start.order = 3\n`);
    const { entries, files } = readEffectiveConfig(join(folder, "config"));
    expect(valuesOf(entries, "lxc.start.order")).toEqual(["1", "2", "3"]);
    expect(files).toEqual(["config", "common", "more/1.conf", "more/2.conf"].map((name) => join(folder, name)));
  });

  it("notices when a file that it includes has changed", () => {
    const common = join(folder, "common");
    writeFileSync(common, "lxc.start.auto = 0\n");
    writeFileSync(join(folder, "config"), `lxc.include = ${common}\n`);
    expect(lastValueOf(readEffectiveConfig(join(folder, "config")).entries, "lxc.start.auto")).toBe("0");
    writeFileSync(common, "lxc.start.auto = 1 \n");
    expect(lastValueOf(readEffectiveConfig(join(folder, "config")).entries, "lxc.start.auto")).toBe("1");
  });

  it("that includes itself is refused instead of being read for ever", () => {
    writeFileSync(join(folder, "config"), `lxc.include = ${folder}/config\n`);
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow("too many files");
  });

  it("that includes a thousand others, one after the other or one in the other, is refused", () => {
    const chain = (count: number) => {
      for (let index = 0; index < count; index++) writeFileSync(join(folder, `${index}`), `lxc.include = ${folder}/${index + 1}\n`);
      writeFileSync(join(folder, `${count}`), "lxc.start.order = 7\n");
      writeFileSync(join(folder, "config"), `lxc.include = ${folder}/0\n`);
    };
    chain(1000);
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow("too many files");
    chain(10);
    expect(lastValueOf(readEffectiveConfig(join(folder, "config")).entries, "lxc.start.order")).toBe("7");
    mkdirSync(join(folder, "wide"));
    for (let index = 0; index < 1000; index++) writeFileSync(join(folder, "wide", `${index}.conf`), "");
    writeFileSync(join(folder, "config"), `lxc.include = ${folder}/wide\n`);
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow("too many files");
  });

  it("that includes what is no file, or has no end, waits for nobody", () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const includes = [join(folder, "pipe"), "/dev/zero", "/dev/tty"].map((file) => `lxc.include = ${file}\n`);
    writeFileSync(join(folder, "config"), `${includes.join("")}lxc.start.order = 7\n`);
    expect(lastValueOf(readEffectiveConfig(join(folder, "config")).entries, "lxc.start.order")).toBe("7");
  });

  it.each([
    ["a pipe", () => execFileSync("mkfifo", [join(folder, "config")])],
    ["a folder", () => mkdirSync(join(folder, "config"))],
    ["an endless file's name", () => symlinkSync("/dev/zero", join(folder, "config"))],
    [
      "fifty megabytes",
      () => {
        writeFileSync(join(folder, "config"), "lxc.uts.name = web\n");
        truncateSync(join(folder, "config"), 50 * 1024 * 1024);
      },
    ],
  ])("that is %s is an error at once", (_what, make) => {
    make();
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow(/is not a file|ELOOP|too large/);
  });

  it("that is a symbolic link is not followed", () => {
    writeFileSync(join(folder, "secret"), "lxc.uts.name = secret\n");
    symlinkSync(join(folder, "secret"), join(folder, "config"));
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow("ELOOP");
  });

  it("that is larger than any real one is not read", () => {
    writeFileSync(join(folder, "config"), `${"#".repeat(1024 * 1024)}\n`);
    expect(() => readEffectiveConfig(join(folder, "config"))).toThrow("too large");
  });

  it("that is not there is a problem that names it", () => {
    try {
      readConfigurationText(folder, "web");
      expect.unreachable();
    } catch (error) {
      expect(toProblem(error)).toEqual({ code: "not-found", what: join(folder, "web/config") });
    }
  });
});

describe("a line of many", () => {
  it.each(["\n", "\r", "\r\n"])("is one between two of %j, and is taken away alone", (end) => {
    const lines = ["lxc.uts.name = web", "lxc.hook.start = /x", "# mine", "lxc.start.auto = 1"];
    const text = lines.map((line) => line + end).join("");
    expect(parseConfig(text).map(({ key, line }) => [key, line])).toEqual([
      ["lxc.uts.name", 1],
      ["lxc.hook.start", 2],
      ["lxc.start.auto", 4],
    ]);
    const without = lines.toSpliced(1, 1).map((line) => line + end);
    expect(editConfig(text, { remove: (key) => key === "lxc.hook.start" })).toBe(without.join(""));
    const other = lines.with(1, "lxc.hook.start = /y").map((line) => line + end);
    expect(replaceInConfig(text, ({ key }) => (key === "lxc.hook.start" ? [key, "/y"] : undefined))).toBe(other.join(""));
  });

  it("is read in a moment, however many and long they are", () => {
    const parsed = parseConfig(`${"\n".repeat(500_000)}${" ".repeat(250_000)}lxc.uts.name = ${"\t".repeat(250_000)}x\n`);
    expect(parsed).toEqual([{ key: "lxc.uts.name", value: "x", line: 500_001 }]);
  });
});

describe("a change", () => {
  it("keeps every byte of what it does not concern", () => {
    const text = "# my comment\n\nlxc.net.0.hwaddr = 00:16:3e:00:00:01\n\tlxc.uts.name   =  web\r\nlxc.net.0.link = lxcbr0\n";
    expect(editConfig(text, { remove: (key) => key === "lxc.net.0.hwaddr", add: [["lxc.net.0.hwaddr", "00:16:3e:aa:bb:cc"]] })).toBe(
      "# my comment\n\n\tlxc.uts.name   =  web\r\nlxc.net.0.link = lxcbr0\nlxc.net.0.hwaddr = 00:16:3e:aa:bb:cc\n",
    );
  });

  it("never becomes more than the lines that were asked for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        let text: string;
        try {
          text = editConfig("lxc.uts.name = web\n", { add: [["lxc.environment", value]] });
        } catch (error) {
          expect(toProblem(error).code).toBe("invalid-request");
          return;
        }
        expect(text.split("\n")).toHaveLength(3);
      }),
    );
    for (const key of ["lxc.a\nlxc.b", "lxc.", "other", "lxc.a = b"]) {
      expect(() => editConfig("", { add: [[key, "1"]] })).toThrow();
    }
  });

  it("may be of every key that LXC has", () => {
    const lines: [string, string][] = [
      ["lxc.hook.pre-start", "/bin/true"],
      ["lxc.sysctl.net.ipv4.conf.vethAB1C.rp_filter", "0"],
    ];
    expect(editConfig("", { add: lines })).toBe(lines.map((line) => `${line.join(" = ")}\n`).join(""));
  });

  it("takes the place of a link, and changes nothing that it or what lies beside it leads to", () => {
    const secret = join(folder, "secret");
    writeFileSync(secret, "root:!:1::::::\n", { mode: 0o600 });
    const before = statSync(secret);
    symlinkSync(secret, join(folder, "config"));
    symlinkSync(secret, join(folder, `.config.${process.pid}.new`));
    writeConfig(join(folder, "config"), "lxc.uts.name = web\n");
    expect(readFileSync(secret, "utf8")).toBe("root:!:1::::::\n");
    const after = statSync(secret);
    expect([after.ino, after.mtimeMs, after.mode]).toEqual([before.ino, before.mtimeMs, before.mode]);
    expect(readFileSync(join(folder, "config"), "utf8")).toBe("lxc.uts.name = web\n");
    expect(readdirSync(folder).sort()).toEqual(["config", "secret"]);
  });

  it("removes what a helper that was killed had begun to write, and nothing else", () => {
    const others = [".config.x.new", ".configuration.1.new", "config.1.new", ".config.1"];
    for (const name of ["config", ".config.1.new", ".config.4194304.new", ...others]) writeFileSync(join(folder, name), "half");
    writeConfig(join(folder, "config"), "lxc.uts.name = web\n");
    expect(readdirSync(folder).sort()).toEqual(["config", ...others].sort());
  });

  it.skipIf(process.getuid?.() !== 0)("leaves it as it was where the disk is full, and nothing beside it", () => {
    const path = join(folder, "config");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "none", folder]);
    try {
      writeFileSync(path, "lxc.uts.name = web\n");
      expect(() => writeFileSync(join(folder, "fill"), Buffer.alloc(128 * 1024))).toThrow("ENOSPC");
      for (const write of [() => writeConfig(path, "lxc.uts.name = other\n"), () => replaceFile(path, "lxc.uts.name = other\n", 0o640)]) {
        expect(write).toThrow("ENOSPC");
        expect(readFileSync(path, "utf8")).toBe("lxc.uts.name = web\n");
        expect(readdirSync(folder).sort()).toEqual(["config", "fill"]);
      }
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  it("that fails leaves the configuration as it was, and nothing beside it", () => {
    const path = join(folder, "config");
    writeFileSync(path, "lxc.uts.name = web\n");
    mkdirSync(join(folder, "none"));
    expect(() => writeConfig(join(folder, "none/none/config"), "x")).toThrow("ENOENT");
    expect(() => writeConfig(path, Symbol("no text") as unknown as string)).toThrow();
    expect(readFileSync(path, "utf8")).toBe("lxc.uts.name = web\n");
    expect(readdirSync(folder).sort()).toEqual(["config", "none"]);
  });

  it("is written in one step and keeps the file's mode", () => {
    const path = join(folder, "config");
    writeFileSync(path, "lxc.uts.name = web\n", { mode: 0o600 });
    writeConfig(path, "lxc.uts.name = other\n");
    expect(readFileSync(path, "utf8")).toBe("lxc.uts.name = other\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["config"]);
  });
});
