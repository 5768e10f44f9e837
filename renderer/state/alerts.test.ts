import { afterEach, expect, it, vi } from "vitest";
import type { Alert, AlertList } from "../../privileged-helper/contract/alerts.ts";
import { createPeer } from "../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { createClient } from "../backend/client.ts";
import { dismissAlert, notifyingState, startAlerts, useAlerts } from "./alerts.ts";

const shown: { title: string; body: string | undefined }[] = [];
class FakeNotification {
  static permission = "granted";
  constructor(title: string, options: { body?: string }) {
    shown.push({ title, body: options.body });
  }
}

afterEach(() => {
  useAlerts.setState({ list: undefined });
  shown.length = 0;
  FakeNotification.permission = "granted";
  vi.unstubAllGlobals();
});

const alertOf = (container: string, condition: Alert["condition"] = "memory"): Alert => ({
  id: `${container}1`,
  rule: "r",
  container,
  condition,
  since: 1,
  percent: condition === "memory" ? 93.4 : undefined,
});
const listOf = (toldBy: AlertList["toldBy"], ...alerts: Alert[]): AlertList => ({ rules: [], alerts, toldBy });

/** A page joined to a host that has this list. */
async function connect(first: AlertList) {
  vi.stubGlobal("Notification", FakeNotification);
  const [near, far] = createPortPair();
  const calls: [method: string, params: unknown][] = [];
  const host = createPeer(far, {
    async onCall(method, params) {
      calls.push([method, params]);
      return first;
    },
    onNotification() {},
    onData() {},
    onClose() {},
  });
  const client = createClient(near, () => {});
  startAlerts(client);
  await vi.waitFor(() => expect(useAlerts.getState().list).toEqual(first));
  const tell = async (list: AlertList) => {
    host.notify("alerts.changed", list);
    await vi.waitFor(() => expect(useAlerts.getState().list).toEqual(list));
  };
  return { client, calls, tell };
}

it("shows what has just begun, once, and nothing of what was there when the page was opened", async () => {
  const old = alertOf("mail");
  const { tell } = await connect(listOf("page", old));
  expect(shown).toEqual([]);
  await tell(listOf("page", alertOf("web"), old));
  await tell(listOf("page", { ...alertOf("web"), until: 9 }, old));
  expect(shown).toEqual([{ title: "web", body: "web uses 93 % of its memory." }]);
});

it("shows alerts that began together as one", async () => {
  const { tell } = await connect(listOf("page"));
  await tell(listOf("page", ...["a", "b", "c", "d", "e"].map((name) => alertOf(name, "stopped-unexpectedly"))));
  expect(shown).toHaveLength(1);
  expect(shown[0]?.title).toBe("5 containers need a look");
  expect(shown[0]?.body).toMatch(/And 2 more\.$/);
});

it("shows nothing where the desktop does, or where the person has not allowed it", async () => {
  const { tell } = await connect(listOf("desktop"));
  await tell(listOf("desktop", alertOf("web")));
  FakeNotification.permission = "default";
  await tell(listOf("page"));
  await tell(listOf("page", alertOf("mail")));
  expect(shown).toEqual([]);
  expect([notifyingState(listOf("desktop")), notifyingState(listOf("page"))]).toEqual(["desktop", "unasked"]);
});

it("tells the host which one was seen", async () => {
  const { client, calls } = await connect(listOf("page"));
  await dismissAlert(client, "web1");
  expect(calls.at(-1)).toEqual(["alerts.dismiss", { alert: "web1" }]);
});
