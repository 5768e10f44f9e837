import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { filledIn } from "./contract/methods.ts";
import type { Task } from "./contract/model.ts";
import { ownProcess } from "./holder.ts";
import { readProcessStat } from "./lxc/proc.ts";
import { createTaskHistory, type TaskHistoryOptions } from "./task-history.ts";

let folder: string;
let directory: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-history-"));
  directory = join(folder, "tasks");
});
afterEach(() => rmSync(folder, { recursive: true }));

const lxcPath = "/var/lib/lxc";
const open = (more: Partial<TaskHistoryOptions> = {}) => createTaskHistory({ lxcPath, directory, ...more });
const nothing = { text: "", truncated: false };

let count = 0;
function task(more: Partial<Task> = {}): Task {
  return {
    id: `t${String(++count).padStart(6, "0")}`,
    kind: "start",
    target: "web",
    state: "succeeded",
    requestedBy: { uid: 1000, user: "ann" },
    request: { method: "containers.start", params: { name: "web" } },
    cancellable: false,
    startedAt: 1_000,
    endedAt: 2_000,
    notices: ["It asks for an address by DHCP."],
    commands: [["lxc-start", "-n", "web"]],
    ...more,
  };
}
const running = (more: Partial<Task> = {}) => task({ state: "running", endedAt: undefined, cancellable: true, ...more });
const self = ownProcess();

/** Makes a file of ours one of another helper. */
function giveTo(id: string, { pid, startTicks }: { pid: number; startTicks: string }) {
  renameSync(join(directory, `${id}.${self.pid}.${self.startTicks}.json`), join(directory, `${id}.${pid}.${startTicks}.json`));
}

describe("a task that has ended", () => {
  it("is there for a later helper, with all that people ask about it", () => {
    const ended = task({
      state: "failed",
      problem: { code: "timed-out", what: "lxc-start", seconds: 120 },
      endedAtOnce: { exitCode: 1, console: "no init\n", cause: { id: "config-missing" } },
      form: filledIn.parse({
        names: ["web"],
        choices: { unprivileged: true, start: true, address: "dhcp", source: { type: "archive" } },
        lacks: { what: "file", name: "my.tar" },
      }),
    });
    open().keep(ended, { text: "Starting\n", truncated: false });
    const later = open();
    expect(later.readAll()).toEqual([ended]);
    expect(later.readLog(ended.id)).toEqual({ text: "Starting\n", truncated: false });
    expect(later.readLog("t0")).toBeUndefined();
  });

  it("is root's alone, and one small file", () => {
    open().keep(task({ id: "tsmall" }), { text: "x".repeat(500_000), truncated: false });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory)).toEqual(["tsmall.json"]);
    expect(statSync(join(directory, "tsmall.json")).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "tsmall.json")).size).toBeLessThan(70_000);
    expect(open().readLog("tsmall")).toEqual({ text: "x".repeat(64 * 1024), truncated: true });
  });

  it("is one of the newest two hundred", () => {
    const history = open();
    const ids = Array.from({ length: 230 }, (_, index) => `t${String(index).padStart(4, "0")}`);
    for (const id of ids) history.keep(task({ id }), nothing);
    expect(readdirSync(directory)).toHaveLength(200);
    expect(history.readAll().map(({ id }) => id)).toEqual(ids.slice(30));
    expect(history.wasRemoved(ids[0] ?? "")).toBe(true);
    expect(history.wasRemoved(ids[229] ?? "")).toBe(false);
  });

  it("of another folder of containers is not shown, and what mended the computer always is", () => {
    const elsewhere = open({ lxcPath: "/srv/lxc" });
    elsewhere.keep(task({ id: "there" }), nothing);
    elsewhere.keep(task({ id: "tfix", kind: "fix", target: "Bridge" }), nothing);
    expect(
      open()
        .readAll()
        .map(({ id }) => id),
    ).toEqual(["tfix"]);
    expect(open().readLog("there")).toBeUndefined();
    open().clear();
    expect(readdirSync(directory)).toEqual(["there.json"]);
  });

  it("learns later how its container ended, but does not come back once it is forgotten", () => {
    const history = open();
    const ended = task();
    history.keep(ended, nothing);
    history.keep({ ...ended, endedAtOnce: { exitCode: 3, console: "" } }, nothing);
    expect(open().readAll()[0]?.endedAtOnce).toEqual({ exitCode: 3, console: "" });
    open().clear();
    history.keep({ ...ended, endedAtOnce: { exitCode: 4, console: "" } }, nothing);
    expect(readdirSync(directory)).toEqual([]);
    expect(history.wasRemoved(ended.id)).toBe(true);
  });
});

describe("a task under way", () => {
  it("is not among those that have ended, and becomes one of them", () => {
    const history = open();
    const begun = running({ step: "Starting" });
    history.keep(begun, nothing);
    expect(open().readAll()).toEqual([]);
    expect(readdirSync(directory)).toEqual([`${begun.id}.${self.pid}.${self.startTicks}.json`]);
    const { step: _, ...ended } = { ...begun, state: "succeeded" as const, endedAt: 3_000, cancellable: false };
    history.keep(ended, nothing);
    expect(open().readAll()).toEqual([ended]);
    expect(readdirSync(directory)).toEqual([`${begun.id}.json`]);
  });

  it("has failed once its helper was killed, at the time of which it is last known", () => {
    const history = open();
    const begun = running();
    const waiting = running({ state: "waiting", waitsFor: { operation: "stop", name: "web" } });
    for (const one of [begun, waiting]) history.keep(one, { text: "so far\n", truncated: false });
    const before = new Date(1_700_000_000_000);
    for (const { id } of [begun, waiting]) {
      giveTo(id, { ...self, startTicks: "1" });
      utimesSync(join(directory, `${id}.${self.pid}.1.json`), before, before);
    }
    const expected = [begun, waiting].map(({ id, state }) => ({
      id,
      state: "failed",
      problem: { code: "interrupted", hadBegun: state === "running" },
      endedAt: before.getTime(),
      cancellable: false,
    }));
    expect(open().readAll()).toMatchObject(expected);
    // It stays so, for all helpers.
    expect(open().readAll()).toMatchObject(expected);
    expect(readdirSync(directory)).toEqual([`${begun.id}.json`, `${waiting.id}.json`]);
    expect(open().readLog(begun.id)?.text).toBe("so far\n");
  });

  it("of another helper that lives is left alone, and has failed when that one is killed", async () => {
    const history = open();
    const begun = running();
    history.keep(begun, nothing);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await new Promise((resolve) => child.once("spawn", resolve));
    giveTo(begun.id, { pid: child.pid ?? 0, startTicks: readProcessStat(child.pid ?? 0)?.startTicks ?? "" });
    expect(history.readAll()).toEqual([]);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(history.readAll()).toMatchObject([{ id: begun.id, state: "failed", problem: { code: "interrupted" } }]);
  });

  it("has not failed where it had ended, and its helper was killed a moment too early", () => {
    const history = open();
    const begun = running();
    history.keep(begun, nothing);
    const file = `${begun.id}.${self.pid}.${self.startTicks}.json`;
    const left = readFileSync(join(directory, file));
    history.keep({ ...begun, state: "succeeded", endedAt: 5 }, nothing);
    writeFileSync(join(directory, `${begun.id}.${self.pid}.1.json`), left);
    expect(open().readAll()).toMatchObject([{ id: begun.id, state: "succeeded" }]);
    expect(readdirSync(directory)).toEqual([`${begun.id}.json`]);
  });

  it("of before the last start of the computer has failed, whoever has that process number now", () => {
    const history = open();
    const begun = running();
    history.keep(begun, nothing);
    const parent = readProcessStat(process.ppid);
    const holder = { pid: process.ppid, startTicks: parent?.startTicks ?? "" };
    giveTo(begun.id, holder);
    const path = join(directory, `${begun.id}.${holder.pid}.${holder.startTicks}.json`);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), bootId: "another" }));
    expect(open().readAll()).toMatchObject([{ state: "failed" }]);
  });
});

describe("what does not belong there", () => {
  it("is skipped and removed, and nothing behind a link is touched", () => {
    const good = task();
    open().keep(good, nothing);
    const record = readFileSync(join(directory, `${good.id}.json`), "utf8");
    const outside = join(folder, "outside.json");
    writeFileSync(outside, record);
    symlinkSync(outside, join(directory, "tlink.json"));
    mkdirSync(join(directory, "tfolder.json"));
    const { task: stored, ...rest } = JSON.parse(record);
    const broken: Record<string, string> = {
      "tempty.json": "",
      "thalf.json": record.slice(0, 100),
      "tother.json": record,
      "tlist.json": "[]",
      "tkind.json": JSON.stringify({ ...rest, task: { ...stored, id: "tkind", kind: "explode" } }),
      "tproblem.json": JSON.stringify({ ...rest, task: { ...stored, id: "tproblem", problem: { code: "no such" } } }),
      "thuge.json": " ".repeat(5 * 1024 * 1024),
      "notes.txt": "hello",
      "..json": record,
      "tdead.1.1.tmp": "half",
      [`tdead.${self.pid}.1.json`]: "half",
    };
    for (const [name, content] of Object.entries(broken)) writeFileSync(join(directory, name), content);
    expect(open().readAll()).toEqual([good]);
    expect(readdirSync(directory)).toEqual([`${good.id}.json`]);
    expect(existsSync(outside)).toBe(true);
  });

  it("is what another helper is just writing: that is left alone", () => {
    open().keep(task(), nothing);
    const parent = readProcessStat(process.ppid);
    const name = `tnew.${process.ppid}.${parent?.startTicks}.tmp`;
    writeFileSync(join(directory, name), "half");
    open().readAll();
    expect(readdirSync(directory)).toContain(name);
  });
});

describe("a folder that cannot be written", () => {
  it("is told once, and is no reason to fail", () => {
    writeFileSync(directory, "in the way");
    const troubles: string[] = [];
    const history = open({ onTrouble: (reason) => troubles.push(reason) });
    for (let attempt = 0; attempt < 3; attempt++) history.keep(task(), nothing);
    expect(history.readAll()).toEqual([]);
    history.clear();
    history.watch(() => {})();
    expect(troubles).toHaveLength(1);
  });
});

describe("watching", () => {
  it("tells what others end, forget, and leave behind", async () => {
    const watcher = open();
    const seen: string[][] = [];
    const stop = watcher.watch(() => seen.push(watcher.readAll().map(({ id, state }) => `${id} ${state}`)));
    const other = open();
    other.keep(task({ id: "tone" }), nothing);
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(["tone succeeded"]));
    other.keep(task({ id: "ttwo", state: "failed", problem: { code: "cancelled" } }), nothing);
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(["tone succeeded", "ttwo failed"]));
    other.clear();
    await vi.waitFor(() => expect(seen.at(-1)).toEqual([]));
    stop();
    const before = seen.length;
    other.keep(task({ id: "tthree" }), nothing);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toHaveLength(before);
  });

  it("tells that a helper was killed, which changes no file", async () => {
    const history = open();
    const begun = running();
    history.keep(begun, nothing);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await new Promise((resolve) => child.once("spawn", resolve));
    giveTo(begun.id, { pid: child.pid ?? 0, startTicks: readProcessStat(child.pid ?? 0)?.startTicks ?? "" });
    const watcher = open();
    const seen: Task["state"][][] = [];
    const stop = watcher.watch(() => seen.push(watcher.readAll().map(({ state }) => state)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(["failed"]), { timeout: 8_000 });
    stop();
  }, 15_000);
});
