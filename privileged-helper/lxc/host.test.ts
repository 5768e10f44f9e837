import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultLxcPath } from "./host.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-host-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pathBy = (text: string) => {
  const file = join(folder, "lxc.conf");
  writeFileSync(file, text);
  return defaultLxcPath(file);
};

describe("the folder of containers", () => {
  it("is LXC's own where nothing else is said", () => {
    expect(defaultLxcPath(join(folder, "missing"))).toBe("/var/lib/lxc");
    expect(pathBy("")).toBe("/var/lib/lxc");
    expect(pathBy("# lxc.lxcpath = /srv/lxc\n")).toBe("/var/lib/lxc");
  });

  it("is the host's choice, in the form that LXC's command sockets are named with", () => {
    expect(pathBy("lxc.bdev.zfs.root = tank\nlxc.lxcpath = /srv/lxc\n")).toBe("/srv/lxc");
    expect(pathBy("  lxc.lxcpath=/srv/lxc/  \n")).toBe("/srv/lxc");
  });

  it("is never a relative one", () => {
    expect(pathBy("lxc.lxcpath = containers\n")).toBe("/var/lib/lxc");
  });
});
