import { create } from "zustand";
import { type Client, createClient } from "../backend/client.ts";
import { ConnectionError, connect, type Disconnection } from "../backend/connect.ts";
import { startSession } from "./session.ts";

/** The page's connection to its host. */
type ConnectionState = { status: "connecting" | "connected" | Disconnection; client?: Client };

export const useConnection = create<ConnectionState>(() => ({ status: "connecting" }));

const retryDelays = [300, 1_000, 2_000, 4_000];

/** Connects, and again a few times when the connection is lost: a computer may have slept. */
export async function openConnection(attempt = 0): Promise<void> {
  if (attempt === 0) useConnection.setState({ status: "connecting" });
  try {
    const { port, ended } = await connect();
    const client = createClient(port, () => {});
    useConnection.setState({ status: "connected", client });
    const stop = startSession(client);
    void ended.then((why) => {
      stop();
      useConnection.setState({ status: why });
      if (why === "lost") retry(0);
    });
  } catch (error) {
    const why = error instanceof ConnectionError ? error.disconnection : "lost";
    useConnection.setState({ status: why });
    if (why === "lost") retry(attempt);
  }
}

function retry(attempt: number) {
  const delay = retryDelays[attempt];
  if (delay === undefined) return;
  setTimeout(() => {
    if (useConnection.getState().status === "lost") void openConnection(attempt + 1);
  }, delay);
}

/** The connection, where there has to be one: below the app's shell. */
export function useClient(): Client {
  const client = useConnection((state) => state.client);
  if (!client) throw new Error("used before there is a connection");
  return client;
}
