import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { protocolVersion } from "../../privileged-helper/contract/events.ts";
import { methodsForHost } from "../../privileged-helper/contract/methods.ts";
import type { Catalog, Session, TasksChanged, TasksSnapshot } from "../../privileged-helper/contract/model.ts";
import { type Problem, ProblemError, toProblem } from "../../privileged-helper/contract/problems.ts";
import { createPeer, type Peer } from "../../privileged-helper/wire/peer.ts";
import { createPortPair, type Port } from "../../privileged-helper/wire/port.ts";
import { type Backend, createBackend, type PageKind } from "./backend.ts";
import type { HelperEnd } from "./helper-process.ts";
import { ownArchitecture } from "./images/architecture.ts";
import { buildImage, offer, startImageServer, type TestImageServer } from "./images/testing/image-server.ts";
import type { HelperLauncher } from "./launch-helper.ts";
import type { PolkitRights } from "./rights.ts";
import { takenOver } from "./taken-over.ts";

/**
 * The other side is a helper only in what it says over the wire: the real one cannot be made to die, to be late or to be of
 * another version on demand without root.
 */
type Helper = {
  peer: Peer;
  calls: { method: string; params: unknown }[];
  /** What the host asks of its own accord, page or not. */
  watched: { method: string; params: unknown }[];
  notifications: { method: string; params: unknown }[];
  data: [channel: number, text: string][];
  closed: string[];
  /** Methods whose calls were cancelled. */
  cancelled: string[];
  hello(version?: string): void;
  die(end?: HelperEnd): void;
};

let folder: string;
let helpers: Helper[];
let launch: HelperLauncher;
let backend: Backend;
let asking: boolean;
let launchProblem: Problem | undefined;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-backend-"));
  helpers = [];
  asking = false;
  launchProblem = undefined;
  launch = async () => {
    if (launchProblem) throw new ProblemError(launchProblem);
    const [port, far] = createPortPair();
    let end: (end: HelperEnd) => void = () => {};
    const ended = new Promise<HelperEnd>((resolve) => {
      end = resolve;
    });
    helpers.push(helperAt(far, (how) => end(how)));
    return {
      process: { pid: 1, port, ended, end: () => far.close("ended") },
      mayBeAsking: () => asking,
      explainEnd: ({ exitCode }) =>
        exitCode === 126 ? { code: "auth-dismissed", action: "full" } : { code: "helper-lost", detail: `exit ${exitCode}` },
    };
  };
});
afterEach(async () => {
  for (const helper of helpers) helper.die();
  await backend?.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function helperAt(port: Port, end: (how: HelperEnd) => void): Helper {
  const helper: Omit<Helper, "peer"> = {
    calls: [],
    watched: [],
    notifications: [],
    data: [],
    closed: [],
    cancelled: [],
    hello: (version = "1.0.0") => peer.notify("hello", { version, protocol: protocolVersion, mode: "full" }),
    die(how = { exitCode: 0, errors: "" }) {
      end(how);
      peer.close("died");
    },
  };
  const peer = createPeer(port, {
    onCall: async (method, params, signal) => {
      const isOfHost = method === "containers.watch" || method === "metrics.record";
      helper[isOfHost ? "watched" : "calls"].push({ method, params });
      if (method === "containers.watch") return { revision: 0, containers: [] };
      if (method === "terminal.open") return { channel: 7, title: "root" };
      if (method === "tasks.watch") return { revision: 5, tasks: [{ id: "1", kind: "start" }] };
      if (method === "terminal.upload") return { channel: 8 };
      if (method === "containers.start" || method === "terminal.finishUpload")
        await new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            helper.cancelled.push(method);
            reject(new ProblemError({ code: "cancelled" }));
          }),
        );
      return { answered: method };
    },
    onNotification: (method, params) => helper.notifications.push({ method, params }),
    onData: (channel, payload) => helper.data.push([channel, Buffer.from(payload).toString()]),
    onClose(reason) {
      helper.closed.push(reason);
      end({ exitCode: 0, errors: "" });
    },
  });
  return { ...helper, peer };
}

function start(more: { abandonAfterMilliseconds?: number; rights?: PolkitRights } = {}) {
  backend = createBackend({
    ...more,
    version: "1.0.0",
    installedAs: { kind: "checkout" },
    launch,
    settingsPath: join(folder, "settings.json"),
    cacheFolder: join(folder, "cache"),
    stateFolder: join(folder, "state"),
  });
}

type Page = Peer & { events: { method: string; params: unknown }[]; sessions(): string[]; data: string[]; closed: string[] };
function openPage(kind?: PageKind): Page {
  const [near, far] = createPortPair();
  const events: Page["events"] = [];
  const data: string[] = [];
  const closed: string[] = [];
  const peer = createPeer(near, {
    onCall: async () => undefined,
    onNotification: (method, params) => events.push({ method, params }),
    onData: (channel, payload) => data.push(`${channel}:${Buffer.from(payload)}`),
    onClose: (reason) => closed.push(reason),
  });
  backend.accept(far, kind);
  const sessions = () =>
    events
      .filter(({ method }) => method === "session.changed")
      .map(({ params }) => {
        const session = params as Session;
        return session.state === "failed"
          ? `failed ${session.problem.code}${session.retrying ? " retrying" : ""}`
          : session.state === "ready"
            ? `ready ${session.epoch}`
            : session.state;
      });
  return { ...peer, events, sessions, data, closed };
}

const helper = async (number = 1) => {
  await vi.waitFor(() => expect(helpers.length).toBeGreaterThanOrEqual(number));
  const found = helpers[number - 1];
  if (!found) throw new Error("there is no such helper");
  return found;
};
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const sessionSoon = (page: Page, last: string) => vi.waitFor(() => expect(page.sessions().at(-1)).toBe(last));

describe("the session", () => {
  it("begins at once, waits for a password as long as that takes, and is ready when the helper says hello", async () => {
    asking = true;
    start();
    const page = openPage();
    await sessionSoon(page, "authenticating");
    vi.advanceTimersByTime(10 * 60_000);
    asking = false;
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
  });

  it("fails with a reason where the password is not given, and goes on when it is asked for again", async () => {
    start();
    const page = openPage();
    (await helper()).die({ exitCode: 126, errors: "Request dismissed" });
    await sessionSoon(page, "failed auth-dismissed");
    const again = page.call("session.connect", {});
    (await helper(2)).hello();
    await again;
    await sessionSoon(page, "ready 1");
  });

  it("ends at once while a password is asked for, and takes the question away", async () => {
    asking = true;
    start();
    const page = openPage();
    await sessionSoon(page, "authenticating");
    await backend.close();
    expect((await helper()).closed).toEqual(["ended"]);
  });

  it("fails where the helper cannot be started, and tells the same to every call", async () => {
    launchProblem = { code: "helper-missing", path: "/usr/lib/lxc-desktop/launch", installedAs: { kind: "checkout" } };
    start();
    const page = openPage();
    await sessionSoon(page, "failed helper-missing");
    expect(await problemOf(page.call("host.info", {}))).toEqual(launchProblem);
  });

  it("refuses a helper of another version, and one that never answers", async () => {
    start();
    const page = openPage();
    (await helper()).hello("0.9.0");
    await sessionSoon(page, "failed version-mismatch");
    void page.call("session.connect", {}).catch(() => {});
    await helper(2);
    await vi.waitFor(() => {
      vi.advanceTimersByTime(1_000);
      expect(page.sessions().at(-1)).toBe("failed helper-lost");
    });
  });

  it("takes nothing from a helper before its hello, and sends it nothing", async () => {
    start();
    const page = openPage();
    const listed = page.call("host.info", {});
    const { peer, hello, calls, notifications, data } = await helper();
    peer.notify("containers.changed", { revision: 1, changed: [], removed: [] });
    peer.notify("tasks.changed", { revision: 1, changed: [], removed: [] });
    peer.sendData(7, Buffer.from("early"));
    page.sendData(7, Buffer.from("early"));
    page.notify("terminal.ack", { channel: 7, bytes: 5 });
    await expect(peer.call("host.info", {})).rejects.toMatchObject({ problem: { code: "invalid-request" } });
    expect([calls, notifications, data]).toEqual([[], [], []]);
    hello();
    expect(await listed).toEqual({ answered: "host.info" });
    expect(page.data).toEqual([]);
    expect(page.events.filter(({ method }) => method !== "session.changed")).toEqual([]);
  });

  it("takes nothing from a helper of another version, whatever it says after its hello", async () => {
    start();
    const page = openPage();
    const { peer, hello } = await helper();
    hello("0.9.0");
    peer.notify("containers.changed", { revision: 1, changed: [], removed: [] });
    peer.sendData(7, Buffer.from("more"));
    hello();
    await sessionSoon(page, "failed version-mismatch");
    expect(page.data).toEqual([]);
    expect(page.sessions()).not.toContain("ready 1");
    expect(page.events.filter(({ method }) => method !== "session.changed")).toEqual([]);
  });

  it("starts a helper again that has died, once, with a new epoch; pending calls fail", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    vi.advanceTimersByTime(60_000);
    const pending = problemOf(page.call("containers.start", { name: "web" }));
    await vi.waitFor(() => expect(helpers[0]?.calls).toHaveLength(1));
    helpers[0]?.die();
    expect(await pending).toMatchObject({ code: "helper-lost" });
    await sessionSoon(page, "failed helper-lost retrying");
    (await helper(2)).hello();
    await sessionSoon(page, "ready 2");
  });

  it("does not start a helper in circles that dies at once", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    helpers[0]?.die();
    await sessionSoon(page, "failed helper-lost");
    expect(helpers).toHaveLength(1);
  });

  it("gives the rights back when asked to, and when nobody has done anything for a while", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    await page.call("session.lock", {});
    await sessionSoon(page, "failed locked");
    void page.call("session.connect", {});
    (await helper(2)).hello();
    await sessionSoon(page, "ready 2");
    await page.call("settings.set", { lockAfterMinutes: 10 });
    vi.advanceTimersByTime(9 * 60_000);
    expect(page.sessions().at(-1)).toBe("ready 2");
    vi.advanceTimersByTime(2 * 60_000);
    await sessionSoon(page, "failed locked");
  });

  it("tells what polkit and the helper say of the person's rights, and has both forget", async () => {
    const revoked: string[] = [];
    let revoke: () => void = () => {};
    const rights: PolkitRights = {
      answers: async () => ({ view: "granted" }),
      kept: async () => [{ action: "view", until: 5 }],
      revokeKept: () => {
        revoked.push("revoked");
        return new Promise((resolve) => {
          revoke = resolve;
        });
      },
    };
    start({ rights });
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    expect(await page.call("rights.get", {})).toMatchObject({ answers: { view: "granted" }, kept: [{ action: "view", until: 5 }] });
    const givingBack = page.call("rights.giveBack", {});
    await vi.waitFor(() => expect(revoked).toHaveLength(1));
    revoke();
    await givingBack;
    expect(helpers[0]?.calls.map(({ method }) => method)).toEqual(["rights.remembered", "rights.forget"]);

    await page.call("session.lock", {});
    helpers[0]?.die();
    expect(revoked).toHaveLength(2);
    void page.call("session.connect", {}).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    // polkit might still let it start unasked.
    expect(helpers).toHaveLength(1);
    revoke();
    (await helper(2)).hello();
    await sessionSoon(page, "ready 2");
  });

  it("sends signs of life, because the helper ends without them", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    vi.advanceTimersByTime(20_000);
    await vi.waitFor(() => expect(helpers[0]?.notifications.filter(({ method }) => method === "heartbeat")).toHaveLength(4));
  });
});

describe("a call", () => {
  it("waits for a helper that is being started", async () => {
    start();
    const page = openPage();
    const answer = page.call("host.info", {});
    (await helper()).hello();
    expect(await answer).toEqual({ answered: "host.info" });
  });

  it("that nobody knows, or that is the host's alone, never reaches the helper", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    for (const method of ["containers.explode", "constructor", "__proto__", "hello", "session.unknown", ...methodsForHost, ""]) {
      expect(await problemOf(page.call(method, {})), method).toMatchObject({ code: "invalid-request" });
    }
    expect(helpers[0]?.calls).toEqual([]);
  });

  it("of the host's own is answered by it, and refused where it is not understood", async () => {
    start();
    const page = openPage();
    expect(await page.call("settings.set", { theme: "dark" })).toMatchObject({ theme: "dark" });
    expect(await page.call("settings.get", {})).toMatchObject({ theme: "dark" });
    expect(await problemOf(page.call("settings.set", { theme: "pink" }))).toMatchObject({ code: "invalid-request" });
    expect(await problemOf(page.call("settings.get", { more: 1 }))).toMatchObject({ code: "invalid-request" });
  });

  it("of a person's profiles is answered by it, and they are there after the app was started anew", async () => {
    start();
    const choices = { unprivileged: true, start: true, address: "dhcp", autostart: false, source: { type: "archive" } };
    const profile = { name: "Web", choices };
    expect(await openPage().call("profiles.save", { profile })).toEqual([profile]);
    expect(await problemOf(openPage().call("profiles.save", { profile: { ...profile, name: "" } }))).toMatchObject({
      code: "invalid-request",
    });
    await backend.close();
    start();
    expect(await openPage().call("profiles.list", {})).toEqual([profile]);
    expect(await openPage().call("profiles.delete", { name: "Web" })).toEqual([]);
  });

  it("that is cancelled is cancelled in the helper, too", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    const controller = new AbortController();
    const call = problemOf(page.call("containers.start", { name: "web" }, controller.signal));
    await vi.waitFor(() => expect(helpers[0]?.calls).toHaveLength(1));
    controller.abort();
    expect(await call).toEqual({ code: "cancelled" });
    expect(helpers[0]?.cancelled).toEqual(["containers.start"]);
  });

  it("goes on in the helper where the page is loaded anew or closed", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    page.call("containers.start", { name: "web" }).catch(() => {});
    await vi.waitFor(() => expect(helpers[0]?.calls).toHaveLength(1));
    const next = openPage();
    await vi.waitFor(() => expect(page.closed).toHaveLength(1));
    expect(await next.call("host.info", {})).toEqual({ answered: "host.info" });
    next.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.filter(({ method }) => method === "reset").length).toBeGreaterThan(1));
    expect(helpers[0]?.cancelled).toEqual([]);
  });
});

describe("images and tasks of the host", () => {
  let server: TestImageServer;
  beforeEach(async () => {
    server = await startImageServer();
    offer(server, buildImage(50_000), { architecture: ownArchitecture() });
  });
  afterEach(() => server.close());

  const listImages = async (page: Page) => {
    await page.call("settings.set", { imageServers: [server.url] });
    return (await page.call("catalog.list", { refresh: false, everyArchitecture: false })) as Catalog;
  };

  it("need no helper: an image is listed, downloaded, told of as a task, and deleted, whoever looks", async () => {
    launchProblem = { code: "locked" };
    start();
    const page = openPage();
    await sessionSoon(page, "failed locked");
    const { images } = await listImages(page);
    expect(images).toMatchObject([{ distribution: "busybox", server: server.url }]);
    const image = images[0]?.id;
    expect(await page.call("tasks.watch", {})).toMatchObject({ tasks: [] });
    expect(await page.call("catalog.measure", { images: [image] })).toMatchObject({ bytes: { [image ?? ""]: expect.any(Number) } });
    expect(await page.call("downloads.start", { image })).toMatchObject({ state: "downloaded" });
    expect(page.events.map(({ method }) => method)).toContain("downloads.changed");
    const changes = page.events.filter(({ method }) => method === "tasks.changed").map(({ params }) => params as TasksChanged);
    expect(changes.at(-1)?.changed).toMatchObject([{ kind: "download", target: "BusyBox 1", state: "succeeded" }]);
    expect(changes.map(({ revision }) => revision)).toEqual(changes.map((_change, index) => index + 2));
    expect(await page.call("downloads.list", {})).toMatchObject([{ image: { id: image } }]);
    await page.call("downloads.delete", { image });
    expect(await page.call("downloads.list", {})).toEqual([]);
  });

  it("go on when the page is gone, and the next page sees them beside the helper's", async () => {
    server.rate = 20_000;
    start();
    const first = openPage();
    (await helper()).hello();
    await sessionSoon(first, "ready 1");
    const image = (await listImages(first)).images[0]?.id;
    void first.call("downloads.start", { image }).catch(() => {});
    await vi.waitFor(() => expect(server.requests.some((line) => line.includes("SHA256SUMS"))).toBe(true));
    const second = openPage();
    const { tasks } = (await second.call("tasks.watch", {})) as TasksSnapshot;
    expect(tasks).toMatchObject([
      { kind: "download", state: "running" },
      { id: "1", kind: "start" },
    ]);
    helpers[0]?.peer.notify("tasks.changed", { revision: 6, changed: [], removed: ["1"] });
    await vi.waitFor(() =>
      expect(second.events).toContainEqual({ method: "tasks.changed", params: expect.objectContaining({ removed: ["1"] }) }),
    );
    await second.call("tasks.cancel", { task: tasks[0]?.id });
    await vi.waitFor(async () => expect(await second.call("downloads.list", {})).toEqual([]));
    expect(helpers[0]?.calls.map(({ method }) => method)).toEqual(["tasks.watch"]);
  });

  it("go on with what was begun, whether the server still has it in its list or not", async () => {
    start();
    const page = openPage();
    const image = (await listImages(page)).images[0]?.id;
    const [path, rootfs] = [...server.files].find(([name]) => name.endsWith("/rootfs.tar.xz")) ?? [];
    server.files.set(path ?? "", Buffer.from("damaged"));
    expect(await problemOf(page.call("downloads.start", { image }))).toMatchObject({ reason: "wrong-checksum" });
    server.files.set(path ?? "", rootfs ?? Buffer.alloc(0));
    await page.call("settings.set", { imageServers: [] });
    expect(await page.call("catalog.list", { refresh: true, everyArchitecture: true })).toMatchObject({ images: [] });
    expect(await page.call("downloads.start", { image })).toMatchObject({ state: "downloaded" });
  });

  it("are asked for in the words of the contract only", async () => {
    start();
    const page = openPage();
    for (const image of ["../../etc", "", "0".repeat(31), 1]) {
      for (const method of ["downloads.start", "downloads.delete"]) {
        expect(await problemOf(page.call(method, { image })), `${method} ${image}`).toMatchObject({ code: "invalid-request" });
      }
    }
    expect(await problemOf(page.call("downloads.start", { image: "0".repeat(32) }))).toMatchObject({ code: "not-found" });
    expect(await problemOf(page.call("tasks.cancel", { task: "../1" }))).toMatchObject({ code: "invalid-request" });
    for (const imageServers of [["http://example.org"], ["file:///"], "https://example.org"]) {
      expect(await problemOf(page.call("settings.set", { imageServers })), String(imageServers)).toMatchObject({ code: "invalid-request" });
    }
    for (const imageKeyring of ["relative.gpg", "/not/there.gpg", folder]) {
      expect(await problemOf(page.call("settings.set", { imageKeyring })), imageKeyring).toMatchObject({ code: "invalid-request" });
    }
  });
});

describe("a page", () => {
  it("gets the helper's events and a terminal's bytes, and nothing of its own notifications gets through but what it has parsed", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    await page.call("containers.watch", {});
    await page.call("terminal.open", { name: "web", columns: 80, rows: 24 });
    helpers[0]?.peer.notify("containers.changed", { revision: 1, changed: [], removed: [] });
    helpers[0]?.peer.sendData(7, Buffer.from("out"));
    await vi.waitFor(() => expect(page.events.at(-1)?.method).toBe("containers.changed"));
    await vi.waitFor(() => expect(page.data).toEqual(["7:out"]));
    page.sendData(7, Buffer.from("in"));
    page.notify("heartbeat", {});
    page.notify("reset", {});
    page.notify("terminal.ack", { channel: 7, bytes: "many" });
    page.notify("terminal.ack", { channel: 7, bytes: 3 });
    await vi.waitFor(() => expect(helpers[0]?.data).toEqual([[7, "in"]]));
    await vi.waitFor(() => expect(helpers[0]?.notifications).toEqual([{ method: "terminal.ack", params: { channel: 7, bytes: 3 } }]));
  });

  it("gives way to a newer one, and the helper forgets what it watched", async () => {
    start();
    const first = openPage();
    (await helper()).hello();
    await sessionSoon(first, "ready 1");
    const second = openPage();
    await vi.waitFor(() => expect(first.closed).toEqual([takenOver]));
    await sessionSoon(second, "ready 1");
    await vi.waitFor(() => expect(helpers[0]?.notifications.map(({ method }) => method)).toEqual(["reset"]));
  });

  it("shows the terminals of the one before, which end where none comes for long", async () => {
    start({ abandonAfterMilliseconds: 200 });
    const first = openPage();
    (await helper()).hello();
    await sessionSoon(first, "ready 1");
    const opened = first.call("terminal.open", { name: "web", columns: 80, rows: 24 });
    // Before the answer, as it may come.
    helpers[0]?.peer.sendData(7, Buffer.from("one "));
    await opened;
    first.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.map(({ method }) => method)).toContain("reset"));
    helpers[0]?.peer.sendData(7, Buffer.from("two "));
    const second = openPage();
    await sessionSoon(second, "ready 1");
    expect(await second.call("terminals.list", {})).toMatchObject([{ channel: 7, name: "web", title: "root", kind: { type: "shell" } }]);
    expect(await second.call("terminals.attach", { channel: 7 })).toMatchObject({ offset: 0, missingBytes: 0 });
    helpers[0]?.peer.sendData(7, Buffer.from("three"));
    await vi.waitFor(() => expect(second.data.map((text) => text.replace("7:", "")).join("")).toBe("one two three"));
    second.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.at(-1)?.method).toBe("abandon"));
    const third = openPage();
    expect(await third.call("terminals.list", {})).toEqual([]);
    expect(await problemOf(third.call("terminals.attach", { channel: 7 }))).toEqual({ code: "not-found", what: "terminal" });
  });

  it("that is gone before its terminal has opened leaves none behind", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    page.call("terminal.open", { name: "web", columns: 80, rows: 24 }).catch(() => {});
    await vi.waitFor(() => expect(page.events.length).toBeGreaterThan(0));
    page.close();
    const next = openPage();
    await vi.waitFor(() => expect(helpers[0]?.calls).toContainEqual({ method: "terminal.close", params: { channel: 7 } }));
    expect(await next.call("terminals.list", {})).toEqual([]);
  });

  it("hears that a terminal is lost with its helper, and gets its text still", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    await page.call("terminal.open", { name: "web", columns: 80, rows: 24 });
    helpers[0]?.die();
    await vi.waitFor(() => expect(page.events).toContainEqual({ method: "terminal.exited", params: { channel: 7, lost: true } }));
    expect(await page.call("terminals.list", {})).toMatchObject([{ channel: 7, ended: { lost: true } }]);
    await page.call("terminal.close", { channel: 7 });
    expect(await page.call("terminals.list", {})).toEqual([]);
  });

  it("that goes away leaves nothing watched", async () => {
    start();
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    page.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.map(({ method }) => method)).toEqual(["reset"]));
  });
});

describe("a window of a terminal", () => {
  const begin = async () => {
    start({ abandonAfterMilliseconds: 200 });
    const page = openPage();
    (await helper()).hello();
    await sessionSoon(page, "ready 1");
    await page.call("terminal.open", { name: "web", columns: 80, rows: 24 });
    helpers[0]?.peer.sendData(7, Buffer.from("one "));
    await vi.waitFor(() => expect(page.data).toEqual(["7:one "]));
    const window = openPage("terminal-window");
    await sessionSoon(window, "ready 1");
    return { page, window };
  };
  const said = (method: string) => (helpers[0]?.calls ?? []).filter((call) => call.method === method).length;
  const hears = (page: Page, method: string) => page.events.filter((event) => event.method === method).length;

  it("takes a terminal from the app's page, which stays, and gives it back when it is closed", async () => {
    const { page, window } = await begin();
    expect(page.closed).toEqual([]);
    expect(await window.call("terminals.list", {})).toMatchObject([{ channel: 7, shownBy: "another-page" }]);
    await window.call("terminals.attach", { channel: 7 });
    await vi.waitFor(() => expect(page.events).toContainEqual({ method: "terminals.taken", params: { channel: 7 } }));
    helpers[0]?.peer.sendData(7, Buffer.from("two"));
    await vi.waitFor(() => expect(window.data.join("").replaceAll("7:", "")).toBe("one two"));
    expect(page.data).toEqual(["7:one "]);
    window.sendData(7, Buffer.from("typed"));
    await vi.waitFor(() => expect(helpers[0]?.data).toEqual([[7, "typed"]]));
    // Its size is the window's.
    await page.call("terminal.resize", { channel: 7, columns: 20, rows: 10 });
    expect(said("terminal.resize")).toBe(0);
    await window.call("terminal.resize", { channel: 7, columns: 90, rows: 30 });
    expect(said("terminal.resize")).toBe(1);
    const before = hears(page, "terminals.changed");
    window.close();
    await vi.waitFor(() => expect(hears(page, "terminals.changed")).toBe(before + 1));
    expect(await page.call("terminals.list", {})).toMatchObject([{ channel: 7, shownBy: "none" }]);
    expect(await page.call("terminals.attach", { channel: 7 })).toMatchObject({ offset: 0 });
  });

  it("keeps terminals from ending while it is the only page, and they end after it", async () => {
    const { page, window } = await begin();
    page.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.map(({ method }) => method)).toContain("reset"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(helpers[0]?.notifications.map(({ method }) => method)).not.toContain("abandon");
    expect(await window.call("terminals.list", {})).toHaveLength(1);
    window.close();
    await vi.waitFor(() => expect(helpers[0]?.notifications.at(-1)?.method).toBe("abandon"));
  });

  it("has containers of its own accord, also after the app's page has gone and another one has come", async () => {
    const { page, window } = await begin();
    expect(await window.call("containers.watch", {})).toEqual({ revision: 0, containers: [] });
    helpers[0]?.peer.notify("containers.changed", { revision: 1, changed: [], removed: [] });
    await vi.waitFor(() => expect(hears(window, "containers.changed")).toBe(1));
    expect(hears(page, "containers.changed")).toBe(0);
    const next = openPage();
    await sessionSoon(next, "ready 1");
    expect(window.closed).toEqual([]);
    // A revision that follows on none: it asks again, which makes the helper watch again.
    await vi.waitFor(() => expect(hears(window, "containers.changed")).toBe(2));
    expect(window.events.at(-1)).toMatchObject({ params: { revision: expect.toSatisfy((revision: number) => revision > 2) } });
    await next.call("containers.unwatch", {});
    expect(said("containers.unwatch")).toBe(0);
  });

  it("has nothing of the rest of the app", async () => {
    const { window } = await begin();
    for (const method of [
      "containers.destroy",
      "containers.create",
      "session.lock",
      "tasks.watch",
      "metrics.watch",
      "oci.openFile",
      "profiles.list",
    ]) {
      expect(await problemOf(window.call(method, {})), method).toMatchObject({ code: "invalid-request" });
    }
    expect(helpers[0]?.calls.map(({ method }) => method)).toEqual(["terminal.open"]);
  });

  it("hears what another page changes of the settings, and of the terminals", async () => {
    const { page, window } = await begin();
    await page.call("settings.set", { terminal: { fontSize: 20 } });
    await vi.waitFor(() =>
      expect(window.events.at(-1)).toMatchObject({ method: "settings.changed", params: { terminal: { fontSize: 20 } } }),
    );
    expect(hears(page, "settings.changed")).toBe(0);
    await page.call("terminal.close", { channel: 7 });
    await vi.waitFor(() => expect(hears(window, "terminals.changed")).toBe(1));
  });

  it("leaves no upload behind that it had begun", async () => {
    const { window } = await begin();
    await window.call("terminal.upload", { channel: 7, file: "a", bytes: 10, overwrite: false });
    window.close();
    await vi.waitFor(() => expect(said("terminal.finishUpload")).toBe(1));
    await vi.waitFor(() => expect(helpers[0]?.cancelled).toEqual(["terminal.finishUpload"]));
  });

  it("is refused where there are very many", async () => {
    await begin();
    const more = Array.from({ length: 32 }, () => openPage("terminal-window"));
    await vi.waitFor(() => expect(more.at(-1)?.closed).toHaveLength(1));
    expect(more.at(-2)?.closed).toEqual([]);
  });
});
