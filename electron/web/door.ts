import type { Socket } from "node:net";
import { readConnections, type UidOfClient } from "./peer-uid.ts";

/**
 * Lets nobody in but this app's user, and root, from whom nothing on this computer can be kept anyway. Looking who it is takes a while,
 * so there is as much time between two looks as one takes, and all that came meanwhile are looked at together: many connections, of
 * whomever, do not keep us from everything else. The kernel hands out its table of sockets in pieces, while it changes: one that is not in it
 * is looked for again before it is sent away.
 */
export type Door = {
  /** To be called with every new connection; it is ended where it may not come in. */
  arrive(socket: Socket): void;
  /** Resolves once it was looked at: true where it was let in. Nothing is answered before. */
  isIn(socket: Socket): Promise<boolean>;
};

const looksForOne = 4;
const lookAgainMilliseconds = 20;

/** @param letIn Called with each that may come in. */
export function createDoor(letIn: (socket: Socket) => void): Door {
  const looks = new WeakMap<Socket, Promise<boolean>>();
  type Arrived = { socket: Socket; looks: number; decide(mayEnter: boolean): void };
  let waiting: Arrived[] = [];
  let nextLookAt = 0;

  const look = () => {
    const startedAt = performance.now();
    const uidOfClient = readConnections();
    const arrived = waiting;
    waiting = [];
    for (const one of arrived) {
      const { socket, decide } = one;
      const mayEnter = isOurUsers(socket, uidOfClient);
      one.looks += 1;
      if (mayEnter === undefined && one.looks < looksForOne && !socket.destroyed) {
        waiting.push(one);
        continue;
      }
      if (mayEnter) letIn(socket);
      else socket.destroy();
      decide(mayEnter === true);
    }
    const endedAt = performance.now();
    nextLookAt = endedAt + (endedAt - startedAt);
    if (waiting.length > 0) setTimeout(look, Math.max(lookAgainMilliseconds, nextLookAt - endedAt));
  };

  return {
    arrive(socket) {
      looks.set(socket, new Promise((decide) => waiting.push({ socket, looks: 0, decide })));
      if (waiting.length > 1) return;
      const milliseconds = nextLookAt - performance.now();
      if (milliseconds > 0) setTimeout(look, milliseconds);
      else look();
    },
    isIn: async (socket) => (await looks.get(socket)) ?? false,
  };
}

/** @returns Undefined where the kernel has not named whose it is. */
function isOurUsers(socket: Socket, uidOfClient: UidOfClient): boolean | undefined {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const uid = uidOfClient({ address: remoteAddress, port: remotePort }, { address: localAddress, port: localPort });
  return uid === undefined ? undefined : uid === process.getuid?.() || uid === 0;
}
