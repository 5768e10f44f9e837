import { expect, it } from "vitest";
import { createPeer, type PeerHandlers } from "../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { createClient } from "./client.ts";

it("passes a call on and gives its answer", async () => {
  const { client } = join({ onCall: async (method, params) => [method, params] });
  expect(await client.call("tasks.log", { task: "1" })).toEqual(["tasks.log", { task: "1" }]);
});

it("tells every listener of an event, until it stops listening", async () => {
  const { client, far } = join();
  const heard: string[] = [];
  const stop = client.on("tasks.output", ({ text }) => heard.push(`first ${text}`));
  client.on("tasks.output", ({ text }) => heard.push(`second ${text}`));
  far.notify("tasks.output", { task: "1", text: "a" });
  await settled();
  stop();
  far.notify("tasks.output", { task: "1", text: "b" });
  await settled();
  expect(heard).toEqual(["first a", "second a", "second b"]);
});

it("keeps what a terminal says before anybody listens, in order", async () => {
  const { client, far } = join();
  far.sendData(7, text("one "));
  far.sendData(7, text("two "));
  far.sendData(8, text("another terminal"));
  await settled();
  const seen: string[] = [];
  client.openChannel(7, (bytes) => seen.push(new TextDecoder().decode(bytes)));
  far.sendData(7, text("three"));
  await settled();
  expect(seen.join("")).toBe("one two three");
});

it("cuts long input into pieces that the helper takes, and loses nothing", async () => {
  const received: Uint8Array[] = [];
  const { client } = join({ onData: (_channel, payload) => void received.push(payload.slice()) });
  const input = new Uint8Array(100_000).map((_, index) => index % 251);
  client.openChannel(3, () => {}).send(input);
  await settled();
  expect(Math.max(...received.map(({ length }) => length))).toBeLessThanOrEqual(32 * 1024);
  expect(received.flatMap((piece) => [...piece])).toEqual([...input]);
});

it("counts a call that the lost connection cut off as cancelled, not as failed", async () => {
  const { client, far } = join({ onCall: () => new Promise(() => {}) });
  const call = client.call("containers.start", { name: "web" });
  far.close();
  await expect(call).rejects.toMatchObject({ problem: { code: "cancelled" } });
});

function join(handlers: Partial<PeerHandlers> = {}) {
  const [near, other] = createPortPair();
  const far = createPeer(other, { onCall: async () => undefined, onNotification() {}, onData() {}, onClose() {}, ...handlers });
  return { client: createClient(near, () => {}), far };
}

const text = (value: string) => new TextEncoder().encode(value);

async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
