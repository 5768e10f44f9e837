import { describe, expect, it } from "vitest";
import { explainCommand, explainPackages, explainPublicKey, explainUserName, firstStart } from "./first-start.ts";

const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const key = `ssh-ed25519 ${blob} me@here`;

/** A key of this type that holds what that says. */
function keyOf(type: string, inside = type) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(inside.length);
  return `${type} ${Buffer.concat([length, Buffer.from(inside), Buffer.alloc(40)]).toString("base64")}`;
}

describe("a public key", () => {
  it.each([key, `ssh-ed25519 ${blob}`, `ssh-ed25519 ${blob} a comment with blanks, "quotes" & Ünïcode`])("is taken: %s", (text) => {
    expect(explainPublicKey(text)).toBeUndefined();
  });

  it.each([
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
  ])("may be of the type %s", (type) => {
    expect(explainPublicKey(keyOf(type))).toBeUndefined();
  });

  it.each([
    ["nothing", "", /Paste/],
    ["a private one", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc", /private key/],
    ["two lines", `${key}\n${key}`, /one line/],
    ["a line's end", `${key}\n`, /one line/],
    ["an old Mac's line end", `${key}\r${key}`, /one line/],
    ["options before the type", `command="id" ${key}`, /begins with its type/],
    ["another option", `no-pty ${key}`, /begins with its type/],
    ["a blank before the type", ` ${key}`, /begins with its type/],
    ["a type that sshd has given up", keyOf("ssh-dss"), /begins with its type/],
    ["a certificate", keyOf("ssh-ed25519-cert-v01@openssh.com"), /begins with its type/],
    ["an authority", `@cert-authority ${key}`, /begins with its type/],
    ["a comment", `# ${key}`, /begins with its type/],
    ["another type inside", keyOf("ssh-ed25519", "ssh-rsa"), /damaged/],
    ["no base64", "ssh-ed25519 AAAA!!!! me", /damaged/],
    ["half a group of base64", `ssh-ed25519 ${blob.slice(0, -1)}`, /damaged/],
    ["the type alone", `ssh-ed25519 ${Buffer.from("\0\0\0\x0bssh-ed25519", "latin1").toString("base64")}`, /damaged/],
    ["a length beyond its end", `ssh-ed25519 ${Buffer.from([255, 255, 255, 255, 1]).toString("base64")}`, /damaged/],
    ["no key", "ssh-ed25519", /damaged/],
    ["two blanks", `ssh-ed25519  ${blob}`, /damaged/],
    ["a NUL", `${key}\0`, /cannot be seen/],
    ["an escape sequence", `${key}\u001b[2J`, /cannot be seen/],
    ["text that runs the other way", `${key}\u202e`, /cannot be seen/],
    ["a line separator", `${key}\u2028${key}`, /cannot be seen/],
    ["more than any key has", `ssh-ed25519 ${blob} ${"a".repeat(9000)}`, /at most/],
  ])("is refused: %s", (_, text, reason) => {
    expect(explainPublicKey(text)).toMatch(reason);
    expect(firstStart.safeParse({ user: { name: "me", key: text, mayBecomeRoot: false } }).success).toBe(false);
  });
});

describe("a user's name", () => {
  it.each(["me", "_me", "a-b_c1", "a".repeat(32)])("is taken: %j", (name) => expect(explainUserName(name)).toBeUndefined());
  it.each(["", "Me", "1me", "-me", "me!", "m e", "me\n", "../me", "me:x", "m$e", "a".repeat(33), "mé", "me;id"])(
    "is refused: %j",
    (name) => {
      expect(explainUserName(name)).toBeDefined();
      expect(firstStart.safeParse({ user: { name, mayBecomeRoot: true } }).success).toBe(false);
    },
  );
});

describe("packages", () => {
  it.each(["curl", "g++", "libstdc++6", "python3.12", "NetworkManager", "a", "libc6:arm64", "gtk_engine"])("may be called %s", (name) => {
    expect(explainPackages([name])).toBeUndefined();
  });
  // The one with a hyphen at the end would be removed.
  it.each(["", "-y", "--help", "curl-", "a b", "a;b", "$(id)", "/tmp/a.deb", "a\n", "a=1", "a*", "~/x", "é", "a".repeat(129)])(
    "are not called %j",
    (name) => {
      expect(explainPackages(["curl", name])).toBeDefined();
      expect(firstStart.safeParse({ packages: ["curl", name] }).success).toBe(false);
    },
  );
  it("are at least one and at most a hundred", () => {
    expect(firstStart.safeParse({ packages: [] }).success).toBe(false);
    expect(firstStart.safeParse({ packages: Array.from({ length: 100 }, () => "a") }).success).toBe(true);
    expect(firstStart.safeParse({ packages: Array.from({ length: 101 }, () => "a") }).success).toBe(false);
  });
});

describe("a command", () => {
  it.each(["true", "set -e\n\techo 'a' \"b\" $c | tee /d; exit 1", "echo Grüße"])("is taken: %j", (command) => {
    expect(explainCommand(command)).toBeUndefined();
  });
  it.each(["", " \n", "a\0b", "a\u001b[2J", "a\r\nb", "a".repeat(16_385)])("is refused: %j", (command) => {
    expect(explainCommand(command)).toBeDefined();
    expect(firstStart.safeParse({ command }).success).toBe(false);
  });
});

describe("a first start", () => {
  it("has something to do, and nothing that we do not know", () => {
    expect(firstStart.safeParse({}).success).toBe(false);
    expect(firstStart.safeParse({ command: "true", script: "/etc/passwd" }).success).toBe(false);
    expect(firstStart.safeParse({ user: { name: "me", mayBecomeRoot: true, password: "x" } }).success).toBe(false);
    expect(firstStart.safeParse({ user: { name: "me", key, mayBecomeRoot: false }, packages: ["sudo"], command: "id" }).success).toBe(true);
  });
});
