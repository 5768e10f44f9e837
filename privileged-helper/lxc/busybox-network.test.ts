import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keepAddress } from "./busybox-network.ts";

const script = "etc/udhcpc/default.script";
const text = "deconfig) ip addr flush dev $interface ;;\nbound) ip addr add $ip dev $interface ;;\n";
const kept = "deconfig) : # the address stays, it is reserved for this system ;;\nbound) ip addr replace $ip dev $interface ;;\n";

let folder: string;
let rootfs: string;
let upper: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-udhcpc-"));
  [rootfs, upper] = ["rootfs", "upper"].map((name) => join(folder, name)) as [string, string];
  mkdirSync(join(rootfs, "etc/udhcpc"), { recursive: true });
  mkdirSync(upper);
  writeFileSync(join(rootfs, script), text);
});
afterEach(() => rmSync(folder, { recursive: true }));

it("a fresh busybox system keeps the address that is reserved for it", () => {
  keepAddress({ rootfs });
  expect(readFileSync(join(rootfs, script), "utf8")).toBe(kept);
});

it("one that lies on an image does so as well, and the image stays as it is", () => {
  keepAddress({ rootfs, upper });
  expect([readFileSync(join(upper, script), "utf8"), readFileSync(join(rootfs, script), "utf8")]).toEqual([kept, text]);
});

it("no link is followed for that", () => {
  writeFileSync(join(folder, "victim"), text);
  rmSync(join(rootfs, script));
  symlinkSync(join(folder, "victim"), join(rootfs, script));
  keepAddress({ rootfs });
  expect(readFileSync(join(folder, "victim"), "utf8")).toBe(text);
});
