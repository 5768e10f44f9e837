import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Container, Session } from "../../privileged-helper/contract/model.ts";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import { sampleContainer } from "../../privileged-helper/contract/testing/sample-container.ts";
import { createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { createClient } from "../backend/client.ts";
import { useContainersStore } from "./containers.ts";
import { startSession, useSession } from "./session.ts";
import { useSettings } from "./settings.ts";

const ready = (epoch: number): Session => ({ state: "ready", mode: "full", version: "1.0.0", epoch });
const lost: Session = { state: "failed", problem: { code: "helper-lost", detail: "killed" }, retrying: true };
const shown = () => [...(useContainersStore.getState().containers?.keys() ?? [])];

let end = () => {};
beforeEach(() => {
  // The metrics watch whether the page is visible.
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
});
afterEach(() => {
  end();
  useContainersStore.setState({ containers: undefined, problem: undefined });
  useSession.setState({ session: { state: "starting" } });
  vi.unstubAllGlobals();
});

it("asks for nothing but what is the host's own while there is no helper: itself, the settings, the host's tasks", async () => {
  const host = connect({ state: "authenticating" }, []);
  await settled();
  expect(host.calls).toEqual(["session.get", "settings.get", "alerts.list", "tasks.watch"]);
  expect(useSettings.getState().theme).toBe("dark");
});

it("subscribes once there is a helper, and once only however often the session is told", async () => {
  const host = connect({ state: "starting" }, [sampleContainer("web")]);
  await settled();
  host.tell(ready(1));
  host.tell(ready(1));
  await settled();
  expect(host.calls.filter((method) => method === "containers.watch")).toHaveLength(1);
  // Once without and once with it.
  expect(host.calls.filter((method) => method === "tasks.watch")).toHaveLength(2);
  expect(shown()).toEqual(["web"]);
});

it("asks for tasks once where there is a helper from the beginning", async () => {
  const host = connect(ready(1), []);
  await settled();
  expect(host.calls.filter((method) => method === "tasks.watch")).toHaveLength(1);
});

it("keeps the last list while the helper is lost, and subscribes anew with the next one", async () => {
  const host = connect(ready(1), [sampleContainer("web")]);
  await settled();
  host.tell(lost);
  await settled();
  expect(shown()).toEqual(["web"]);
  host.containers = [sampleContainer("mail")];
  host.tell(ready(2));
  await settled();
  expect(host.calls.filter((method) => method === "containers.watch")).toHaveLength(2);
  expect(shown()).toEqual(["mail"]);
});

it("follows changes, and takes a new list where one of them is missing", async () => {
  const host = connect(ready(1), [sampleContainer("web")]);
  await settled();
  host.change(2, [sampleContainer("mail")], []);
  await settled();
  expect(shown()).toEqual(["web", "mail"]);
  host.containers = [sampleContainer("after the gap")];
  host.change(4, [], ["web"]);
  await settled();
  expect(shown()).toEqual(["after the gap"]);
});

it("keeps why there is no list, and asks again on demand", async () => {
  const host = connect(ready(1), undefined);
  await settled();
  expect(useContainersStore.getState().problem).toMatchObject({ code: "lxc-missing" });
  host.containers = [sampleContainer("web")];
  useContainersStore.getState().askAgain();
  await settled();
  expect(shown()).toEqual(["web"]);
  expect(useContainersStore.getState().problem).toBeUndefined();
});

/** A page joined to a host that answers as the real one does. */
function connect(first: Session, containers: Container[] | undefined) {
  const [near, far] = createPortPair();
  const calls: string[] = [];
  const peer: Peer = createPeer(far, {
    async onCall(method) {
      calls.push(method);
      if (method === "session.get") return first;
      if (method === "settings.get") return { theme: "dark", stopTimeoutSeconds: 30, lockAfterMinutes: 0 };
      if (method === "tasks.watch") return { revision: 1, tasks: [] };
      if (method === "terminals.list") return [];
      if (method !== "containers.watch") return undefined;
      if (!host.containers) throw new ProblemError({ code: "lxc-missing", tool: "lxc-start" });
      return { revision: 1, containers: host.containers };
    },
    onNotification() {},
    onData() {},
    onClose() {},
  });
  const host = {
    calls,
    containers,
    tell: (session: Session) => peer.notify("session.changed", session),
    change: (revision: number, changed: Container[], removed: string[]) =>
      peer.notify("containers.changed", { revision, changed, removed }),
  };
  end = startSession(createClient(near, () => {}));
  return host;
}

async function settled() {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
