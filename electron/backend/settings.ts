import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as z from "zod";
import { defaultImageServer } from "../../privileged-helper/contract/image-servers.ts";
import { hostMethods } from "../../privileged-helper/contract/methods.ts";
import type { Settings } from "../../privileged-helper/contract/model.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

/** A person's settings, in a file of theirs. */
export type SettingsStore = {
  get(): Settings;
  /** Changes what is given and keeps the rest. */
  set(change: Partial<Settings>): Settings;
};

const defaults: Settings = {
  theme: "system",
  stopTimeoutSeconds: 30,
  lockAfterMinutes: 0,
  imageServers: [defaultImageServer],
  imageKeyring: "",
  historyMegabytes: 64,
};
const maxFileBytes = 64 * 1024;

/** $XDG_CONFIG_HOME/lxc-desktop/settings.json (XDG Base Directory Specification: a relative path is not one). */
export function settingsPath(environment: NodeJS.ProcessEnv = process.env): string {
  const configured = environment.XDG_CONFIG_HOME;
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), ".config");
  return join(base, "lxc-desktop/settings.json");
}

/** A file that cannot be read as settings is put aside, so that nothing of it is lost, and the defaults hold. */
export function createSettings(path: string): SettingsStore {
  let current = { ...defaults, ...read(path) };
  return {
    get: () => current,
    set(change) {
      const next = { ...current, ...dropUndefined(change) };
      writeJsonFile(path, next);
      current = next;
      return current;
    },
  };
}

function read(path: string): Partial<Settings> {
  // A newer version's settings may have more keys: they are not ours to refuse.
  const known = z.object(hostMethods["settings.set"].params.shape);
  return readJsonFile(path, maxFileBytes, (content) => dropUndefined(known.parse(content))) ?? {};
}

function dropUndefined(change: Partial<Settings>): Partial<Settings> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
