import type { Socket } from "node:net";

/**
 * The connections that may be open at a time. When all places are taken, whoever has been idle for longest gives way, and only then
 * whoever is being answered for longest: programs that hold connections open keep nobody out, and take nothing from a page in use.
 */
export type Places = {
  /** Gives a new connection a place, or ends it where nobody gives way. */
  take(socket: Socket): void;
  /** A request of it is being answered. */
  markBusy(socket: Socket): void;
  /** It was answered, or has not asked yet. */
  markIdle(socket: Socket): void;
  /** It gives way to nobody. */
  keep(socket: Socket): void;
};

export function createPlaces(count: number): Places {
  const open = new Set<Socket>();
  /** Each in the order in which they became so. */
  const idle = new Set<Socket>();
  const busy = new Set<Socket>();
  const leave = (socket: Socket) => {
    for (const set of [open, idle, busy]) set.delete(socket);
  };
  const move = (socket: Socket, from: Set<Socket>, to: Set<Socket>) => {
    from.delete(socket);
    if (open.has(socket)) to.add(socket);
  };

  return {
    take(socket) {
      if (open.size >= count) {
        const [first] = [...idle, ...busy];
        // Its place is free before it is told as closed.
        if (first) leave(first);
        (first ?? socket).destroy();
        if (!first) return;
      }
      open.add(socket);
      idle.add(socket);
      socket.once("close", () => leave(socket));
    },
    markBusy: (socket) => move(socket, idle, busy),
    markIdle: (socket) => move(socket, busy, idle),
    keep(socket) {
      idle.delete(socket);
      busy.delete(socket);
    },
  };
}
