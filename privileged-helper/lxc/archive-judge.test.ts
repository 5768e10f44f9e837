import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { entryOf, tarOf, type Wanted } from "../archive/testing/tar.ts";
import { toProblem } from "../contract/problems.ts";
import { type ArchivePolicy, createArchiveJudge } from "./archive-judge.ts";
import { unpackImage } from "./image-unpack.ts";

const ids = { first: 1_000_000, count: 65_536 };
const policy: ArchivePolicy = { origin: "archive", ids, maxBytes: 1024 * 1024, folder: "/images" };

function judgeAll(entries: readonly Wanted[], others: Partial<ArchivePolicy> = {}) {
  const judge = createArchiveJudge({ ...policy, ...others });
  const written = entries.flatMap(({ data, ...entry }) => judge.judge(entryOf({ size: data?.length ?? 0, ...entry })));
  return { written, ...judge.finish() };
}
const namesOf = (entries: readonly Wanted[], others?: Partial<ArchivePolicy>) => judgeAll(entries, others).written.map(({ name }) => name);
function problemOf(work: () => unknown) {
  try {
    work();
  } catch (thrown) {
    return toProblem(thrown);
  }
  return undefined;
}

const bin: Wanted = { name: "bin", type: "folder", mode: 0o755 };
const away: Wanted = { name: "away", type: "symbolic-link", target: "/etc" };

/** What an attacker would write, with the entry that it is refused for. */
const hostile: [what: string, reason: string, entries: Wanted[]][] = [
  ["an absolute name", "absolute-name", [bin, { name: "/etc/passwd" }]],
  ["two slashes at the beginning", "absolute-name", [bin, { name: "//etc/passwd" }]],
  ["a way up", "name-climbs-out", [bin, { name: "../passwd" }]],
  ["a way up in the middle", "name-climbs-out", [bin, { name: "bin/../../passwd" }]],
  ["a way up at the end", "name-climbs-out", [bin, { name: "bin/..", type: "folder" }]],
  ["a file through a link", "through-link", [away, { name: "away/passwd" }]],
  ["a folder through a link", "through-link", [away, { name: "away/new/er", type: "folder" }]],
  ["a link through a link", "through-link", [away, { name: "away/x", type: "symbolic-link", target: "y" }]],
  ["a hard link to a file behind a link", "through-link", [away, { name: "mine", type: "hard-link", target: "away/shadow" }]],
  ["a hard link of a name behind a link", "through-link", [away, { name: "f" }, { name: "away/f", type: "hard-link", target: "f" }]],
  ["a file through a hard link to a link", "through-link", [away, { name: "too", type: "hard-link", target: "away" }, { name: "too/x" }]],
  ["a hard link to the host", "absolute-name", [bin, { name: "mine", type: "hard-link", target: "/etc/shadow" }]],
  ["a hard link upwards", "name-climbs-out", [bin, { name: "mine", type: "hard-link", target: "../../etc/shadow" }]],
  ["a hard link to nothing", "hard-link-to-nothing", [bin, { name: "mine", type: "hard-link", target: "etc/shadow" }]],
  ["a hard link to a folder", "hard-link-to-nothing", [bin, { name: "mine", type: "hard-link", target: "bin" }]],
  ["a hard link to what comes later", "hard-link-to-nothing", [bin, { name: "a", type: "hard-link", target: "b" }, { name: "b" }]],
  ["a link that climbs out", "link-climbs-out", [bin, { name: "bin/up", type: "symbolic-link", target: "../../etc" }]],
  ["a link that climbs out after going down", "link-climbs-out", [bin, { name: "up", type: "symbolic-link", target: "bin/../.." }]],
  ["a folder turned into a link", "named-twice", [bin, { name: "bin/x" }, { name: "bin", type: "symbolic-link", target: "/etc" }]],
  ["a link turned into a folder", "named-twice", [away, { name: "away", type: "folder" }, { name: "away/passwd" }]],
  ["a file turned into a folder by a name", "named-twice", [{ name: "f" }, { name: "f/x" }]],
  ["a name with a newline", "bad-name", [bin, { name: "a\nb" }]],
  ["a name with a zero byte", "bad-name", [bin, { name: `${"a".repeat(150)}\0b` }]],
  ["a name that is too long", "bad-name", [bin, { name: "a/".repeat(2500) }]],
  ["a part of a name that is too long", "bad-name", [bin, { name: "a".repeat(256) }]],
  ["the root as a file", "bad-name", [bin, { name: "." }]],
  ["a link turned into a file", "named-twice", [away, { name: "away" }]],
  ["a link to nowhere", "bad-name", [bin, { name: "empty", type: "symbolic-link", target: "" }]],
  ["rootfs as a link", "bad-name", [{ name: "rootfs", type: "symbolic-link", target: "/etc" }]],
  [
    "rootfs as a link after the rest",
    "bad-name",
    [
      { name: "config", data: "" },
      { name: "./rootfs", type: "symbolic-link", target: "/etc" },
    ],
  ],
  ["rootfs as a pipe", "bad-name", [{ name: "rootfs", type: "pipe" }]],
  ["rootfs as a file", "bad-name", [{ name: "rootfs/", type: "file" }]],
  ["rootfs as a hard link", "bad-name", [{ name: "rootfs", type: "hard-link", target: "config" }]],
  ["a way up beside the root file system", "name-climbs-out", [{ name: "metadata.yaml" }, { name: "templates/../../x" }]],
  ["a disk", "device", [bin, { name: "dev/sda", type: "block-device", deviceMajor: 8 }]],
  ["memory", "device", [bin, { name: "dev/mem", type: "character-device", deviceMajor: 1, deviceMinor: 1 }]],
  ["the mark of a removed file", "device", [bin, { name: "gone", type: "character-device" }]],
  ["a user that containers do not have", "unknown-owner", [bin, { name: "f", uid: 65_536 }]],
  ["a group that containers do not have", "unknown-owner", [bin, { name: "f", gid: 4_294_967_294 }]],
];

describe("a hostile archive", () => {
  it.each(hostile)("is refused: %s", (_what, reason, entries) => {
    const problem = problemOf(() => judgeAll(entries));
    expect(problem).toMatchObject({ code: "archive-refused", reason });
    const names = entries.map(({ name }) => name.slice(0, 1024));
    expect(names).toContain((problem as { entry: string }).entry);
  });

  it("cannot hold more than there is space for, or more entries than any system has", () => {
    const large = [bin, { name: "a", size: 600_000 }, { name: "b", size: 600_000 }];
    expect(problemOf(() => judgeAll(large))).toEqual({
      code: "no-space",
      path: "/images",
      availableBytes: 1024 * 1024,
      neededBytes: 1_200_000,
    });
    const petabyte = 1024 ** 5;
    expect(problemOf(() => judgeAll([bin, { name: "huge", size: petabyte }]))).toMatchObject({ code: "no-space", neededBytes: petabyte });
    const judge = createArchiveJudge(policy);
    const entry = entryOf(bin);
    for (let count = 0; count < 2_000_000; count++) judge.judge(entry);
    expect(problemOf(() => judge.judge(entry))).toMatchObject({ reason: "too-many-entries" });
  });

  it("cannot fill the memory with names, nor the disk with folders that it only implies or with attributes", () => {
    const long = (count: number) => `${String(count).padStart(200, "0")}/${"n".repeat(200)}/`.repeat(9);
    const implied = (count: number) => `${count}/${"d/".repeat(200)}f`;
    for (const nameOf of [long, implied]) {
      const judge = createArchiveJudge(policy);
      const judgeMany = (first: number, last: number) => {
        for (let count = first; count < last; count++) judge.judge(entryOf({ name: nameOf(count) }));
      };
      expect(problemOf(() => judgeMany(0, 5_000))).toBeUndefined();
      expect(problemOf(() => judgeMany(5_000, 10_000))).toMatchObject({ code: "archive-refused", reason: "too-many-entries" });
    }
    const attributes = { "user.large": Buffer.alloc(600_000) };
    expect(problemOf(() => judgeAll([bin, { name: "a", attributes }, { name: "b", attributes }]))).toMatchObject({ code: "no-space" });
  });

  it("that has no folder is no root file system", () => {
    expect(problemOf(() => judgeAll([{ name: "photo.jpeg" }]))).toMatchObject({ reason: "no-root-file-system" });
    expect(problemOf(() => judgeAll([]))).toMatchObject({ reason: "no-root-file-system" });
    expect(problemOf(() => judgeAll([{ name: "./", type: "folder" }]))).toMatchObject({ reason: "no-root-file-system" });
  });
});

describe("an honest archive", () => {
  it("keeps what root file systems have: absolute links, links within, hard links, pipes, setuid programs", () => {
    const { written } = judgeAll([
      { name: "./", type: "folder", mode: 0o755 },
      { name: "./etc/", type: "folder", mode: 0o750, uid: 3, gid: 4 },
      { name: "./etc/mtab", type: "symbolic-link", target: "../proc/self/mounts" },
      { name: "./etc/alternatives", type: "symbolic-link", target: "/usr/bin/vi" },
      { name: "./bin/su", mode: 0o4755 },
      { name: "./bin/sudo", type: "hard-link", target: "./bin//su" },
      { name: "./run/pipe", type: "pipe" },
    ]);
    expect(written.map(({ name, type, mode, uid, gid, target }) => [name, type, mode.toString(8), uid, gid, target])).toEqual([
      ["./", "folder", "755", 1_000_000, 1_000_000, ""],
      ["./etc", "folder", "750", 1_000_003, 1_000_004, ""],
      ["./etc/mtab", "symbolic-link", "644", 1_000_000, 1_000_000, "../proc/self/mounts"],
      ["./etc/alternatives", "symbolic-link", "644", 1_000_000, 1_000_000, "/usr/bin/vi"],
      ["./bin", "folder", "755", 1_000_000, 1_000_000, ""],
      ["./bin/su", "file", "4755", 1_000_000, 1_000_000, ""],
      ["./bin/sudo", "hard-link", "644", 1_000_000, 1_000_000, "./bin/su"],
      ["./run", "folder", "755", 1_000_000, 1_000_000, ""],
      ["./run/pipe", "pipe", "644", 1_000_000, 1_000_000, ""],
    ]);
  });

  it("may have a file twice, the last one counts", () => {
    expect(namesOf([bin, { name: "bin/a" }, { name: "bin/a", type: "symbolic-link", target: "b" }])).toEqual([
      "./bin",
      "./bin/a",
      "./bin/a",
    ]);
  });

  it("of a whole container is its root file system alone", () => {
    const names = namesOf([
      { name: "./", type: "folder", mode: 0o770 },
      { name: "./config", data: "lxc.hook.start = /bin/evil" },
      { name: "./rootfs/", type: "folder", mode: 0o755 },
      { name: "./rootfs/bin/a" },
      { name: "./rootfs/bin/b", type: "hard-link", target: "./rootfs/bin/a" },
      { name: "./lxc.log" },
      // LXC takes a container with such a file for one that is half made, and removes it.
      { name: "./partial" },
    ]);
    expect(names).toEqual(["./", "./bin", "./bin/a", "./bin/b"]);
  });

  it("has nothing of what lies beside the root file system, whatever that is", () => {
    const types = ["file", "symbolic-link", "hard-link", "pipe", "folder", "block-device"] as const;
    const beside = types.flatMap((type) =>
      ["config", "metadata.yaml", "templates/x", "fstab", "other"].map((name): Wanted => ({ name, type, target: "/etc/shadow" })),
    );
    const names = namesOf([...beside, { name: "rootfs", type: "folder" }, { name: "rootfs/bin", type: "folder" }]);
    expect(names).toEqual(["./", "./bin"]);
  });

  it("keeps a folder rootfs where it is one of many", () => {
    expect(namesOf([bin, { name: "rootfs", type: "folder" }])).toEqual(["./bin", "./rootfs"]);
  });

  it("of a server has its devices left out, and links to them", () => {
    const entries: Wanted[] = [
      bin,
      { name: "dev/null", type: "character-device", deviceMajor: 1, deviceMinor: 3 },
      { name: "dev/nothing", type: "hard-link", target: "dev/null" },
    ];
    const { written, notices } = judgeAll(entries, { origin: "server" });
    expect(written.map(({ name }) => name)).toEqual(["./bin"]);
    expect(notices).toEqual(["1 device file was left out: LXC gives containers their own."]);
  });

  it("for privileged containers keeps its devices and owners", () => {
    const privileged = createArchiveJudge({ origin: "archive", maxBytes: 100, folder: "/images" });
    const device: Wanted = { name: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3, uid: 5, gid: 70_000 };
    expect(privileged.judge(entryOf(device))).toEqual([entryOf({ ...device, name: "./null" })]);
  });

  it("keeps people's attributes and capabilities, and none that an overlay or the kernel obeys", () => {
    const value = Buffer.from("x");
    const capability = Buffer.from("0100000280200000000000000000000000000000", "hex");
    const attributes = {
      "user.comment": value,
      "user.overlay.opaque": value,
      "trusted.overlay.redirect": value,
      "security.selinux": value,
      "system.posix_acl_access": value,
      "security.capability": capability,
    };
    const [written] = judgeAll([{ name: "f", attributes }, bin]).written;
    expect([...(written?.attributes.keys() ?? [])]).toEqual(["user.comment", "security.capability"]);
    expect(written?.attributes.get("security.capability")?.toString("hex")).toBe("010000038020000000000000000000000000000040420f00");
  });
});

/** Only root can unpack for others. */
describe.skipIf(process.getuid?.() !== 0)("unpacking", () => {
  let folder: string;
  let rootfs: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lxc-desktop-unpack-"));
    rootfs = join(folder, "images/rootfs");
    mkdirSync(rootfs, { recursive: true });
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "outside/victim"), "the host's");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const unpack = (bytes: Buffer, decompress?: string[]) => {
    const path = join(folder, "archive");
    writeFileSync(path, bytes);
    const attributes = ["--xattrs", "--xattrs-include=*"];
    const tar = [
      "/usr/bin/tar",
      "--extract",
      `--directory=${rootfs}`,
      "--numeric-owner",
      "--same-owner",
      "--same-permissions",
      ...attributes,
    ];
    return unpackImage({ rootfs: { path, ...(decompress && { decompress }) }, unpack: tar, policy }, () => {}).then(
      () => undefined,
      (thrown) => toProblem(thrown),
    );
  };
  const outside = () => execFileSync("find", [join(folder, "outside"), "-printf", "%p %i %s %T@ %n\n"], { encoding: "utf8" });

  it.each(hostile)("changes nothing outside: %s", async (_what, reason, entries) => {
    const before = outside();
    const toOutside = entries.map((entry) => ({
      ...entry,
      target: entry.target === "/etc" ? join(folder, "outside") : (entry.target ?? ""),
      name: entry.name.replace(/passwd$/, "victim"),
    }));
    expect(await unpack(tarOf(...toOutside))).toMatchObject({ code: "archive-refused", reason: expect.stringMatching(/./) });
    expect(await unpack(tarOf(...entries))).toMatchObject(reason === "bad-name" ? { code: "archive-refused" } : { reason });
    expect(outside()).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(["archive", "images", "outside"]);
    expect(readdirSync(join(folder, "images"))).toEqual(["rootfs"]);
  });

  it.each(["gzip", "xz", "zstd"])(
    "refuses what %s has compressed where it is cut off anywhere, and changes nothing outside",
    async (tool) => {
      const before = outside();
      const decompress = [`/usr/bin/${tool}`, "--decompress", "--stdout"];
      const whole = execFileSync(tool, ["--stdout"], { input: tarOf(bin, { name: "bin/random", data: randomBytes(200_000) }) });
      for (let tenths = 0; tenths < 10; tenths++) {
        const cut = whole.subarray(0, Math.floor((whole.length * tenths) / 10));
        expect(await unpack(cut, decompress), `${tenths} tenths`).toMatchObject({ code: "archive-refused", reason: "not-an-archive" });
      }
      expect(await unpack(whole.subarray(0, -1), decompress)).toMatchObject({ code: "archive-refused" });
      expect(await unpack(whole, decompress)).toBeUndefined();
      expect(readFileSync(join(rootfs, "bin/random"))).toHaveLength(200_000);
      expect(outside()).toBe(before);
    },
  );

  it("writes through no link where a name is used again", async () => {
    const before = outside();
    const target = join(folder, "outside/victim");
    const link: Wanted = { name: "bin/f", type: "symbolic-link", target };
    const entries = [bin, { name: "bin/f", data: "first" }, { name: "bin/g", type: "hard-link", target: "bin/f" } as const];
    expect(await unpack(tarOf(...entries, { name: "bin/f", data: "second" }, { name: "bin/g", data: "third" }, link))).toBeUndefined();
    expect(outside()).toBe(before);
    expect([readlinkSync(join(rootfs, "bin/f")), readFileSync(join(rootfs, "bin/g"), "utf8")]).toEqual([target, "third"]);
  });

  it("keeps names that begin with a hyphen, or are not UTF-8, as names", async () => {
    expect(await unpack(tarOf(bin, { name: "--checkpoint=1" }, { name: "bin/\xff\xfe" }))).toBeUndefined();
    expect(readdirSync(rootfs).sort()).toEqual(["--checkpoint=1", "bin"]);
    expect(readdirSync(join(rootfs, "bin"), { encoding: "buffer" })).toEqual([Buffer.from([0xff, 0xfe])]);
  });

  it("refuses what is unknown to it by its name", async () => {
    const volume = tarOf(bin, { name: "label" });
    volume.write("V", 512 + 156);
    volume.write("        ", 512 + 148);
    const sum = volume.subarray(512, 1024).reduce((before, byte) => before + byte, 0);
    volume.write(`${sum.toString(8).padStart(6, "0")}\0 `, 512 + 148);
    expect(await unpack(volume)).toEqual({ code: "archive-refused", entry: "label", reason: "unknown-type" });
  });
});
