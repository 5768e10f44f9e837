import { describe, expect, it } from "vitest";
import { explainImageServer, imageServer, normaliseImageServer } from "./image-servers.ts";

describe("the address of an image server", () => {
  it.each([
    "https://images.linuxcontainers.org",
    "https://images.linuxcontainers.org/",
    "HTTPS://Images.Example.org:8443/lxc/mirror",
    "http://localhost:8000",
    "http://127.0.0.1:8000/images",
    "http://127.8.9.10",
    "http://[::1]:8000",
    "https://[2001:db8::1]",
  ])("may be %s", (text) => {
    expect(explainImageServer(text)).toBeUndefined();
    expect(new URL(normaliseImageServer(text)).href.replace(/\/$/, "")).toBe(normaliseImageServer(text));
  });

  it.each([
    ["", "Type an address."],
    ["images.linuxcontainers.org", "An address begins with https://."],
    ["ftp://example.org", "An address begins with https://."],
    ["file:///etc", "An address begins with https://."],
    ["http://images.linuxcontainers.org", "Only a server on this computer may be reached by plain http."],
    ["http://localhost.example.org", "Only a server on this computer"],
    ["http://127.0.0.1.nip.io", "Only a server on this computer"],
    ["http://127.0.0.1:80@example.org", "cannot carry a user name"],
    ["https://user:secret@example.org", "cannot carry a user name"],
    ["https://example.org/?q=1", "Leave out"],
    ["https://example.org/#x", "Leave out"],
    ["https://example.org/a/../b", ". or .."],
    ["https://example.org:0", "A port is a number"],
    ["https://example.org:70000", "A port is a number"],
    ["https://exa mple.org", "This is not an address."],
    ["https://example.org/%2e%2e", "This is not an address."],
    ["https://example.org\\@evil.org", "cannot carry a user name"],
    ["https://-example.org", "This is not an address."],
    ["https://bücher.example", "This is not an address."],
    [`https://example.org/${"a".repeat(600)}`, "at most 500 characters"],
  ])("%s is refused in words", (text, reason) => {
    expect(explainImageServer(text)).toContain(reason);
    expect(imageServer.safeParse(text).success).toBe(false);
  });

  it("is kept in one way of writing", () => {
    expect(imageServer.parse("HTTPS://Example.ORG/Mirror/")).toBe("https://example.org/Mirror");
  });
});
