import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { downloadFile, type FileDownload } from "./file-download.ts";
import { entityTag, sha256, startImageServer, type TestImageServer } from "./testing/image-server.ts";

vi.setConfig({ testTimeout: 30_000 });

const path = "/rootfs.tar.xz";
const body = Buffer.alloc(200_000, "The files of a whole system. ");

let server: TestImageServer;
let folder: string;
let target: string;
let progress: [bytes: number, total: number | undefined][];
let notes: string;
beforeEach(async () => {
  server = await startImageServer();
  server.files.set(path, body);
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-download-"));
  target = join(folder, "rootfs.tar.xz");
  progress = [];
  notes = "";
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function download(part: Partial<FileDownload> = {}): Promise<number> {
  return downloadFile({
    url: new URL(`${server.url}${path}`),
    path: target,
    sha256: sha256(body),
    maxBytes: 1_000_000,
    signal: new AbortController().signal,
    stallMilliseconds: 5_000,
    pauseMilliseconds: 1,
    onProgress: (bytes, total) => progress.push([bytes, total]),
    onNote: (text) => {
      notes += text;
    },
    ...part,
  });
}
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const gets = () => server.requests.filter((line) => line.startsWith("GET"));

/** Sends the head of an answer and some of its body, and then nothing more or the end of the connection. */
function breakAfter(bytes: number, { times = 1, stalls = false, withTag = true } = {}) {
  let count = 0;
  server.faults.set(path, (request, response, whole) => {
    if (++count > times) return false;
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": whole.length - start,
      ...(start > 0 && { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` }),
      ...(withTag && { etag: entityTag(whole) }),
    });
    response.write(whole.subarray(start, start + bytes), () => {
      if (!stalls) setTimeout(() => response.destroy(), 20);
    });
    return true;
  });
}

describe("a file", () => {
  it("is written as it is, and only what is right stays", async () => {
    expect(await download()).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect(readdirSync(folder)).toEqual(["rootfs.tar.xz"]);
    expect(progress[0]).toEqual([0, body.length]);
    expect(progress.at(-1)).toEqual([body.length, body.length]);
  });

  it("that is here already is not asked for again", async () => {
    writeFileSync(target, body);
    expect(await download()).toBe(body.length);
    expect(server.requests).toEqual([]);
  });

  it("whose length is not announced is read to its end", async () => {
    server.faults.set(path, (_request, response, whole) => Boolean(response.writeHead(200).end(whole)));
    expect(await download()).toBe(body.length);
    expect(progress.at(-1)).toEqual([body.length, undefined]);
  });

  it("with another checksum is deleted", async () => {
    server.files.set(path, Buffer.concat([body.subarray(1), Buffer.from("x")]));
    expect(await problemOf(download())).toMatchObject({ code: "download-failed", reason: "wrong-checksum" });
    expect(readdirSync(folder)).toEqual([]);
    expect(gets()).toHaveLength(1);
  });

  it("of which a server sends only a part, again and again, is not taken for whole", async () => {
    breakAfter(50_000, { times: 99, withTag: false });
    expect(await problemOf(download())).toMatchObject({ reason: "broken-off" });
    expect(gets()).toHaveLength(4);
  });

  it("in place of which a server sends a page of its own is refused", async () => {
    server.files.set(path, Buffer.from("<!doctype html><title>Please log in</title>"));
    expect(await problemOf(download())).toMatchObject({ reason: "wrong-checksum" });
    server.files.delete(path);
    expect(await problemOf(download())).toMatchObject({ reason: "gone", detail: expect.stringContaining("404") });
  });

  it("longer than it may be is refused before it is read, or as soon as it is longer", async () => {
    expect(await problemOf(download({ maxBytes: 100_000 }))).toMatchObject({ reason: "too-large", detail: "It announces 200000 bytes." });
    let sent = 0;
    server.faults.set(path, (_request, response) => {
      const pour = () => {
        sent += 65_536;
        if (!response.destroyed) response.write(Buffer.alloc(65_536), pour);
      };
      response.writeHead(200);
      pour();
      return true;
    });
    expect(await problemOf(download({ maxBytes: 1_000_000 }))).toMatchObject({ reason: "too-large" });
    expect(sent).toBeLessThan(20_000_000);
  });

  it("is not longer on disk than it was announced", async () => {
    server.faults.set(path, (_request, response, whole) => {
      // Node's own server would not: these are the bytes of an answer that goes on.
      response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: ${whole.length}\r\nconnection: close\r\n\r\n${whole}and more`);
      return true;
    });
    expect(await download()).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
  });

  it("of a server that stalls in the middle is a problem, and what came is kept for the next time", async () => {
    breakAfter(80_000, { stalls: true });
    expect(await problemOf(download({ stallMilliseconds: 100 }))).toMatchObject({ reason: "stalled" });
    expect(readFileSync(target).equals(body.subarray(0, 80_000))).toBe(true);
    expect(await download()).toBe(body.length);
    expect(gets()).toEqual([`GET ${path}`, `GET ${path} bytes=80000-`]);
    expect(readFileSync(target).equals(body)).toBe(true);
  });

  it("is cancelled at once", async () => {
    breakAfter(80_000, { stalls: true });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    expect(await problemOf(download({ signal: controller.signal }))).toEqual({ code: "cancelled" });
  });

  it("is cancelled while it waits to go on after a break", async () => {
    breakAfter(10, { times: 99 });
    const controller = new AbortController();
    const problem = problemOf(download({ signal: controller.signal, pauseMilliseconds: 60_000 }));
    setTimeout(() => controller.abort(), 200);
    expect(await problem).toEqual({ code: "cancelled" });
  });
});

describe("after a break", () => {
  it("it goes on from there, and what was asked for is only the rest", async () => {
    breakAfter(80_000);
    expect(await download()).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect(gets()).toEqual([`GET ${path}`, `GET ${path} bytes=80000-`]);
    expect(notes).toContain("Going on after 80000 bytes.");
  });

  it("that came before anything of the answer was written it goes on all the same", async () => {
    breakAfter(20_000, { times: 2 });
    let isFirst = true;
    const onNote = (text: string) => {
      if (!text.startsWith("Going on") || !isFirst) return;
      isFirst = false;
      // Nothing is read meanwhile, and the end of the connection is all that comes then.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    };
    expect(await download({ onNote, stallMilliseconds: 60_000 })).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
  });

  it("many breaks are no failure as long as each time a little more comes", async () => {
    breakAfter(20_000, { times: 9 });
    expect(await download()).toBe(body.length);
    expect(gets()).toHaveLength(10);
  });

  it("it begins anew where the file has changed meanwhile", async () => {
    const newer = Buffer.alloc(150_000, "A newer system. ");
    breakAfter(80_000, { stalls: true });
    await problemOf(download({ stallMilliseconds: 50 }));
    server.files.set(path, newer);
    expect(await download({ sha256: sha256(newer) })).toBe(newer.length);
    expect(readFileSync(target).equals(newer)).toBe(true);
    expect(gets()).toEqual([`GET ${path}`, `GET ${path} bytes=80000-`]);
    expect(notes).toContain("The server begins anew.");
  });

  it("it begins anew where the file is shorter than what is here", async () => {
    const shorter = Buffer.alloc(50_000, "A small system. ");
    breakAfter(80_000, { stalls: true });
    await problemOf(download({ stallMilliseconds: 50 }));
    server.faults.set(path, (request, response) => {
      if (request.headers.range === undefined) return false;
      response.writeHead(416).end();
      return true;
    });
    server.files.set(path, shorter);
    expect(await download({ sha256: sha256(shorter) })).toBe(shorter.length);
    expect(readFileSync(target).equals(shorter)).toBe(true);
  });

  it("it begins anew where the server cannot send parts", async () => {
    breakAfter(80_000, { stalls: true });
    await problemOf(download({ stallMilliseconds: 50 }));
    server.faults.set(path, (_request, response, whole) => {
      response.writeHead(200, { "content-length": whole.length }).end(whole);
      return true;
    });
    expect(await download()).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
  });

  it("it begins anew where nothing tells whether the file is still the same", async () => {
    breakAfter(80_000, { withTag: false });
    expect(await download()).toBe(body.length);
    expect(gets()).toEqual([`GET ${path}`, `GET ${path}`]);
    expect(readFileSync(target).equals(body)).toBe(true);
  });

  it("it begins anew where the parts turn out not to be of one file", async () => {
    const tag = entityTag(body);
    writeFileSync(target, Buffer.alloc(80_000, "Something else."));
    writeFileSync(`${target}.validator`, tag);
    expect(await download()).toBe(body.length);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect(gets()).toEqual([`GET ${path} bytes=80000-`, `GET ${path}`]);
  });

  it.each([
    ["another part", "bytes 10-199999/200000", 120_000],
    ["a part that is not the rest", "bytes 80000-99999/200000", 20_000],
    ["a part of another length than it says", "bytes 80000-199999/200000", 150_000],
    ["no word on which part it is", "nonsense", 120_000],
  ])("a server that sends %s is not believed", async (_what, range, length) => {
    breakAfter(80_000, { stalls: true });
    await problemOf(download({ stallMilliseconds: 50 }));
    server.faults.set(path, (_request, response) => {
      response.writeHead(206, { "content-range": range, "content-length": length });
      response.write(Buffer.alloc(Math.min(length, 1000)));
      return true;
    });
    expect(await problemOf(download())).toMatchObject({ reason: "not-understood" });
    expect(readFileSync(target).equals(body.subarray(0, 80_000))).toBe(true);
  });

  it("a rest that is longer than announced is not written", async () => {
    breakAfter(80_000, { stalls: true });
    await problemOf(download({ stallMilliseconds: 50 }));
    server.faults.set(path, (_request, response) => {
      response.writeHead(206, { "content-range": "bytes 80000-199999/200000" });
      response.write(Buffer.alloc(200_000));
      return true;
    });
    expect(await problemOf(download())).toMatchObject({ reason: "too-large" });
  });
});

describe("on a full disk", () => {
  const big = Buffer.alloc(2 * 1024 * 1024, 7);
  const sendWithoutLength = () => server.faults.set(path, (_request, response) => Boolean(response.writeHead(200).end(big)));

  it("the kernel's word is told as that", async () => {
    // Whatever is written to it finds no room.
    symlinkSync("/dev/full", target);
    sendWithoutLength();
    expect(await problemOf(download({ sha256: sha256(big), maxBytes: 10_000_000 }))).toMatchObject({ code: "no-space", path: folder });
  });

  describe("of its own", () => {
    const smallBytes = 1024 * 1024;
    let small: string;
    let unmount = () => {};
    beforeEach(({ skip }) => {
      skip(process.getuid?.() !== 0, "only root can mount a file system of its own");
      small = join(folder, "small");
      mkdirSync(small);
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${smallBytes}`, "lxc-desktop-test", small]);
      unmount = () => void execFileSync("umount", [small]);
    });
    // Before its folder is removed.
    afterEach(() => {
      unmount();
      unmount = () => {};
    });
    const downloadThere = () => problemOf(download({ path: join(small, "rootfs.tar.xz"), sha256: sha256(big), maxBytes: 10_000_000 }));

    it("nothing is begun that will not find room", async () => {
      server.files.set(path, big);
      expect(await downloadThere()).toEqual({ code: "no-space", path: small, availableBytes: smallBytes, neededBytes: big.length });
      expect(existsSync(join(small, "rootfs.tar.xz"))).toBe(false);
    });

    it("what fills it in the middle is told as that", async () => {
      sendWithoutLength();
      expect(await downloadThere()).toMatchObject({ code: "no-space", path: small });
    });
  });
});
