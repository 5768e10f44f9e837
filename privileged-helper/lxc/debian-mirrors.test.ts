import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseDeb822Sources, parseOneLineSources, readDebianMirrors } from "./debian-mirrors.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lxc-desktop-mirrors-"));
  add("etc/os-release", 'PRETTY_NAME="Debian"\nID=debian\n');
});
afterEach(() => rmSync(root, { recursive: true }));
function add(path: string, text: string) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("the mirrors of a Debian host", () => {
  it("come from one-line sources", () => {
    add(
      "etc/apt/sources.list",
      "deb http://mirror.example/debian/ bookworm main contrib\ndeb-src http://no.example/debian bookworm main\n" +
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/security bookworm-security main # why\n",
    );
    expect(readDebianMirrors(root)).toEqual({
      mirror: "http://mirror.example/debian",
      "security-mirror": "http://mirror.example/security",
    });
  });

  it("come from deb822 sources", () => {
    add(
      "etc/apt/sources.list.d/debian.sources",
      "Types: deb deb-src\nURIs: https://mirror.example:8080/debian\nSuites: trixie trixie-updates\nComponents: main\n\n" +
        "Types: deb\nURIs:\n https://mirror.example:8080/debian-security\nSuites: trixie-security\nComponents: main\n",
    );
    expect(readDebianMirrors(root)).toEqual({
      mirror: "https://mirror.example:8080/debian",
      "security-mirror": "https://mirror.example:8080/debian-security",
    });
  });

  it("are not those of other archives, or what debootstrap cannot fetch", () => {
    add(
      "etc/apt/sources.list",
      [
        "deb https://packages.example/apt cloud-sdk-bookworm main",
        "deb https://node.example/node nodistro main",
        "deb https://flat.example/ ./",
        "deb cdrom:[Debian]/ bookworm main",
        "deb http://user:secret@mirror.example/debian bookworm main",
        "deb http://mirror.example/$(id) bookworm main",
        "deb http://extra.example/debian bookworm contrib",
      ].join("\n"),
    );
    expect(readDebianMirrors(root)).toEqual({});
  });

  it("are not asked of another distribution, or where nothing is configured", () => {
    expect(readDebianMirrors(root)).toEqual({});
    add("etc/apt/sources.list", "deb http://archive.example/ubuntu bookworm main\n");
    add("etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
    expect(readDebianMirrors(root)).toEqual({});
    rmSync(join(root, "etc/os-release"));
    expect(readDebianMirrors(root)).toEqual({});
  });
});

describe("apt's lists", () => {
  it("leave out comments and sources that are off", () => {
    expect(parseOneLineSources("# deb http://a b main\n\n  deb http://a b main contrib")).toEqual([
      { uri: "http://a", suite: "b", components: ["main", "contrib"] },
    ]);
    expect(parseDeb822Sources("Enabled: no\nTypes: deb\nURIs: http://a\nSuites: b\nComponents: main")).toEqual([]);
    expect(parseDeb822Sources("# a comment\nTypes: deb\nURIs: http://a http://b\nSuites: c\nSigned-By:\n x\n .\n y\n")).toEqual([
      { uri: "http://a", suite: "c", components: [] },
      { uri: "http://b", suite: "c", components: [] },
    ]);
  });
});
