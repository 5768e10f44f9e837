import { describe, expect, it } from "vitest";
import { overlayOptions, withOwnCloneHooks, withoutOwnCloneHooks } from "./clone-config.ts";
import { parseConfig, valuesOf } from "./config.ts";

const hooksIn = (text: string, included: string[] = []) =>
  valuesOf([...included.map((value) => ({ key: "lxc.hook.clone", value, line: 1 })), ...parseConfig(text)], "lxc.hook.clone");

describe("hooks that lxc-copy is to run", () => {
  const included = ["/usr/share/lxc/hooks/clonehostname", "/etc/lxc/everybodys-hook"];
  const base =
    "lxc.uts.name = base\nlxc.hook.clone = /usr/share/lxc/hooks/../hooks/ubuntu-cloud-prep --verbose\nlxc.hook.clone = /opt/hook one\n";
  const entries = [...included.map((value) => ({ key: "lxc.hook.clone", value, line: 1 })), ...parseConfig(base)];

  it("are the administrator's own, and none of LXC's", () => {
    const forCopying = withoutOwnCloneHooks(base, entries);
    expect(forCopying.startsWith(base)).toBe(true);
    expect(hooksIn(forCopying, included)).toEqual(["/etc/lxc/everybodys-hook", "/opt/hook one"]);
    expect(hooksIn(withoutOwnCloneHooks("lxc.uts.name = base\n", entries.slice(0, 1)), included)).toEqual([]);
  });

  it("leave no line in the clone's configuration that its base does not have", () => {
    const copied = withoutOwnCloneHooks(base, entries).replaceAll("base", "clone");
    expect(withOwnCloneHooks(copied, base)).toBe(base.replaceAll("base", "clone"));
  });
});

describe("what an overlay needs in a user namespace", () => {
  const unprivileged = parseConfig("lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n");

  it("is attributes that its root may set, and the kernel knows", () => {
    expect(overlayOptions(unprivileged, "5.11.0-16-generic")).toEqual([["lxc.rootfs.options", "userxattr"]]);
    expect(overlayOptions(unprivileged, "6.1.0-18-amd64")).toHaveLength(1);
    expect(overlayOptions(unprivileged, "5.10.0-28-amd64")).toEqual([]);
    expect(overlayOptions(unprivileged, "4.19.0")).toEqual([]);
    expect(overlayOptions([], "6.1.0")).toEqual([]);
  });

  it("comes after what is there, and only once", () => {
    const withOptions = (options: string) => [...unprivileged, ...parseConfig(`lxc.rootfs.options = ${options}\n`)];
    expect(overlayOptions(withOptions("noatime"), "6.1.0")).toEqual([["lxc.rootfs.options", "noatime,userxattr"]]);
    expect(overlayOptions(withOptions("userxattr,noatime"), "6.1.0")).toEqual([]);
  });
});
