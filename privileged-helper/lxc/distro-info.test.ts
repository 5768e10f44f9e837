import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { supportedReleases } from "./distro-info.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lxc-desktop-distro-info-"));
  mkdirSync(join(root, "usr/share/distro-info"), { recursive: true });
  mkdirSync(join(root, "usr/share/debootstrap/scripts"), { recursive: true });
  const lines = [
    "version,codename,series,created,release,eol,eol-lts,eol-elts",
    "10,Buster,buster,2017-06-17,2019-07-06,2022-09-10,2024-06-30,2029-06-30",
    "12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10,2028-06-30,2033-06-30",
    "13,Trixie,trixie,2023-06-10,2025-08-09,2028-08-09,2030-06-30,2035-06-30",
    "14,Forky,forky,2025-08-09",
    "15,Duke,duke,2027-08-01",
    ",Sid,sid,1993-08-16",
    "..,Bad,../../etc,1993-08-16",
  ];
  writeFileSync(join(root, "usr/share/distro-info/debian.csv"), `${lines.join("\n")}\n`);
  for (const script of ["buster", "bookworm", "trixie", "sid", "duke"])
    writeFileSync(join(root, "usr/share/debootstrap/scripts", script), "");
});
afterEach(() => rmSync(root, { recursive: true }));

it("the releases that get updates are suggested, the newest first, as far as debootstrap knows them", () => {
  expect(supportedReleases("debian", new Date("2026-11-25"), root)).toEqual(["trixie", "bookworm", "sid"]);
  expect(supportedReleases("debian", new Date("2029-01-01"), root)).toEqual(["trixie", "duke", "sid"]);
});

it("none are suggested where nothing tells them", () => {
  expect(supportedReleases("ubuntu", new Date("2026-11-25"), root)).toEqual([]);
});
