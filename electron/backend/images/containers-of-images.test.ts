import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { hostMethods, methods, type ParamsOf } from "../../../privileged-helper/contract/methods.ts";
import type { OfferedImage, ReadyImage } from "../../../privileged-helper/contract/model.ts";
import type { ContainerName } from "../../../privileged-helper/contract/names.ts";
import { ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createPeer } from "../../../privileged-helper/wire/peer.ts";
import { createPortPair } from "../../../privileged-helper/wire/port.ts";
import { createHostTasks, type HostTasks } from "../host-tasks.ts";
import type { OciImages } from "../oci/oci-images.ts";
import { createUploads, type Uploads } from "../uploads.ts";
import { type ContainersOfImages, createContainersOfImages } from "./containers-of-images.ts";
import type { Downloads } from "./downloads.ts";
import { sha256 } from "./testing/image-server.ts";

const id = "0123456789abcdef".repeat(2);
const storeId = (number: number) => number.toString(16).padStart(32, "0");
const image: OfferedImage = {
  id,
  server: "http://127.0.0.1",
  path: "/x",
  distribution: "alpine",
  release: "3",
  architecture: "amd64",
  variant: "default",
  build: "1",
};
const meta = Buffer.from("meta");
const rootfs = Buffer.alloc(3_000_000, "rootfs");
const application: Application = {
  argv: ["run"],
  environment: ["A=SECRET"],
  workingDirectory: "/",
  user: "",
  ports: [],
  volumes: [],
  stopSignal: "SIGTERM",
};
const container = { unprivileged: true, start: false, address: "dhcp", autostart: false } as const;

let folder: string;
let calls: [method: string, params: Record<string, unknown>][];
let received: Map<number, Buffer[]>;
let ready: ReadyImage[];
/** Names that there are containers of already. */
let taken: Set<string>;
let tasks: HostTasks;
let uploads: Uploads;
let made: ContainersOfImages;
let createMade: (oci: OciImages) => ContainersOfImages;
/** Whether what is sent is written at once. */
let writes: boolean;

/** The other side is a helper in what it says, and parses as one: the real one needs root, and cannot be told to be slow. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-made-"));
  calls = [];
  received = new Map();
  ready = [];
  taken = new Set();
  writes = true;
  let channels = 0;
  const [near, far] = createPortPair();
  const answers: Record<string, (params: never) => unknown> = {
    "uploads.open": () => ({ channel: ++channels }),
    "images.list": () => ready,
    "containers.create": ({ name }: ParamsOf<"containers.create">) => {
      if (taken.has(name)) throw new ProblemError({ code: "already-exists", name });
      return {};
    },
    "images.import": ({ title, image: of, unprivileged, sha256: hashes }: ParamsOf<"images.import">) => {
      const one = storeId(ready.length + 1);
      ready.push({
        id: one,
        title,
        origin: "server",
        unprivileged,
        bytes: 1,
        createdAt: 0,
        containers: [],
        image: of,
        sha256: hashes.rootfs,
      });
      return { image: one };
    },
  };
  const helper = createPeer(far, {
    async onCall(method, params) {
      methods[method as keyof typeof methods].params.parse(params);
      calls.push([method, params as Record<string, unknown>]);
      return answers[method]?.(params as never) ?? {};
    },
    onNotification: () => {},
    onData(channel, payload) {
      const pieces = received.get(channel) ?? [];
      pieces.push(Buffer.from(payload));
      received.set(channel, pieces);
      if (writes) helper.notify("uploads.written", { channel, bytes: Buffer.concat(pieces).length });
    },
    onClose: () => {},
  });
  uploads = createUploads();
  const peer = createPeer(near, {
    onCall: async () => ({}),
    onNotification: (_, params) => {
      const { channel, bytes } = params as { channel: number; bytes: number };
      uploads.onWritten(channel, bytes);
    },
    onData: () => {},
    onClose: () => {},
  });
  for (const [name, bytes] of Object.entries({ "meta.tar.xz": meta, "rootfs.tar.xz": rootfs })) writeFileSync(join(folder, name), bytes);
  const fileOf = (name: "meta.tar.xz" | "rootfs.tar.xz", bytes: Buffer) => ({
    name,
    path: join(folder, name),
    bytes: bytes.length,
    sha256: sha256(bytes),
  });
  const downloads = {
    list: async () => [],
    start: async () => ({}),
    files: async () => ({ image, files: [fileOf("meta.tar.xz", meta), fileOf("rootfs.tar.xz", rootfs)], signature: { state: "none" } }),
  } as unknown as Downloads;
  tasks = createHostTasks();
  createMade = (oci) =>
    createContainersOfImages({
      images: { downloads, find: async () => image, oci },
      tasks,
      uploads,
      withHelper: (work) => work(peer),
      isPassing: (path) => path.startsWith("/passing/"),
    });
  made = createMade({} as OciImages);
});
afterEach(() => rmSync(folder, { recursive: true }));

const named = (method: string) => calls.filter(([one]) => one === method).map(([, params]) => params);
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const ofServer = (name: string, unprivileged = true) =>
  made.ofServer({ ...container, image: id, name, unprivileged } as unknown as Parameters<ContainersOfImages["ofServer"]>[0]);

describe("a container of a server's image", () => {
  it("is made of its files, handed over whole and with the hashes that were compared", async () => {
    await ofServer("web");
    expect(named("images.import")).toMatchObject([
      { title: "Alpine 3", origin: "server", image: id, sha256: { rootfs: sha256(rootfs), meta: sha256(meta) } },
    ]);
    const [{ rootfs: channel }] = named("images.import") as [{ rootfs: number }];
    expect(Buffer.concat(received.get(channel) ?? []).equals(rootfs)).toBe(true);
    expect(named("containers.create")).toMatchObject([{ name: "web", source: { type: "image", image: storeId(1) } }]);
    const request = { method: "catalog.create", params: { name: "web", image: id } };
    expect(tasks.list()).toMatchObject([{ kind: "load", target: "Alpine 3", state: "succeeded", request }]);
    expect(named("images.import")).toMatchObject([{ request }]);
    await expect.poll(() => named("uploads.close")).toHaveLength(2);
  });
  it("shares what is ready with those before and beside it, if they are as private", async () => {
    await Promise.all([ofServer("web"), ofServer("mail")]);
    await ofServer("later");
    expect(named("images.import")).toHaveLength(1);
    await ofServer("privileged", false);
    expect(named("images.import")).toHaveLength(2);
    expect(named("containers.create").map(({ source }) => (source as { image: string }).image)).toEqual([1, 1, 1, 2].map(storeId));
  });
  it("is not made where its files are not handed over, and the helper forgets what has come", async () => {
    writes = false;
    const creating = problemOf(ofServer("web"));
    await expect.poll(() => tasks.list().length).toBe(1);
    await expect.poll(() => received.size).toBe(1);
    tasks.cancel(tasks.list()[0]?.id ?? "");
    expect(await creating).toEqual({ code: "cancelled" });
    await expect.poll(() => named("uploads.close")).toHaveLength(1);
    expect(named("containers.create")).toEqual([]);
  });
});

describe("a container of an image of OCI", () => {
  /** What would get the image has it at once. */
  const fetch: OciImages["fetch"] = async (_, __, ___, make) => {
    const oci = { title: "app", manifest: "ab".repeat(32), bytes: 1, layers: 1, architecture: "amd64", application };
    return make(oci, { path: join(folder, "rootfs.tar.xz"), bytes: rootfs.length, sha256: sha256(rootfs) });
  };
  const ofOci = (reference: string, more: object = {}) => {
    const params = hostMethods["oci.create"].params.parse({ ...container, name: "web", reference, ...more });
    return createMade({ fetch } as OciImages).ofOci(params);
  };
  it.each([
    [
      "as it was",
      "alpine",
      {},
      { request: { method: "oci.create", params: { name: "web", reference: "docker://docker.io/library/alpine:latest" } } },
    ],
    [
      "with what is kept of it, where something was changed that may be a password",
      "alpine",
      { application },
      { form: { names: ["web"], choices: { source: { type: "oci" } }, lacks: { what: "application" } } },
    ],
    [
      "with the file chosen again, where there was a copy of it",
      "docker-archive:/passing/1/my.tar:x:1",
      { application },
      { form: { names: ["web"], choices: { source: { type: "oci-file" } }, lacks: { what: "file", name: "my.tar" } } },
    ],
    [
      "as it was, where a file has a path",
      "oci-archive:/home/me/my.tar",
      {},
      { request: { params: { reference: "oci-archive:/home/me/my.tar" } } },
    ],
  ])("is asked for again %s", async (_, reference, more, again) => {
    await ofOci(reference, more);
    expect(tasks.list()).toMatchObject([
      { kind: "download", ...again },
      { kind: "load", ...again },
    ]);
    expect(named("images.import")).toMatchObject([again]);
    expect(JSON.stringify([tasks.list(), named("images.import").map(({ request, form }) => [request, form])])).not.toContain("SECRET");
  });
});

describe("a container of an archive", () => {
  const open = () => made.openArchive({ title: "mine", bytes: rootfs.length });
  const never = new AbortController().signal;
  const ofArchive = (channel: number, signal: AbortSignal, names = ["web"]) =>
    made.ofArchive({ ...container, channel, names: names as ContainerName[] }, signal);
  it("is made of the bytes that a page sends, with their hash", async () => {
    const { channel } = await open();
    const creating = ofArchive(channel, never);
    for (let at = 0; at < rootfs.length; at += 1_000_000) uploads.receive(channel, rootfs.subarray(at, at + 1_000_000));
    expect(await creating).toEqual({ image: storeId(1), failed: [] });
    expect(named("images.import")).toMatchObject([
      { title: "mine", origin: "archive", rootfs: channel, sha256: { rootfs: sha256(rootfs) } },
    ]);
    expect(named("containers.create")).toMatchObject([{ name: "web", source: { image: storeId(1) } }]);
    // The file is not kept, so it is chosen again where it is asked for again.
    const form = { names: ["web"], choices: { start: false, source: { type: "archive" } }, lacks: { what: "file", name: "mine" } };
    expect(tasks.list()).toMatchObject([{ kind: "load", form }]);
    expect(named("images.import")).toMatchObject([{ form }]);
  });
  it("is one of several that share what was sent, and that one of them fails is told of it alone", async () => {
    taken.add("web-2");
    const { channel } = await open();
    const creating = ofArchive(channel, never, ["web-1", "web-2", "web-3"]);
    for (let at = 0; at < rootfs.length; at += 1_000_000) uploads.receive(channel, rootfs.subarray(at, at + 1_000_000));
    expect(await creating).toEqual({
      image: storeId(1),
      failed: [{ name: "web-2", problem: { code: "already-exists", name: "web-2" } }],
    });
    expect(named("images.import")).toHaveLength(1);
    expect(named("containers.create")).toMatchObject(["web-1", "web-2", "web-3"].map((name) => ({ name, source: { image: storeId(1) } })));
    await expect.poll(() => named("uploads.close")).toEqual([{ channel }]);
  });
  it.each([
    ["the page gives up", (controller: AbortController) => controller.abort()],
    ["the page goes", () => made.forgetPage()],
    ["the task is cancelled", () => tasks.cancel(tasks.list()[0]?.id ?? "")],
  ])("is not made where %s", async (_, end) => {
    const controller = new AbortController();
    const { channel } = await open();
    const creating = problemOf(ofArchive(channel, controller.signal));
    uploads.receive(channel, rootfs.subarray(0, 10));
    end(controller);
    expect(await creating).toEqual({ code: "cancelled" });
    await expect.poll(() => named("uploads.close")).toEqual([{ channel }]);
    expect(tasks.list()).toMatchObject([{ state: "cancelled" }]);
    expect(named("images.import")).toEqual([]);
    expect(await problemOf(ofArchive(channel, never))).toMatchObject({ code: "not-found" });
  });
});
