import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { maxRequestBytes } from "../../privileged-helper/wire/frames.ts";
import type { Port } from "../../privileged-helper/wire/port.ts";
import { takenOver } from "../backend/taken-over.ts";
import { readConnections } from "./peer-uid.ts";
import { startWebServer, type WebServer } from "./server.ts";

const files = new Map([
  ["/index.html", { type: "text/html; charset=utf-8", body: Buffer.from("<!doctype html>the page") }],
  ["/assets/main.js", { type: "text/javascript; charset=utf-8", body: Buffer.from("1") }],
  // More than fits between two programs, so that whoever does not read it has it waited for.
  ["/assets/large.js", { type: "text/javascript; charset=utf-8", body: Buffer.alloc(32 * 1024 * 1024, " ") }],
]);

let server: WebServer;
let ports: Port[];
let kinds: string[];
let address: URL;
const sockets: WebSocket[] = [];

const validMilliseconds = 30_000;
let time = 0;

beforeEach(async () => {
  ports = [];
  kinds = [];
  time = 0;
  const accept = (port: Port, kind: string) => {
    ports.push(port);
    kinds.push(kind);
  };
  server = await startWebServer({ files, port: 0, accept, clock: () => time });
  address = new URL(server.issueAddress(validMilliseconds));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
});

const token = () => address.hash.slice(1);

type Answer = { status: number; headers: IncomingHttpHeaders; body: string };
function ask(path: string, headers: Record<string, string | string[]> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port: address.port,
      path,
      method,
      headers: { host: address.host, ...headers },
      setHost: false,
    });
    request.once("error", reject);
    request.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.end();
  });
}

/** Sends bytes as they are. @returns The first line of the answer. */
function askRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("close", () => resolve(answer.split("\r\n")[0] ?? ""));
    socket.on("error", reject);
  });
}

/** Status codes of all the answers on one connection, until the server ends it. */
async function answersTo(text: string): Promise<string[]> {
  const socket = connect(Number(address.port), "127.0.0.1", () => socket.write(text));
  let answer = "";
  for await (const data of socket) answer += data;
  return [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status ?? "");
}

function open(headers: Record<string, string | undefined> = {}, path = "/socket"): WebSocket {
  const { host = address.host, origin = address.origin, ...others } = headers;
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}${path}`, {
    headers: { ...(host === "" ? {} : { Host: host }), ...(origin === "" ? {} : { Origin: origin }), ...others },
  });
  sockets.push(socket);
  return socket;
}
/** How an attempt ends: the status of a refused upgrade, or the close code. */
const outcome = (socket: WebSocket) =>
  new Promise<number>((resolve) => {
    socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.once("close", (code) => resolve(code));
    socket.once("error", () => {});
  });
const opened = (socket: WebSocket) => new Promise((resolve) => socket.once("open", resolve));
/** Opens, shows a ticket, and waits for the secret. */
async function enter(ticket: object): Promise<{ socket: WebSocket; secret: string }> {
  const socket = open();
  await opened(socket);
  const answer = new Promise<string>((resolve, reject) => {
    socket.once("message", (data: Buffer, isBinary) =>
      isBinary ? reject(new Error("binary")) : resolve(JSON.parse(data.toString()).secret),
    );
    socket.once("close", (code) => reject(new Error(`closed with ${code}`)));
  });
  socket.send(JSON.stringify(ticket));
  return { socket, secret: await answer };
}

describe("the address", () => {
  it("is a random name below localhost with a token of 256 bits", () => {
    expect(address.href).toMatch(/^http:\/\/[0-9a-f]{32}\.localhost:\d+\/#[0-9a-f]{64}$/);
    expect(server.issueAddress(validMilliseconds)).not.toBe(address.href);
  });

  it("is bound to the loopback address alone", () => {
    const port = Number(address.port).toString(16).toUpperCase().padStart(4, "0");
    const listening = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
      readFileSync(table, "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local, , state]) => local?.endsWith(`:${port}`) && state === "0A")
        .map(([, local]) => local),
    );
    expect(listening).toEqual([`0100007F:${port}`]);
  });
});

describe("a request", () => {
  it("gets the page's own files, with headers that keep it to itself, and no cookie", async () => {
    const answer = await ask("/");
    expect(answer).toMatchObject({ status: 200, body: "<!doctype html>the page" });
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(answer.headers["x-frame-options"]).toBe("DENY");
    expect(answer.headers["referrer-policy"]).toBe("no-referrer");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers).not.toHaveProperty("set-cookie");
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    expect((await ask("/assets/main.js")).headers["content-type"]).toContain("text/javascript");
    expect(await ask("/", {}, "HEAD")).toMatchObject({ status: 200, body: "" });
  });

  it.each([
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/assets/../index.html",
    "/assets/",
    "/assets/main.js%00",
    "/index.html?x",
    "/INDEX.HTML",
    "/socket",
    "/.git/config",
    "/assets/%6dain.js",
    "/assets//main.js",
    "/./index.html",
    "/index.html/",
    "/assets\\main.js",
    "/%00",
    "/__proto__",
    "/constructor",
    "/../dist/helper/main.js",
  ])("for anything else finds nothing: %s", async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])("may only read: %s is refused", async (method) => {
    const answer = await ask("/", {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("for another host name is refused, whatever that is", async () => {
    const { port, hostname } = address;
    const names = [
      `evil.example:${port}`,
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      `127.0.0.1.nip.io:${port}`,
      hostname,
      `${hostname}.:${port}`,
      `${hostname.toUpperCase()}:${port}`,
      `x${hostname}:${port}`,
      `${hostname}:1`,
    ];
    for (const host of names) expect((await ask("/", { host })).status, host).toBe(421);
    expect((await ask("/", { host: "evil.example", "x-forwarded-host": address.host, forwarded: `host=${address.host}` })).status).toBe(
      421,
    );
  });

  it("without a host name, or with two, is refused", async () => {
    expect(await askRaw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).toContain(" 400 ");
    expect(await askRaw(`GET / HTTP/1.1\r\nHost: ${address.host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toMatch(/ 4\d\d /);
    expect(await askRaw(`GET http://evil.example/ HTTP/1.1\r\nHost: ${address.host}\r\nConnection: close\r\n\r\n`)).toContain(" 404 ");
  });

  it("is answered alike whoever a proxy says that it is for or from", async () => {
    const named = [
      "x-forwarded-host",
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-original-url",
      "x-rewrite-url",
      "x-http-method-override",
      "forwarded",
    ];
    const plain = await ask("/");
    for (const header of named) {
      const { status, body, headers } = await ask("/", { [header]: "evil.example/assets/main.js" });
      expect({ status, body, headers: { ...headers, date: "" } }, header).toEqual({
        status: plain.status,
        body: plain.body,
        headers: { ...plain.headers, date: "" },
      });
      expect((await ask("/", { host: "evil.example", [header]: address.host })).status, header).toBe(421);
    }
  });

  it("is told of no address, token or secret in any answer", async () => {
    const { secret, socket } = await enter({ token: token() });
    for (const path of ["/", "/assets/main.js", "/none", "/socket"]) {
      for (const host of [address.host, "evil.example"]) {
        const { body, headers } = await ask(path, { host });
        const all = JSON.stringify([body, headers]);
        for (const one of [secret, token(), address.hostname]) expect(all, `${path} ${host}`).not.toContain(one);
      }
    }
    socket.close();
  });

  it("of another origin is refused", async () => {
    for (const origin of [
      "http://evil.example",
      "null",
      "https://example.org",
      `http://${address.hostname}:1`,
      `${address.origin}.`,
      "app://bundle",
    ]) {
      expect((await ask("/", { origin })).status, origin).toBe(403);
    }
    expect((await ask("/", { origin: address.origin })).status).toBe(200);
  });

  it("that another page makes is refused, except that it may open ours", async () => {
    expect((await ask("/", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script" })).status).toBe(403);
    expect((await ask("/assets/main.js", { "sec-fetch-site": "same-site" })).status).toBe(403);
    expect((await ask("/", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" })).status).toBe(403);
    expect((await ask("/", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" })).status).toBe(
      200,
    );
    expect((await ask("/", { "sec-fetch-site": "same-origin" })).status).toBe(200);
  });

  it.each([
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["endless headers", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`],
  ])("that is broken is answered with an error and nothing more: %s", async (_what, text) => {
    expect(await askRaw(text)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await ask("/")).status).toBe(200);
  });

  it.each([
    ["more headers than are kept", `${"a:b\r\n".repeat(2100)}Host: evil.example\r\n`, / 421 /],
    ["two ways to say where it ends", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", / 400 /],
    ["a line that goes on", "X: a\r\n b\r\nOrigin: http://evil.example\r\n", / (400|403) /],
    ["two origins, ours first", () => `Origin: ${address.origin}\r\nOrigin: http://evil.example\r\n`, / 403 /],
    ["a zero byte", "X: a\0b\r\n", / 400 /],
  ])("is read in one way only: %s", async (_what, headers, expected) => {
    const text = typeof headers === "string" ? headers : headers();
    expect(await askRaw(`POST / HTTP/1.1\r\nHost: ${address.host}\r\n${text}Connection: close\r\n\r\n`)).toMatch(expected);
  });

  it("is not hidden in another one's body, and the next one on a connection is checked like the first", async () => {
    const inner = "GET /hidden HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    const answers = await answersTo(
      `GET / HTTP/1.1\r\nHost: ${address.host}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}` +
        `GET / HTTP/1.1\r\nHost: ${address.host}\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n`,
    );
    expect(answers).toEqual(["200", "200", "421"]);
  });
});

describe("a connection", () => {
  it("is opened from our own page only", async () => {
    for (const origin of [
      "",
      "null",
      "http://evil.example",
      `${address.origin}/`,
      address.origin.toUpperCase(),
      `http://${address.hostname}:1`,
      `http://${address.hostname}`,
      `${address.origin}.`,
      `https://${address.host}`,
      `http://x.${address.host}`,
      `${address.origin}@evil.example`,
      "app://bundle",
      `http://localhost:${address.port}`,
      `http://127.0.0.1:${address.port}`,
    ]) {
      expect(await outcome(open({ origin })), origin).toBe(403);
    }
    expect(await outcome(open({ host: `localhost:${address.port}` }))).toBe(421);
    expect(await outcome(open({}, "/other"))).toBe(404);
    expect(ports).toEqual([]);
  });

  it("is given for a token once, and then for the secret that was given for it", async () => {
    const { secret, socket } = await enter({ token: token() });
    expect(ports).toHaveLength(1);
    await expect(enter({ token: token() })).rejects.toThrow("4401");
    socket.close();
    await enter({ secret });
    expect(ports).toHaveLength(2);
    expect(secret).not.toBe(token());
  });

  it("is a window's of a terminal where that says so, and the app's page's in any other case", async () => {
    const { secret } = await enter({ token: token() });
    await enter({ secret, page: "terminal-window" });
    await enter({ secret, page: "something" });
    await enter({ secret, page: { toString: "terminal-window" } });
    expect(kinds).toEqual(["app", "terminal-window", "app", "app"]);
  });

  it("is refused for a token that was not used in time, and given for a secret however old", async () => {
    const late = token();
    address = new URL(server.issueAddress(2 * validMilliseconds));
    time = validMilliseconds;
    await expect(enter({ token: late })).rejects.toThrow("4401");
    const { secret, socket } = await enter({ token: token() });
    socket.close();
    time = 1e9;
    await enter({ secret });
    // Time that stands still does not make a used one new.
    time = 0;
    await expect(enter({ token: late })).rejects.toThrow("4401");
  });

  it.each([
    ["an empty ticket", () => ({})],
    ["an empty token", () => ({ token: "" })],
    ["a list", () => ({ token: [token()] })],
    ["a prefix", () => ({ token: token().slice(0, -1) })],
    ["other letters", () => ({ token: token().toUpperCase().replace(/[0-9]/g, "A") })],
    ["the token as a secret", () => ({ secret: token() })],
    ["nothing that is known", () => ({ secret: "0".repeat(64) })],
    ["more than the token", () => ({ token: `${token()}0` })],
    ["blanks around the token", () => ({ token: ` ${token()} ` })],
    ["the token and a wrong one behind it", () => JSON.parse(`{"token":"${token()}","token":"0"}`)],
    ["the token by inheritance", () => JSON.parse(`{"__proto__":{"token":"${token()}"}}`)],
    ["a zero byte behind the token", () => ({ token: `${token()}\0` })],
    ["the name of the address", () => ({ token: address.hostname.split(".")[0], secret: address.hostname.split(".")[0] })],
  ])("is refused for %s", async (_what, ticket) => {
    await expect(enter(ticket())).rejects.toThrow("4401");
    expect(ports).toEqual([]);
    // The right one has not been used up.
    await enter({ token: token() });
  });

  it("is refused for bytes, and for a ticket that is too long", async () => {
    const bytes = open();
    await opened(bytes);
    bytes.send(Buffer.from(JSON.stringify({ token: token() })));
    expect(await outcome(bytes)).toBe(4401);
    const long = open();
    await opened(long);
    long.send(JSON.stringify({ token: token(), more: "x".repeat(2000) }));
    expect(await outcome(long)).toBe(4401);
  });

  it("ends when nothing shows a ticket, and only so many may try at a time", async () => {
    const waiting = Array.from({ length: 8 }, () => open());
    await Promise.all(waiting.map(opened));
    expect(await outcome(open())).toBe(503);
    waiting[0]?.close();
    await vi.waitFor(async () => {
      const socket = open();
      expect(await Promise.race([opened(socket).then(() => "opened"), outcome(socket)])).toBe("opened");
    });
  });

  it("carries messages as they are, both ways", async () => {
    const { socket } = await enter({ token: token() });
    const [port] = ports;
    const received: Uint8Array[] = [];
    port?.onMessage((message) => received.push(Uint8Array.from(message)));
    socket.send(Uint8Array.of(0, 0, 0, 1, 255, 0));
    await vi.waitFor(() => expect(received).toEqual([Uint8Array.of(0, 0, 0, 1, 255, 0)]));
    const answered = new Promise((resolve) => socket.once("message", (data: Buffer) => resolve([...data])));
    port?.send(Uint8Array.of(1, 2, 3));
    expect(await answered).toEqual([1, 2, 3]);
  });

  it("ends where text comes, or more than any request needs", async () => {
    const first = await enter({ token: token() });
    const closed = outcome(first.socket);
    first.socket.send("text");
    expect(await closed).toBe(1003);
    const second = await enter({ secret: first.secret });
    const tooLong = outcome(second.socket);
    second.socket.send(Buffer.alloc(maxRequestBytes + 1));
    expect(await tooLong).toBe(1009);
  });

  it("tells its page why it is closed, and its owner when the page goes", async () => {
    const first = await enter({ token: token() });
    const why = outcome(first.socket);
    ports[0]?.close(takenOver);
    expect(await why).toBe(4409);
    const second = await enter({ secret: first.secret });
    const onClose = vi.fn();
    ports[1]?.onClose(onClose);
    second.socket.close();
    await vi.waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  });
});

describe.skipIf(process.getuid?.() !== 0)("another user of this computer", () => {
  /** A line of Node with `socket`, a connection of that user's. @returns What it printed. */
  const asAnother = async (script: string) => {
    const program = `const socket = require("node:net").connect(${address.port}, "127.0.0.1"); ${script}`;
    const like = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    return (await promisify(execFile)("/usr/bin/setpriv", [...like, process.execPath, "-e", program], { cwd: "/" })).stdout;
  };
  const request = () => JSON.stringify(`GET / HTTP/1.1\r\nHost: ${address.host}\r\nConnection: close\r\n\r\n`);

  it("gets no answer", async () => {
    const printed = await asAnother(
      `let got = ""; socket.on("error", () => {}).on("data", (data) => (got += data)).on("close", () => console.log("got:" + got)); socket.write(${request()})`,
    );
    expect(printed).toBe("got:\n");
    expect((await ask("/")).status).toBe(200);
  });

  it("is not taken for root by closing the connection before it is looked at", async () => {
    const uids: (number | undefined)[] = [];
    const other = createServer((socket) => {
      // The other end has closed by the time that its end of input is here.
      socket
        .on("error", () => {})
        .on("end", () => {
          uids.push(
            readConnections()(
              { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 },
              { address: socket.localAddress ?? "", port: socket.localPort ?? 0 },
            ),
          );
          socket.destroy();
        });
      socket.resume();
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await asAnother(
      `const first = require("node:net").connect(${port}, "127.0.0.1", () => first.end("x", () => first.destroy())); socket.destroy()`,
    );
    await vi.waitFor(() => expect(uids).toEqual([undefined]));
    await new Promise((resolve) => other.close(resolve));
  });

  it("takes no place from ours and gets no answer, however many connections it opens", async () => {
    const printed = await asAnother(
      `let got = "", ended = 0;
       const done = () => { if (++ended === 200) console.log("got:" + got); };
       const watch = (one) => one.on("error", () => {}).on("data", (data) => (got += data)).on("close", done).write(${request()});
       watch(socket);
       for (let i = 1; i < 200; i++) watch(require("node:net").connect(${address.port}, "127.0.0.1"));`,
    );
    expect(printed).toBe("got:\n");
    expect((await ask("/")).status).toBe(200);
  });
});

describe("connections that are only held open", () => {
  /** Opens connections on which this is sent. */
  const hold = async (count: number, text: string) => {
    const held = Array.from({ length: count }, () => connect(Number(address.port), "127.0.0.1"));
    for (const socket of held) socket.on("error", () => {});
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", () => socket.write(text, resolve)))));
    return {
      open: () => held.filter(({ closed }) => !closed).length,
      release() {
        for (const socket of held) socket.destroy();
      },
    };
  };

  it.each([
    ["nothing is sent", () => ""],
    ["a request does not end", () => `GET / HTTP/1.1\r\nHost: ${address.host}\r\nX: `],
    ["one request was answered", () => `GET / HTTP/1.1\r\nHost: ${address.host}\r\n\r\n`],
    ["an answer is not read", () => `GET /assets/large.js HTTP/1.1\r\nHost: ${address.host}\r\n\r\n`],
    [
      "no ticket is shown",
      () =>
        `GET /socket HTTP/1.1\r\nHost: ${address.host}\r\nOrigin: ${address.origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n\r\n`,
    ],
  ])("keep nobody out, and take nothing from a page in use: %s", async (_what, text) => {
    const { socket } = await enter({ token: token() });
    const received = vi.fn();
    ports[0]?.onMessage(received);
    const { release } = await hold(100, text());
    try {
      for (let i = 0; i < 10; i++) expect((await ask("/assets/main.js")).status).toBe(200);
      socket.send(Buffer.alloc(5));
      await vi.waitFor(() => expect(received).toHaveBeenCalledTimes(1));
    } finally {
      release();
    }
  });

  it("are ended when there are too many, and do not cut off an answer under way", async () => {
    const slow = connect(Number(address.port), "127.0.0.1");
    slow.write(`GET /assets/large.js HTTP/1.1\r\nHost: ${address.host}\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => slow.once("readable", resolve));
    const { open: stillOpen, release } = await hold(100, "");
    await vi.waitFor(() => expect(stillOpen()).toBeLessThan(64));
    let received = 0;
    for await (const data of slow) received += data.length;
    expect(received).toBeGreaterThan(files.get("/assets/large.js")?.body.length ?? 0);
    release();
  });
});

describe("many small messages", () => {
  it("all arrive, and a message that never ends is given up", async () => {
    const { socket, secret } = await enter({ token: token() });
    let received = 0;
    ports[0]?.onMessage(() => {
      received += 1;
    });
    for (let i = 0; i < 20_000; i++) socket.send(Buffer.alloc(5));
    await vi.waitFor(() => expect(received).toBe(20_000), { timeout: 10_000 });
    const endless = (await enter({ secret })).socket;
    const closed = outcome(endless);
    for (let i = 0; i <= maxRequestBytes / 1024; i++) endless.send(Buffer.alloc(1024), { fin: false });
    expect(await closed).toBe(1009);
  });
});

describe("the end", () => {
  it("closes the port and every connection", async () => {
    const { socket } = await enter({ token: token() });
    const closed = outcome(socket);
    await server.close();
    expect(await closed).toBe(1006);
    await expect(ask("/")).rejects.toThrow("ECONNREFUSED");
    server = await startWebServer({ files, port: 0, accept: () => {} });
  });
});
