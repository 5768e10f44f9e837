import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { toProblem } from "./contract/problems.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { encodeFrame, encodeMessage } from "./wire/frames.ts";

let lxc: RealLxc;
let folder: string;
let script: string;
let helper: HelperClient;

beforeAll(async () => {
  lxc = createRealLxc("helper");
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-helper-"));
  script = await bundleHelper(folder);
  lxc.makeContainer("box");
  lxc.run("lxc-start", "-n", "box");
});
afterAll(async () => {
  await lxc.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => helper.close());

const start = () => {
  helper = startHelper(script, lxc.lxcPath);
  return helper;
};
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

describe("the helper", () => {
  it("says first who it is", async () => {
    const hello = new Promise((resolve) => start().on("hello" as never, resolve));
    expect(await hello).toEqual({ version: "0.0.0-test", protocol: 1, mode: "root" });
  });

  it("lists, and tells what changes", async () => {
    start();
    const changes: string[] = [];
    helper.on("containers.changed", ({ changed }) => changes.push(...changed.map(({ name, state }) => `${name} ${state}`)));
    const { containers } = await helper.call("containers.watch", {});
    expect(containers.map(({ name, state }) => `${name} ${state}`)).toEqual(["box running"]);
    await helper.call("containers.freeze", { name: "box" });
    await vi.waitFor(() => expect(changes).toContain("box frozen"));
    await helper.call("containers.unfreeze", { name: "box" });
    await vi.waitFor(() => expect(changes.at(-1)).toBe("box running"));
  });

  it("runs a shell: what is typed comes back, its size is known inside, and its end is told", async () => {
    start();
    let printed = "";
    helper.onData((_channel, bytes) => {
      printed += Buffer.from(bytes).toString();
    });
    const exited = new Promise((resolve) => helper.on("terminal.exited", resolve));
    const { channel } = await helper.call("terminal.open", { name: "box", columns: 91, rows: 33 });
    await prompt(channel, () => printed);
    helper.sendData(channel, Buffer.from("echo answer=$((6*7)); stty size; env\n"));
    await vi.waitFor(() => expect(printed).toContain("answer=42"), { timeout: 10_000 });
    await vi.waitFor(() => expect(printed).toContain("33 91"));
    await vi.waitFor(() => expect(printed).toContain("TERM=xterm-256color"));
    expect(printed).not.toContain("LXC_DESKTOP");
    await helper.call("terminal.resize", { channel, columns: 120, rows: 40 });
    helper.sendData(channel, Buffer.from("stty size\n"));
    await vi.waitFor(() => expect(printed).toContain("40 120"));
    helper.sendData(channel, Buffer.from("exit 3\n"));
    expect(await exited).toMatchObject({ channel, exitCode: 3 });
  });

  it("holds back a terminal that floods, and goes on answering", async () => {
    start();
    let received = 0;
    let printed = "";
    helper.onData((_channel, bytes) => {
      received += bytes.length;
      printed = Buffer.from(bytes).toString();
    });
    const { channel } = await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
    await prompt(channel, () => printed);
    helper.sendData(channel, Buffer.from("cat /dev/zero\n"));
    // Nothing is acknowledged, so it stops soon after what may be outstanding.
    await vi.waitFor(() => expect(received).toBeGreaterThan(200_000), { timeout: 10_000 });
    await helper.call("containers.watch", {});
    const before = received;
    await helper.call("host.info", {});
    expect(before).toBeLessThan(1024 * 1024);
    expect(received).toBeLessThan(1024 * 1024);
    await helper.call("terminal.close", { channel });
  });

  it("ends with its input, and every shell with it", async () => {
    start();
    await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
    const attached = () =>
      readdirSync("/proc").filter((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/usr/bin/lxc-attach\0-n\0box\0");
        } catch {
          return false;
        }
      });
    await vi.waitFor(() => expect(attached()).not.toEqual([]));
    await helper.close();
    expect(await helper.exited).toBe(0);
    await vi.waitFor(() => expect(attached()).toEqual([]));
  });

  it("refuses methods and keys that it does not know, and names that it must not touch", async () => {
    start();
    const refused: [string, unknown][] = [
      ["containers.explode", {}],
      ["constructor", {}],
      ["__proto__", {}],
      ["containers.start", { name: "box", uid: 0 }],
      ["containers.start", JSON.parse('{"name":"box","__proto__":{"uid":0}}')],
      ["containers.start", {}],
      ["containers.start", []],
      ["containers.start", undefined],
      ["containers.start", { name: "../box" }],
      ["containers.start", { name: "box; id" }],
      ["containers.start", { name: "$(id)" }],
      ["containers.start", { name: "-n" }],
      ["containers.start", { name: "" }],
      ["containers.start", { name: "a".repeat(64) }],
      ["containers.start", { name: "box\u0000" }],
      ["containers.start", { name: "box\n" }],
      [
        "containers.create",
        { name: "New", source: { type: "template", template: "busybox" }, unprivileged: true, start: false, address: "dhcp" },
      ],
      [
        "containers.create",
        { name: "new", source: { type: "template", template: "../../tmp/x" }, unprivileged: true, start: false, address: "dhcp" },
      ],
      [
        "containers.create",
        {
          name: "new",
          source: { type: "template", template: "debian", release: "--help" },
          unprivileged: true,
          start: false,
          address: "dhcp",
        },
      ],
      ["metrics.watch", { containers: ["box"], intervalMilliseconds: 1 }],
      ["terminal.open", { name: "box", columns: 1e9, rows: 1 }],
    ];
    for (const [method, params] of refused) {
      expect(await problemOf(helper.callRaw(method, params)), `${method} ${JSON.stringify(params)}`).toMatchObject({
        code: "invalid-request",
      });
    }
    expect(await problemOf(helper.callRaw("containers.start", { name: "nobody" }))).toEqual({ code: "not-found", what: "nobody" });
    expect((await helper.call("containers.watch", {})).containers).toHaveLength(1);
  });

  it.each([
    ["a frame that is longer than any request", Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0)],
    ["a frame without a channel", encodeFrame(Uint8Array.of(1, 2))],
    ["text that is no JSON", encodeFrame(encodeMessage(0, Buffer.from("{")))],
    ["bytes that are no text", encodeFrame(encodeMessage(0, Uint8Array.of(0xc3, 0x28)))],
  ])("ends where the stream cannot be trusted any more: %s", async (_what, bytes) => {
    start();
    await helper.call("host.info", {});
    helper.write(bytes);
    expect(await helper.exited).toBe(0);
  });

  it("undoes a create that is cancelled in the middle, and one whose host goes away", async () => {
    start();
    const request = {
      name: "half",
      source: { type: "template", template: "busybox" },
      unprivileged: true,
      start: true,
      address: "static",
    } as const;
    for (const end of ["cancel", "host gone"] as const) {
      const controller = new AbortController();
      const created = problemOf(helper.callRaw("containers.create", request, controller.signal));
      await vi.waitUntil(() => existsSync(join(lxc.lxcPath, "half")), { interval: 1, timeout: 10_000 });
      if (end === "cancel") {
        controller.abort();
        expect(await created).toEqual({ code: "cancelled" });
      } else {
        await helper.close();
      }
      expect(readdirSync(lxc.lxcPath)).toEqual(["box"]);
      expect(reservations()).toEqual([]);
      expect(readdirSync("/run/lxc-desktop").filter((name) => name.includes("half"))).toEqual([]);
    }
  });
});

/** Waits for the shell, which first asks the terminal where its cursor is (CSI 6 n) and reads nothing else until it is told. */
async function prompt(channel: number, printed: () => string) {
  await vi.waitFor(() => expect(printed()).toContain("\u001b[6n"), { timeout: 10_000 });
  helper.sendData(channel, Buffer.from("\u001b[1;1R"));
}

/** Addresses that are reserved for containers of this test: the others have their own. */
function reservations(): string[] {
  const hosts = "/var/lib/lxc-desktop/dhcp-hosts";
  return existsSync(hosts) ? readdirSync(hosts) : [];
}
