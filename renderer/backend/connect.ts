import type { Port } from "../../privileged-helper/wire/port.ts";
import { ownTerminal } from "./own-terminal.ts";

/** Why there is no connection, or none any more. */
export type Disconnection =
  /** The app has ended, or the way to it is cut. */
  | "lost"
  /** Another tab shows the app. */
  | "taken-over"
  /** The address was used before, or there is no ticket at all. */
  | "refused";

export class ConnectionError extends Error {
  constructor(readonly disconnection: Disconnection) {
    super(disconnection);
  }
}

export type Connection = {
  port: Port;
  /** Resolves when it is over. */
  ended: Promise<Disconnection>;
};

const secretKey = "lxc-desktop-secret";
/** Close codes of the web host (electron/web/server.ts). */
const closeRefused = 4401;
const closeTakenOver = 4409;

/** Reaches the host: by a MessagePort in Electron, by a WebSocket in a browser. @throws ConnectionError */
export function connect(): Promise<Connection> {
  return location.protocol === "app:" ? connectToElectron() : connectToWebHost();
}

function connectToElectron(): Promise<Connection> {
  return new Promise((resolve) => {
    const onMessage = (event: MessageEvent) => {
      const [channel] = event.ports;
      if (event.source !== window || event.data !== "lxc-desktop:port" || !channel) return;
      removeEventListener("message", onMessage);
      resolve(messageConnection(channel));
    };
    addEventListener("message", onMessage);
    postMessage("lxc-desktop:want-port", location.origin);
  });
}

function messageConnection(channel: MessagePort): Connection {
  let onClose: (reason: string) => void = () => {};
  let end: (why: Disconnection) => void = () => {};
  const ended = new Promise<Disconnection>((resolve) => {
    end = resolve;
  });
  const finish = (why: Disconnection) => {
    onClose(why);
    end(why);
  };
  channel.addEventListener("close", () => finish("lost"));
  const port: Port = {
    send: (message) => channel.postMessage(message),
    onMessage(listener) {
      channel.addEventListener("message", ({ data }) => {
        if (data instanceof Uint8Array) listener(data);
      });
      channel.start();
    },
    onClose(listener) {
      onClose = listener;
    },
    close() {
      channel.close();
      finish("lost");
    },
  };
  return { port, ended };
}

function connectToWebHost(): Promise<Connection> {
  const ticket = readTicket();
  if (!ticket) return Promise.reject(new ConnectionError("refused"));
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/socket`);
    socket.binaryType = "arraybuffer";
    let onMessage: (message: Uint8Array) => void = () => {};
    let onClose: (reason: string) => void = () => {};
    let end: (why: Disconnection) => void = () => {};
    const ended = new Promise<Disconnection>((settle) => {
      end = settle;
    });
    const page = ownTerminal === undefined ? {} : { page: "terminal-window" };
    socket.addEventListener("open", () => socket.send(JSON.stringify({ ...ticket, ...page })));
    socket.addEventListener("close", ({ code }) => {
      const why = code === closeRefused ? "refused" : code === closeTakenOver ? "taken-over" : "lost";
      reject(new ConnectionError(why));
      onClose(why);
      end(why);
    });
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== "string") return onMessage(new Uint8Array(data));
      sessionStorage.setItem(secretKey, JSON.parse(data).secret);
      resolve({
        ended,
        port: {
          send: (message) => {
            if (socket.readyState === WebSocket.OPEN) socket.send(message as Uint8Array<ArrayBuffer>);
          },
          onMessage(listener) {
            onMessage = listener;
          },
          onClose(listener) {
            onClose = listener;
          },
          close: () => socket.close(),
        },
      });
    });
  });
}

/** The token in the address works once and is taken out of it; after that the tab has a secret of its own. */
function readTicket(): { token: string } | { secret: string } | undefined {
  const token = /^#([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (token !== undefined) {
    history.replaceState(undefined, "", "#/");
    return { token };
  }
  const secret = sessionStorage.getItem(secretKey);
  return secret === null ? undefined : { secret };
}
