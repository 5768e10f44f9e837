import { create } from "zustand";
import type { Session } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { ownTerminal } from "../backend/own-terminal.ts";
import { startAlerts } from "./alerts.ts";
import { startContainers } from "./containers.ts";
import { startMetrics } from "./metrics.ts";
import { startSettings } from "./settings.ts";
import { startTasks } from "./tasks.ts";
import { loseTerminals, startTerminals } from "./terminals.ts";

/** Whether there is a helper. The last state stays on the screen, in grey, while there is none. */
export const useSession = create<{ session: Session }>(() => ({ session: { state: "starting" } }));

/**
 * Follows the session, and subscribes to everything anew with each helper: a new epoch knows nothing of the one before. Tasks are
 * followed without a helper, too: some are the host's own. A terminal's own window follows only what that needs.
 * @returns A function that ends it.
 */
export function startSession(client: Client): () => void {
  const isOfApp = ownTerminal === undefined;
  let subscribedEpoch: number | undefined;
  let endSubscriptions: (() => void) | undefined;
  const follow = (session: Session) => {
    useSession.setState({ session });
    if (session.state !== "ready") {
      loseTerminals();
      endSubscriptions ??= isOfApp ? startTasks(client) : undefined;
      return;
    }
    if (session.epoch === subscribedEpoch) return;
    subscribedEpoch = session.epoch;
    endSubscriptions?.();
    const ends = [startContainers(client), startTerminals(client)];
    if (isOfApp) ends.push(startTasks(client), startMetrics(client));
    endSubscriptions = () => {
      for (const end of ends) end();
    };
  };
  const stopListening = client.on("session.changed", follow);
  void client.call("session.get", {}).then(follow, () => {});
  const endSettings = startSettings(client);
  const endAlerts = isOfApp ? startAlerts(client) : undefined;
  return () => {
    endAlerts?.();
    endSettings();
    stopListening();
    endSubscriptions?.();
  };
}
