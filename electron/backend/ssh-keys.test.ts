import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { listPublicKeys } from "./ssh-keys.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
let folder: string;
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("lists a person's public keys", () => {
  write("id_work.pub", `${key} me@work\n`);
  write("id_home.pub", `${key} me@home`);
  expect(listPublicKeys(folder)).toEqual([
    { name: "id_home.pub", key: `${key} me@home` },
    { name: "id_work.pub", key: `${key} me@work` },
  ]);
});

it("leaves out what is no public key, and waits for nothing", () => {
  write("id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  write("authorized_keys", `${key}\n`);
  write("private.pub", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  write("two.pub", `${key}\n${key}\n`);
  write("large.pub", `${key} ${"a".repeat(20_000)}`);
  write("empty.pub", "");
  mkdirSync(join(folder, "folder.pub"));
  execFileSync("mkfifo", [join(folder, "pipe.pub")]);
  expect(listPublicKeys(folder)).toEqual([]);
});

it("lists nothing where there is no such folder", () => {
  expect(listPublicKeys(join(folder, "none"))).toEqual([]);
});
