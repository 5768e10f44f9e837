import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEffectiveConfig, valuesOf } from "./lxc/config.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
let path: string;
beforeAll(() => {
  lxc = createRealLxc("config");
  mkdirSync(join(lxc.lxcPath, "odd/rootfs"), { recursive: true });
  path = join(lxc.lxcPath, "odd/config");
});
afterAll(async () => {
  // LXC would have to read it to remove it.
  writeFileSync(path, "lxc.uts.name = odd\n");
  await lxc.close();
});

/** What LXC itself has read of a key, one value a line. */
const theirs = (key: string) =>
  lxc
    .run("lxc-info", "-n", "odd", "-c", key)
    .replace(new RegExp(`^${key.replaceAll(".", "\\.")} =`), "")
    .split("\n")
    .map((line) => line.replace(/^ /, ""))
    .filter((line) => line !== "" && line !== "(null)");
const isGivenOnce = (key: string) => /^lxc\.(uts\.name|net\.\d+\.type)$/.test(key);
const ours = (key: string) => valuesOf(readEffectiveConfig(path).entries, key).slice(isGivenOnce(key) ? -1 : 0);

const blanks = { space: " ", tab: "\t", "carriage return": "\r", "form feed": "\f", "vertical tab": "\v" };
const looksLikeBlank = {
  "no-break space": "\u00a0",
  "byte order mark": "\ufeff",
  "line separator": "\u2028",
  "ideographic space": "\u3000",
};
const spelled = Object.entries({ ...blanks, ...looksLikeBlank }).flatMap(([what, blank]): [string, string, string][] => [
  [`a ${what} before the key`, `${blank}lxc.idmap = u 0 100000 65536\n`, "lxc.idmap"],
  [`a ${what} before the value`, `lxc.uts.name =${blank}v\n`, "lxc.uts.name"],
  [`a ${what} after the value`, `lxc.uts.name = v${blank}\n`, "lxc.uts.name"],
  [`a ${what} as the value`, `lxc.uts.name = a\nlxc.uts.name =${blank}\n`, "lxc.uts.name"],
]);

/** Lines that a person or an attacker may have written, each with a key that they are about. */
const cases: [string, string, string][] = [
  ...spelled,
  ["blanks around the equals sign", "lxc.hook.start\t  =   /x\n", "lxc.hook.start"],
  ["no blank at all", "lxc.hook.start=/x\n", "lxc.hook.start"],
  ["two equals signs", "lxc.uts.name==v\n", "lxc.uts.name"],
  ["quotes", 'lxc.hook.start = "/x"\n', "lxc.hook.start"],
  ["other quotes", "lxc.hook.start = '/x'\n", "lxc.hook.start"],
  ["quotes that do not fit", "lxc.hook.start = \"/x'\n", "lxc.hook.start"],
  ["quotes within quotes", 'lxc.uts.name = ""v""\n', "lxc.uts.name"],
  ["half of a pair of quotes", 'lxc.uts.name = "\n', "lxc.uts.name"],
  ["a key in capitals", "LXC.hook.start = /x\n", "lxc.hook.start"],
  ["a comment behind", "lxc.uts.name = v # w\n", "lxc.uts.name"],
  ["a comment before", "#lxc.hook.start = /x\n", "lxc.hook.start"],
  ["a line that goes on", "lxc.uts.name = a\\\nlxc.uts.name = b\n", "lxc.uts.name"],
  ["two lines with nothing but a carriage return between", "lxc.uts.name = a\rlxc.hook.start = /x\n", "lxc.hook.start"],
  ["no line end", "lxc.hook.start = /x", "lxc.hook.start"],
  ["a zero byte in a value, and lines behind it", "lxc.uts.name = a\0b\nlxc.hook.start = /x\n", "lxc.hook.start"],
  ["a zero byte before everything", "\0\nlxc.idmap = u 0 100000 65536\n", "lxc.idmap"],
  ["several of a list", "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n", "lxc.idmap"],
  ["a list taken back", "lxc.cap.drop = sys_time\nlxc.cap.drop =\nlxc.cap.drop = sys_boot\n", "lxc.cap.drop"],
  ["a list taken back by quotes", 'lxc.idmap = u 0 100000 65536\nlxc.idmap = ""\n', "lxc.idmap"],
  ["an interface with zeros before its number", "lxc.net.0.type = empty\nlxc.net.00.type = none\n", "lxc.net.0.type"],
  ["all interfaces taken back", "lxc.net.0.type = none\nlxc.net =\n", "lxc.net.0.type"],
  ["one interface taken back", "lxc.net.0.type = none\nlxc.net.1.type = none\nlxc.net.0 =\n", "lxc.net.0.type"],
  ["another one taken back", "lxc.net.0.type = none\nlxc.net.1.type = none\nlxc.net.1 =\n", "lxc.net.0.type"],
  ["all hooks taken back", "lxc.hook.start = /x\nlxc.hook =\n", "lxc.hook.start"],
  ["all limits taken back", "lxc.cgroup2.memory.max = 1G\nlxc.cgroup2 =\n", "lxc.cgroup2.memory.max"],
  ["the other version's limits taken back", "lxc.cgroup2.memory.max = 1G\nlxc.cgroup =\n", "lxc.cgroup2.memory.max"],
  ["what is no group taken back", "lxc.cgroup2.memory.max = 1G\nlxc.cgroup2.memory =\n", "lxc.cgroup2.memory.max"],
  ["device rules taken back", "lxc.cgroup.devices.deny = a\nlxc.cgroup.devices.deny =\n", "lxc.cgroup.devices.deny"],
  ["all limits of processes taken back", "lxc.prlimit.nofile = 10\nlxc.prlimit =\n", "lxc.prlimit.nofile"],
  ["all mounts taken back", "lxc.mount.entry = / mnt none bind\nlxc.mount.entry =\n", "lxc.mount.entry"],
];

describe("a configuration that is spelled oddly", () => {
  it.each(cases)("is read as LXC reads it: %s", (_what, text, key) => {
    writeFileSync(path, text);
    expect(ours(key)).toEqual(theirs(key));
  });

  it.each(["'FILE'", '"FILE"', "FILE\r", "\tFILE  "])("includes what LXC includes: %j", (value) => {
    const included = join(lxc.lxcPath, "included");
    writeFileSync(included, "lxc.hook.start = /x\n");
    writeFileSync(path, `lxc.include=${value.replace("FILE", included)}\n`);
    expect(theirs("lxc.hook.start")).toEqual(["/x"]);
    expect(ours("lxc.hook.start")).toEqual(["/x"]);
  });
});
