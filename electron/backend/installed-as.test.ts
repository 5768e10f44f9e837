import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findInstalledAs } from "./installed-as.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-installed-"));
  mkdirSync(join(folder, "resources/app.asar/dist"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const inside = () => ({ APPIMAGE: "/home/me/LXC Desktop.AppImage", APPDIR: folder });
const dist = () => join(folder, "resources/app.asar/dist");

it("a checkout has the script that installs the helper", () => {
  mkdirSync(join(folder, "electron/launch"), { recursive: true });
  writeFileSync(join(folder, "electron/launch/install-helper.mjs"), "");
  expect(findInstalledAs(join(folder, "dist"), {})).toEqual({ kind: "checkout" });
});

it("an AppImage carries the helper's package beside the app", () => {
  writeFileSync(join(folder, "resources/lxc-desktop-helper_1.2.0_amd64.deb"), "");
  expect(findInstalledAs(dist(), inside())).toEqual({
    kind: "appimage",
    helperPackage: join(folder, "resources/lxc-desktop-helper_1.2.0_amd64.deb"),
  });
  expect(findInstalledAs("/usr/share/lxc-desktop", inside())).toEqual({ kind: "package" });
});

it("an AppImage without that package still knows what it is", () => {
  expect(findInstalledAs(dist(), inside())).toEqual({ kind: "appimage" });
});

it("anything else is an installed package, also one that another AppImage has started", () => {
  expect(findInstalledAs(dist(), {})).toEqual({ kind: "package" });
  expect(findInstalledAs(dist(), { ...inside(), APPDIR: `${folder}-other` })).toEqual({ kind: "package" });
});
