import { describe, expect, it } from "vitest";
import { inPieces, tarOf } from "../archive/testing/tar.ts";
import { toProblem } from "../contract/problems.ts";
import { parseMetadata, readMetadata } from "./image-metadata.ts";

describe("an image server's second archive", () => {
  it("is read as far as it tells what we use", async () => {
    const texts = await readMetadata(
      inPieces(
        tarOf(
          { name: "./config", data: "lxc.arch = amd64" },
          { name: "config-user.5", data: "x" },
          { name: "templates", data: "/etc/hostname" },
          { name: "create-message", data: "hello" },
          { name: "templates/../../etc/passwd", data: "no" },
          { name: "config", type: "symbolic-link", target: "/etc/shadow" },
        ),
      ),
    );
    expect(texts).toEqual({ config: "lxc.arch = amd64", "config-user.5": "x", templates: "/etc/hostname" });
  });

  it("is refused where it is larger than a description can be, and what is large in it is not read", async () => {
    const large = { name: "config", data: "x".repeat(100_000) };
    expect(await readMetadata(inPieces(tarOf(large)))).toEqual({});
    const many = Array.from({ length: 200 }, () => large);
    expect(await readMetadata(inPieces(tarOf(...many))).catch(toProblem)).toMatchObject({ reason: "not-an-archive" });
  });
});

describe("what it says", () => {
  it("is which distribution it is, and what its init is called", () => {
    const config =
      "# made by distrobuilder\nlxc.include = LXC_TEMPLATE_CONFIG/alpine.common.conf\nlxc.arch = x86_64\nlxc.init.cmd = /sbin/openrc-init\n";
    expect(parseMetadata({ config })).toEqual({ distribution: "alpine", initCommand: "/sbin/openrc-init", templates: [] });
  });

  it("is no other line of a configuration, whatever that looks like", () => {
    for (const line of [
      "lxc.include = /etc/passwd",
      "lxc.include = LXC_TEMPLATE_CONFIG/../../../etc/x.common.conf",
      "lxc.include = LXC_TEMPLATE_CONFIG/nesting.conf",
      "lxc.hook.pre-start = /bin/sh",
      "lxc.init.cmd = /bin/sh -c id",
      "lxc.init.cmd = sh",
      "lxc.mount.entry = / host none bind 0 0",
    ]) {
      expect(parseMetadata({ config: line }), line).toEqual({ templates: [] });
    }
  });

  it("is in which files the name stands, never outside", () => {
    const templates = "/etc/hostname\n/etc/hosts \n\n../etc/passwd\n/etc/../../x\n./y\n/a\0b\n";
    expect(parseMetadata({ templates })).toEqual({ templates: ["etc/hostname", "etc/hosts"] });
    expect(parseMetadata({ templates: "/etc/a\n".repeat(1000) }).templates).toHaveLength(100);
  });
});
