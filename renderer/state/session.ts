import { create } from "zustand";
import type { Session } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { startAlerts } from "./alerts.ts";
import { startContainers } from "./containers.ts";
import { startMetrics } from "./metrics.ts";
import { loadSettings } from "./settings.ts";
import { startTasks } from "./tasks.ts";
import { loseTerminals, startTerminals } from "./terminals.ts";

/** Whether there is a helper. The last state stays on the screen, in grey, while there is none. */
export const useSession = create<{ session: Session }>(() => ({ session: { state: "starting" } }));

/**
 * Follows the session, and subscribes to everything anew with each helper: a new epoch knows nothing of the one before. Tasks are
 * followed without a helper, too: some are the host's own.
 * @returns A function that ends it.
 */
export function startSession(client: Client): () => void {
  let subscribedEpoch: number | undefined;
  let endSubscriptions: (() => void) | undefined;
  const follow = (session: Session) => {
    useSession.setState({ session });
    if (session.state !== "ready") {
      loseTerminals();
      endSubscriptions ??= startTasks(client);
      return;
    }
    if (session.epoch === subscribedEpoch) return;
    subscribedEpoch = session.epoch;
    endSubscriptions?.();
    const ends = [startContainers(client), startTasks(client), startMetrics(client), startTerminals(client)];
    endSubscriptions = () => {
      for (const end of ends) end();
    };
  };
  const stopListening = client.on("session.changed", follow);
  void client.call("session.get", {}).then(follow, () => {});
  void loadSettings(client);
  const endAlerts = startAlerts(client);
  return () => {
    endAlerts();
    stopListening();
    endSubscriptions?.();
  };
}
