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
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nevil:x:99999:0::/:\nodd:x:-1:x::relative:\nshort:x:5\nmember:x:7:7::/:\nother:x:9:9::/:\nother:x:10:9::/:\nlost:x:11:11::/:\nown:x:12:50::/:\n",
  );
  writeFileSync(
    join(rootfs, "etc/group"),
    "root:x:0:root\nstaff:x:50:x,member,own\naudio:x:29:member,other\nodd:x:x:app\nhigh:x:70000:lost\nshort:x:5\n",
  );
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
    ["member", { uid: 7, gid: 7, home: "/", memberName: "member" }],
    ["7", { uid: 7, gid: 7, home: "/", memberName: "member" }],
    ["member:7", { uid: 7, gid: 7, home: "/" }],
    ["own", { uid: 12, gid: 50, home: "/" }],
    ["other", { uid: 9, gid: 9, home: "/", memberName: "other" }],
    ["10:9", { uid: 10, gid: 9, home: "/" }],
    ["4321:staff", { uid: 4321, gid: 50 }],
  ])("%j is found as Docker finds it", (user, found) => expect(find(user)).toEqual(found));

  it.each(["nobody", "app:nobodies", "65536", "1:65536", "evil", "odd", "short", "10", "lost"])("%j is none", (user) => {
    expect(find(user)).toBe("invalid-request");
  });

  it("needs no files for a number, and reads none of this computer's", () => {
    rmSync(join(rootfs, "etc/passwd"));
    symlinkSync("/../../../../../../../../../../etc/passwd", join(rootfs, "etc/passwd"));
    expect(find("12")).toEqual({ uid: 12, gid: 0 });
    expect(find("daemon")).toBe("invalid-request");
  });
});
