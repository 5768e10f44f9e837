import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultTerminalSettings } from "../../privileged-helper/contract/terminal-settings.ts";
import { createSettings, settingsPath } from "./settings.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-settings-"));
  path = join(folder, "lxc-desktop/settings.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeSettings(settings: object) {
  mkdirSync(join(folder, "lxc-desktop"), { recursive: true });
  writeFileSync(path, JSON.stringify(settings));
}

describe("settings", () => {
  it("have sensible values before anybody chose any, and write nothing", () => {
    expect(createSettings(path).get()).toEqual({
      theme: "system",
      stopTimeoutSeconds: 30,
      lockAfterMinutes: 0,
      imageServers: ["https://images.linuxcontainers.org"],
      imageKeyring: "",
      historyMegabytes: 64,
      terminal: defaultTerminalSettings,
      shortcuts: {},
    });
    expect(existsSync(path)).toBe(false);
  });

  it("are kept for this person alone, what is changed and what is not", () => {
    createSettings(path).set({ theme: "dark", stopTimeoutSeconds: undefined });
    expect(createSettings(path).set({ lockAfterMinutes: 5 })).toMatchObject({ theme: "dark", stopTimeoutSeconds: 30, lockAfterMinutes: 5 });
    expect(createSettings(path).get()).toMatchObject({ theme: "dark", stopTimeoutSeconds: 30, lockAfterMinutes: 5 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "lxc-desktop")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, "lxc-desktop"))).toEqual(["settings.json"]);
  });

  it("that cannot be read are put aside, and nothing of them is lost", () => {
    for (const broken of ["{", '"text"', '{"theme":"pink"}', '{"stopTimeoutSeconds":-1}']) {
      mkdirSync(join(folder, "lxc-desktop"), { recursive: true });
      writeFileSync(path, broken);
      expect(createSettings(path).get().theme).toBe("system");
      expect(readFileSync(`${path}.broken`, "utf8")).toBe(broken);
      expect(existsSync(path)).toBe(false);
    }
  });

  it("have image servers, each once and in one way of writing, and none where a person wants none", () => {
    writeSettings({ imageServers: ["https://Example.org/", "https://example.org", "http://127.0.0.1:8000"] });
    expect(createSettings(path).get().imageServers).toEqual(["https://example.org", "http://127.0.0.1:8000"]);
    expect(createSettings(path).set({ imageServers: [] }).imageServers).toEqual([]);
    writeSettings({ imageServers: ["http://example.org"] });
    expect(createSettings(path).get().imageServers).toEqual(["https://images.linuxcontainers.org"]);
  });

  it("of a newer version are read as far as they are known", () => {
    mkdirSync(join(folder, "lxc-desktop"));
    writeFileSync(path, '{"theme":"light","colours":"many"}');
    expect(createSettings(path).get().theme).toBe("light");
  });

  it("of terminals are changed one by one, and what of them is not known is left out alone", () => {
    createSettings(path).set({ terminal: { fontSize: 20 } });
    expect(createSettings(path).set({ terminal: { bell: "none" } }).terminal).toEqual({
      ...defaultTerminalSettings,
      fontSize: 20,
      bell: "none",
    });
    writeSettings({
      theme: "dark",
      terminal: { fontSize: 9, theme: "of-tomorrow", glow: true },
      shortcuts: { "terminal.new": "Alt+N", "terminal.fly": "F4", "terminal.close": "Hyper+X" },
    });
    expect(createSettings(path).get()).toMatchObject({
      theme: "dark",
      terminal: { ...defaultTerminalSettings, fontSize: 9 },
      shortcuts: { "terminal.new": "Alt+N" },
    });
    expect(createSettings(path).get().shortcuts).not.toHaveProperty("terminal.fly");
  });

  it("are where the person's other settings are", () => {
    expect(settingsPath({ XDG_CONFIG_HOME: "/somewhere" })).toBe("/somewhere/lxc-desktop/settings.json");
    expect(settingsPath({ XDG_CONFIG_HOME: "relative" })).toBe(join(homedir(), ".config/lxc-desktop/settings.json"));
    expect(settingsPath({})).toBe(join(homedir(), ".config/lxc-desktop/settings.json"));
  });
});
