import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Events } from "../contract/events.ts";
import { createLogWatch, findLog, type LogWatch, tailBytes } from "./logs.ts";

let base: string;
let lxcPath: string;
let systemLogFolder: string;
let logs: LogWatch;
let events: Events["logs.appended"][];
const record = (event: Events["logs.appended"]) => events.push(event);
const inContainer = (file: string) => join(lxcPath, "web", file);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "logs-"));
  lxcPath = join(base, "lxc");
  systemLogFolder = join(base, "log");
  mkdirSync(inContainer("logs"), { recursive: true });
  mkdirSync(systemLogFolder);
  configure("lxc.uts.name = web");
  events = [];
  logs = createLogWatch({ lxcPath, systemLogFolder });
});
afterEach(() => {
  logs.stop();
  rmSync(base, { recursive: true });
});

const configure = (...lines: string[]) => writeFileSync(inContainer("config"), `${lines.join("\n")}\n`);
const place = (log: "lxc" | "console") => {
  const { folder, relative } = findLog({ lxcPath, systemLogFolder }, "web", log);
  return join(folder, relative);
};
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 });

describe("where a log is", () => {
  it("is this app's own file in the container's folder, whether it is there yet or not", () => {
    expect(place("lxc")).toBe(inContainer("lxc.log"));
    expect(place("console")).toBe(inContainer("console.log"));
  });

  it("is LXC's own file for a container that was never started from here", () => {
    writeFileSync(join(systemLogFolder, "web.log"), "");
    expect(place("lxc")).toBe(join(systemLogFolder, "web.log"));
    writeFileSync(inContainer("lxc.log"), "");
    expect(place("lxc")).toBe(inContainer("lxc.log"));
  });

  it("is what the configuration says, inside the container's folder or the system's for these logs", () => {
    configure(`lxc.console.logfile = ${inContainer("logs/tty")}`, `lxc.log.file = ${join(systemLogFolder, "other.log")}`);
    writeFileSync(join(systemLogFolder, "other.log"), "");
    expect(place("console")).toBe(inContainer("logs/tty"));
    expect(place("lxc")).toBe(join(systemLogFolder, "other.log"));
  });

  it("is nowhere else, whatever the configuration says", () => {
    for (const path of ["/etc/passwd", inContainer("../../../etc/passwd"), "console.log", `${lxcPath}/website/console.log`, "none"]) {
      configure(`lxc.console.logfile = ${path}`);
      expect(place("console")).toBe(inContainer("console.log"));
    }
  });

  it("is never behind a link", () => {
    writeFileSync(join(base, "secret"), "secret\n");
    symlinkSync(join(base, "secret"), inContainer("console.log"));
    symlinkSync(base, inContainer("way"));
    expect(logs.watch("web", "console", record)).toMatchObject({ exists: false, text: "" });
    configure(`lxc.console.logfile = ${inContainer("way/secret")}`);
    expect(logs.watch("web", "console", record)).toMatchObject({ exists: false, text: "" });
  });
});

describe("a watched log", () => {
  it("gives its text and then what is appended", async () => {
    writeFileSync(inContainer("console.log"), "booting\r\n");
    expect(logs.watch("web", "console", record)).toEqual({
      text: "booting\n",
      truncated: false,
      exists: true,
      path: inContainer("console.log"),
    });
    appendFileSync(inContainer("console.log"), "\u001b[32mlogin:\u001b[0m ");
    await eventually(() => expect(events).toEqual([{ name: "web", log: "console", text: "login: ", reset: false }]));
    appendFileSync(inContainer("console.log"), "root\n");
    await eventually(() => expect(events.map(({ text }) => text).join("")).toBe("login: root\n"));
  });

  it("gives only the end of a long file, from a line's beginning", () => {
    writeFileSync(inContainer("console.log"), "a line of the log\n".repeat(50_000));
    const { text, truncated } = logs.watch("web", "console", record);
    expect(truncated).toBe(true);
    expect(text.length).toBeLessThanOrEqual(tailBytes);
    expect(text.length).toBeGreaterThan(tailBytes - 100);
    expect(text.startsWith("a line of the log\n")).toBe(true);
  });

  it("may appear later", async () => {
    expect(logs.watch("web", "lxc", record)).toMatchObject({ exists: false, text: "", path: inContainer("lxc.log") });
    writeFileSync(inContainer("lxc.log"), "started\n");
    await eventually(() => expect(events.map(({ text }) => text).join("")).toBe("started\n"));
  });

  it("begins anew when it is cut, replaced or removed", async () => {
    writeFileSync(inContainer("console.log"), "first line\nsecond line\n");
    logs.watch("web", "console", record);
    truncateSync(inContainer("console.log"), 0);
    appendFileSync(inContainer("console.log"), "cut\n");
    await eventually(() => expect(events.at(-1)).toMatchObject({ text: "cut\n", reset: true }));

    writeFileSync(inContainer("next"), "another file, longer than the one before\n");
    renameSync(inContainer("next"), inContainer("console.log"));
    await eventually(() => expect(events.at(-1)).toMatchObject({ text: "another file, longer than the one before\n", reset: true }));

    rmSync(inContainer("console.log"));
    await eventually(() => expect(events.at(-1)).toMatchObject({ text: "", reset: true }));
  });

  it("skips to the end when more is written than anyone could read", async () => {
    writeFileSync(inContainer("console.log"), "calm\n");
    logs.watch("web", "console", record);
    appendFileSync(inContainer("console.log"), `${"flood\n".repeat(100_000)}last\n`);
    await eventually(() => expect(events.map(({ text }) => text).join("")).toMatch(/last\n$/));
    expect(events.some(({ reset }) => reset)).toBe(true);
    for (const { text } of events) expect(text.length).toBeLessThanOrEqual(tailBytes);
  });

  it("is the last one asked for, and none after stopping", async () => {
    writeFileSync(inContainer("console.log"), "");
    writeFileSync(inContainer("lxc.log"), "");
    logs.watch("web", "console", record);
    logs.watch("web", "lxc", record);
    appendFileSync(inContainer("console.log"), "not watched any more\n");
    appendFileSync(inContainer("lxc.log"), "watched\n");
    await eventually(() => expect(events.map(({ text }) => text)).toEqual(["watched\n"]));
    logs.stop();
    appendFileSync(inContainer("lxc.log"), "after the stop\n");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(events).toHaveLength(1);
  });
});
