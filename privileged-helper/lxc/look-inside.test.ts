import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lookInside, readStart } from "./look-inside.ts";
import { openInside } from "./open-inside.ts";
import { rewriteInside } from "./rewrite-inside.ts";

let folder: string;
let rootfs: string;
let secret: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-look-"));
  rootfs = join(folder, "container/rootfs");
  secret = join(folder, "secret");
  mkdirSync(join(rootfs, "etc"), { recursive: true });
  writeFileSync(secret, "outside");
});
afterEach(() => rmSync(folder, { recursive: true }));

const textOf = (path: string, bytes = 1000) => {
  const found = lookInside([rootfs], path);
  return found && readStart(found, bytes).toString();
};
const up = "../".repeat(40);

describe("a path of a container", () => {
  it.each([
    ["an absolute link", () => secret],
    ["a link with more .. than there are folders", () => `${up}${secret.slice(1)}`],
    ["a link by way of a folder's link", () => "way/secret"],
    ["a link by /proc", () => `/proc/self/root${secret}`],
    ["a link by an open folder", () => `/proc/self/cwd/${up}${secret.slice(1)}`],
  ])("leads to nothing outside: %s", (_what, target) => {
    symlinkSync(folder, join(rootfs, "etc/way"));
    symlinkSync(target(), join(rootfs, "etc/os-release"));
    expect(textOf("/etc/os-release")).toBeUndefined();
    expect(lookInside([rootfs], `${up}${secret}`)).toBeUndefined();
    expect(lookInside([rootfs], "/etc/way/secret")).toBeUndefined();
  });

  it("leads where the container itself would get by it", () => {
    mkdirSync(join(rootfs, secret, ".."), { recursive: true });
    writeFileSync(join(rootfs, secret), "inside");
    symlinkSync(secret, join(rootfs, "etc/absolute"));
    symlinkSync(`${up}${secret.slice(1)}`, join(rootfs, "etc/relative"));
    expect(textOf("/etc/absolute")).toBe("inside");
    expect(textOf("etc/relative")).toBe("inside");
  });

  it.each([
    ["a pipe", (path: string) => execFileSync("mkfifo", [path])],
    ["a folder", (path: string) => mkdirSync(path)],
    ["a link in a circle", (path: string) => symlinkSync("os-release", path)],
    ["a device without an end", (path: string) => execFileSync("mknod", [path, "c", "1", "5"])],
    [
      "a socket",
      (path: string) =>
        execFileSync("perl", ["-MSocket", "-e", "socket(S,AF_UNIX,SOCK_STREAM,0);bind(S,pack_sockaddr_un($ARGV[0])) or die", path]),
    ],
  ])("has no text, and nobody waits for one, where it is %s", (what, make) => {
    if (what === "a device without an end" && process.getuid?.() !== 0) return;
    make(join(rootfs, "etc/os-release"));
    expect(textOf("/etc/os-release") ?? "").toBe("");
  });

  it("is read only as far as was asked, however large the file is", () => {
    writeFileSync(join(rootfs, "etc/os-release"), "ID=web\n");
    truncateSync(join(rootfs, "etc/os-release"), 5 * 1024 ** 3);
    expect(textOf("/etc/os-release", 7)).toBe("ID=web\n");
    rewriteInside({ rootfs }, "etc/os-release", () => "changed");
    expect(statSync(join(rootfs, "etc/os-release")).size).toBe(5 * 1024 ** 3);
  });

  it("may have any name, and any depth, and leaves no descriptor open", () => {
    const name = "a\nb \u202e$(id)";
    const deep = `${"d/".repeat(400)}${name}`;
    mkdirSync(join(rootfs, deep, ".."), { recursive: true });
    writeFileSync(join(rootfs, deep), "deep");
    const before = readdirSync("/proc/self/fd").length;
    expect(textOf(deep)).toBe("deep");
    expect(textOf(`${deep}/x`)).toBeUndefined();
    expect(textOf("x/".repeat(100_000))).toBeUndefined();
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  it("has an end where links multiply", () => {
    for (let index = 1; index < 30; index++) symlinkSync(`l${index - 1}/l${index - 1}`, join(rootfs, `l${index}`));
    mkdirSync(join(rootfs, "l0"));
    expect(lookInside([rootfs], "l29")).toBeUndefined();
  });
});

describe("a folder that somebody swaps for a link all the time", () => {
  it("leads out at no moment, to look, to read or to write", async () => {
    const outside = join(folder, "outside");
    mkdirSync(outside);
    const victims = ["os-release", "hostname"].map((name) => join(outside, name));
    for (const file of [...victims, join(rootfs, "etc/os-release"), join(rootfs, "etc/hostname")]) writeFileSync(file, "LXC_NAME");
    for (const file of victims) writeFileSync(file, "outside");
    const before = victims.map((file) => statSync(file));
    symlinkSync(outside, join(rootfs, "link"));
    // A folder and a link, in turn, under one name.
    const swapping = new Worker(
      `const { renameSync } = require("node:fs"); const { workerData: root, parentPort } = require("node:worker_threads");
       const move = (from, to) => renameSync(root + "/" + from, root + "/" + to);
       let going = true; parentPort.on("message", () => (going = false));
       const swap = () => {
         for (let i = 0; i < 200; i++) { move("etc", "folder"); move("link", "etc"); move("etc", "link"); move("folder", "etc"); }
         if (going) setImmediate(swap); else process.exit();
       };
       parentPort.postMessage("swapping"); swap();`,
      { eval: true, workerData: rootfs },
    );
    const ended = new Promise((resolve) => swapping.once("exit", resolve));
    await new Promise((resolve) => swapping.once("message", resolve));
    const read = new Set<string | undefined>();
    let wasLink = 0;
    for (let attempt = 0; attempt < 4_000; attempt++) {
      read.add(textOf("/etc/os-release"));
      rewriteInside({ rootfs }, "etc/hostname", (text) => `${text}\n`.slice(-20));
      if (
        openInside(rootfs, "etc/none") === undefined &&
        statSync(join(rootfs, "etc"), { throwIfNoEntry: false })?.ino === statSync(outside).ino
      )
        wasLink += 1;
    }
    swapping.postMessage("enough");
    await ended;
    // It was there to be fallen for.
    expect(wasLink).toBeGreaterThan(0);
    expect([...read].filter((text) => text !== undefined && text !== "LXC_NAME" && text !== "")).toEqual([]);
    expect(read.has("LXC_NAME")).toBe(true);
    for (const [index, file] of victims.entries()) {
      const { ino, mtimeMs, ctimeMs } = statSync(file);
      expect([readFileSync(file, "utf8"), ino, mtimeMs, ctimeMs]).toEqual([
        "outside",
        before[index]?.ino,
        before[index]?.mtimeMs,
        before[index]?.ctimeMs,
      ]);
    }
  }, 60_000);
});
