import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { maxUnwrittenBytes } from "./contract/events.ts";
import { toProblem } from "./contract/problems.ts";
import { readProcessStat } from "./lxc/proc.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { impersonate } from "./testing/impostor.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";
import { reservationsOf } from "./testing/reservations.ts";
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
    const { channel, received } = await openFlooding();
    // Nothing is acknowledged, so it stops soon after what may be outstanding.
    await vi.waitFor(() => expect(received()).toBeGreaterThan(200_000), { timeout: 10_000 });
    await helper.call("containers.watch", {});
    const before = received();
    await helper.call("host.info", {});
    expect(before).toBeLessThan(1024 * 1024);
    expect(received()).toBeLessThan(1024 * 1024);
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
          source: { type: "template", template: "debian", options: { release: "--help" } },
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

  it("lists folders of hostile names and touches none of them, and takes no link for a container", async () => {
    const names = ["-rf", "--help", "a b", "a\nb", "a;id", "a'\"`id`", "\u202ea", "ä", "x".repeat(255), "a\u001b[2J"];
    const touches = "$(touch mark)";
    for (const name of [...names, touches]) {
      mkdirSync(join(lxc.lxcPath, name, "rootfs"), { recursive: true });
      writeFileSync(join(lxc.lxcPath, name, "config"), `lxc.rootfs.path = dir:${lxc.lxcPath}/box/rootfs\nlxc.start.auto = 1\n`);
    }
    symlinkSync("/etc", join(lxc.lxcPath, "evil"));
    symlinkSync(join(lxc.lxcPath, "box"), join(lxc.lxcPath, "alias"));
    start();
    try {
      const { containers } = await helper.call("containers.watch", {});
      expect(
        containers
          .filter(({ manageable }) => !manageable)
          .map(({ name }) => name)
          .sort(),
      ).toEqual([...names, touches].sort());
      expect(containers.filter(({ manageable }) => manageable).map(({ name }) => name)).toEqual(["box"]);
      const overview = await helper.call("security.auditAll", {});
      expect(overview.skipped.map(({ name }) => name).sort()).toEqual([...names, touches].sort());
      expect(overview.containers.map(({ name }) => name)).toEqual(["box"]);
      for (const name of [...names, touches, "evil", "alias"]) {
        for (const method of [
          "containers.start",
          "containers.destroy",
          "containers.configuration",
          "security.audit",
          "containers.diskUsage",
        ]) {
          const problem = await problemOf(helper.callRaw(method, { name }));
          expect(["invalid-request", "not-found"], `${method} ${name}`).toContain(problem?.code);
        }
      }
      expect(readdirSync("/").includes("mark")).toBe(false);
    } finally {
      await helper.close();
      for (const name of [...names, touches, "evil", "alias"]) rmSync(join(lxc.lxcPath, name), { recursive: true });
    }
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

  it("works on only so many calls at a time, and ends a container by force meanwhile", async () => {
    lxc.makeContainer("stubborn");
    // As init it is sent no signal that it does not ask for, so shutting it down takes all the time that there is for it.
    appendFileSync(join(lxc.lxcPath, "stubborn/config"), "lxc.init.cmd = /bin/sleep 600\n");
    lxc.run("lxc-start", "-n", "stubborn");
    start();
    try {
      const stopped = problemOf(helper.call("containers.stop", { name: "stubborn", timeoutSeconds: 600 }));
      const controller = new AbortController();
      const clones = Array.from({ length: 100 }, (_, index) => {
        const source = { type: "clone", from: "stubborn", copy: "full" };
        const params = { name: `clone-${index}`, source, unprivileged: false, start: false, address: "dhcp" };
        return problemOf(helper.callRaw("containers.create", params, controller.signal));
      });
      const refused = await Promise.all(clones.slice(63));
      expect(refused).toEqual(Array(37).fill({ code: "too-many-requests", limit: 64 }));
      await helper.call("containers.forceStop", { name: "stubborn" });
      expect(await stopped).toEqual({ code: "cancelled" });
      controller.abort();
      for (const problem of await Promise.all(clones.slice(0, 63))) expect([undefined, "cancelled"]).toContain(problem?.code);
      expect((await helper.call("containers.watch", {})).containers.find(({ name }) => name === "stubborn")?.state).toBe("stopped");
    } finally {
      await helper.close();
      for (const name of readdirSync(lxc.lxcPath)) if (name !== "box") lxc.run("lxc-destroy", "-f", "-n", name);
    }
  });

  it("does not end by what a terminal sends to all that was started from it, and undoes its work when it is asked to end", async () => {
    start();
    await helper.call("tasks.watch", {});
    for (const signal of ["SIGINT", "SIGHUP", "SIGTSTP", "SIGPIPE"] as const) process.kill(helper.pid, signal);
    expect((await helper.call("containers.watch", {})).containers).toHaveLength(1);
    const source = { type: "template", template: "busybox" };
    const params = { name: "half", source, unprivileged: true, start: true, address: "static" };
    const created = problemOf(helper.callRaw("containers.create", params));
    await vi.waitUntil(() => existsSync(join(lxc.lxcPath, "half")), { interval: 1, timeout: 10_000 });
    process.kill(helper.pid, "SIGTERM");
    await created;
    expect(await helper.exited).toBe(0);
    expect(readdirSync(lxc.lxcPath)).toEqual(["box"]);
    expect(reservationsOf(lxc.lxcPath)).toEqual([]);
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
      expect(reservationsOf(lxc.lxcPath)).toEqual([]);
      expect(readdirSync("/run/lxc-desktop").filter((name) => name.includes("half"))).toEqual([]);
    }
  });
});

describe("a program that prints whatever it likes", () => {
  it("writes none of the helper's messages, and is text in the task", async () => {
    start();
    const forged = encodeFrame(encodeMessage(0, Buffer.from('{"jsonrpc":"2.0","method":"containers.changed","params":{"forged":true}}')));
    const octal = [...forged].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    let changes = 0;
    helper.on("containers.changed", (change) => {
      if ("forged" in change) changes++;
    });
    const command = `head -c 300000 /dev/zero; printf '${octal}'; printf '${octal}' >&2`;
    await helper.call("containers.firstStart", { name: "box", firstStart: { command } } as never);
    expect((await helper.call("containers.watch", {})).containers.map(({ name }) => name)).toContain("box");
    const { tasks } = await helper.call("tasks.watch", {});
    const { text } = await helper.call("tasks.log", { task: tasks.at(-1)?.id ?? "" });
    expect(text).toContain('"forged":true');
    expect(changes).toBe(0);
  });
});

describe("a host that means harm", () => {
  const call = (id: unknown, method: string, params: unknown) =>
    encodeFrame(encodeMessage(0, Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method, params }))));
  const residentBytes = () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${helper.pid}/status`, "utf8"))?.[1]) * 1024;
  const descriptors = () => readdirSync(`/proc/${helper.pid}/fd`).length;
  const shells = () =>
    readdirSync("/proc").filter((pid) => {
      try {
        return readProcessStat(Number(pid))?.parentPid === helper.pid && readFileSync(`/proc/${pid}/comm`, "utf8") === "lxc-attach\n";
      } catch {
        return false;
      }
    });

  it("may send a byte at a time, or everything at once", async () => {
    start();
    for (const byte of call(1e6, "tasks.clear", {})) helper.write(Uint8Array.of(byte));
    expect(await helper.call("tasks.watch", {})).toMatchObject({ tasks: [] });
    const answers = await Promise.all(Array.from({ length: 500 }, () => helper.call("tasks.clear", {}).catch(toProblem)));
    expect(answers).toHaveLength(500);
  });

  it("gets no crash out of deep, wide or doubled JSON", async () => {
    start();
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const wide = `{${Array.from({ length: 20_000 }, (_, index) => `"k${index}":1`).join(",")}}`;
    const source = '{"type":"clone","from":"box","__proto__":{"from":"other"},"constructor":1}';
    // Deeper than this side itself could write.
    for (const params of [deep, `{"containers":${deep},"intervalMilliseconds":1000}`]) {
      for (const method of ["host.info", "metrics.watch"]) {
        helper.write(encodeFrame(encodeMessage(0, Buffer.from(`{"jsonrpc":"2.0","id":1e6,"method":"${method}","params":${params}}`))));
        await helper.call("host.info", {});
      }
    }
    for (const [method, params] of [
      ["host.info", wide],
      ["containers.create", `{"name":"x1","source":${source},"unprivileged":true,"start":false,"address":"dhcp"}`],
      ["containers.stop", '{"name":"box","timeoutSeconds":1e999}'],
      ["containers.start", '{"name":"\\ud800"}'],
      ["containers.start", '{"name":"box","name":"../box"}'],
    ] as const) {
      expect(await problemOf(helper.callRaw(method, JSON.parse(params))), `${method} ${params.slice(0, 60)}`).toMatchObject({
        code: "invalid-request",
      });
    }
    expect(readdirSync(lxc.lxcPath)).toEqual(["box"]);
  });

  it("costs nothing that stays with notifications, reports and bytes for terminals that are not there", async () => {
    start();
    await helper.call("containers.watch", {});
    const before = residentBytes();
    const notification = (method: string, params: unknown) =>
      encodeFrame(encodeMessage(0, Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params }))));
    for (const frame of [
      notification("nonsense", { a: "b\nc" }),
      notification("__proto__", {}),
      notification("$/cancel", { id: 99 }),
      notification("terminal.ack", { channel: 7, bytes: 1e15 }),
      notification("terminal.ack", { channel: 7, bytes: -1 }),
      encodeFrame(encodeMessage(7, new Uint8Array(1000))),
    ]) {
      const many = Buffer.concat(Array.from({ length: 1000 }, () => frame));
      for (let i = 0; i < 10; i++) helper.write(many);
    }
    expect((await helper.call("containers.watch", {})).containers).toHaveLength(1);
    expect(residentBytes() - before).toBeLessThan(64 * 1024 * 1024);
  });

  it("cannot fill the helper's memory with what it types, nor keep it busy", async () => {
    start();
    let printed = "";
    helper.onData((_channel, bytes) => {
      printed += Buffer.from(bytes).toString();
    });
    const exited = new Promise((resolve) => helper.on("terminal.exited", resolve));
    const { channel } = await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
    await prompt(channel, () => printed);
    helper.sendData(channel, Buffer.from("stty raw -echo; echo not-reading; sleep 600\n"));
    await vi.waitFor(() => expect(printed).toMatch(/not-reading\r?\n/), { timeout: 10_000 });
    const before = residentBytes();
    for (let i = 0; i < 640; i++) helper.sendData(channel, new Uint8Array(200 * 1024).fill(97));
    await helper.call("host.info", {});
    expect(residentBytes() - before).toBeLessThan(64 * 1024 * 1024);
    expect(await exited).toMatchObject({ channel });
    await vi.waitFor(() => expect(shells()).toEqual([]));
  });

  it("gets the same reply whatever it reports of a terminal: acknowledgements that lie let nothing more through", async () => {
    start();
    const { channel, received } = await openFlooding();
    await vi.waitFor(() => expect(received()).toBeGreaterThan(256 * 1024), { timeout: 10_000 });
    for (const bytes of [Number.MAX_SAFE_INTEGER, 2 ** 40, -1, 0.5, 1, 1]) helper.notify("terminal.ack", { channel, bytes });
    helper.notify("terminal.ack", { channel: channel + 1, bytes: received() });
    await helper.call("host.info", {});
    await helper.call("containers.watch", {});
    expect(received()).toBeLessThan(1024 * 1024);
    // The truth lets it go on.
    const before = received();
    helper.notify("terminal.ack", { channel, bytes: before });
    await vi.waitFor(() => expect(received()).toBeGreaterThan(before));
    await helper.call("terminal.close", { channel });
  });

  it("leaves no descriptor behind with whatever it opens, watches and starts", async () => {
    start();
    const cycle = async () => {
      const { channel } = await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
      await helper.call("containers.watch", {});
      await helper.call("tasks.watch", {});
      await helper.call("logs.watch", { name: "box", log: "lxc" });
      await helper.call("metrics.watch", { containers: "running", intervalMilliseconds: 500 });
      await helper.call("containers.freeze", { name: "box" });
      await helper.call("containers.unfreeze", { name: "box" });
      await helper.call("terminal.close", { channel });
      await helper.call("metrics.watch", { containers: [], intervalMilliseconds: 500 });
      await helper.call("logs.unwatch", {});
      await helper.call("tasks.unwatch", {});
      await helper.call("containers.unwatch", {});
      await vi.waitFor(() => expect(shells()).toEqual([]));
    };
    await cycle();
    const before = descriptors();
    for (let i = 0; i < 8; i++) await cycle();
    await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before + 2));
  });

  describe("makes images of what is uploaded", () => {
    const store = () => `${lxc.lxcPath}-desktop`;
    const archive = () => {
      const path = join(folder, "rootfs.tar");
      execFileSync("tar", ["-C", join(lxc.lxcPath, "box/rootfs"), "-cf", path, "--exclude=./dev/*", "."], { stdio: "ignore" });
      return readFileSync(path);
    };
    const send = async (channel: number, bytes: Buffer) => {
      let written = 0;
      helper.on("uploads.written", (event) => {
        if (event.channel === channel) written = event.bytes;
      });
      for (let sent = 0; sent < bytes.length; sent += 200_000) {
        const piece = bytes.subarray(sent, sent + 200_000);
        await vi.waitFor(() => expect(sent + piece.length - written).toBeLessThanOrEqual(maxUnwrittenBytes), {
          timeout: 10_000,
          interval: 1,
        });
        helper.sendData(channel, piece);
      }
    };
    afterAll(() => rmSync(store(), { recursive: true, force: true }));

    it("on a channel of its own, for the page after the one that began it as well", async () => {
      start();
      const changed = vi.fn();
      expect(await helper.call("images.list", {})).toEqual([]);
      const terminal = await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
      const bytes = archive();
      const { channel } = await helper.call("uploads.open", { bytes: bytes.length });
      expect(channel).not.toBe(terminal.channel);
      const sending = send(channel, bytes);
      helper.notify("reset", {});
      await sending;
      helper.on("images.changed", changed);
      await helper.call("images.list", {});
      const sha256 = { rootfs: createHash("sha256").update(bytes).digest("hex") };
      const { image } = await helper.call("images.import", {
        title: "Box",
        origin: "archive",
        rootfs: channel,
        sha256,
        unprivileged: true,
      });
      await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1));
      expect(await helper.call("images.list", {})).toMatchObject([{ id: image, title: "Box", unprivileged: true, containers: [] }]);
      const source = { type: "image", image } as const;
      await helper.call("containers.create", { name: "made", source, unprivileged: true, start: true, address: "dhcp" });
      await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2));
      expect(await helper.call("images.list", {})).toMatchObject([{ id: image, containers: ["made"] }]);
      expect(await problemOf(helper.call("images.delete", { image }))).toEqual({
        code: "image-in-use",
        image: "Box",
        containers: ["made"],
      });
      await helper.call("containers.forceStop", { name: "made" });
      await helper.call("containers.destroy", { name: "made" });
      await helper.call("images.delete", { image });
      expect(await helper.call("images.list", {})).toEqual([]);
    });

    it("and keeps none that was not finished when the connection ends", async () => {
      start();
      const { channel } = await helper.call("uploads.open", { bytes: 1_000_000 });
      helper.sendData(channel, Buffer.alloc(200_000));
      await vi.waitFor(() => expect(readdirSync(join(store(), "uploads"))).toHaveLength(1));
      await helper.close();
      expect(readdirSync(join(store(), "uploads"))).toEqual([]);
    });
  });

  it("enters no container that somebody else answers for", async () => {
    lxc.makeContainer("faked");
    start();
    const impostor = await impersonate(lxc.lxcPath, "faked");
    try {
      const { containers } = await helper.call("containers.watch", {});
      expect(containers.find((one) => one.name === "faked")?.state).toBe("stopped");
      for (const [method, params] of [
        ["terminal.open", { name: "faked", columns: 80, rows: 24 }],
        ["containers.stop", { name: "faked", timeoutSeconds: 1 }],
        ["containers.forceStop", { name: "faked" }],
        ["containers.freeze", { name: "faked" }],
      ] as const) {
        expect(await problemOf(helper.callRaw(method, params)), method).toMatchObject({ code: "wrong-state", state: "stopped" });
      }
      // None of LXC's tools has been sent to it.
      expect(impostor.connections()).toBe(0);
      expect(await problemOf(helper.callRaw("containers.start", { name: "faked" }))).toMatchObject({
        code: "start-failed",
        cause: { id: "name-taken" },
      });
    } finally {
      await impostor.end();
      lxc.run("lxc-destroy", "-n", "faked");
    }
  });
});

/** A terminal in which a program prints all it can. */
async function openFlooding(): Promise<{ channel: number; received(): number }> {
  let received = 0;
  let printed = "";
  helper.onData((_channel, bytes) => {
    received += bytes.length;
    printed = Buffer.from(bytes).toString();
  });
  const { channel } = await helper.call("terminal.open", { name: "box", columns: 80, rows: 24 });
  await prompt(channel, () => printed);
  helper.sendData(channel, Buffer.from("cat /dev/zero\n"));
  return { channel, received: () => received };
}

/** Waits for the shell, which first asks the terminal where its cursor is (CSI 6 n) and reads nothing else until it is told. */
async function prompt(channel: number, printed: () => string) {
  await vi.waitFor(() => expect(printed()).toContain("\u001b[6n"), { timeout: 10_000 });
  helper.sendData(channel, Buffer.from("\u001b[1;1R"));
}
