import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import { editConfig, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf, writeConfig } from "./config.ts";

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

  it("is written in one step and keeps the file's mode", () => {
    const path = join(folder, "config");
    writeFileSync(path, "lxc.uts.name = web\n", { mode: 0o600 });
    writeConfig(path, "lxc.uts.name = other\n");
    expect(readFileSync(path, "utf8")).toBe("lxc.uts.name = other\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["config"]);
  });
});
