import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createContainerReader, parseRootfs } from "./list.ts";

let lxcPath: string;
beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-list-"));
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

/** A stopped container: its folder, an empty root file system, and a configuration of these lines. */
const define = (name: string, ...lines: string[]) => {
  mkdirSync(join(lxcPath, name, "rootfs"), { recursive: true });
  writeFileSync(join(lxcPath, name, "config"), [`lxc.rootfs.path = dir:${lxcPath}/${name}/rootfs`, ...lines, ""].join("\n"));
};
const defineClone = (name: string, base: string) => {
  mkdirSync(join(lxcPath, name, "overlay/delta"), { recursive: true });
  const layers = `${lxcPath}/${base}/rootfs:${lxcPath}/${name}/overlay/delta`;
  writeFileSync(join(lxcPath, name, "config"), `lxc.rootfs.path = overlay:${layers}\n`);
};

describe("the list of containers", () => {
  it("is empty where there is no folder of containers", () => {
    const reader = createContainerReader({ lxcPath: join(lxcPath, "nowhere") });
    expect(reader.readAll()).toEqual([]);
    expect(reader.readOne("web")).toBeUndefined();
  });

  it("says of a stopped container what its configuration says", () => {
    define("web", "lxc.start.auto = 1", "lxc.idmap = u 0 100000 65536", "lxc.idmap = g 0 100000 65536");
    define("root");
    expect(createContainerReader({ lxcPath }).readAll()).toEqual([
      {
        name: "root",
        manageable: true,
        state: "stopped",
        privileged: true,
        autostart: false,
        ipv4: [],
        ipv6: [],
        clones: [],
        storage: "dir",
      },
      {
        name: "web",
        manageable: true,
        state: "stopped",
        privileged: false,
        autostart: true,
        ipv4: [],
        ipv6: [],
        clones: [],
        storage: "dir",
      },
    ]);
  });

  it("counts what is included as the container's own", () => {
    const common = join(lxcPath, "common.conf");
    writeFileSync(common, "lxc.idmap = u 0 100000 65536\n");
    define("web", `lxc.include = ${common}`);
    const reader = createContainerReader({ lxcPath });
    expect(reader.readOne("web")?.privileged).toBe(false);
    writeFileSync(common, "# nothing any more\n");
    expect(reader.readOne("web")?.privileged).toBe(true);
  });

  it("shows a configuration that changed, and one that was replaced or removed", () => {
    define("web");
    const reader = createContainerReader({ lxcPath });
    expect(reader.readOne("web")?.autostart).toBe(false);
    define("web", "lxc.start.auto = 1");
    expect(reader.readOne("web")?.autostart).toBe(true);
    rmSync(join(lxcPath, "web"), { recursive: true });
    expect(reader.readOne("web")).toBeUndefined();
    expect(reader.readAll()).toEqual([]);
  });

  it("has clones beside what they are cloned from", () => {
    define("base");
    defineClone("one", "base");
    defineClone("two", "base");
    const [base, one, two] = createContainerReader({ lxcPath }).readAll();
    expect(base?.clones).toEqual(["one", "two"]);
    expect([one, two]).toMatchObject([
      { clonedFrom: "base", storage: "overlay", clones: [] },
      { clonedFrom: "base", storage: "overlay", clones: [] },
    ]);
  });

  it("shows a clone as broken once what it is cloned from has gone", () => {
    define("base");
    defineClone("one", "base");
    rmSync(join(lxcPath, "base"), { recursive: true });
    expect(createContainerReader({ lxcPath }).readOne("one")).toMatchObject({
      state: "error",
      note: expect.stringContaining(join(lxcPath, "base/rootfs")),
    });
  });

  it("takes a container whose configuration cannot be read for privileged, and says why it is broken", () => {
    define("web", "lxc.idmap = u 0 100000 65536");
    rmSync(join(lxcPath, "web/config"));
    symlinkSync("/etc/passwd", join(lxcPath, "web/config"));
    expect(createContainerReader({ lxcPath }).readOne("web")).toMatchObject({
      state: "error",
      privileged: true,
      note: expect.stringContaining("configuration cannot be read"),
    });
  });

  it("leaves out what only looks like a container", () => {
    define("web");
    define(".hidden");
    mkdirSync(join(lxcPath, "folder"));
    symlinkSync(join(lxcPath, "web"), join(lxcPath, "link"));
    const reader = createContainerReader({ lxcPath });
    expect(reader.readAll().map(({ name }) => name)).toEqual(["web"]);
    for (const name of ["link", "folder", ".hidden", "", ".", "..", "web/../web"]) expect(reader.readOne(name), name).toBeUndefined();
  });

  it("marks names that may not be passed to a tool", () => {
    for (const name of ["-rf", "$(id)", "a b"]) define(name);
    const containers = createContainerReader({ lxcPath }).readAll();
    expect(containers.map(({ name, manageable }) => [name, manageable])).toEqual([
      ["$(id)", false],
      ["-rf", false],
      ["a b", false],
    ]);
  });

  it("knows which addresses and ids are claimed, also by containers that do not run", () => {
    define("web", "lxc.net.0.ipv4.address = 10.0.3.7/24 10.0.3.255", "lxc.net.1.ipv4.address = 10.0.4.7/24");
    define("own", "lxc.idmap = u 0 100000 65536", "lxc.idmap = g 0 100000 65536");
    const { ipv4, idRanges } = createContainerReader({ lxcPath }).readClaims();
    expect([...ipv4].sort()).toEqual(["10.0.3.7", "10.0.4.7"]);
    expect(idRanges).toContainEqual({ first: 100000, count: 65536 });
  });
});

describe("where a root file system is kept", () => {
  it("is a folder, with or without saying so", () => {
    expect(parseRootfs("/srv/web")).toEqual({ storage: "dir", folders: ["/srv/web"] });
    expect(parseRootfs("dir:/srv/web")).toEqual({ storage: "dir", folders: ["/srv/web"] });
    expect(parseRootfs("/srv/with:colon")).toEqual({ storage: "dir", folders: ["/srv/with:colon"] });
    expect(parseRootfs("")).toEqual({ storage: "dir", folders: [] });
  });

  it("is a layer on another folder, by either name of overlays", () => {
    for (const type of ["overlay", "overlayfs"]) {
      expect(parseRootfs(`${type}:/lower:/upper`)).toEqual({ storage: "overlay", lower: "/lower", folders: ["/lower", "/upper"] });
    }
  });

  it("is a stack of layers, of which the lowest is the folder that others share", () => {
    expect(parseRootfs("overlay:/middle:/lower:/upper")).toMatchObject({ storage: "overlay", lower: "/lower" });
  });

  it("is LXC's own word for what is no folder, or other", () => {
    expect(parseRootfs("zfs:tank/web")).toEqual({ storage: "zfs", folders: [] });
    expect(parseRootfs("lvm:/dev/vg/web")).toEqual({ storage: "lvm", folders: [] });
    expect(parseRootfs("nbd:/srv/web.qcow2")).toEqual({ storage: "other", folders: [] });
  });
});
