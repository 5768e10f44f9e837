import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { maxProfiles, type Profile, profile } from "../../privileged-helper/contract/methods.ts";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

/** What a person has chosen for new containers, to be chosen again: in a file of theirs, in the order of the names. */
export type ProfileStore = {
  list(): Profile[];
  /** Takes the place of one of the same name. @throws ProblemError `invalid-request` where there are too many. */
  save(profile: Profile): Profile[];
  /** Nothing happens where there is none of that name. */
  delete(name: string): Profile[];
};

const maxFileBytes = 1024 * 1024;

/** Beside the settings. */
export function profilesPath(settingsPath: string): string {
  return join(dirname(settingsPath), "profiles.json");
}

export function createProfiles(path: string): ProfileStore {
  let current = read(path);
  const keep = (profiles: Profile[]): Profile[] => {
    const next = profiles.sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
    writeJsonFile(path, { profiles: next });
    current = next;
    return next;
  };
  return {
    list: () => current,
    save(saved) {
      const others = current.filter(({ name }) => name !== saved.name);
      if (others.length >= maxProfiles) {
        const message = `There are ${maxProfiles} profiles already: delete one first.`;
        throw new ProblemError({ code: "invalid-request", issues: [{ path: "profile", message }] });
      }
      return keep([...others, saved]);
    },
    delete(deleted) {
      const others = current.filter(({ name }) => name !== deleted);
      return others.length === current.length ? current : keep(others);
    },
  };
}

/** One that is not understood, maybe of a newer version, is left out; then what the file was is kept beside it. */
function read(path: string): Profile[] {
  return (
    readJsonFile(path, maxFileBytes, (content) => {
      const { profiles } = z.object({ profiles: z.array(z.unknown()) }).parse(content);
      const parsed = profiles.map((one) => profile.safeParse(one));
      const understood = new Map(parsed.flatMap(({ data }) => (data ? [[data.name, data]] : [])));
      if (understood.size < profiles.length) copyFileSync(path, `${path}.broken`);
      return [...understood.values()].slice(0, maxProfiles);
    }) ?? []
  );
}
