import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StartCause } from "../contract/start-causes.ts";
import { bridgeName } from "./network.ts";
import { fixFor } from "./repair.ts";
import { readStartFacts } from "./start-facts.ts";

let lxcPath: string;
beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-repair-"));
  mkdirSync(join(lxcPath, "web/rootfs"), { recursive: true });
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

function fixOf(cause: StartCause, ...lines: string[]) {
  writeFileSync(join(lxcPath, "web/config"), `${[`lxc.rootfs.path = dir:${lxcPath}/web/rootfs`, ...lines].join("\n")}\n`);
  return fixFor(cause, readStartFacts(lxcPath, "web"));
}
const none = { kind: "none" };

describe("a fix", () => {
  it("of this computer is the Host page's", () => {
    expect(fixOf({ id: "apparmor-parser-missing" })).toEqual({ kind: "host", check: "apparmor" });
    expect(fixOf({ id: "bridge-missing", link: bridgeName() ?? "" })).toEqual({ kind: "host", check: "bridge" });
    const ids = { id: "ids-not-granted", of: "users", first: 1, count: 2 } as const;
    expect(fixOf({ ...ids, hasOthers: false })).toEqual({ kind: "host", check: "subids" });
    expect(fixOf({ ...ids, hasOthers: true })).toEqual(none);
  });

  it("changes nothing that the container's own configuration does not say", () => {
    expect(fixOf({ id: "config-key-unknown", key: "lxc.nonsense", age: "unknown" })).toEqual(none);
    expect(fixOf({ id: "limit-refused", key: "memory.max", value: "x", because: "value" }, "lxc.cgroup2.memory.max = y")).toEqual(none);
  });

  it("of AppArmor's gaps and core scheduling says that it leaves less between the container and this computer", () => {
    expect(fixOf({ id: "apparmor-incomplete" })).toEqual({
      kind: "container",
      removes: [],
      adds: ["lxc.apparmor.allow_incomplete = 1"],
      commands: [],
      effect: "less-isolated",
    });
    expect(fixOf({ id: "core-scheduling-unsupported" }, "lxc.sched.core = 1")).toMatchObject({ effect: "less-isolated" });
  });

  it("of a capability that is to be kept is not to keep all", () => {
    const content = "lxc.cap.keep = nonsense";
    expect(fixOf({ id: "capability-unknown", content, line: 2 }, content)).toEqual(none);
  });

  it("changes a mount in its place and leaves its other options", () => {
    const fix = fixOf(
      { id: "mount-source-missing", source: "/nowhere", target: "data" },
      "lxc.mount.entry = /nowhere data none bind,ro 0 0",
      "lxc.mount.entry = /etc etc none bind 0 0",
    );
    expect(fix).toMatchObject({
      removes: ["lxc.mount.entry = /nowhere data none bind,ro 0 0"],
      adds: ["lxc.mount.entry = /nowhere data none bind,ro,optional 0 0"],
    });
  });

  it("numbers the interfaces of an older LXC, and gives all keys their names of today", () => {
    const fix = fixOf(
      { id: "config-key-unknown", key: "lxc.network.type", age: "old" },
      "lxc.network.type = veth",
      "lxc.network.ipv4 = 10.0.3.9/24",
      "lxc.network.type = empty",
      "lxc.network.flags = up",
      "lxc.id_map = u 0 100000 65536",
      "lxc.cgroup.memory.limit_in_bytes = 1G",
    );
    expect(fix).toMatchObject({
      adds: [
        "lxc.net.0.type = veth",
        "lxc.net.0.ipv4.address = 10.0.3.9/24",
        "lxc.net.1.type = empty",
        "lxc.net.1.flags = up",
        "lxc.idmap = u 0 100000 65536",
      ],
      effect: "none",
    });
  });

  it("turns limits of cgroup v1 into those of v2 where LXC knows only these, if it knows all of them", () => {
    const cause = { id: "config-key-unknown", key: "lxc.cgroup.memory.limit_in_bytes", age: "old" } as const;
    expect(fixOf(cause, "lxc.cgroup.memory.limit_in_bytes = 1G")).toMatchObject({ adds: ["lxc.cgroup2.memory.max = 1G"] });
    expect(fixOf(cause, "lxc.cgroup.memory.limit_in_bytes = 1G", "lxc.cgroup.cpu.shares = 512")).toEqual(none);
  });

  it("sets a command to be started where it needs no quotes", () => {
    const fixed = (command: string) => fixOf({ id: "nothing-to-run", command });
    expect(fixed('"/bin/sh" "-l" ')).toMatchObject({ adds: ["lxc.init.cmd = /bin/sh -l"], effect: "none" });
    expect(fixed('"/bin/sh" "-c" "echo hello"')).toEqual(none);
    expect(fixed(" ")).toEqual(none);
  });

  it("opens folders below the folder of containers only", () => {
    chmodSync(join(lxcPath, "web"), 0o700);
    chmodSync(lxcPath, 0o700);
    const cause = { id: "folder-not-searchable", path: lxcPath, user: 100_000 } as const;
    expect(fixOf(cause, "lxc.idmap = u 0 100000 65536")).toMatchObject({
      commands: [
        ["chmod", "o+x", lxcPath],
        ["chmod", "o+x", join(lxcPath, "web")],
      ],
    });
    const elsewhere = mkdtempSync(join(tmpdir(), "lxc-desktop-elsewhere-"));
    const facts = { ...readStartFacts(lxcPath, "web"), layers: [elsewhere] };
    expect(fixFor(cause, facts)).toEqual(none);
    rmSync(elsewhere, { recursive: true });
  });
});
