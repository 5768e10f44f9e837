import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { type Problem, ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { isDiskFull, noSpace, requireSpace } from "../free-space.ts";
import { bodyProblem, createStallTimer, downloadFailed, refused, request } from "./request.ts";

export type FileDownload = {
  url: URL;
  /** Where it is written. What an earlier attempt left there is gone on with. */
  path: string;
  sha256: string;
  maxBytes: number;
  signal: AbortSignal;
  stallMilliseconds: number;
  /** How long to wait before going on after a break; longer each time. */
  pauseMilliseconds: number;
  /** `total` is absent where the server does not announce it. */
  onProgress(bytes: number, total: number | undefined): void;
  /** A sentence for the log. */
  onNote(text: string): void;
};

/** So many breaks without a byte of progress in between are a failure. */
const maxBreaks = 3;

/**
 * Downloads a file, hashing it while it is written, and goes on where a connection broke off.
 * @returns Its length.
 * @throws ProblemError `download-failed`, `no-space`, `cancelled`. After a wrong checksum nothing is left of the file.
 */
export async function downloadFile(file: FileDownload): Promise<number> {
  let breaks = 0;
  let most = 0;
  for (;;) {
    try {
      return await attempt(file);
    } catch (error) {
      const problem = error instanceof ProblemError ? error.problem : undefined;
      if (!isBreak(problem, breaks)) throw error;
      const length = await lengthOf(file.path);
      breaks = length > most ? 1 : breaks + 1;
      most = Math.max(most, length);
      if (breaks > maxBreaks) throw error;
      file.onNote(`The connection broke off after ${length} bytes; trying again.\n`);
      await pause(file.pauseMilliseconds * breaks, undefined, { signal: file.signal }).catch(() => {
        throw new ProblemError({ code: "cancelled" });
      });
    }
  }
}

function isBreak(problem: Problem | undefined, breaks: number): boolean {
  if (problem?.code !== "download-failed") return false;
  return problem.reason === "broken-off" || (problem.reason === "unreachable" && breaks > 0);
}

async function attempt(file: FileDownload, resume = true): Promise<number> {
  const { path } = file;
  try {
    const bytes = resume ? await lengthOf(path) : 0;
    const hash = createHash("sha256");
    if (bytes > 0) for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece);
    if (hash.copy().digest("hex") === file.sha256) return bytes;
    return await fetchRest(file, { bytes, hash, validator: bytes > 0 ? await readValidator(path) : "" });
  } catch (error) {
    throw isDiskFull(error) ? await noSpace(dirname(path), 0) : error;
  }
}

/** What there is of a file already, and how the server knows whether it is still of the same one; "" where it cannot. */
type Kept = { bytes: number; hash: Hash; validator: string };

async function fetchRest(file: FileDownload, kept: Kept): Promise<number> {
  const { url: asked, path, signal, stallMilliseconds, maxBytes, onNote } = file;
  const asksForRest = kept.validator !== "";
  const { response, url } = await request(asked, {
    signal,
    stallMilliseconds,
    headers: asksForRest ? { range: `bytes=${kept.bytes}-`, "if-range": kept.validator } : {},
  });
  try {
    // It has less than we have.
    if (response.statusCode === 416 && asksForRest) return await attempt(file, false);
    const isRest = response.statusCode === 206 && asksForRest;
    const start = isRest ? kept.bytes : 0;
    const total = announcedTotal(url, response, start);
    if (total !== undefined && total > maxBytes) throw downloadFailed(url, "too-large", `It announces ${total} bytes.`);
    if (isRest) onNote(`Going on after ${start} bytes.\n`);
    else if (kept.bytes > 0) onNote("The server begins anew.\n");
    await requireSpace(dirname(path), (total ?? 0) - start);
    await writeFile(validatorPath(path), validatorOf(response), { mode: 0o600 });
    const hash = isRest ? kept.hash : createHash("sha256");
    const bytes = await write(file, url, response, { start, total, hash });
    await rm(validatorPath(path), { force: true });
    if (hash.digest("hex") === file.sha256) return bytes;
    await rm(path, { force: true });
    // The parts may not have been of one file, whatever the server said.
    if (isRest) return await attempt(file, false);
    throw downloadFailed(url, "wrong-checksum", `Its SHA-256 is not ${file.sha256}.`);
  } finally {
    response.destroy();
  }
}

/** The whole file's length. @throws ProblemError where the answer is not what was asked for, or contradicts itself. */
function announcedTotal(url: URL, response: IncomingMessage, start: number): number | undefined {
  const length = numberOf(response.headers["content-length"]);
  if (response.statusCode === 200) return length;
  if (response.statusCode !== 206 || start === 0) throw refused(url, response);
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers["content-range"] ?? "") ?? [];
  const isTheRest = Number(first) === start && Number(last) === Number(total) - 1;
  if (!isTheRest || (length !== undefined && length !== Number(total) - start)) {
    throw downloadFailed(url, "not-understood", `It sends another part than was asked for: ${response.headers["content-range"]}.`);
  }
  return Number(total);
}

function numberOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

type Part = { start: number; total: number | undefined; hash: Hash };

/** Less would make more calls of the kernel, and more would only take memory. */
const bufferBytes = 1024 * 1024;

async function write(file: FileDownload, url: URL, response: IncomingMessage, { start, total, hash }: Part): Promise<number> {
  const { path, maxBytes, signal, stallMilliseconds, onProgress } = file;
  const most = total ?? maxBytes;
  let bytes = start;
  onProgress(bytes, total);
  const meter = new Transform({
    writableHighWaterMark: bufferBytes,
    readableHighWaterMark: bufferBytes,
    transform(piece: Buffer, _encoding, done) {
      stall.start();
      bytes += piece.length;
      if (bytes > most) return done(downloadFailed(url, "too-large", `It sends more than ${most} bytes.`));
      hash.update(piece);
      onProgress(bytes, total);
      done(undefined, piece);
    },
  });
  const stall = createStallTimer(url, stallMilliseconds, (error) => {
    // A slow disk of ours is no fault of the server's.
    if (meter.readableLength > 0) stall.start();
    else response.destroy(error);
  });
  let failure: unknown;
  // Where it breaks off, all that came is written first: the next attempt goes on from there.
  const onBroken = (error: unknown) => {
    failure = error;
    meter.end();
  };
  response.once("error", onBroken);
  const flags = start > 0 ? "r+" : "w";
  try {
    stall.start();
    // It may have broken off while the disk was looked at: then nothing tells of it any more.
    if (response.destroyed) onBroken(response.errored ?? new Error("aborted"));
    else response.pipe(meter);
    await pipeline(meter, createWriteStream(path, { flags, start, mode: 0o600, highWaterMark: bufferBytes }));
  } finally {
    stall.stop();
  }
  if (failure !== undefined || signal.aborted) throw bodyProblem(url, failure, signal);
  if (total !== undefined && bytes < total) throw downloadFailed(url, "broken-off", `It ended after ${bytes} of ${total} bytes.`);
  return bytes;
}

/** A strong entity tag, or a time of change (RFC 9110, 13.1.5): with it the rest of the same file can be asked for. */
function validatorOf({ headers }: IncomingMessage): string {
  const { etag, "last-modified": lastModified } = headers;
  return etag === undefined ? (lastModified ?? "") : etag.startsWith("W/") ? "" : etag;
}

/** The one that came with what there is of a file. */
async function readValidator(path: string): Promise<string> {
  return readFile(validatorPath(path), "utf8").catch(() => "");
}

function validatorPath(path: string): string {
  return `${path}.validator`;
}

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
