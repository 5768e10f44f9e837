import { useConnection } from "./connection.ts";
import { useSession } from "./session.ts";

/** True while what the screen shows is up to date, and what is asked for reaches the helper. */
export function useIsLive(): boolean {
  const isConnected = useConnection(({ status }) => status === "connected");
  const isReady = useSession(({ session }) => session.state === "ready");
  return isConnected && isReady;
}
