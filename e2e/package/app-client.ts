/**
 * Opens an app at an address as its page does: fetches the page, then connects. It runs in the scratch root, where the address is,
 * and speaks lines of JSON: calls come in, answers and notifications go out.
 */
import { get } from "node:http";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { toProblem } from "../../privileged-helper/contract/problems.ts";
import { createPeer } from "../../privileged-helper/wire/peer.ts";

const address = new URL(process.argv[2] ?? "");
const tell = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

const request = { host: "127.0.0.1", port: address.port, path: "/", headers: { host: address.host }, setHost: false };
const status = await new Promise<number | undefined>((resolve, reject) => {
  get(request, (response) => {
    response.resume();
    resolve(response.statusCode);
  }).once("error", reject);
});

const socket = new WebSocket(`ws://127.0.0.1:${address.port}/socket`, { headers: { Host: address.host, Origin: address.origin } });
socket.once("open", () => socket.send(JSON.stringify({ token: address.hash.slice(1) })));
// What follows the first message may come with it, before anybody could listen.
const early: Buffer[] = [];
let deliver: (message: Buffer) => void = (message) => early.push(message);
await new Promise((resolve, reject) => {
  socket.once("error", reject).once("message", () => {
    socket.on("message", (message: Buffer) => deliver(message));
    resolve(undefined);
  });
});
const peer = createPeer(
  {
    send: (message) => socket.send(message),
    onMessage(listener) {
      deliver = listener;
      for (const message of early) listener(message);
    },
    onClose: (listener) => socket.once("close", () => listener("closed")),
    close: () => socket.close(),
  },
  {
    onCall: async () => undefined,
    onNotification: (notification, params) => tell({ notification, params }),
    onData: () => {},
    onClose: () => process.exit(0),
  },
);
tell({ opened: status });
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params } = JSON.parse(line);
    peer.call(method, params).then(
      (result) => tell({ id, result }),
      (error: unknown) => tell({ id, problem: toProblem(error) }),
    );
  })
  .on("close", () => process.exit(0));
