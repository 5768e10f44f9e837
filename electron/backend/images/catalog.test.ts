import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { ownArchitecture } from "./architecture.ts";
import { createCatalog } from "./catalog.ts";
import { buildImage, offer, startImageServer, type TestImageServer } from "./testing/image-server.ts";

const image = buildImage();
let server: TestImageServer;
let other: TestImageServer;
let folder: string;
let servers: string[];
let ends: AbortController;
beforeEach(async () => {
  server = await startImageServer();
  other = await startImageServer();
  folder = join(mkdtempSync(join(tmpdir(), "lxc-desktop-catalog-")), "servers");
  servers = [server.url, other.url];
  ends = new AbortController();
  offer(server, image);
  offer(server, image, { architecture: "riscv64" });
  offer(other, image, { distribution: "debian", release: "13" });
});
afterEach(async () => {
  vi.useRealTimers();
  ends.abort();
  await Promise.all([server.close(), other.close()]);
  rmSync(join(folder, ".."), { recursive: true });
});

const catalog = () => createCatalog({ folder, servers: () => servers, architecture: "amd64", stallMilliseconds: 200, signal: ends.signal });
const asItIs = { refresh: false, everyArchitecture: false };
const anew = { refresh: true, everyArchitecture: false };
const titles = ({ images }: { images: { distribution: string; architecture: string }[] }) =>
  images.map(({ distribution, architecture }) => `${distribution} ${architecture}`);
const indexRequests = (of: TestImageServer) => of.requests.filter((line) => line === "GET /meta/1.0/index-system").length;

describe("the catalog", () => {
  it("is what all servers offer for this computer, or for any", async () => {
    const list = await catalog().list(asItIs);
    expect(titles(list)).toEqual(["busybox amd64", "debian amd64"]);
    expect(list.architecture).toBe("amd64");
    expect(list.servers).toEqual([
      { url: server.url, fetchedAt: expect.any(Number), skippedLines: 0, problem: undefined },
      { url: other.url, fetchedAt: expect.any(Number), skippedLines: 0, problem: undefined },
    ]);
    expect(titles(await catalog().list({ ...asItIs, everyArchitecture: true }))).toEqual([
      "busybox amd64",
      "busybox riscv64",
      "debian amd64",
    ]);
  });

  it("is there without a network afterwards, also in the next run, with its age", async () => {
    await catalog().list(asItIs);
    await server.close();
    await other.close();
    const list = await catalog().list(asItIs);
    expect(titles(list)).toEqual(["busybox amd64", "debian amd64"]);
    expect(Date.now() - (list.servers[0]?.fetchedAt ?? 0)).toBeLessThan(10_000);
    expect(list.servers[0]?.problem).toBeUndefined();
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it("asks a server again on demand, and when its list is a day old", async () => {
    const first = catalog();
    await first.list(asItIs);
    await first.list(asItIs);
    expect(indexRequests(server)).toBe(1);
    offer(server, image, { distribution: "alpine" });
    expect(titles(await first.list(anew))).toContain("alpine amd64");
    expect(indexRequests(server)).toBe(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 25 * 3600_000 });
    await catalog().list(asItIs);
    expect(indexRequests(server)).toBe(3);
  });

  it("asks once however many want to know at the same time", async () => {
    const first = catalog();
    await Promise.all([first.list(anew), first.list(anew), first.list(asItIs)]);
    expect(indexRequests(server)).toBe(1);
  });

  it("says which server did not answer beside what the others did", async () => {
    other.faults.set("/meta/1.0/index-system", () => true);
    const list = await catalog().list(asItIs);
    expect(titles(list)).toEqual(["busybox amd64"]);
    expect(list.servers[1]).toMatchObject({ fetchedAt: undefined, problem: { code: "download-failed", reason: "stalled" } });
  });

  it("keeps what a server said before where it does not answer now", async () => {
    const first = catalog();
    await first.list(asItIs);
    await other.close();
    const list = await first.list(anew);
    expect(titles(list)).toEqual(["busybox amd64", "debian amd64"]);
    expect(list.servers[1]).toMatchObject({ fetchedAt: expect.any(Number), problem: { reason: "unreachable" } });
  });

  it("counts what it does not understand, and refuses what is no list at all", async () => {
    server.files.set("/meta/1.0/index-system", Buffer.from(`rubbish\n${server.files.get("/meta/1.0/index-system")}`));
    other.files.set("/meta/1.0/index-system", Buffer.from("<!doctype html>\n<title>It works!</title>\n"));
    const list = await catalog().list(asItIs);
    expect(list.servers).toMatchObject([{ skippedLines: 1 }, { problem: { reason: "not-understood" } }]);
    other.files.delete("/meta/1.0/index-system");
    expect((await catalog().list(anew)).servers[1]?.problem).toMatchObject({ reason: "refused", detail: "It has no list of images." });
  });

  it("forgets servers that were removed", async () => {
    const first = catalog();
    await first.list(asItIs);
    expect(readdirSync(folder)).toHaveLength(2);
    servers = [server.url];
    expect(titles(await first.list(asItIs))).toEqual(["busybox amd64"]);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("reads a list again that was damaged on disk", async () => {
    await catalog().list(asItIs);
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), "{}");
    expect(titles(await catalog().list(asItIs))).toEqual(["busybox amd64", "debian amd64"]);
  });
});

describe("a size", () => {
  const bytes = image.rootfs.length;

  it("is asked for without downloading anything, once, and kept", async () => {
    const first = catalog();
    const [busybox, debian] = (await first.list(asItIs)).images.map(({ id }) => id);
    if (busybox === undefined || debian === undefined) throw new Error("there are no images");
    expect(await first.measure([busybox], AbortSignal.timeout(5_000))).toEqual({ [busybox]: bytes });
    expect(server.requests.filter((line) => line.startsWith("HEAD"))).toHaveLength(1);
    expect(server.requests.filter((line) => line.includes("rootfs") && line.startsWith("GET"))).toEqual([]);
    expect(await catalog().measure([busybox], AbortSignal.timeout(5_000))).toEqual({ [busybox]: bytes });
    expect(server.requests.filter((line) => line.startsWith("HEAD"))).toHaveLength(1);
    expect((await catalog().list(anew)).images[0]?.bytes).toBe(bytes);
  });

  it("that a server does not tell is left out, and so is an image that nobody offers", async () => {
    const first = catalog();
    const { images } = await first.list(asItIs);
    const path = images[1]?.path;
    other.faults.set(`${path}/rootfs.tar.xz`, (_request, response) => Boolean(response.writeHead(405).end()));
    expect(await first.measure([images[1]?.id ?? "", "0".repeat(32)], AbortSignal.timeout(5_000))).toEqual({});
  });
});

it("an image is found by its name, and not where nobody offers it", async () => {
  const { images } = await catalog().list(asItIs);
  expect(await catalog().find(images[0]?.id ?? "")).toMatchObject({ distribution: "busybox", server: server.url });
  expect(await catalog().find("0".repeat(32)).then(undefined, toProblem)).toMatchObject({ code: "not-found" });
});

it("this computer's architecture has the name that servers use", () => {
  expect(["x64", "arm64", "arm", "ia32", "ppc64", "riscv64", "s390x"].map(ownArchitecture)).toEqual([
    "amd64",
    "arm64",
    "armhf",
    "i386",
    "ppc64el",
    "riscv64",
    "s390x",
  ]);
});
