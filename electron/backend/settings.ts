import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as z from "zod";
import { defaultImageServer } from "../../privileged-helper/contract/image-servers.ts";
import { hostMethods, shortcuts, terminalSettings } from "../../privileged-helper/contract/methods.ts";
import type { Settings, SettingsChange } from "../../privileged-helper/contract/model.ts";
import { defaultTerminalSettings } from "../../privileged-helper/contract/terminal-settings.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

/** A person's settings, in a file of theirs. */
export type SettingsStore = {
  get(): Settings;
  /** Changes what is given and keeps the rest. */
  set(change: SettingsChange): Settings;
};

const defaults: Settings = {
  theme: "system",
  stopTimeoutSeconds: 30,
  lockAfterMinutes: 0,
  imageServers: [defaultImageServer],
  imageKeyring: "",
  historyMegabytes: 64,
  terminal: defaultTerminalSettings,
  shortcuts: {},
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
  let current = changed(defaults, read(path));
  return {
    get: () => current,
    set(change) {
      const next = changed(current, change);
      writeJsonFile(path, next);
      current = next;
      return current;
    },
  };
}

function changed(settings: Settings, { terminal, ...change }: SettingsChange): Settings {
  return { ...settings, ...dropUndefined(change), terminal: { ...settings.terminal, ...dropUndefined(terminal ?? {}) } };
}

function read(path: string): SettingsChange {
  // A newer version's settings may have more keys, and more of what a key may be: they are not ours to refuse.
  const known = z.object({
    ...hostMethods["settings.set"].params.shape,
    terminal: z.record(z.string(), z.unknown()).transform(knownOf(terminalSettings.shape)).optional(),
    shortcuts: z
      .record(z.string(), z.unknown())
      .transform((all) =>
        Object.fromEntries(Object.entries(all).filter(([action, keys]) => shortcuts.safeParse({ [action]: keys }).success)),
      )
      .optional(),
  });
  return readJsonFile(path, maxFileBytes, (content) => known.parse(content) as SettingsChange) ?? {};
}

/** Keeps each value that is right by itself. */
function knownOf(shape: Record<string, z.ZodType>): (values: Record<string, unknown>) => Record<string, unknown> {
  return (values) => Object.fromEntries(Object.entries(values).filter(([key, value]) => shape[key]?.safeParse(value).success));
}

function dropUndefined<T extends object>(change: T): T {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as T;
}
