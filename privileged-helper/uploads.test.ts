import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createChannels } from "./channels.ts";
import { maxUnwrittenBytes } from "./contract/events.ts";
import { toProblem } from "./contract/problems.ts";
import { ownProcess } from "./holder.ts";
import { createUploads } from "./uploads.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "lxc-desktop-uploads-")), "uploads");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

function world() {
  const told: [channel: number, bytes: number][] = [];
  const nextChannel = createChannels();
  const uploads = createUploads({ directory, nextChannel, onWritten: (channel, bytes) => told.push([channel, bytes]) });
  const writtenOf = (channel: number) => told.findLast(([one]) => one === channel)?.[1] ?? 0;
  return { uploads, told, nextChannel, writtenOf };
}
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const files = () => (existsSync(directory) ? readdirSync(directory) : []);

describe("an upload", () => {
  it("is the bytes that were sent, in whatever pieces, and their hash; it is root's alone", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { minLength: 1, maxLength: 20 }), async (pieces) => {
        const { uploads, told } = world();
        const whole = Buffer.concat(pieces);
        const channel = await uploads.open(whole.length);
        for (const piece of pieces) expect(uploads.receive(channel, piece)).toBe(true);
        const upload = await uploads.take(channel);
        expect(readFileSync(upload.path)).toEqual(whole);
        expect(upload).toMatchObject({ bytes: whole.length, sha256: sha256(whole) });
        expect(statSync(upload.path).mode & 0o777).toBe(0o600);
        expect(statSync(directory).mode & 0o777).toBe(0o700);
        expect(told).toEqual([[channel, whole.length]]);
        // It is gone from here, and the file goes when it is not needed any more.
        expect(uploads.receive(channel, Buffer.from("x"))).toBe(false);
        expect(await problemOf(uploads.take(channel))).toEqual({ code: "not-found", what: `upload ${channel}` });
        upload.remove();
        expect(files()).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it("tells what is on disk often enough to go on, and no more often", async () => {
    const { uploads, told, writtenOf } = world();
    const piece = Buffer.alloc(100_000, 7);
    const channel = await uploads.open(50 * piece.length);
    for (let sent = 0; sent < 50; sent++) {
      await vi.waitFor(() => expect((sent + 1) * piece.length - writtenOf(channel)).toBeLessThanOrEqual(maxUnwrittenBytes), {
        interval: 1,
      });
      uploads.receive(channel, piece);
    }
    await uploads.take(channel);
    const steps = told.map(([, bytes], index) => bytes - (told[index - 1]?.[1] ?? 0));
    expect(writtenOf(channel)).toBe(50 * piece.length);
    for (const step of steps.slice(0, -1)) expect(step).toBeGreaterThanOrEqual(256 * 1024);
  });

  it.each([
    ["more bytes than it was opened for", 10, [Buffer.alloc(8), Buffer.alloc(8)]],
    ["more bytes at once than may be under way", 4 * 1024 * 1024, [Buffer.alloc(maxUnwrittenBytes), Buffer.alloc(1)]],
    ["not all of its bytes", 10, [Buffer.alloc(9)]],
  ])("of %s is of no use", async (_what, bytes, pieces) => {
    const { uploads } = world();
    const channel = await uploads.open(bytes);
    for (const piece of pieces) uploads.receive(channel, piece);
    expect(await problemOf(uploads.take(channel))).toMatchObject({ code: "invalid-request" });
    await uploads.close(channel);
    expect(files()).toEqual([]);
  });

  it("is not begun where the disk cannot hold it, together with those that are under way", async () => {
    const { uploads } = world();
    const problem = await problemOf(uploads.open(2 ** 50));
    expect(problem).toMatchObject({ code: "no-space", path: directory, neededBytes: 2 ** 50 });
    const { availableBytes } = problem as { availableBytes: number };
    await uploads.open(Math.floor(availableBytes * 0.75));
    expect(await problemOf(uploads.open(Math.floor(availableBytes * 0.75)))).toMatchObject({ code: "no-space" });
    await uploads.closeAll();
  });

  it("is one of eight at most", async () => {
    const { uploads } = world();
    const channels = await Promise.all(Array.from({ length: 8 }, () => uploads.open(1)));
    expect(new Set(channels).size).toBe(8);
    expect(await problemOf(uploads.open(1))).toEqual({ code: "too-many-requests", limit: 8 });
    await uploads.close(channels[0] ?? 0);
    expect(await problemOf(uploads.open(1))).toBeUndefined();
    await uploads.closeAll();
    expect(files()).toEqual([]);
  });

  it("has a channel that nothing else has, and bytes of others are not its own", async () => {
    const { uploads, nextChannel } = world();
    const [first, second, third] = [nextChannel(), await uploads.open(4), nextChannel()];
    expect(new Set([first, second, third]).size).toBe(3);
    expect([uploads.receive(first, Buffer.from("a")), uploads.receive(third, Buffer.from("b"))]).toEqual([false, false]);
    await uploads.closeAll();
  });

  it("leaves nothing when it is closed in the middle, once or twice", async () => {
    const { uploads } = world();
    const channel = await uploads.open(500_000);
    uploads.receive(channel, Buffer.alloc(300_000));
    await Promise.all([uploads.close(channel), uploads.close(channel)]);
    await uploads.close(77);
    expect(files()).toEqual([]);
  });

  it("of a helper that was killed is removed by the next one, and no other", () => {
    const { uploads } = world();
    const { pid, startTicks } = ownProcess();
    execFileSync("mkdir", [directory]);
    for (const file of [`${pid}.${startTicks}.9000`, `${pid}.1.9000`, "4194305.5.1", "something"]) writeFileSync(join(directory, file), "");
    uploads.removeAbandoned();
    expect(files().sort()).toEqual([`${pid}.${startTicks}.9000`, "something"]);
  });
});

/** Only root can mount. */
describe.skipIf(process.getuid?.() !== 0)("an upload to a disk that fills up", () => {
  it("goes on to its end, and says then why it is of no use", async () => {
    execFileSync("mkdir", [directory]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", directory]);
    try {
      const { uploads, writtenOf } = world();
      const bytes = 900_000;
      const channel = await uploads.open(bytes);
      writeFileSync(join(directory, "somebody-else"), Buffer.alloc(600_000));
      for (let sent = 0; sent < bytes; sent += 100_000) uploads.receive(channel, Buffer.alloc(100_000));
      expect(await problemOf(uploads.take(channel))).toMatchObject({ code: "no-space", path: directory });
      expect(writtenOf(channel)).toBe(bytes);
      expect(files()).toEqual(["somebody-else"]);
    } finally {
      execFileSync("umount", [directory]);
    }
  });
});
