import type { Socket } from "node:net";
import { readConnections, type UidOfClient } from "./peer-uid.ts";

/**
 * Lets nobody in but this app's user, and root, from whom nothing on this computer can be kept anyway. Looking who it is takes a while,
 * so there is as much time between two looks as one takes, and all that came meanwhile are looked at together: many connections, of
 * whomever, do not keep us from everything else.
 */
export type Door = {
  /** To be called with every new connection; it is ended where it may not come in. */
  arrive(socket: Socket): void;
  /** Resolves once it was looked at: true where it was let in. Nothing is answered before. */
  isIn(socket: Socket): Promise<boolean>;
};

/** @param letIn Called with each that may come in. */
export function createDoor(letIn: (socket: Socket) => void): Door {
  const looks = new WeakMap<Socket, Promise<boolean>>();
  let waiting: { socket: Socket; decide(mayEnter: boolean): void }[] = [];
  let nextLookAt = 0;

  const look = () => {
    const startedAt = performance.now();
    const uidOfClient = readConnections();
    const arrived = waiting;
    waiting = [];
    for (const { socket, decide } of arrived) {
      const mayEnter = isOurUsers(socket, uidOfClient);
      if (mayEnter) letIn(socket);
      else socket.destroy();
      decide(mayEnter);
    }
    const endedAt = performance.now();
    nextLookAt = endedAt + (endedAt - startedAt);
  };

  return {
    arrive(socket) {
      looks.set(socket, new Promise((decide) => waiting.push({ socket, decide })));
      if (waiting.length > 1) return;
      const milliseconds = nextLookAt - performance.now();
      if (milliseconds > 0) setTimeout(look, milliseconds);
      else look();
    },
    isIn: async (socket) => (await looks.get(socket)) ?? false,
  };
}

function isOurUsers(socket: Socket, uidOfClient: UidOfClient): boolean {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const uid = uidOfClient({ address: remoteAddress, port: remotePort }, { address: localAddress, port: localPort });
  return uid !== undefined && (uid === process.getuid?.() || uid === 0);
}
