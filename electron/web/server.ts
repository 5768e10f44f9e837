import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { maxRequestBytes } from "../../privileged-helper/wire/frames.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";
import type { PageKind } from "../backend/backend.ts";
import { securityHeaders } from "../backend/content-security.ts";
import type { PublicFiles } from "../backend/public-files.ts";
import { takenOver } from "../backend/taken-over.ts";
import { createDoor } from "./door.ts";
import { createPlaces } from "./places.ts";
import { createTickets } from "./tickets.ts";

/**
 * Serves the page to this user's own browser on this computer, and to nobody else. It answers to a random name below
 * localhost, so that no other page can guess where it is; that the user is right is checked on every connection, that the
 * name and the origin are on every request, and the page has to show a token that works once before it gets a socket.
 */
export type WebServer = {
  /** A new address that can be opened once, and not after that time: http://HEX.localhost:PORT/#TOKEN */
  issueAddress(validMilliseconds: number): string;
  close(): Promise<void>;
};

export type WebServerOptions = {
  files: PublicFiles;
  /** 0 for any free one. */
  port: number;
  accept(port: Port, kind: PageKind): void;
  /** Milliseconds that only ever grow; for tests. */
  clock?: () => number;
};

const loopback = "127.0.0.1";
const socketPath = "/socket";
/** Reasons a page is told, as the socket's close code (RFC 6455: 4000 to 4999 are the application's). */
export const closeRefused = 4401;
export const closeTakenOver = 4409;

const maxConnections = 64;
const maxUnauthenticated = 8;
const maxTicketCharacters = 1024;
const authenticateWithinMilliseconds = 5_000;
const headersWithinMilliseconds = 5_000;
const pingEveryMilliseconds = 20_000;
/** A page that reads nothing while this much waits for it is gone. */
const maxWaitingBytes = 64 * 1024 * 1024;

export async function startWebServer({ files, port, accept, clock }: WebServerOptions): Promise<WebServer> {
  const tickets = createTickets(clock);
  const places = createPlaces(maxConnections);
  const name = `${randomBytes(16).toString("hex")}.localhost`;
  let unauthenticated = 0;

  const server = createServer({
    headersTimeout: headersWithinMilliseconds,
    requestTimeout: 2 * headersWithinMilliseconds,
    // Node would look at these times twice a minute only.
    connectionsCheckingInterval: headersWithinMilliseconds,
    maxHeaderSize: 16_384,
  });
  // Node leaves out what is above a number; here their size is the limit, and every one is looked at.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, loopback, resolve));
  // Loaded while a browser starts: it is needed only when the page has been drawn.
  const webSockets = import("ws").then(
    ({ WebSocketServer }) =>
      new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxRequestBytes, clientTracking: true }),
  );
  const address: AddressInfo = server.address() as AddressInfo;
  const host = `${name}:${address.port}`;
  const origin = `http://${host}`;

  const door = createDoor(places.take);
  server.on("connection", door.arrive);

  /** Why a request is not answered; undefined where it is in order. */
  const refuse = (request: IncomingMessage): number | undefined => {
    if (request.headers.host !== host || duplicates(request, "host")) return 421;
    if (request.headers.origin !== undefined && request.headers.origin !== origin) return 403;
    return undefined;
  };

  server.on("request", async (request, response) => {
    if (!(await door.isIn(request.socket))) return;
    places.markBusy(request.socket);
    response.once("close", () => places.markIdle(request.socket));
    const status = refuse(request) ?? refuseForeignFetch(request);
    if (status !== undefined) return answer(response, status);
    if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405);
    const file = files.get(request.url === "/" ? "/index.html" : (request.url ?? ""));
    if (!file) return answer(response, 404);
    response.writeHead(200, { ...securityHeaders, "content-type": file.type, "content-length": file.body.length });
    response.end(request.method === "HEAD" ? undefined : file.body);
  });

  server.on("upgrade", async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const close = () => socket.destroy();
    socket.once("error", close);
    const [sockets, isIn] = await Promise.all([webSockets, door.isIn(request.socket)]);
    if (!isIn) return;
    socket.off("error", close);
    const status =
      refuse(request) ?? (request.headers.origin === undefined ? 403 : undefined) ?? (request.url === socketPath ? undefined : 404);
    if (status !== undefined || unauthenticated >= maxUnauthenticated) {
      socket.end(`HTTP/1.1 ${status ?? 503} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      unauthenticated += 1;
      authenticate(webSocket, () => places.keep(request.socket)).finally(() => {
        unauthenticated -= 1;
      });
    });
  });

  /** The first message shows a token or a secret; whoever shows neither in time is sent away. */
  const authenticate = (webSocket: WebSocket, onAuthenticated: () => void) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => webSocket.close(closeRefused, "no ticket"), authenticateWithinMilliseconds);
      webSocket.on("error", () => webSocket.terminate());
      webSocket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      webSocket.once("message", (data: Buffer, isBinary) => {
        clearTimeout(timer);
        resolve();
        const ticket = isBinary ? undefined : parseTicket(data);
        const secret = ticket?.token !== undefined ? tickets.redeem(ticket.token) : ticket?.secret;
        if (secret === undefined || !tickets.knows(secret)) return webSocket.close(closeRefused, "not a valid ticket");
        onAuthenticated();
        webSocket.send(JSON.stringify({ secret }));
        accept(portOf(webSocket), ticket?.kind ?? "app");
      });
    });

  return {
    issueAddress: (validMilliseconds) => `${origin}/#${tickets.issueToken(validMilliseconds)}`,
    async close() {
      const sockets = await webSockets;
      for (const webSocket of sockets.clients) webSocket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Browsers say where a request comes from: other pages may at most open ours, and then it has no token (Fetch Metadata). */
function refuseForeignFetch(request: IncomingMessage): number | undefined {
  const site = request.headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return undefined;
  const opensPage =
    request.headers["sec-fetch-mode"] === "navigate" && request.headers["sec-fetch-dest"] === "document" && request.url === "/";
  return opensPage ? undefined : 403;
}

function duplicates(request: IncomingMessage, header: string): boolean {
  return request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === header).length > 1;
}

function answer(response: ServerResponse, status: number) {
  response.writeHead(status, { ...securityHeaders, "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end();
}

/** A window of a terminal has the secret of the tab that has opened it, and says what it is. */
function parseTicket(data: Buffer): { token?: string; secret?: string; kind: PageKind } | undefined {
  if (data.length > maxTicketCharacters) return undefined;
  try {
    const value: unknown = JSON.parse(data.toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const kind = "page" in value && value.page === "terminal-window" ? value.page : "app";
    if ("token" in value && typeof value.token === "string") return { token: value.token, kind };
    if ("secret" in value && typeof value.secret === "string") return { secret: value.secret, kind };
    return undefined;
  } catch {
    return undefined;
  }
}

function portOf(webSocket: WebSocket): Port {
  let isAlive = true;
  let waiting: Buffer[] | undefined = [];
  let onMessage: ((message: Uint8Array) => void) | undefined;
  let onClose: ((reason: string) => void) | undefined;
  let closed: string | undefined;
  const ping = setInterval(() => {
    if (!isAlive || webSocket.bufferedAmount > maxWaitingBytes) return webSocket.terminate();
    isAlive = false;
    webSocket.ping();
  }, pingEveryMilliseconds);
  webSocket.on("pong", () => {
    isAlive = true;
  });
  webSocket.on("message", (data: Buffer, isBinary) => {
    isAlive = true;
    if (!isBinary) return webSocket.close(1003, "binary messages only");
    if (onMessage) onMessage(data);
    else waiting?.push(data);
  });
  const finish = (reason: string) => {
    if (closed !== undefined) return;
    closed = reason;
    clearInterval(ping);
    onClose?.(reason);
  };
  webSocket.on("close", () => finish("the page went away"));
  return {
    send(message) {
      if (webSocket.readyState === webSocket.OPEN) webSocket.send(message);
    },
    onMessage(listener) {
      onMessage = listener;
      for (const message of waiting ?? []) listener(message);
      waiting = undefined;
    },
    onClose(listener) {
      onClose = listener;
      if (closed !== undefined) listener(closed);
    },
    close(reason = "closed") {
      webSocket.close(reason === takenOver ? closeTakenOver : 1000, reason);
      finish(reason);
    },
  };
}
