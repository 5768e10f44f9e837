import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandSocketName, parseListeningSockets } from "./monitors.ts";

describe("command sockets", () => {
  it("are those that listen; a connection to one has its name as well, and does not count", () => {
    const sockets = parseListeningSockets(readFileSync(join(import.meta.dirname, "testdata/proc/unix"), "utf8"));
    expect(sockets).toEqual(
      new Map([
        ["@/var/lib/lxc/web/command", [83101]],
        ["@/var/lib/lxc/other/command", [83177]],
        ["@lxc/a1b2c3d4e5f60718/command", [90210]],
      ]),
    );
  });

  it("have the container's path in their name, or its hash where that is too long for a socket", () => {
    expect(commandSocketName("/var/lib/lxc", "web")).toBe("@/var/lib/lxc/web/command");
    const long = commandSocketName(`/${"x".repeat(100)}`, "web");
    expect(long).toMatch(/^@lxc\/[0-9a-f]{16}\/command$/);
    expect(commandSocketName(`/${"x".repeat(100)}`, "other")).not.toBe(long);
  });
});
