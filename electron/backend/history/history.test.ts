import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { containerName } from "../../../privileged-helper/contract/names.ts";
import { createFigureHistory, type FigureHistory, fileNameOf } from "./history.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** At the begin of every kind of step. */
const begin = Date.UTC(2026, 10, 29);

let folder: string;
let now: number;
let megabytes: number;
let opened: FigureHistory[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-history-"));
  now = begin;
  megabytes = 64;
  opened = [];
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(async () => {
  for (const history of opened) await history.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

function open(): FigureHistory {
  const history = createFigureHistory({ folder, maxBytes: () => megabytes * 1024 * 1024, clock: () => now });
  opened.push(history);
  return history;
}

const web = { type: "container", name: containerName.parse("web") } as const;
const containerOf = (name: string) => ({ type: "container", name: containerName.parse(name) }) as const;

/** A reading every so often, up to and with `to`. */
function feed(
  history: FigureHistory,
  to: number,
  { every = 5 * second, subject = web as Parameters<FigureHistory["add"]>[0], cpu = (_time: number): number => 10 } = {},
) {
  let before: number | undefined;
  for (; now <= to; now += every) {
    history.add(subject, now, before, { cpuPercent: cpu(now), memoryBytes: 1_000_000 });
    before = now;
  }
  now = to;
}

const cpuOf = async (
  history: FigureHistory,
  from: number,
  to: number,
  maxSteps: number,
  subject: Parameters<FigureHistory["add"]>[0] = web,
) => {
  const answer = await history.get({ subject, figures: ["cpuPercent"], from, to, maxSteps });
  return { ...answer, cpu: answer.figures.cpuPercent };
};

/** All files of steps. */
function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? join(entry.parentPath, entry.name) : [],
  );
}

describe("the history of figures", () => {
  it("is there at once, in steps of five seconds, and names only figures of which there is anything", async () => {
    const history = open();
    feed(history, begin + minute - second);
    const answer = await history.get({
      subject: web,
      figures: ["cpuPercent", "swapBytes", "memoryBytes"],
      from: begin,
      to: begin + minute,
      maxSteps: 60,
    });
    expect(answer).toEqual({
      from: begin,
      stepMilliseconds: 5_000,
      steps: 12,
      figures: {
        cpuPercent: { average: Array(12).fill(10), minimum: Array(12).fill(10), maximum: Array(12).fill(10) },
        memoryBytes: { average: Array(12).fill(1e6), minimum: Array(12).fill(1e6), maximum: Array(12).fill(1e6) },
      },
    });
  });

  it("keeps a spike of five seconds through every merging, up to seven days", async () => {
    const history = open();
    const spike = begin + 3 * hour + 10 * second;
    feed(history, begin + 4 * hour, { cpu: (time) => (time === spike ? 400 : 1) });
    await history.flush();
    for (const [range, stepMilliseconds] of [
      [hour, 30 * second],
      [day, 12 * minute],
      [7 * day, 90 * minute],
    ] as const) {
      const { cpu, ...answer } = await cpuOf(history, now - range, now, 120);
      expect(answer.steps, `${range}`).toBeLessThanOrEqual(120);
      expect(answer.stepMilliseconds).toBeGreaterThanOrEqual(stepMilliseconds);
      expect(Math.max(...(cpu?.maximum ?? []).map(Number))).toBe(400);
      expect(Math.max(...(cpu?.average ?? []).map(Number))).toBeLessThan(400);
      expect(cpu?.minimum.filter((value) => value !== null && value !== 1)).toEqual([]);
    }
  });

  it("averages over time, not over readings: one that stands for a minute counts as much as twelve for five seconds", async () => {
    const history = open();
    feed(history, begin + 5 * minute - second, { cpu: () => 0 });
    now = begin + 5 * minute - second;
    let before = now;
    for (now += minute; now < begin + 10 * minute; now += minute) {
      history.add(web, now, before, { cpuPercent: 100 });
      before = now;
    }
    now = begin + 9 * minute + 59 * second;
    history.add(web, now, before, { cpuPercent: 100 });
    const { cpu } = await cpuOf(history, begin - 3 * day, begin + 10 * minute, 1_000);
    expect(cpu?.average.at(-1)).toBeCloseTo(50, 0);
  });

  it("has a gap where nobody has measured, and a reading after a gap counts for its own moment", async () => {
    const history = open();
    feed(history, begin + 25 * second);
    now = begin + 50 * second;
    history.add(web, now, undefined, { cpuPercent: 20 });
    const { cpu } = await cpuOf(history, begin, begin + minute, 60);
    expect(cpu?.average).toEqual([10, 10, 10, 10, 10, 10, null, null, null, null, 20, null]);
  });

  it("is there after the app was started anew, with the time in between as a gap", async () => {
    const first = open();
    feed(first, begin + 20 * minute);
    await first.close();
    now = begin + 30 * minute;
    const again = open();
    feed(again, begin + 40 * minute);
    const { cpu } = await cpuOf(again, begin, now, 40);
    expect(cpu?.average.slice(0, 20)).toEqual(Array(20).fill(10));
    expect(cpu?.average.slice(21, 30)).toEqual(Array(9).fill(null));
    expect(cpu?.average.slice(30, 40)).toEqual(Array(10).fill(10));
  });

  it("goes on with a step that the app before had begun", async () => {
    const first = open();
    feed(first, begin + 5 * minute - 5 * second, { cpu: () => 0 });
    await first.close();
    now = begin + 5 * minute;
    const again = open();
    feed(again, begin + 10 * minute - 5 * second, { cpu: () => 100 });
    const ofMemory = await cpuOf(again, begin - 3 * day, begin + 10 * minute, 500);
    expect(ofMemory.cpu?.average.at(-1)).toBeCloseTo(50, 0);
    await again.close();
    const third = open();
    const ofFiles = await cpuOf(third, begin - 3 * day, begin + 10 * minute, 500);
    expect([ofFiles.cpu?.minimum.at(-1), ofFiles.cpu?.average.at(-1), ofFiles.cpu?.maximum.at(-1)]).toEqual([
      0,
      ofMemory.cpu?.average.at(-1),
      100,
    ]);
  });

  it("is a container's own, and this computer's", async () => {
    const history = open();
    feed(history, begin + minute);
    now = begin;
    feed(history, begin + minute, { subject: { type: "host" }, cpu: () => 77 });
    await history.flush();
    expect((await cpuOf(history, begin, now, 12, { type: "host" })).cpu?.maximum[0]).toBe(77);
    expect((await cpuOf(history, begin, now, 12)).cpu?.maximum[0]).toBe(10);
    expect((await cpuOf(history, begin, now, 12, containerOf("mail"))).cpu).toBeUndefined();
    expect(fileNameOf({ type: "container", name: "../../etc/passwd" as never })).toMatch(/^[0-9a-f]{40}$/);
    expect(statSync(files()[0] ?? "").mode & 0o777).toBe(0o600);
  });

  it("answers whatever is asked: the other way round, long ago, in the future, over all of time", async () => {
    const history = open();
    feed(history, begin + minute);
    for (const [from, to] of [
      [now, begin],
      [0, 1],
      [now + day, now + 2 * day],
      [0, Number.MAX_SAFE_INTEGER],
    ] as const) {
      const answer = await history.get({ subject: web, figures: ["cpuPercent"], from, to, maxSteps: 10 });
      expect(answer.steps).toBeLessThanOrEqual(10);
    }
  });
});

describe("the files of the history", () => {
  it("that were damaged are gaps: a step of which half is there, one of another time, bytes that were turned", async () => {
    const history = open();
    feed(history, begin + minute - second);
    await history.close();
    const path = join(folder, "figures/5s", String(Math.floor(begin / (30 * minute))), fileNameOf(web));
    const bytes = readFileSync(path);
    const stepBytes = (bytes.length - 16) / 12;
    bytes.writeUInt8(bytes.readUInt8(16 + stepBytes + 20) ^ 1, 16 + stepBytes + 20);
    bytes.copy(bytes, 16 + 2 * stepBytes, 16 + 3 * stepBytes, 16 + 4 * stepBytes);
    writeFileSync(path, bytes);
    truncateSync(path, bytes.length - 5);
    const { cpu, trouble } = await cpuOf(open(), begin, begin + minute, 60);
    expect(cpu?.average).toEqual([10, null, null, 10, 10, 10, 10, 10, 10, 10, 10, null]);
    expect(trouble).toBeUndefined();
  });

  it("that are something else are put aside, which is told once, and writing goes on", async () => {
    const history = open();
    feed(history, begin + minute - second);
    await history.close();
    for (const path of files()) writeFileSync(path, "something else");
    const again = open();
    expect((await cpuOf(again, begin, begin + minute, 60)).trouble).toMatch(/damaged/);
    expect((await cpuOf(again, begin, begin + minute, 60)).trouble).toBeUndefined();
    expect(files().filter((path) => path.endsWith(".broken"))).toHaveLength(1);
    now = begin;
    feed(again, begin + minute - second, { cpu: () => 30 });
    await again.close();
    expect((await cpuOf(open(), begin, begin + minute, 60)).cpu?.average).toEqual(Array(12).fill(30));
  });

  it("whose place is taken, or that cannot be written, do not break the app, and it is told as long as it is so", async () => {
    writeFileSync(join(folder, "figures"), "in the way");
    const history = open();
    feed(history, begin + minute - second);
    await history.flush();
    const answer = await cpuOf(history, begin, begin + minute, 60);
    expect(answer.trouble).toMatch(/cannot be written/);
    expect(answer.cpu?.average).toEqual(Array(12).fill(10));
    rmSync(join(folder, "figures"));
    await history.flush();
    expect((await cpuOf(history, begin, begin + minute, 60)).trouble).toBeUndefined();
    await history.close();
    expect((await cpuOf(open(), begin, begin + minute, 60)).cpu?.average).toEqual(Array(12).fill(10));
  });

  it("are written by two apps at once without harm", async () => {
    const [one, other] = [open(), open()];
    feed(one, begin + 10 * minute);
    now = begin + 2 * second;
    feed(other, begin + 10 * minute);
    await Promise.all([one.flush(), other.flush(), one.flush(), other.flush()]);
    const { cpu } = await cpuOf(open(), begin, begin + 10 * minute, 120);
    expect(cpu?.average).toEqual(Array(120).fill(10));
    expect(cpu?.maximum).toEqual(Array(120).fill(10));
  });

  it("survive a clock that jumps: nothing is lost when it seems to be long ago", async () => {
    const history = open();
    feed(history, begin + 10 * minute);
    await history.flush();
    now = 1_000_000;
    feed(history, now + minute);
    await history.flush();
    now = begin + 10 * minute;
    history.add(web, now, 1_000_000, { cpuPercent: 10 });
    await history.flush();
    expect((await cpuOf(history, begin, now, 120)).cpu?.average.filter((value) => value === 10)).toHaveLength(120);
  });

  it("go when they are too old, and nothing else does", async () => {
    const history = open();
    feed(history, begin + 2 * hour);
    await history.flush();
    mkdirSync(join(folder, "figures/5s/notes"));
    now = begin + 5 * hour;
    await history.flush();
    expect(readdirSync(join(folder, "figures/5s"))).toEqual(["notes"]);
    expect((await cpuOf(history, begin, begin + hour, 60)).cpu?.average.filter((value) => value === 10)).toHaveLength(60);
    now = begin + 9 * day;
    await history.flush();
    expect(files()).toEqual([]);
  });

  it("take no more than they may: the oldest go first, whichever container's they are", async () => {
    const names = Array.from({ length: 8 }, (_none, index) => `c${index}`);
    const history = open();
    const start = now;
    for (const name of names) {
      now = start;
      feed(history, start + 3 * hour, { every: minute, subject: containerOf(name) });
      await history.flush();
    }
    const bytes = () => files().reduce((sum, path) => sum + statSync(path).blocks * 512, 0);
    megabytes = 1;
    expect(bytes()).toBeGreaterThan(1024 * 1024);
    await history.flush();
    expect(bytes()).toBeLessThanOrEqual(1024 * 1024);
    expect(bytes()).toBeGreaterThan(512 * 1024);
    const { cpu } = await cpuOf(history, now - hour, now, 60, containerOf("c7"));
    expect(cpu?.average.at(-2)).toBe(10);
    megabytes = 0;
    await history.flush();
    expect(files()).toEqual([]);
    feed(history, now + minute);
    await history.flush();
    expect(files()).toEqual([]);
    expect((await cpuOf(history, begin, now, 60)).cpu).toBeUndefined();
  }, 20_000);

  it("hold little in memory: what is written is let go, and so are containers that are gone", async () => {
    const history = open();
    for (let round = 0; round < 12; round++) {
      feed(history, now + 5 * minute, { subject: containerOf(`c${round}`) });
      await history.flush();
    }
    const before = files().map((path) => statSync(path).mtimeMs);
    for (const path of files()) utimesSync(path, 0, 0);
    now += hour;
    await history.flush();
    await history.flush();
    // Nothing was left over that had to be written, and the newest container is all that was held.
    expect(before.length).toBeGreaterThan(12);
    expect(files().filter((path) => existsSync(path) && statSync(path).mtimeMs > 0)).toEqual([]);
  });
});
