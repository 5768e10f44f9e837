/**
 * What is fuzzed: all of the helper but that it may only look, so that nothing of what it is told is done. It tells nobody, and keeps no log.
 */
import type { Action } from "../contract/methods.ts";
import { ProblemError } from "../contract/problems.ts";
import { createDispatch } from "../dispatch.ts";
import { createHandlers } from "../handlers.ts";
import { createStdioPort } from "../stdio-port.ts";
import { maxRequestBytes } from "../wire/frames.ts";
import { createPeer } from "../wire/peer.ts";

const [, , lxcPath = ""] = process.argv;
const port = createStdioPort();
const authorize = async (action: Action) => {
  if (action !== "view") throw new ProblemError({ code: "auth-denied", action });
};
const handlers = createHandlers({
  lxcPath,
  uid: 0,
  isRootSession: false,
  notify: (event, params) => peer.notify(event, params),
  sendData: (channel, bytes) => peer.sendData(channel, bytes),
});
const peer = createPeer(
  port,
  {
    onCall: createDispatch(handlers.methods, authorize, () => {}),
    onNotification(method) {
      if (method === "reset") handlers.reset();
    },
    onData: (channel, bytes) => handlers.receive(channel, bytes),
    onClose() {
      handlers.abandon();
      void handlers.settle().then(() => process.exit(0));
    },
  },
  { maxReceivedBytes: maxRequestBytes },
);
