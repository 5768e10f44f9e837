import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Task, TaskKind } from "./contract/model.ts";
import { toProblem } from "./contract/problems.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

/** Real helpers with real containers: what they keep of their tasks, and how those wait for each other. */
const historyFolder = "/var/lib/lxc-desktop/tasks";

let lxc: RealLxc;
let folder: string;
let script: string;
const helpers: HelperClient[] = [];

beforeAll(async () => {
  lxc = createRealLxc("tasks");
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-tasks-"));
  script = await bundleHelper(folder);
});
beforeEach(() => lxc.makeContainer("web"));
afterEach(async () => {
  for (const helper of helpers.splice(0)) await helper.close();
  // Only those of this folder of containers are ours.
  const cleaner = startHelper(script, lxc.lxcPath);
  await cleaner.call("tasks.clear", {});
  await cleaner.close();
  for (const name of readdirSync(lxc.lxcPath)) {
    // LXC's tools would wait for one whose start is held up, and it may be on its way up when they come.
    writeFileSync(join(lxc.lxcPath, name, "goes-on"), "");
    await vi.waitFor(() => lxc.run("lxc-destroy", "-f", "-n", name), { timeout: 20_000, interval: 200 });
  }
});
afterAll(async () => {
  await lxc.close();
  rmSync(folder, { recursive: true });
});

const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

/** A helper, and its list of tasks as somebody sees it who watches it from the start. */
async function openHelper() {
  const helper = startHelper(script, lxc.lxcPath);
  helpers.push(helper);
  const seen = new Map<string, Task>();
  helper.on("tasks.changed", ({ changed, removed }) => {
    for (const task of changed) seen.set(task.id, task);
    for (const id of removed) seen.delete(id);
  });
  const { tasks } = await helper.call("tasks.watch", {});
  for (const task of tasks) if (!seen.has(task.id)) seen.set(task.id, task);
  const taskOf = (kind: TaskKind, target = "web") => [...seen.values()].find((task) => task.kind === kind && task.target === target);
  const become = (kind: TaskKind, expected: Partial<Task>, target = "web") =>
    vi.waitFor(() => expect(taskOf(kind, target)).toMatchObject(expected), { timeout: 20_000 });
  return { ...helper, seen, taskOf, become };
}

/** Makes its start take until it is told to go on. */
function holdStart(name: string): () => void {
  const goesOn = join(lxc.lxcPath, name, "goes-on");
  const hook = join(lxc.lxcPath, name, "hold");
  writeFileSync(hook, `#!/bin/sh\nuntil [ -e ${goesOn} ]; do sleep 0.05; done\n`);
  chmodSync(hook, 0o755);
  const config = join(lxc.lxcPath, name, "config");
  writeFileSync(config, `${readFileSync(config, "utf8")}lxc.hook.pre-start = ${hook}\n`);
  return () => writeFileSync(goesOn, "");
}

it("keeps what was done for the next helper: who, what, the commands and what they printed", async () => {
  const first = await openHelper();
  await first.call("containers.start", { name: "web" });
  expect(await problemOf(first.call("containers.destroy", { name: "web" }))).toMatchObject({ code: "wrong-state" });
  await first.call("containers.freeze", { name: "web" });
  await first.close();
  const second = await openHelper();
  expect([...second.seen.values()].map(({ kind, state }) => `${kind} ${state}`).sort()).toEqual(["freeze succeeded", "start succeeded"]);
  const start = second.taskOf("start");
  expect(start).toMatchObject({
    isOfAnotherHelper: true,
    requestedBy: { uid: 0, user: "root" },
    request: { method: "containers.start", params: { name: "web" } },
    commands: [expect.arrayContaining(["lxc-start", "-n", "web"])],
  });
  expect(start?.endedAt).toBeGreaterThanOrEqual(start?.startedAt ?? 0);
  expect((await second.call("tasks.log", { task: start?.id ?? "" })).truncated).toBe(false);
  expect(statSync(historyFolder).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(historyFolder)) expect(statSync(join(historyFolder, file))).toMatchObject({ mode: 0o100600, uid: 0 });

  await second.call("tasks.clear", {});
  await vi.waitFor(() => expect(second.seen.size).toBe(0));
  expect(existsSync(join(historyFolder, `${start?.id}.json`))).toBe(false);
});

it("does what is asked of one container in that order and one by one, and of two side by side", async () => {
  const helper = await openHelper();
  lxc.makeContainer("other");
  const letWebGoOn = holdStart("web");
  const done = [helper.call("containers.start", { name: "web" })];
  await helper.become("start", { state: "running" });
  done.push(helper.call("containers.freeze", { name: "web" }));
  await helper.become("freeze", { state: "waiting" });
  done.push(helper.call("containers.unfreeze", { name: "web" }));
  await helper.become("unfreeze", { state: "waiting", waitsFor: { operation: "freeze", name: "web", task: helper.taskOf("freeze")?.id } });
  // The other one does not wait.
  await helper.call("containers.start", { name: "other" });
  expect(helper.taskOf("start")?.state).toBe("running");
  letWebGoOn();
  await Promise.all(done);
  await helper.become("unfreeze", { state: "succeeded" });
  const [start, freeze, unfreeze] = (["start", "freeze", "unfreeze"] as const).map((kind) => helper.taskOf(kind));
  expect(freeze?.startedAt).toBeGreaterThanOrEqual(start?.endedAt ?? Number.NaN);
  expect(unfreeze?.startedAt).toBeGreaterThanOrEqual(freeze?.endedAt ?? Number.NaN);
  expect(freeze?.askedAt).toBeLessThan(start?.endedAt ?? Number.NaN);
  expect(lxc.reader.readOne("web")?.state).toBe("running");
});

it("forgets one that is cancelled while it waits, and the one behind it has its turn", async () => {
  const helper = await openHelper();
  const goOn = holdStart("web");
  const starting = helper.call("containers.start", { name: "web" });
  await helper.become("start", { state: "running" });
  const freezing = problemOf(helper.call("containers.freeze", { name: "web" }));
  await helper.become("freeze", { state: "waiting", cancellable: true });
  const stopping = helper.call("containers.stop", { name: "web", timeoutSeconds: 60 });
  await helper.become("stop", { state: "waiting" });
  await helper.call("tasks.cancel", { task: helper.taskOf("freeze")?.id ?? "" });
  expect(await freezing).toEqual({ code: "cancelled" });
  goOn();
  await starting;
  await stopping;
  await helper.become("freeze", { state: "cancelled", commands: [] });
  await helper.become("stop", { state: "succeeded" });
  expect(lxc.reader.readOne("web")?.state).toBe("stopped");
});

it("lets one helper wait for another, and each sees what the other has ended", async () => {
  const [first, second] = [await openHelper(), await openHelper()];
  const goOn = holdStart("web");
  const starting = first.call("containers.start", { name: "web" });
  await first.become("start", { state: "running" });
  const freezing = second.call("containers.freeze", { name: "web" });
  await second.become("freeze", { state: "waiting", waitsFor: { operation: "start", name: "web" } });
  expect(second.taskOf("start")).toBeUndefined();
  goOn();
  await Promise.all([starting, freezing]);
  await second.become("start", { state: "succeeded", isOfAnotherHelper: true });
  await first.become("freeze", { state: "succeeded", isOfAnotherHelper: true });
  expect((await first.call("tasks.log", { task: first.taskOf("freeze")?.id ?? "" })).text).toEqual(expect.any(String));
  // Neither takes away what the other has.
  expect([...first.seen.keys()].sort()).toEqual([...second.seen.keys()].sort());
  await first.call("tasks.clear", {});
  await vi.waitFor(() => expect(second.seen.size).toBe(0));
});

it("says of a helper that was killed that its tasks have failed, and whoever waited for it goes on", async () => {
  const [first, second] = [await openHelper(), await openHelper()];
  holdStart("web");
  void problemOf(first.call("containers.start", { name: "web" }));
  await first.become("start", { state: "running" });
  void problemOf(first.call("containers.freeze", { name: "web" }));
  await first.become("freeze", { state: "waiting" });
  const destroying = second.call("containers.destroy", { name: "web" }).then(() => undefined, toProblem);
  await second.become("destroy", { state: "waiting", waitsFor: { operation: "start", name: "web" } });
  process.kill(first.pid, "SIGKILL");
  await first.exited;
  await second.become("start", { state: "failed", problem: { code: "interrupted", hadBegun: true }, cancellable: false });
  await second.become("freeze", { state: "failed", problem: { code: "interrupted", hadBegun: false } });
  // Its lxc-start goes on without it: the container is not what it has to be for destroying.
  expect(await destroying).toMatchObject({ code: "wrong-state", state: "starting" });
  const third = await openHelper();
  expect(third.taskOf("start")).toMatchObject({ state: "failed", problem: { code: "interrupted", hadBegun: true } });
  expect((await third.call("tasks.log", { task: third.taskOf("start")?.id ?? "" })).text).toEqual(expect.any(String));
});

it("shows a creation that was cut off, and that what was left of it is removed", async () => {
  const first = await openHelper();
  void problemOf(
    first.call("containers.create", {
      name: "cut",
      source: { type: "template", template: "busybox" },
      unprivileged: false,
      start: false,
      address: "dhcp",
    }),
  );
  await first.become("create", { state: "running" }, "cut");
  process.kill(first.pid, "SIGKILL");
  await first.exited;
  const second = await openHelper();
  await second.become(
    "create",
    { state: "failed", problem: { code: "interrupted", hadBegun: true }, requestedBy: { uid: 0, user: "root" } },
    "cut",
  );
  await second.become("recover", { state: "succeeded" }, "cut");
  expect(second.taskOf("recover", "cut")?.requestedBy).toBeUndefined();
  expect(existsSync(join(lxc.lxcPath, "cut"))).toBe(false);
});
