import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { ProblemError } from "../contract/problems.ts";
import { createFrameReader, encodeFrame, encodeMessage, FrameError } from "./frames.ts";
import { createPeer, type PeerHandlers, type PeerOptions } from "./peer.ts";
import { createPortPair } from "./port.ts";

const quiet: PeerHandlers = { onCall: async () => ({}), onNotification() {}, onData() {}, onClose() {} };
const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

function join(answering: Partial<PeerHandlers>, options?: PeerOptions) {
  const [near, far] = createPortPair();
  const onClose = vi.fn();
  const server = createPeer(far, { ...quiet, onClose, ...answering }, options);
  const client = createPeer(near, quiet);
  return { near, far, client, server, onClose };
}

function sendText(port: { send(bytes: Uint8Array): void }, text: string) {
  port.send(encodeMessage(0, new TextEncoder().encode(text)));
}

describe("peer", () => {
  it("answers a call with the handler's result", async () => {
    const { client } = join({ onCall: async (method, params) => ({ method, params }) });
    expect(await client.call("add", { a: 1 })).toEqual({ method: "add", params: { a: 1 } });
  });

  it("carries a problem with its data, and anything else thrown as internal", async () => {
    const { client } = join({
      onCall(method) {
        if (method === "typed") throw new ProblemError({ code: "already-exists", name: "web" });
        throw new TypeError("x is not a function");
      },
    });
    await expect(client.call("typed", {})).rejects.toMatchObject({ problem: { code: "already-exists", name: "web" } });
    await expect(client.call("other", {})).rejects.toMatchObject({ problem: { code: "internal", detail: "x is not a function" } });
  });

  it("aborts the handler on cancel and still gives exactly one reply", async () => {
    const aborted = vi.fn();
    const { client, near } = join({
      onCall: (_method, _params, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            aborted();
            reject(new ProblemError({ code: "cancelled" }));
          });
        }),
    });
    const replies: unknown[] = [];
    const controller = new AbortController();
    const call = client.call("slow", {}, controller.signal).catch((error) => replies.push(error.problem));
    await soon();
    controller.abort();
    sendText(near, JSON.stringify({ jsonrpc: "2.0", method: "$/cancel", params: { id: 1 } }));
    sendText(near, JSON.stringify({ jsonrpc: "2.0", method: "$/cancel", params: { id: 99 } }));
    await call;
    sendText(near, JSON.stringify({ jsonrpc: "2.0", method: "$/cancel", params: { id: 1 } }));
    await soon();
    expect(replies).toEqual([{ code: "cancelled" }]);
    expect(aborted).toHaveBeenCalledTimes(1);
  });

  it("rejects every pending call, and aborts every running handler, when the port closes", async () => {
    const aborted = vi.fn();
    const { client, far } = join({
      onCall: (_method, _params, signal) => new Promise(() => signal.addEventListener("abort", aborted)),
    });
    const calls = [client.call("a", {}), client.call("b", {})];
    await soon();
    far.close("gone");
    for (const call of calls) await expect(call).rejects.toMatchObject({ problem: { code: "helper-lost" } });
    await expect(client.call("c", {})).rejects.toMatchObject({ problem: { code: "helper-lost" } });
    expect(aborted).toHaveBeenCalledTimes(2);
  });

  it("gives raw bytes of other channels undecoded", async () => {
    const onData = vi.fn();
    const { client } = join({ onData });
    client.sendData(9, new Uint8Array([0xff, 0]));
    await soon();
    expect(onData).toHaveBeenCalledWith(9, new Uint8Array([0xff, 0]));
  });

  it.each([
    ["not JSON", "{"],
    ["an array", "[]"],
    ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"a"}]'],
    ["null", "null"],
    ["another version", '{"jsonrpc":"1.0","id":1,"method":"a"}'],
    ["neither call nor reply", '{"jsonrpc":"2.0"}'],
    ["an object as id", '{"jsonrpc":"2.0","id":{},"method":"a"}'],
    ["a long id", `{"jsonrpc":"2.0","id":"${"a".repeat(65)}","method":"a"}`],
    ["an infinite id", '{"jsonrpc":"2.0","id":1e999,"method":"a"}'],
    ["deep nesting cut off", "[".repeat(100_000)],
    ["a byte order mark", '\ufeff{"jsonrpc":"2.0","id":1,"method":"a"}'],
    ["something behind it", '{"jsonrpc":"2.0","id":1,"method":"a"}{"jsonrpc":"2.0","id":2,"method":"a"}'],
    ["a zero byte behind it", '{"jsonrpc":"2.0","id":1,"method":"a"}\0'],
    ["what only JavaScript takes", '{"jsonrpc":"2.0","id":1,"method":"a","params":NaN}'],
  ])("ends the connection at %s", async (_what, text) => {
    const { near, onClose } = join({});
    sendText(near, text);
    await soon();
    expect(onClose).toHaveBeenCalledWith(expect.stringContaining("protocol error"), false);
  });

  it("ends the connection at bytes that are not UTF-8, at a message without a channel, and above the cap", async () => {
    for (const bytes of [encodeMessage(0, new Uint8Array([0xff])), new Uint8Array(2), new Uint8Array(200)]) {
      const { near, onClose } = join({}, { maxReceivedBytes: 100 });
      near.send(bytes);
      await soon();
      expect(onClose).toHaveBeenCalledWith(expect.stringContaining("protocol error"), false);
    }
  });

  it("takes the last of two keys of one name, and no key for more than a name", async () => {
    const onCall = vi.fn(async (_method: string, _params: unknown) => ({}));
    const { near, onClose } = join({ onCall });
    sendText(near, '{"jsonrpc":"2.0","id":1,"method":"a","method":"b","params":{"name":"x","name":"y"},"__proto__":{"method":"c"}}');
    sendText(near, '{"__proto__":{"jsonrpc":"2.0","id":2,"method":"a"}}');
    await soon();
    expect(onCall.mock.calls.map(([method, params]) => [method, params])).toEqual([["b", { name: "y" }]]);
    expect(onClose).toHaveBeenCalledWith(expect.stringContaining("protocol error"), false);
  });

  it("ends the connection when an id is used while its call still runs", async () => {
    const { near, onClose } = join({ onCall: () => new Promise(() => {}) });
    sendText(near, '{"jsonrpc":"2.0","id":1,"method":"a"}');
    sendText(near, '{"jsonrpc":"2.0","id":1,"method":"a"}');
    await soon();
    expect(onClose).toHaveBeenCalledWith(expect.stringContaining("id used twice"), false);
  });

  it("refuses calls above the limit, but not those that end things", async () => {
    const onCall = vi.fn(() => new Promise(() => {}));
    const { client } = join({ onCall }, { maxRunningCalls: 2, unlimitedMethods: new Set(["kill"]) });
    client.call("a", {}).catch(() => {});
    client.call("b", {}).catch(() => {});
    await expect(client.call("c", {})).rejects.toMatchObject({ problem: { code: "too-many-requests", limit: 2 } });
    client.call("kill", {}).catch(() => {});
    await soon();
    expect(onCall).toHaveBeenCalledTimes(3);
  });

  it("survives any bits that flip in a stream of calls: it answers, or ends the connection", () => {
    const text = (value: object) => encodeFrame(encodeMessage(0, new TextEncoder().encode(JSON.stringify(value))));
    const corpus = Buffer.concat([
      text({ jsonrpc: "2.0", id: 1, method: "containers.start", params: { name: "web" } }),
      text({ jsonrpc: "2.0", method: "$/cancel", params: { id: 1 } }),
      encodeFrame(encodeMessage(7, new Uint8Array([1, 2, 3]))),
      text({ jsonrpc: "2.0", id: 1, result: {} }),
      text({ jsonrpc: "2.0", id: "b", method: "containers.watch", params: {} }),
      text({ jsonrpc: "2.0", id: 1, error: { code: -32000, message: "busy", data: { code: "busy" } } }),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(corpus.length * 8 - 1), { minLength: 1, maxLength: 8 }), (bits) => {
        const stream = Buffer.from(corpus);
        for (const bit of bits) stream[bit >> 3] = (stream[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let receive: (message: Uint8Array) => void = () => {};
        const onClose = vi.fn();
        const port = {
          send() {},
          onMessage(listener: typeof receive) {
            receive = listener;
          },
          onClose() {},
          close() {},
        };
        createPeer(port, { ...quiet, onClose }, { maxReceivedBytes: 1024 });
        const read = createFrameReader((message) => receive(message), 1024);
        try {
          read(stream);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
        expect(onClose.mock.calls.length).toBeLessThanOrEqual(1);
        if (onClose.mock.calls.length === 1) expect(onClose.mock.calls[0]).toEqual([expect.stringMatching(/^protocol error/), false]);
      }),
      { numRuns: 1000 },
    );
  });

  it("ignores a reply that nobody waits for", async () => {
    const { near, client, onClose } = join({});
    sendText(near, '{"jsonrpc":"2.0","id":77,"result":{}}');
    expect(await client.call("a", {})).toEqual({});
    expect(onClose).not.toHaveBeenCalled();
  });
});
