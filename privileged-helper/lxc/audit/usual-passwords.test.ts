import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditFacts } from "../../testing/audit-facts.ts";
import { checkLogins } from "./exposure.ts";
import { tryUsualPasswords } from "./usual-passwords.ts";

/** Made with crypt(3) of libxcrypt: "ubuntu" by SHA-512, "root" by yescrypt, "correct horse" by SHA-512. */
const hashes = {
  ubuntu: "$6$testsalt$uhVkhXUuSPIY/sVmzUPIxStbaM7KwLI5QMQbRZgmZB1RbYzbLgHxP1img0r56VyD5lvfvoekGTc7e30.jT.gY1",
  root: "$y$j9T$abcdefgh$6vMIo7FekHon1HeR3mjj0ZWUkbomASM3PMvk5mZqwJ5",
  strong: "$6$othersalt$Vme7YuoVPcWV4.3nxCB/Rones1Q/C0lGqgKj1adhnnmBsolXdNhWURqSj8mhnnDc/CmKcbFUzwgDQ8p/B47da.",
};

describe("usual passwords", () => {
  it("are found by the C library, and no password that is another one", async () => {
    const accounts = [
      { name: "ubuntu", hash: hashes.ubuntu },
      { name: "me", hash: hashes.root },
      { name: "other", hash: hashes.strong },
    ];
    expect(await tryUsualPasswords(accounts)).toEqual({ known: ["ubuntu", "me"], untried: [] });
    expect(await tryUsualPasswords([])).toEqual({ known: [], untried: [] });
  });

  it.each([
    "$6$rounds=999999999$salt$abcdefghijklmnopqrstuvwxyz",
    "$y$jFT$salt$abcdefghijklmnopqrstuvwxyz",
    "$2b$31$x",
    "x\t$6$a",
    "'; id #",
  ])("are not tried where that could take for ever: %s", async (hash) => {
    expect(await tryUsualPasswords([{ name: "slow", hash }])).toEqual({ known: [], untried: ["slow"] });
  });
});

describe("the check of logins", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lxc-desktop-logins-"));
    mkdirSync(join(folder, "etc/ssh"), { recursive: true });
    writeFileSync(join(folder, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/sh\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const judge = (shadow: string, sshd?: string) => {
    writeFileSync(join(folder, "etc/shadow"), shadow);
    if (sshd !== undefined) writeFileSync(join(folder, "etc/ssh/sshd_config"), sshd);
    return checkLogins(auditFacts({ layers: [folder] }));
  };

  it("tells of passwords that everybody knows, the worse where SSH takes them", async () => {
    const shadow = `root:*:0::::::\nubuntu:${hashes.ubuntu}:0::::::\n`;
    expect(await judge(shadow)).toMatchObject({ state: "warning", summary: "Everybody can guess the password of ubuntu." });
    expect(await judge(shadow, "")).toMatchObject({
      state: "problem",
      summary: "Everybody can guess the password of ubuntu, and SSH takes it.",
    });
    expect(await judge(shadow, "PasswordAuthentication no\n")).toMatchObject({ state: "warning" });
    // Root's is not taken unless that is said.
    expect(await judge(`root:${hashes.root}:0::::::\n`, "")).toMatchObject({ state: "warning" });
  });

  it("is OK with a password that nobody guesses, and not known with one that cannot be tried", async () => {
    expect(await judge(`root:*:0::::::\nubuntu:${hashes.strong}:0::::::\n`)).toMatchObject({ state: "ok" });
    expect(await judge("root:*:0::::::\nubuntu:$2b$31$x:0::::::\n")).toMatchObject({ state: "unknown" });
    expect(await judge("root:!:0::::::\nubuntu:!locked:0::::::\n")).toMatchObject({ state: "ok" });
  });
});
