import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OfferedImage, Task } from "../../../privileged-helper/contract/model.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createHostTasks, type HostTasks } from "../host-tasks.ts";
import { createDownloads, type Downloads } from "./downloads.ts";
import { parseIndex } from "./index-file.ts";
import { buildImage, offer, sha256, startImageServer, type TestImageServer } from "./testing/image-server.ts";

vi.setConfig({ testTimeout: 30_000 });
/** A busy machine is no failure. */
const soon = { timeout: 15_000 };

const image = buildImage(400_000);
let server: TestImageServer;
let folder: string;
let tasks: HostTasks;
let seen: Task[];
let downloads: Downloads;
beforeEach(async () => {
  server = await startImageServer();
  folder = join(mkdtempSync(join(tmpdir(), "lxc-desktop-images-")), "images");
  begin();
});
afterEach(async () => {
  tasks.abortAll();
  await downloads.idle();
  await server.close();
  rmSync(join(folder, ".."), { recursive: true });
});

/** As a new run of the app does. */
function begin() {
  tasks = createHostTasks();
  seen = [];
  tasks.onChanged(({ changed }) => seen.push(...changed));
  downloads = createDownloads({
    folder,
    tasks,
    keyring: () => undefined,
    architecture: "amd64",
    stallMilliseconds: 300,
    pauseMilliseconds: 1,
  });
}

function offered(part: Parameters<typeof offer>[2] = {}): OfferedImage {
  const [found] = parseIndex(server.url, offer(server, image, part).line).images;
  if (!found) throw new Error("the test's own line was not understood");
  return found;
}
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const names = () => (existsSync(folder) ? readdirSync(folder) : []);
const gets = (file: string) => server.requests.filter((line) => line.startsWith("GET") && line.includes(file));
const partialOf = ({ id }: OfferedImage, pid = process.pid) => `.${id}.${pid}`;
const rootfsPath = ({ path }: OfferedImage) => `${path}/rootfs.tar.xz`;

/** Sends only the first half of the file system, and then no more. */
function stallHalfway(of: OfferedImage) {
  const file = server.files.get(rootfsPath(of));
  server.faults.set(rootfsPath(of), (request, response, body) => {
    if (request.method === "HEAD" || request.headers.range !== undefined) return false;
    response.writeHead(200, { "content-length": body.length, etag: `"${sha256(file ?? "").slice(0, 16)}"` });
    response.write(body.subarray(0, body.length / 2));
    return true;
  });
}

describe("a download", () => {
  it("brings the image's files, checked, into a folder of the person's own", async () => {
    const busybox = offered();
    const download = await downloads.start(busybox);
    expect(download).toMatchObject({ image: busybox, state: "downloaded", signature: { state: "none" }, downloadedAt: expect.any(Number) });
    expect(download.bytes).toBeGreaterThan(image.rootfs.length + image.meta.length);
    expect(names()).toEqual([busybox.id]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const { files } = await downloads.files(busybox.id);
    expect(files).toEqual([
      { name: "meta.tar.xz", path: join(folder, busybox.id, "meta.tar.xz"), bytes: image.meta.length, sha256: sha256(image.meta) },
      { name: "rootfs.tar.xz", path: join(folder, busybox.id, "rootfs.tar.xz"), bytes: image.rootfs.length, sha256: sha256(image.rootfs) },
    ]);
    for (const { path, sha256: hash } of files) {
      expect(sha256(readFileSync(path))).toBe(hash);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(execFileSync("tar", ["-tJf", files[1]?.path ?? ""], { encoding: "utf8" })).toContain("./bin/sh");
  });

  it("is a task that says what it does, how far it is, and that nothing was signed", async () => {
    server.rate = 200_000;
    const busybox = offered({ variant: "cloud", architecture: "arm64" });
    const started = downloads.start(busybox);
    await vi.waitFor(() => expect(seen.at(-1)?.step).toMatch(/^0\.\d of 0\.4 MiB, 0\.\d MiB\/s, \d s left$/), soon);
    expect(seen.at(-1)).toMatchObject({ kind: "download", target: "BusyBox 1 cloud arm64", state: "running", cancellable: true });
    expect(seen.at(-1)?.fraction).toBeGreaterThan(0.1);
    expect(await downloads.list()).toMatchObject([{ image: busybox, state: "downloading", task: seen.at(-1)?.id }]);
    server.rate = undefined;
    await started;
    const fractions = seen.flatMap(({ fraction }) => fraction ?? []);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ state: "succeeded" });
    const { text } = tasks.log(seen.at(-1)?.id ?? "");
    expect(text).toContain("The server signs nothing: only checksums are compared.");
    expect(text).toContain(`rootfs.tar.xz has ${image.rootfs.length} bytes and the right SHA-256`);
  });

  it("of what is here already asks nobody, with or without a network", async () => {
    const busybox = offered();
    await downloads.start(busybox);
    await server.close();
    begin();
    expect(await downloads.start(busybox)).toMatchObject({ state: "downloaded" });
    expect(seen).toEqual([]);
    server = await startImageServer();
  });

  it("asked for twice is one, and two different ones run side by side", async () => {
    server.rate = 100_000;
    const [busybox, debian] = [offered(), offered({ distribution: "debian" })];
    const all = [downloads.start(busybox), downloads.start(busybox), downloads.start(debian)];
    await vi.waitFor(async () => expect((await downloads.list()).filter(({ bytes }) => bytes > 50_000)).toHaveLength(2), {
      timeout: 5_000,
    });
    server.rate = undefined;
    expect((await Promise.all(all)).map(({ image: { distribution } }) => distribution)).toEqual(["busybox", "busybox", "debian"]);
    expect(gets("busybox/1/amd64/default/20261123_13:00/rootfs.tar.xz")).toHaveLength(1);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(2);
  });

  it("waits where three run already, and can be cancelled while it waits", async () => {
    server.rate = 200_000;
    const distributions = ["a", "b", "c", "d", "e"];
    const ended = distributions.map((distribution) => problemOf(downloads.start(offered({ distribution }))));
    const waiting = () => tasks.list().filter(({ step }) => step === "Waiting for another download to end");
    await vi.waitFor(() => expect(waiting()).toHaveLength(2), soon);
    // Which these are the disk decides, which is asked first whether an image is here already.
    const [next, last] = waiting().map(({ target }) => target.charAt(0).toLowerCase()) as [string, string];
    tasks.cancel(waiting()[1]?.id ?? "");
    expect(await ended[distributions.indexOf(last)]).toEqual({ code: "cancelled" });
    expect(gets(`/${next}/`)).toEqual([]);
    server.rate = undefined;
    expect((await Promise.all(ended)).filter(Boolean)).toEqual([{ code: "cancelled" }]);
    expect(gets(`/${next}/`).length).toBeGreaterThan(0);
    expect(gets(`/${last}/`)).toEqual([]);
  });

  it("with a wrong checksum leaves nothing, and is told as failed", async () => {
    const busybox = offered();
    server.files.set(rootfsPath(busybox), Buffer.alloc(image.rootfs.length));
    expect(await problemOf(downloads.start(busybox))).toMatchObject({ code: "download-failed", reason: "wrong-checksum" });
    expect(names()).toEqual([]);
    expect(seen.at(-1)).toMatchObject({ state: "failed", problem: { reason: "wrong-checksum" } });
    expect(await downloads.list()).toMatchObject([{ state: "interrupted", bytes: 0, problem: { reason: "wrong-checksum" } }]);
    await downloads.delete(busybox.id);
    expect(await downloads.list()).toEqual([]);
  });

  it("of an image without checksums, or without one of its files, or that is gone, is refused", async () => {
    const busybox = offered();
    const sums = `${busybox.path}/SHA256SUMS`;
    server.files.set(sums, Buffer.from(`${sha256(image.meta)}  meta.tar.xz\n`));
    expect(await problemOf(downloads.start(busybox))).toMatchObject({ reason: "not-listed" });
    server.files.delete(sums);
    expect(await problemOf(downloads.start(busybox))).toMatchObject({ reason: "gone" });
    expect(names()).toEqual([]);
  });

  it("of a server that stalls is a problem, and the next attempt goes on from there, also in the next run", async () => {
    const busybox = offered();
    stallHalfway(busybox);
    expect(await problemOf(downloads.start(busybox))).toMatchObject({ code: "download-failed", reason: "stalled" });
    expect(await downloads.list()).toMatchObject([{ state: "interrupted", problem: { reason: "stalled" } }]);
    // The run before this one had another number, and has ended.
    renameSync(join(folder, partialOf(busybox)), join(folder, partialOf(busybox, endedPid())));
    begin();
    expect(await downloads.list()).toMatchObject([{ state: "interrupted", problem: undefined, bytes: expect.any(Number) }]);
    await downloads.start(busybox);
    expect(names()).toEqual([busybox.id]);
    expect(gets("rootfs").at(-1)).toBe(`GET ${rootfsPath(busybox)} bytes=${Math.floor(image.rootfs.length / 2)}-`);
    expect(gets("meta.tar.xz")).toHaveLength(1);
    expect(sha256(readFileSync(join(folder, busybox.id, "rootfs.tar.xz")))).toBe(sha256(image.rootfs));
  });

  it("that is cancelled leaves nothing", async () => {
    const busybox = offered();
    server.rate = 200_000;
    const started = problemOf(downloads.start(busybox));
    await vi.waitFor(() => expect(existsSync(join(folder, partialOf(busybox), "rootfs.tar.xz"))).toBe(true), soon);
    tasks.cancel(seen.at(-1)?.id ?? "");
    expect(await started).toEqual({ code: "cancelled" });
    expect(names()).toEqual([]);
    expect(await downloads.list()).toEqual([]);
    expect(seen.at(-1)).toMatchObject({ state: "cancelled" });
  });

  it("that is under way when the app ends is kept as far as it came", async () => {
    const busybox = offered();
    server.rate = 200_000;
    const started = problemOf(downloads.start(busybox));
    await vi.waitFor(() => expect(existsSync(join(folder, partialOf(busybox), "rootfs.tar.xz"))).toBe(true), soon);
    tasks.abortAll();
    await downloads.idle();
    expect(await started).toEqual({ code: "cancelled" });
    expect(names()).toEqual([partialOf(busybox)]);
    expect(await problemOf(downloads.start(busybox))).toEqual({ code: "cancelled" });
  });

  it("of another window that still runs is shown as that, and left alone", async () => {
    const busybox = offered();
    stallHalfway(busybox);
    await problemOf(downloads.start(busybox));
    const other = spawn("sleep", ["60"]);
    try {
      renameSync(join(folder, partialOf(busybox)), join(folder, partialOf(busybox, other.pid)));
      begin();
      expect(await downloads.list()).toMatchObject([{ state: "downloading", task: undefined }]);
      expect(await problemOf(downloads.delete(busybox.id))).toMatchObject({ code: "not-found" });
      server.faults.clear();
      await downloads.start(busybox);
      expect(names().sort()).toEqual([partialOf(busybox, other.pid), busybox.id].sort());
      expect(await downloads.list()).toMatchObject([{ state: "downloaded" }]);
    } finally {
      other.kill();
    }
  });
});

describe("deleting", () => {
  it("takes away all of an image, and says so", async () => {
    const busybox = offered();
    await downloads.start(busybox);
    const told = vi.fn();
    downloads.onChanged(told);
    await downloads.delete(busybox.id);
    expect(names()).toEqual([]);
    expect(told).toHaveBeenCalledOnce();
    expect(await problemOf(downloads.files(busybox.id))).toMatchObject({ code: "not-found" });
    expect(await problemOf(downloads.delete(busybox.id))).toMatchObject({ code: "not-found" });
  });

  it("waits until a download has ended", async () => {
    const busybox = offered();
    server.rate = 200_000;
    const started = problemOf(downloads.start(busybox));
    await vi.waitFor(() => expect(seen).not.toHaveLength(0), soon);
    expect(await problemOf(downloads.delete(busybox.id))).toEqual({ code: "busy", name: "BusyBox 1", operation: "download" });
    tasks.cancel(seen.at(-1)?.id ?? "");
    await started;
  });
});

/** The number of a process that has ended. */
function endedPid(): number {
  return Number(execFileSync("/bin/sh", ["-c", "echo $$"], { encoding: "utf8" }));
}
