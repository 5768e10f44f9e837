import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog, formatLine, limitNoise } from "./log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("log", () => {
  it("is one line a call whatever the fields hold", () => {
    const line = formatLine(new Date(0), "refused", { why: 'a\nb\r"c"\u001b[31m\u009b\u2028\u202e', method: "x.y", none: undefined });
    expect(line.match(/\n/g)).toHaveLength(1);
    for (const character of ["\u001b", "\u009b", "\u2028", "\u202e", "\r"]) expect(line).not.toContain(character);
    expect(line).toContain("method=x.y");
    expect(line).not.toContain("none");
  });

  it("is root's alone to read, and begins anew above its size with the one before kept", () => {
    const path = join(folder, "log");
    writeFileSync(path, "x".repeat(1024 * 1024 + 1), { mode: 0o600 });
    createLog(path)("done", { method: "containers.start" });
    expect(readFileSync(path, "utf8")).toContain("containers.start");
    expect(statSync(path).size).toBeLessThan(1024);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.1`)).toBe(true);
  });

  it("does not follow a symbolic link, and does not fail the call that it tells of", () => {
    const target = join(folder, "target");
    writeFileSync(target, "");
    symlinkSync(target, join(folder, "log"));
    createLog(join(folder, "log"))("done", {});
    expect(readFileSync(target, "utf8")).toBe("");
  });
});

describe("many refusals", () => {
  it("are counted, and leave room for what was done", () => {
    const lines: unknown[] = [];
    let time = 0;
    const log = limitNoise((event, fields) => lines.push([event, fields]), { perMinute: 3, now: () => time });
    for (let i = 0; i < 10_000; i++) log(i % 2 === 0 ? "refused" : "failed", { i });
    log("done", { method: "containers.start" });
    log("done", { method: "containers.stop" });
    expect(lines).toEqual([
      ["refused", { i: 0 }],
      ["failed", { i: 1 }],
      ["refused", { i: 2 }],
      ["left-out", { refusals: 9997 }],
      ["done", { method: "containers.start" }],
      ["done", { method: "containers.stop" }],
    ]);
    log("refused", { i: "too soon" });
    time = 60_000;
    log("refused", { i: "a minute later" });
    expect(lines.slice(6)).toEqual([
      ["left-out", { refusals: 1 }],
      ["refused", { i: "a minute later" }],
    ]);
  });
});
