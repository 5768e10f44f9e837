import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { createFrameReader, encodeFrame, encodeMessage } from "../wire/frames.ts";
import { examples } from "./requests.ts";

/** Bytes that a host might send at once, and what they are made of: each is written down where it finds something. */
type Frames = Uint8Array[];

export type FuzzOptions = {
  /** The bundled target. */
  script: string;
  /** A folder of containers that only it uses. */
  lxcPath: string;
  /** What was found before, and is tried first. What is found is added. */
  corpus: string;
  milliseconds: number;
  seed: number;
};
export type FuzzResult = { frames: number; connections: number; peakBytes: number; findings: string[] };

/** It starts with about 50 MB. A message that made it take this much more would be an attack. */
const maxResidentBytes = 400 * 1024 * 1024;
const answerWithinMilliseconds = 20_000;
const framesAtOnce = 40;
/** However slow the computer is. */
const fewestRounds = 3;

/**
 * Sends requests that are nearly right, and bytes that are not, to a helper that may only look. It has to answer, or to end by itself in
 * good order; anything else is a finding: a crash, silence, much memory, an answer `internal`, or output that is no frame.
 */
export async function fuzz({ script, lxcPath, corpus, milliseconds, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = createRandom(seed);
  const result: FuzzResult = { frames: 0, connections: 0, peakBytes: 0, findings: [] };
  const saved = readCorpus(corpus);
  let target: Target | undefined;
  const attempt = async (frames: Frames, name: string) => {
    target ??= startTarget(script, lxcPath);
    result.frames += frames.length;
    const found = await target.send(frames);
    result.peakBytes = Math.max(result.peakBytes, target.peakBytes());
    if (!found.goesOn) {
      target = undefined;
      result.connections += 1;
    }
    if (found.what === undefined) return;
    result.findings.push(`${name}: ${found.what}`);
    save(corpus, frames);
  };
  for (const { name, frames } of saved) await attempt(frames, name);
  const end = performance.now() + milliseconds;
  for (let round = 0; (round < fewestRounds || performance.now() < end) && result.findings.length === 0; round++) {
    // A connection that is broken off tells nothing of what comes after.
    const mayBreak = random.below(4) === 0;
    const frames = Array.from({ length: framesAtOnce }, () => makeFrame(random, mayBreak));
    await attempt(frames, `seed ${seed}, round ${round}`);
  }
  await target?.close();
  return result;
}

type Target = {
  send(frames: Frames): Promise<{ what?: string; goesOn: boolean }>;
  peakBytes(): number;
  close(): Promise<void>;
};

function startTarget(script: string, lxcPath: string): Target {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, [script, lxcPath], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  let what: string | undefined;
  let answered: (() => void) | undefined;
  let peak = 0;
  child.stdin.on("error", () => {});
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const read = createFrameReader((message) => {
    if (Buffer.from(message).readUInt32BE(0) !== 0) return;
    const { id, error } = JSON.parse(Buffer.from(message.subarray(4)).toString());
    if (id === probeId) answered?.();
    else if (error?.data?.code === "internal") what ??= `it answered internal: ${error.data.detail}`;
  });
  child.stdout.on("data", (bytes: Buffer) => {
    try {
      read(bytes);
    } catch (error) {
      what ??= `it sent what is no frame: ${error}`;
    }
  });
  const ended = new Promise<string | undefined>((resolve) =>
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}: ${errors}`)),
  );
  const measure = () => {
    try {
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) * 1024);
    } catch {
      // It has ended.
    }
  };
  return {
    peakBytes: () => peak,
    async send(frames) {
      const isAnswered = new Promise<"answered">((resolve) => {
        answered = () => resolve("answered");
      });
      child.stdin.write(Buffer.concat([...frames, request(probeId, "host.info", {})]));
      let patience: NodeJS.Timeout | undefined;
      const silence = new Promise<"silence">((resolve) => {
        patience = setTimeout(() => resolve("silence"), answerWithinMilliseconds);
      });
      const outcome = await Promise.race([isAnswered, silence, ended.then((how) => ({ how }))]);
      clearTimeout(patience);
      measure();
      if (peak > maxResidentBytes) what ??= `it took ${Math.round(peak / 1024 ** 2)} MiB`;
      if (outcome === "answered") {
        if (what === undefined) return { goesOn: true };
        child.stdin.end();
        await ended;
        return { what, goesOn: false };
      }
      // Bytes that end within a frame leave it waiting for the rest, which is no fault: it has to end with its input then.
      child.stdin.end();
      const inTime = await Promise.race([
        ended.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, answerWithinMilliseconds, false)),
      ]);
      if (!inTime) child.kill("SIGKILL");
      return { what: what ?? (inTime ? await ended : "it neither answered nor ended"), goesOn: false };
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Not one that is made up below. */
const probeId = 2 ** 40;

function request(id: unknown, method: unknown, params: unknown): Uint8Array {
  return encodeFrame(encodeMessage(0, Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method, params }))));
}

type Random = { below(limit: number): number; pick<T>(list: readonly T[]): T };

/** mulberry32: small, and the same numbers for the same seed everywhere. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] };
}

const nasty: readonly unknown[] = [
  null,
  true,
  "",
  "web",
  "../../etc/passwd",
  "a\u0000b",
  "\ud800",
  "\u202e",
  "__proto__",
  "constructor",
  "x".repeat(70_000),
  "lxc.hook.start = /bin/x\n",
  "$(id)",
  0,
  -1,
  -0,
  0.1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e308,
  [],
  {},
  [[[[[[[[]]]]]]]],
  { toString: 1 },
  Array.from({ length: 2000 }, (_, index) => `c${index}`),
];

const methodNames = Object.keys(examples);

function makeFrame(random: Random, mayBreak: boolean): Uint8Array {
  const kind = random.below(100);
  if (kind < 10) return notification(random);
  if (kind < 20) return onChannel(random);
  return kind < 25 && mayBreak ? broken(random, nearlyRight(random)) : nearlyRight(random);
}

/** They start programs, and would take all of the time. */
const slowMethods: ReadonlySet<string> = new Set(["host.checks", "templates.list", "security.auditAll", "security.audit"]);
const slowIsAsRareAs = 20;

function nearlyRight(random: Random): Uint8Array {
  let method = random.below(30) === 0 ? random.pick(nasty) : random.pick(methodNames);
  if (typeof method === "string" && slowMethods.has(method) && random.below(slowIsAsRareAs) > 0) method = "host.info";
  let params: unknown = structuredClone(new Map(Object.entries(examples)).get(typeof method === "string" ? method : "") ?? {});
  for (let count = random.below(4); count > 0; count--) params = changed(random, params);
  // The same one twice at a time ends the connection, and so does one that is no id; both are in the corpus.
  const id = random.below(20) === 0 ? random.pick([`${random.below(2 ** 30)}`, random.below(2 ** 30) + 0.5]) : random.below(2 ** 30);
  return request(id, method, params);
}

/** One value of it is another one, is missing, or is there under another key. */
function changed(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.below(6) === 0) return random.pick(nasty);
  const keys = Object.keys(value);
  const key =
    random.below(5) === 0 || keys.length === 0 ? random.pick(["__proto__", "uid", "name", "0", "constructor"]) : random.pick(keys);
  const inner = (value as Record<string, unknown>)[key];
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  if (random.below(8) === 0) delete copy[key];
  else Object.defineProperty(copy, key, { value: changed(random, inner), enumerable: true, configurable: true, writable: true });
  return copy;
}

function notification(random: Random): Uint8Array {
  const method = random.pick(["$/cancel", "terminal.ack", "heartbeat", "reset", "abandon", "hello", "nothing", "__proto__"]);
  const params = random.pick([
    {},
    { id: random.below(2 ** 30) },
    { channel: random.below(10), bytes: random.pick(nasty) },
    random.pick(nasty),
  ]);
  return encodeFrame(encodeMessage(0, Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params }))));
}

function onChannel(random: Random): Uint8Array {
  const channel = random.pick([1, 2, 7, 0x7fffffff, 0x80000000, 0xffffffff, random.below(2 ** 32)]) || 1;
  return encodeFrame(encodeMessage(channel, Buffer.alloc(random.below(5000), random.below(256))));
}

/** Another length, other bits, a piece of it twice, or less of it. */
function broken(random: Random, frame: Uint8Array): Uint8Array {
  const bytes = Buffer.from(frame);
  const how = random.below(4);
  if (how === 0) bytes.writeUInt32BE(random.pick([0, 1, 3, 0x7fffffff, 0xffffffff, bytes.length, 256 * 1024 + 1]), 0);
  if (how === 1)
    for (let count = 1 + random.below(8); count > 0; count--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
  if (how === 2) return Buffer.concat([bytes, bytes.subarray(random.below(bytes.length))]);
  return how === 3 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

/** A file is frames as base64, one a line. */
function readCorpus(folder: string): { name: string; frames: Frames }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".frames"))
    .sort()
    .map((name) => ({
      name,
      frames: readFileSync(join(folder, name), "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => Buffer.from(line, "base64")),
    }));
}

function save(folder: string, frames: Frames) {
  const text = `${frames.map((frame) => Buffer.from(frame).toString("base64")).join("\n")}\n`;
  const name = createHash("sha256").update(text).digest("hex").slice(0, 16);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.frames`), text);
}
