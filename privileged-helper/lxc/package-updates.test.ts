import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { maxPendingUpdates, parseApkSimulation, parseAptSimulation, parseDnf, parsePacman } from "./package-updates.ts";

const recorded = (file: string) => readFileSync(join(import.meta.dirname, "testdata/updates", file), "utf8");

/** apt's was recorded on Debian 12; those of dnf, apk and pacman follow their documentation. */
describe("what package managers would update", () => {
  it("is read of apt-get, with those from the archive for security", () => {
    const output = recorded("apt-get-debian-12.txt");
    const found = parseAptSimulation(output);
    expect(found).toHaveLength(Number(/^(\d+) upgraded, 0 newly installed/m.exec(output)?.[1]));
    expect(found.find(({ name }) => name === "bash")).toEqual({
      name: "bash",
      from: "5.2.15-2+b8",
      to: "5.2.15-2+b13",
      isSecurity: false,
    });
    // From both archives.
    expect(found.find(({ name }) => name === "libgcrypt20")?.isSecurity).toBe(true);
    const securityLines = output.split("\n").filter((line) => line.startsWith("Inst ") && line.includes("Debian-Security:"));
    expect(found.filter(({ isSecurity }) => isSecurity)).toHaveLength(securityLines.length);
    expect(
      parseAptSimulation("Inst libc6 [2.39-0ubuntu8] (2.39-0ubuntu8.2 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])"),
    ).toEqual([{ name: "libc6", from: "2.39-0ubuntu8", to: "2.39-0ubuntu8.2", isSecurity: true }]);
    expect(parseAptSimulation("Inst new (1.0 Debian:12.15/oldstable [all])\r\n")).toEqual([]);
    expect(parseAptSimulation("Reading package lists...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n")).toEqual([]);
  });

  it("is read of dnf, with those that an advisory names", () => {
    const found = parseDnf(recorded("dnf4-check-update.txt"), recorded("dnf4-updateinfo.txt"));
    expect(found.map(({ name, isSecurity }) => [name, isSecurity])).toEqual([
      ["curl", true],
      ["glibc-common", false],
      ["kernel-core", true],
      ["python3-very-long-name-of-a-package", true],
    ]);
    const five = parseDnf("curl.x86_64 8.6.0-8.fc40 updates\nlibarchive.x86_64 1:3.7.2-4.fc40 updates\n", recorded("dnf5-updateinfo.txt"));
    expect(five).toEqual([
      { name: "curl", to: "8.6.0-8.fc40", isSecurity: true },
      { name: "libarchive", to: "1:3.7.2-4.fc40", isSecurity: true },
    ]);
    expect(parseDnf("", "")).toEqual([]);
  });

  it("is read of apk and pacman, which do not tell them apart", () => {
    expect(parseApkSimulation(recorded("apk-alpine-3.19.txt"))).toEqual(
      ["busybox", "busybox-binsh", "ssl_client"].map((name) => ({ name, from: "1.36.1-r15", to: "1.36.1-r19", isSecurity: true })),
    );
    expect(parsePacman(recorded("pacman-qu.txt"))).toEqual([
      { name: "curl", from: "8.5.0-1", to: "8.6.0-1", isSecurity: true },
      { name: "linux", from: "6.7.4.arch1-1", to: "6.7.5.arch1-1", isSecurity: false },
      { name: "openssl", from: "3.2.0-1", to: "3.2.1-1", isSecurity: true },
    ]);
  });

  it("is never more than is kept, and nothing that does not show", () => {
    const flood = Array.from({ length: maxPendingUpdates + 10 }, (_, number) => `p${number} 1 -> 2`).join("\n");
    expect(parsePacman(flood)).toHaveLength(maxPendingUpdates);
    expect(parsePacman("e\u001b[2Jvil 1 -> 2\n\u202e 1 -> 2\ngood 1 -> 2")).toEqual([
      { name: "good", from: "1", to: "2", isSecurity: true },
    ]);
    expect(parsePacman(`${"x".repeat(100_000)} 1 -> 2`)).toEqual([]);
  });
});
