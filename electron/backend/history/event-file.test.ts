import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createEventFile } from "./event-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-events-"));
  path = join(folder, "history/events");
});
afterEach(() => rmSync(folder, { recursive: true }));

it("keeps what happened, in the order of time, for one container or for all", () => {
  const events = createEventFile(path);
  events.add({ time: 20_000, container: "web", kind: "stopped", detail: "Nobody had asked for that here." });
  events.add({ time: 10_000, container: "web", kind: "started" });
  events.add({ time: 15_000, container: "mail", kind: "frozen" });
  const again = createEventFile(path);
  expect(again.between(0, 99_999, undefined).map(({ kind }) => kind)).toEqual(["started", "frozen", "stopped"]);
  expect(again.between(12_000, 99_999, "web")).toEqual([
    { time: 20_000, container: "web", kind: "stopped", detail: "Nobody had asked for that here." },
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it("reads what there is of a file that was cut off or spoiled", () => {
  createEventFile(path).add({ time: 1, container: "web", kind: "started" });
  appendFileSync(
    path,
    '{"time":2,"container":"web","kind":"exploded"}\n\0\0\0\n{"time":3,"container":"web","kind":"stopped","more":1}\n{"time":4,"conta',
  );
  expect(createEventFile(path).between(0, 9, undefined)).toEqual([
    { time: 1, container: "web", kind: "started" },
    { time: 3, container: "web", kind: "stopped" },
  ]);
});

it("shows what two windows have written down once", () => {
  const [one, other] = [createEventFile(path), createEventFile(path)];
  one.add({ time: 10_000, container: "web", kind: "started" });
  other.add({ time: 10_040, container: "web", kind: "started" });
  one.add({ time: 60_000, container: "web", kind: "started" });
  expect(createEventFile(path).between(0, 99_999, undefined)).toHaveLength(2);
});

it("is bounded, in the file and in memory, and has the newest", () => {
  const events = createEventFile(path);
  const detail = "x".repeat(600);
  for (let time = 1; time <= 6_000; time++) events.add({ time: time * 10_000, container: "web", kind: "snapshot", detail });
  expect(statSync(path).size + statSync(`${path}.old`).size).toBeLessThan(1_100_000);
  for (const each of [events, createEventFile(path)]) {
    const found = each.between(0, 1e9, undefined);
    expect(found.length).toBeGreaterThan(500);
    expect(found.length).toBeLessThan(4_000);
    expect(found.at(-1)?.time).toBe(60_000_000);
  }
});

it("goes on where nothing can be written, and knows it until the end", () => {
  mkdirSync(join(path, "in the way"), { recursive: true });
  const events = createEventFile(path);
  events.add({ time: 1, container: "web", kind: "started" });
  expect(events.between(0, 9, undefined)).toHaveLength(1);
});
