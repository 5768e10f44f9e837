import { randomInt } from "node:crypto";
import { type ContainerName, newContainerName } from "../contract/names.ts";
import { type ConfigEntry, editConfig, readConfigurationText, valuesOf, writeConfig } from "./config.ts";

/**
 * Containers that are only tried out. They are marked by a group, which LXC gives no meaning of its own. `lxc.ephemeral`, which
 * `lxc-copy -e` sets, would be no mark that can be taken away: LXC remembers it from the start on, and removes the container when it
 * stops although somebody wants to keep it.
 */
const groupKey = "lxc.group";
const group = "lxc-desktop-throw-away";
export const throwAwayMark = [groupKey, group] as const;

const suffixCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
const suffixLength = 4;
const maxStemLength = 54;

/** @param entries Of the container's configuration. */
export function isThrowAway(entries: readonly ConfigEntry[]): boolean {
  return valuesOf(entries, groupKey).includes(group);
}

/** True for the line that marks one: a copy of it is another one that has to be marked for itself. */
export function isThrowAwayMark(key: string, value: string): boolean {
  return key === groupKey && value === group;
}

/** From here on it is a container as any other. */
export function unmarkThrowAway(lxcPath: string, name: string): void {
  const { path, text } = readConfigurationText(lxcPath, name);
  writeConfig(path, editConfig(text, { remove: isThrowAwayMark }));
}

/** A name that tells what is tried: "web-try-x7k2". @param isTaken Of a name. */
export function throwAwayName(tried: string, isTaken: (name: string) => boolean): ContainerName {
  const hostName = tried.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const stem = hostName.replace(/^-/, "").slice(0, maxStemLength).replace(/-$/, "") || "image";
  for (;;) {
    const suffix = Array.from({ length: suffixLength }, () => suffixCharacters[randomInt(suffixCharacters.length)]).join("");
    const name = newContainerName.parse(`${stem}-try-${suffix}`);
    if (!isTaken(name)) return name;
  }
}
