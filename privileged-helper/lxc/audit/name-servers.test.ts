import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canMoveNameServers, moveNameServersBack, moveNameServersOut } from "./name-servers.ts";

describe("the file of name servers", () => {
  let root: string;
  let etc: string;
  let volume: string;
  let file: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "lxc-desktop-name-servers-"));
    [etc, volume] = [join(root, "etc"), join(root, "writable")];
    file = join(etc, "resolv.conf");
    mkdirSync(etc);
    writeFileSync(file, "nameserver 10.0.0.1\n");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("becomes a link into a folder of its own, and is in its place again with what was written meanwhile", () => {
    moveNameServersOut(etc, volume);
    expect(readlinkSync(file)).toBe("/run/lxc-desktop/resolv.conf");
    expect(readFileSync(join(volume, "resolv.conf"), "utf8")).toBe("nameserver 10.0.0.1\n");
    expect(lstatSync(volume).mode & 0o777).toBe(0o755);
    writeFileSync(join(volume, "resolv.conf"), "nameserver 10.0.0.2\n");
    writeFileSync(join(volume, "resolv.conf.dhclient-new.7"), "");
    moveNameServersBack(etc, volume);
    expect(lstatSync(file).isFile()).toBe(true);
    expect(readFileSync(file, "utf8")).toBe("nameserver 10.0.0.2\n");
    expect(existsSync(volume)).toBe(false);
  });

  it("may be missing: before, and because the container has removed it", () => {
    rmSync(file);
    moveNameServersOut(etc, volume);
    moveNameServersBack(etc, volume);
    expect(lstatSync(file, { throwIfNoEntry: false })).toBeUndefined();
    expect(existsSync(volume)).toBe(false);
  });

  it("is in its place again wherever moving it was broken off", () => {
    mkdirSync(volume);
    moveNameServersBack(etc, volume);
    expect(readFileSync(file, "utf8")).toBe("nameserver 10.0.0.1\n");
    moveNameServersOut(etc, volume);
    rmSync(file);
    moveNameServersBack(etc, volume);
    expect(readFileSync(file, "utf8")).toBe("nameserver 10.0.0.1\n");
    moveNameServersBack(etc, volume);
    expect(readFileSync(file, "utf8")).toBe("nameserver 10.0.0.1\n");
  });

  it("stays what it is where it is a link already, and is not replaced by one of ours where somebody else has made another", () => {
    rmSync(file);
    symlinkSync("/run/systemd/resolve/stub-resolv.conf", file);
    expect(canMoveNameServers(etc)).toBe(false);
    expect(() => moveNameServersOut(etc, volume)).toThrow("no file");
    mkdirSync(volume);
    writeFileSync(join(volume, "resolv.conf"), "nameserver 10.0.0.2\n");
    moveNameServersBack(etc, volume);
    expect(readlinkSync(file)).toBe("/run/systemd/resolve/stub-resolv.conf");
  });

  it("has its way whatever the container has put into that folder", () => {
    moveNameServersOut(etc, volume);
    rmSync(join(volume, "resolv.conf"));
    mkdirSync(join(volume, "resolv.conf"));
    symlinkSync("/etc/passwd", join(volume, "link"));
    moveNameServersBack(etc, volume);
    expect(lstatSync(file, { throwIfNoEntry: false })).toBeUndefined();
    expect(existsSync(join(volume, "link"))).toBe(false);
    // And again.
    moveNameServersOut(etc, volume);
    expect(readlinkSync(file)).toBe("/run/lxc-desktop/resolv.conf");
  });
});
