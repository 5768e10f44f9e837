import { create } from "zustand";
import type { Profile, ProfileInput } from "../../privileged-helper/contract/methods.ts";
import type { Client } from "../backend/client.ts";

/** What the person has kept of choices for new containers; nothing until it is known. */
export const useProfiles = create<{ profiles: readonly Profile[] }>(() => ({ profiles: [] }));

export async function loadProfiles(client: Client): Promise<void> {
  useProfiles.setState({ profiles: await client.call("profiles.list", {}) });
}

/** Takes the place of one of the same name. @throws ProblemError where it could not be kept. */
export async function saveProfile(client: Client, profile: ProfileInput): Promise<void> {
  useProfiles.setState({ profiles: await client.call("profiles.save", { profile }) });
}

/** @throws ProblemError where the file could not be written. */
export async function deleteProfile(client: Client, name: string): Promise<void> {
  useProfiles.setState({ profiles: await client.call("profiles.delete", { name }) });
}
