import type { Socket } from "node:net";
import { readConnections, type UidOfClient } from "./peer-uid.ts";

/**
 * Lets nobody in but this app's user, and root, from whom nothing on this computer can be kept anyway. No byte of a connection is
 * read before; others could otherwise close their end before they are looked at. Looking takes a while, so there is as much time
 * between two looks as one takes, and all that came meanwhile are looked at together: many do not keep us from everything else.
 * @param letIn Called with each that may come in; the others are ended.
 * @returns To be called with every new connection.
 */
export function createDoor(letIn: (socket: Socket) => void): (socket: Socket) => void {
  const waiting: Socket[] = [];
  let nextLookAt = 0;

  const look = () => {
    const startedAt = performance.now();
    const uidOfClient = readConnections();
    for (const socket of waiting.splice(0)) {
      if (isOurUsers(socket, uidOfClient)) {
        letIn(socket);
        socket.resume();
      } else socket.destroy();
    }
    const endedAt = performance.now();
    nextLookAt = endedAt + (endedAt - startedAt);
  };

  return (socket) => {
    socket.pause();
    if (waiting.push(socket) > 1) return;
    const milliseconds = nextLookAt - performance.now();
    if (milliseconds > 0) setTimeout(look, milliseconds);
    else look();
  };
}

function isOurUsers(socket: Socket, uidOfClient: UidOfClient): boolean {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const uid = uidOfClient({ address: remoteAddress, port: remotePort }, { address: localAddress, port: localPort });
  return uid !== undefined && (uid === process.getuid?.() || uid === 0);
}
