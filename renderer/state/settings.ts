import { create } from "zustand";
import type { Settings, SettingsChange } from "../../privileged-helper/contract/model.ts";
import { defaultTerminalSettings } from "../../privileged-helper/contract/terminal-settings.ts";
import type { Client } from "../backend/client.ts";

/** The person's settings; these hold until theirs are known. */
export const useSettings = create<Settings>(() => ({
  theme: "system",
  stopTimeoutSeconds: 30,
  lockAfterMinutes: 0,
  imageServers: [],
  imageKeyring: "",
  historyMegabytes: 64,
  terminal: defaultTerminalSettings,
  shortcuts: {},
}));

/** Follows what is chosen here and in other windows. @returns A function that ends it. */
export function startSettings(client: Client): () => void {
  const stopListening = client.on("settings.changed", (settings) => useSettings.setState(settings));
  // A connection that is gone is shown elsewhere.
  client.call("settings.get", {}).then(
    (settings) => useSettings.setState(settings),
    () => {},
  );
  return stopListening;
}

/** Shown at once, kept by the host. @throws ProblemError where it could not be kept; then the old value is back. */
export async function changeSettings(client: Client, change: SettingsChange): Promise<void> {
  const before = useSettings.getState();
  useSettings.setState({ ...change, terminal: { ...before.terminal, ...change.terminal } });
  try {
    useSettings.setState(await client.call("settings.set", change));
  } catch (error) {
    useSettings.setState(before);
    throw error;
  }
}
