import { describe, expect, it } from "vitest";
import { capabilitiesOfPresets } from "../../contract/capabilities.ts";
import { lastValueOf, parseConfig, valuesOf } from "../config.ts";
import { configuredCapabilities } from "./capabilities.ts";
import { hardenedConfig } from "./hardened.ts";

const before = [
  "# mine",
  "lxc.uts.name = web",
  "lxc.cap.drop = sys_time",
  "lxc.rootfs.options = userxattr,suid",
  "lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp",
  "",
].join("\n");
const entriesOf = (wanted: Partial<Parameters<typeof hardenedConfig>[0]> = {}) =>
  parseConfig(hardenedConfig({ lxcPath: "/var/lib/lxc", isApplication: false, ...wanted }, before));

describe("a hardened configuration", () => {
  it("has what suits a system, and keeps what is none of it", () => {
    const entries = entriesOf();
    expect([...configuredCapabilities(entries)]).toEqual(expect.arrayContaining([...capabilitiesOfPresets.system]));
    expect(configuredCapabilities(entries).has("sys_module")).toBe(false);
    expect(lastValueOf(entries, "lxc.no_new_privs")).toBeUndefined();
    expect(valuesOf(entries, "lxc.rootfs.options")).toEqual(["userxattr,nosuid,nodev"]);
    expect(valuesOf(entries, "lxc.seccomp.profile")).toEqual(["/var/lib/lxc-desktop/profiles/strict.seccomp"]);
    expect(lastValueOf(entries, "lxc.uts.name")).toBe("web");
  });

  it("has what suits one application", () => {
    const entries = entriesOf({ isApplication: true });
    expect([...configuredCapabilities(entries)]).toEqual([...capabilitiesOfPresets.service]);
    expect(lastValueOf(entries, "lxc.no_new_privs")).toBe("1");
  });

  it("has no limit of its own where one was chosen", () => {
    const limits = (resources: Parameters<typeof hardenedConfig>[0]["resources"]) =>
      entriesOf({ resources }).filter(({ key }) => /pids\.max$|memory\.(max|limit_in_bytes)$/.test(key)).length;
    expect(limits({ processes: 50, memoryBytes: 2 ** 28 })).toBe(0);
    expect(limits({ processes: 50 })).toBeLessThanOrEqual(1);
  });
});
