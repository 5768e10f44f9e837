import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import { findImageUser } from "./image-user.ts";

let rootfs: string;
beforeEach(() => {
  rootfs = mkdtempSync(join(tmpdir(), "lxc-desktop-user-"));
  mkdirSync(join(rootfs, "etc"));
  writeFileSync(
    join(rootfs, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nevil:x:99999:0::/:\nodd:x:-1:x::relative:\nshort:x:5\n",
  );
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nstaff:x:50:app\n");
});
afterEach(() => rmSync(rootfs, { recursive: true }));

const find = (user: string) => {
  try {
    return findImageUser(rootfs, user, { unprivileged: true });
  } catch (error) {
    return toProblem(error).code;
  }
};

describe("the user of an image", () => {
  it.each([
    ["", { uid: 0, gid: 0, home: "/root" }],
    ["app", { uid: 1000, gid: 1001, home: "/home/app" }],
    ["1000", { uid: 1000, gid: 1001, home: "/home/app" }],
    ["app:staff", { uid: 1000, gid: 50, home: "/home/app" }],
    ["app:7", { uid: 1000, gid: 7, home: "/home/app" }],
    ["4321", { uid: 4321, gid: 0 }],
    ["4321:staff", { uid: 4321, gid: 50 }],
  ])("%j is found as Docker finds it", (user, found) => expect(find(user)).toEqual(found));

  it.each(["nobody", "app:nobodies", "65536", "1:65536", "evil", "odd", "short"])("%j is none", (user) => {
    expect(find(user)).toBe("invalid-request");
  });

  it("needs no files for a number, and reads none of this computer's", () => {
    rmSync(join(rootfs, "etc/passwd"));
    symlinkSync("/../../../../../../../../../../etc/passwd", join(rootfs, "etc/passwd"));
    expect(find("12")).toEqual({ uid: 12, gid: 0 });
    expect(find("daemon")).toBe("invalid-request");
  });
});
