import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, lchownSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** linux/posix_acl_xattr.h: the owner rw, user 4 r, the group r, the mask r, others r. */
const accessList = "0x0200000001000600ffffffff020004000400000004000400ffffffff10000400ffffffff20000400ffffffff";
/** The owner rwx, the group r-x, group 8 r-x, the mask rwx, others r-x. */
const defaultList = "0x0200000001000700ffffffff04000500ffffffff080005000800000010000700ffffffff20000500ffffffff";

/** Puts files of every kind into a folder that a change of owners must not spoil. @returns It. */
export function addEveryKindOfFile(rootfs: string): string {
  const folder = join(rootfs, "kinds");
  const at = (name: string) => join(folder, name);
  mkdirSync(folder);
  for (const [name, uid, gid, mode] of [
    ["plain", 0, 0, 0o644],
    ["shadow", 0, 42, 0o640],
    ["of-user", 1000, 1001, 0o600],
    ["of-nobody", 65_534, 65_534, 0o664],
    ["suid", 0, 0, 0o4755],
    ["suid-of-user", 33, 33, 0o6755],
    ["sgid", 0, 8, 0o2755],
    ["listed", 0, 0, 0o644],
    ["suid-and-listed", 0, 4, 0o4750],
  ] as const) {
    writeFileSync(at(name), name);
    chownSync(at(name), uid, gid);
    chmodSync(at(name), mode);
  }
  mkdirSync(at("sticky"));
  chmodSync(at("sticky"), 0o1777);
  mkdirSync(at("sgid-folder"));
  chownSync(at("sgid-folder"), 0, 8);
  chmodSync(at("sgid-folder"), 0o2775);
  copyFileSync("/bin/true", at("capable"));
  execFileSync("setcap", ["cap_net_raw+ep", at("capable")]);
  linkSync(at("capable"), at("sticky/capable-too"));
  linkSync(at("of-user"), at("sticky/of-user-too"));
  for (const name of ["listed", "suid-and-listed"]) setAttribute(at(name), "system.posix_acl_access", accessList);
  setAttribute(at("sgid-folder"), "system.posix_acl_default", defaultList);
  setAttribute(at("plain"), "user.mine", "0x6d696e65");
  symlinkSync("/etc/shadow", at("link"));
  lchownSync(at("link"), 5, 6);
  symlinkSync("/no/such/thing", at("dangling"));
  execFileSync("mkfifo", [at("pipe")]);
  execFileSync("mknod", [at("null"), "c", "1", "3"]);
  execFileSync("mknod", ["-m", "666", at("disk"), "b", "7", "9"]);
  writeFileSync(at("sparse"), "");
  truncateSync(at("sparse"), 50 * 1024 * 1024);
  const odd = Buffer.concat([Buffer.from(`${folder}/odd\n\\x `), Buffer.from([0xff, 0xfe])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from("/file")]), "");
  chownSync(Buffer.concat([odd, Buffer.from("/file")]), 33, 33);
  setAttribute(`${folder}/plain`, "system.posix_acl_access", accessList);
  return folder;
}

function setAttribute(path: string, name: string, value: string) {
  execFileSync("setfattr", ["-n", name, "-v", value, path]);
}

/** Everything of a tree that a change of owners could change, as text. */
export function describeTree(folder: string): string {
  const options = { cwd: folder, maxBuffer: 256 * 1024 * 1024 };
  const files = execFileSync("find", [".", "-printf", "%p %U %G %m %y %n %i %s %b %T@ %l\\n"], options).toString("latin1");
  const attributes = execFileSync("getfattr", ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "."], options).toString("latin1");
  return `${files.split("\n").sort().join("\n")}\n${attributes}`;
}
