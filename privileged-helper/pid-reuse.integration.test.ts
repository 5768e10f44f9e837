import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { toProblem } from "./contract/problems.ts";
import { toolPath } from "./lxc/run.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { type PrivateComputer, privateComputer } from "./testing/private-computer.ts";

/**
 * The kernel gives the number of a process that has ended to another one. Here it does so at once, because on a computer with processes
 * of its own a test may say which number is next.
 */
let folder: string;
let script: string;
let name: string;
let computer: PrivateComputer;
let helper: HelperClient;

const nodeModules = join(import.meta.dirname, "../node_modules");
const numbersBegin = 20_000;
const lxcPath = () => join(folder, "containers");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-pids-"));
  script = await bundleHelper(join(folder, "helper"));
  // Control groups are the real computer's.
  name = basename(folder).toLowerCase();
  const container = join(lxcPath(), name);
  mkdirSync(join(container, "rootfs/bin"), { recursive: true });
  for (const place of ["dev", "proc", "sys"]) mkdirSync(join(container, "rootfs", place));
  cpSync(toolPath("busybox"), join(container, "rootfs/bin/busybox"));
  writeFileSync(
    join(container, "config"),
    [
      `lxc.rootfs.path = dir:${container}/rootfs`,
      "lxc.init.cmd = /bin/busybox sleep 600",
      "lxc.net.0.type = empty",
      "lxc.mount.auto = proc:mixed sys:ro",
      `lxc.uts.name = ${name}`,
      "",
    ].join("\n"),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const inside = (command: string) => computer.run(helper.pid, command).trim();
/** Starts the container as the first process after a number. @returns The number of its init. */
const startContainer = () =>
  Number(
    inside(`echo ${numbersBegin} >/proc/sys/kernel/ns_last_pid
      lxc-start -P ${lxcPath()} -n ${name} && lxc-info -P ${lxcPath()} -n ${name} --pid --no-humanize`),
  );
const endContainer = (init: number) => inside(`kill -KILL ${init}; lxc-wait -P ${lxcPath()} -n ${name} -s STOPPED`);
/** Has another process run under that number. */
const takeNumber = (pid: number) =>
  vi.waitFor(() => {
    // Whoever had it may still have to be waited for.
    const got = inside(`echo ${pid - 1} >/proc/sys/kernel/ns_last_pid; sleep 600 >/dev/null 2>&1 & echo $!`);
    if (Number(got) !== pid) inside(`kill -KILL ${got}`);
    expect(Number(got)).toBe(pid);
  });
const stateOf = async () => (await helper.call("containers.watch", {})).containers.find((one) => one.name === name)?.state;
/** What happens while the helper notices nothing. */
async function unseen(change: () => unknown) {
  inside("kill -STOP $(pidof node)");
  try {
    await change();
  } finally {
    inside("kill -CONT $(pidof node)");
  }
}

beforeEach(async () => {
  computer = privateComputer([folder, nodeModules], { ownNetwork: true });
  // A shell waits for whoever has lost its parent, as init does; the helper would leave them their numbers.
  helper = startHelper(script, lxcPath(), [...computer.around, "/bin/sh", "-c", '"$@"; exit', "sh"]);
  await helper.call("tasks.watch", {});
});
afterEach(async () => {
  inside(`lxc-stop -P ${lxcPath()} -n ${name} -k || true`);
  await helper.close();
});

describe("a number of a process that is another one's now", () => {
  it("is no container: nobody enters it, stops it or freezes it", async () => {
    const init = startContainer();
    const monitor = Number(inside(`cut -d " " -f 4 /proc/${init}/stat`));
    expect(await stateOf()).toBe("running");
    await unseen(async () => {
      endContainer(init);
      for (const pid of [init, monitor]) await takeNumber(pid);
    });
    for (const [method, params] of [
      ["terminal.open", { name, columns: 80, rows: 24 }],
      ["containers.forceStop", { name }],
      ["containers.stop", { name, timeoutSeconds: 1 }],
      ["containers.freeze", { name }],
      ["containers.firstStart", { name, firstStart: { command: "true" } }],
    ] as const) {
      expect(await helper.callRaw(method, params).catch(toProblem), method).toMatchObject({ code: "wrong-state", state: "stopped" });
    }
    for (const pid of [init, monitor]) expect(inside(`cut -d " " -f 2,3 /proc/${pid}/stat`)).toBe("(sleep) S");
  });

  it("is the container's next init: what is told is that one's, not the last one's", async () => {
    const first = startContainer();
    expect(await stateOf()).toBe("running");
    await unseen(async () => {
      let last = first;
      // Threads of the helper that begin meanwhile need numbers, too.
      await vi.waitUntil(
        () => {
          endContainer(last);
          last = startContainer();
          return last === first;
        },
        { timeout: 20_000, interval: 1 },
      );
      inside(`lxc-freeze -P ${lxcPath()} -n ${name}`);
    });
    expect(await stateOf()).toBe("frozen");
    const changes: string[] = [];
    helper.on("containers.changed", ({ changed }) => changes.push(...changed.map(({ state }) => state)));
    inside(`lxc-unfreeze -P ${lxcPath()} -n ${name}`);
    await vi.waitFor(() => expect(changes).toEqual(["running"]));
  });
});
