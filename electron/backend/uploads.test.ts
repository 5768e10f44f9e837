import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { maxUnwrittenBytes } from "../../privileged-helper/contract/events.ts";
import { toProblem } from "../../privileged-helper/contract/problems.ts";
import { createPeer } from "../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { createUploads } from "./uploads.ts";

/** The other side is a helper only in what it says: the real one cannot be told when to have written how much. */
function setUp() {
  const [near, far] = createPortPair();
  const received: [channel: number, bytes: number][] = [];
  const closed: unknown[] = [];
  createPeer(far, {
    async onCall(method, params) {
      if (method === "uploads.close") closed.push(params);
      return method === "uploads.open" ? { channel: 7 } : {};
    },
    onNotification: () => {},
    onData: (channel, payload) => void received.push([channel, payload.byteLength]),
    onClose: () => {},
  });
  const helper = createPeer(near, { onCall: async () => ({}), onNotification: () => {}, onData: () => {}, onClose: () => {} });
  return { helper, uploads: createUploads(), received, closed };
}
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const isSettled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 20))]);

describe("an upload", () => {
  it("hands bytes on, tells how many are written, and ends with their hash", async () => {
    const { helper, uploads, received } = setUp();
    const told: number[] = [];
    const upload = await uploads.open(helper, 6, (bytes) => told.push(bytes));
    upload.push(Buffer.from("abc"));
    expect(uploads.receive(7, Buffer.from("def"))).toBe(true);
    const complete = upload.complete();
    uploads.onWritten(7, 3);
    expect(await isSettled(complete)).toBe(false);
    uploads.onWritten(7, 6);
    expect(await complete).toBe(createHash("sha256").update("abcdef").digest("hex"));
    expect([received, told]).toEqual([
      [
        [7, 3],
        [7, 3],
      ],
      [3, 6],
    ]);
  });
  it("has no room for more than may be under way, until some of it is written", async () => {
    const { helper, uploads } = setUp();
    const upload = await uploads.open(helper, 2 * maxUnwrittenBytes);
    await upload.room(maxUnwrittenBytes);
    upload.push(Buffer.alloc(maxUnwrittenBytes));
    const room = upload.room(10);
    expect(await isSettled(room)).toBe(false);
    uploads.onWritten(7, 9);
    expect(await isSettled(room)).toBe(false);
    uploads.onWritten(7, 10);
    await room;
  });
  it("tells whoever waits when it is cancelled, or when its helper is lost, and whoever waits later", async () => {
    const { helper, uploads } = setUp();
    const upload = await uploads.open(helper, 10);
    const controller = new AbortController();
    const cancelled = problemOf(upload.complete(controller.signal));
    controller.abort();
    expect(await cancelled).toEqual({ code: "cancelled" });
    const lost = problemOf(upload.complete());
    uploads.failAll({ code: "helper-lost", detail: "gone" });
    expect([await lost, await problemOf(upload.room(1))]).toEqual([
      { code: "helper-lost", detail: "gone" },
      { code: "helper-lost", detail: "gone" },
    ]);
  });
  it("is nobody's once it is closed", async () => {
    const { helper, uploads, closed } = setUp();
    const upload = await uploads.open(helper, 10);
    upload.close();
    expect(uploads.receive(7, Buffer.from("x"))).toBe(false);
    await expect.poll(() => closed).toEqual([{ channel: 7 }]);
  });
});
