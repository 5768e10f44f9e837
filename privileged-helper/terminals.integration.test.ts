import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { toProblem } from "./contract/problems.ts";
import type { TerminalEnd } from "./contract/terminal.ts";
import { bundleHelper, type HelperClient, startHelper } from "./testing/helper-client.ts";
import { createRealLxc, type RealLxc } from "./testing/real-lxc.ts";

let lxc: RealLxc;
let folder: string;
let script: string;
let helper: HelperClient;
const terminals = new Map<
  number,
  { bytes: number; text: string; hash: ReturnType<typeof createHash>; end?: TerminalEnd; reads: boolean }
>();

beforeAll(async () => {
  lxc = createRealLxc("terminals");
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-terminals-"));
  script = await bundleHelper(folder);
  lxc.makeContainer("box");
  const root = join(lxc.lxcPath, "box/rootfs");
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nd:x:2:2::/:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nme:x:1000:\nwheel:x:10:me\n");
  lxc.run("lxc-start", "-n", "box");
  lxc.run("lxc-attach", "-n", "box", "--", "sh", "-c", "mkdir -p /home/me && chown 1000:1000 /home/me");
});
afterAll(async () => {
  await lxc.close();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  await helper.close();
  await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
});

function start(around?: readonly string[]) {
  terminals.clear();
  helper = startHelper(script, lxc.lxcPath, around);
  helper.onData((channel, bytes) => {
    const terminal = of(channel);
    terminal.bytes += bytes.length;
    terminal.text = (terminal.text + Buffer.from(bytes).toString()).slice(-100_000);
    terminal.hash.update(bytes);
    if (terminal.reads) helper.notify("terminal.ack", { channel, bytes: terminal.bytes });
  });
  helper.on("terminal.exited", ({ channel, ...end }) => {
    of(channel).end = end;
  });
}
function of(channel: number) {
  const terminal = terminals.get(channel) ?? { bytes: 0, text: "", hash: createHash("sha256"), reads: true };
  terminals.set(channel, terminal);
  return terminal;
}
type Kind = NonNullable<Parameters<typeof helper.call<"terminal.open">>[1]["kind"]>;
const open = async (kind: Kind) => (await helper.call("terminal.open", { name: "box", columns: 80, rows: 24, kind })).channel;
/** A shell that has been told where its cursor is, which it asks first. */
const shell = async (kind: Kind = { type: "shell" }) => {
  const channel = await open(kind);
  await vi.waitFor(() => expect(of(channel).text).toContain("\u001b[6n"), { timeout: 10_000 });
  helper.sendData(channel, Buffer.from("\u001b[1;1R"));
  return channel;
};
const type = (channel: number, text: string) => helper.sendData(channel, Buffer.from(text));
const shows = (channel: number, text: string | RegExp) =>
  vi.waitFor(() => expect(of(channel).text).toMatch(text), { timeout: 20_000, interval: 10 });
const ended = (channel: number) =>
  vi.waitFor(() => expect(of(channel).end).toBeDefined(), { timeout: 240_000, interval: 10 }).then(() => of(channel).end);
const problemOf = (promise: Promise<unknown>) => promise.then(() => undefined, toProblem);

/** Processes of terminals: those of this test are named by what nobody else runs. */
function leftInside(): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => (line.includes(lxc.lxcPath) && /lxc-(attach|console)/.test(line)) || /sleep 9876\d|yes flooding/.test(line));
}

describe("a terminal", () => {
  it("runs a command with its arguments as they are, and tells its exit code after its last byte", async () => {
    start();
    const channel = await open({ type: "command", argv: ["sh", "-c", 'printf "<%s>" "$1"; exit 7', "sh", "$(id); ' \""] });
    expect(await ended(channel)).toEqual({ exitCode: 7 });
    expect(of(channel).text).toBe("<$(id); ' \">");
  });

  it("gets all that is typed from the moment on at which it is opened, though lxc-attach throws away what comes too early", async () => {
    start();
    const opened = await Promise.all(
      Array.from({ length: 12 }, () => open({ type: "command", argv: ["sh", "-c", "read line; echo got $line"] })),
    );
    for (const channel of opened) type(channel, "first\n");
    for (const channel of opened) expect(await ended(channel)).toEqual({ exitCode: 0 });
    expect(opened.map((channel) => of(channel).text)).toEqual(opened.map(() => expect.stringContaining("got first")));
  });

  it("has nothing of the helper's: no variable of its environment, no open file, no terminal", async () => {
    // As whoever starts it might have them: a variable, a file and a folder of this computer's that are open.
    start(["/bin/sh", "-c", 'exec 8</etc/shadow 9</; LXC_DESKTOP_SECRET_OF_THE_HELPER=x exec "$@"', "sh"]);
    const channel = await shell();
    // The helper itself has it, so that there is something to be inherited.
    expect(readFileSync(`/proc/${helper.pid}/environ`, "utf8")).toContain("LXC_DESKTOP_SECRET_OF_THE_HELPER");
    type(channel, "tr '\\0' '\\n' </proc/$$/environ | cut -d = -f 1 | sort | tr '\\n' ' '; echo vari''ables\n");
    await shows(channel, /variables/);
    const [, variables = ""] = /\n([^\n]*)variables\r/.exec(of(channel).text) ?? [];
    expect(
      variables
        .split(" ")
        .filter((name) => !["COLORTERM", "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "container", ""].includes(name)),
    ).toEqual([]);
    expect(variables).toContain("TERM");
    type(channel, "ls -l --color=never /proc/$$/fd; echo fi''les\n");
    await shows(channel, /files\r/);
    const files = [...of(channel).text.matchAll(/ \d+ -> (.*)\r$/gm)].map(([, target]) => target);
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const target of files) expect(target).toMatch(/^\/dev\/(pts\/\d+|tty|null)$/);
    // A program can type into the terminal that it is controlled by (TIOCSTI, ioctl_tty(2)), which has to be another one than ours.
    type(channel, "echo terminal-$(cut -d ' ' -f 7 /proc/$$/stat); exit\n");
    await shows(channel, /terminal-\d+/);
    const [, controlling] = /terminal-(\d+)/.exec(of(channel).text) ?? [];
    expect(Number(controlling)).toBeGreaterThan(0);
    expect(controlling).not.toBe(readFileSync(`/proc/${helper.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[4]);
    await ended(channel);
  });

  it("brings 100 MB byte for byte", async () => {
    start();
    const make = "stty raw; i=0; while [ $i -lt 100 ]; do dd if=/data bs=1M count=1 2>/dev/null; i=$((i+1)); done";
    const megabyte = Buffer.alloc(1024 * 1024, "0123456789abcdef\r\n\u001b[31mé🙂");
    writeFileSync(join(lxc.lxcPath, "box/rootfs/data"), megabyte);
    const channel = await open({ type: "command", argv: ["sh", "-c", make] });
    expect(await ended(channel)).toEqual({ exitCode: 0 });
    const whole = createHash("sha256");
    for (let i = 0; i < 100; i++) whole.update(megabyte);
    expect(of(channel).bytes).toBe(100 * megabyte.length);
    expect(of(channel).hash.digest("hex")).toBe(whole.digest("hex"));
  }, 300_000);

  it("brings ends of lines as they are to a page that takes its time", async () => {
    start();
    const lines = Buffer.alloc(4 * 1024 * 1024, "\r\n\r\r\n");
    writeFileSync(join(lxc.lxcPath, "box/rootfs/lines"), lines);
    const channel = await open({ type: "command", argv: ["sh", "-c", "stty raw; cat /lines"] });
    of(channel).reads = false;
    const reading = setInterval(() => helper.notify("terminal.ack", { channel, bytes: of(channel).bytes }), 250);
    await ended(channel);
    clearInterval(reading);
    expect(of(channel).bytes).toBe(lines.length);
    expect(of(channel).hash.digest("hex")).toBe(createHash("sha256").update(lines).digest("hex"));
  });

  it("of another user has that user's groups, home, shell, folder and environment", async () => {
    start();
    expect(await helper.call("terminal.users", { name: "box" })).toEqual([
      { name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/sh" },
      { name: "me", uid: 1000, gid: 1000, home: "/home/me", shell: "/bin/sh" },
    ]);
    const channel = await shell({ type: "shell", user: "me", directory: "/etc", environment: { GREETING: "a $(id) b" } });
    type(channel, 'id; echo "$PWD,$HOME,$USER,$GREETING"\r');
    await shows(channel, /uid=1000\(me\) gid=1000\(me\) groups=10\(wheel\),1000\(me\)/);
    await shows(channel, /\/etc,\/home\/me,me,a \$\(id\) b\r/);
    // It has a terminal of its own to control: jobs and Ctrl-C work.
    type(channel, "sleep 98761\r");
    await vi.waitFor(() => expect(leftInside().join()).toContain("sleep 98761"), { timeout: 10_000 });
    type(channel, "\u0003");
    await vi.waitFor(() => expect(leftInside().join()).not.toContain("sleep 98761"), { timeout: 10_000 });
    expect(await problemOf(open({ type: "shell", user: "nobody-here" }))).toEqual({ code: "not-found", what: "user nobody-here" });
    expect(await problemOf(open({ type: "shell", user: "d" }))).toEqual({ code: "not-found", what: "user d" });
  });

  it("shows what the console has shown before, as text alone, and which of it is past", async () => {
    start();
    const log = join(lxc.lxcPath, "box/console.log");
    const openConsole = () => open({ type: "console" });
    // LXC lets one at a time.
    const close = async (channel: number) => {
      await helper.call("terminal.close", { channel });
      await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
    };
    const bare = await openConsole();
    await shows(bare, "LXC keeps no log of this console");
    await close(bare);
    const line = `${"x".repeat(99)}\n`;
    writeFileSync(log, `${line.repeat(1000)}booted \u001b[32mOK\u001b[0m\u001b]0;title\u0007\u001b[6n\r\nbox login: `);
    try {
      const channel = await openConsole();
      await shows(channel, "From now on:");
      const { text } = of(channel);
      expect(text.replaceAll(line.replace("\n", "\r\n"), "")).toBe(
        "\u001b[2m[What this console showed before:]\u001b[0m\r\nbooted OK\r\nbox login: \r\n\u001b[2m[From now on:]\u001b[0m\r\n",
      );
      expect(text.length).toBeGreaterThan(60 * 1024);
      expect(text.length).toBeLessThan(70 * 1024);
      await close(channel);
      // A link is not followed, wherever it leads.
      rmSync(log);
      symlinkSync("/etc/passwd", log);
      const other = await openConsole();
      await shows(other, "LXC keeps no log of this console");
      expect(of(other).text).not.toContain("root:");
    } finally {
      rmSync(log);
    }
  });

  it("shows the console, and leaves every key to it", async () => {
    start();
    const channel = await open({ type: "console" });
    // lxc-console throws away what was typed before it was there.
    await vi.waitFor(
      () => {
        type(channel, "\r");
        expect(of(channel).text).toMatch(/# |activate this console/);
      },
      { timeout: 20_000, interval: 500 },
    );
    type(channel, "\u0001q");
    type(channel, "\recho still-$((40+2))\r");
    await shows(channel, /still-42/);
    await helper.call("terminal.close", { channel });
    await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
  });

  it("hangs up what runs in it when it is closed, in the foreground and behind, but for what wants to stay", async () => {
    start();
    const channel = await shell();
    type(channel, '(trap "" HUP; exec sleep 98762) &\r');
    type(channel, "sleep 98763 &\r");
    type(channel, "sleep 98764\r");
    await vi.waitFor(() => expect(leftInside().filter((line) => /sleep/.test(line))).toHaveLength(3), { timeout: 10_000 });
    await helper.call("terminal.close", { channel });
    await vi.waitFor(() => expect(leftInside().filter((line) => /sleep 9876[34]/.test(line))).toEqual([]), { timeout: 10_000 });
    expect(leftInside().join()).toContain("sleep 98762");
    lxc.run("lxc-attach", "-n", "box", "--", "sh", "-c", "kill $(pidof sleep)");
  });

  it("answers while ten others flood, and stops one that does at once", async () => {
    start();
    const flooding = await Promise.all(Array.from({ length: 10 }, () => open({ type: "command", argv: ["yes", "flooding"] })));
    const channel = await shell();
    type(channel, "stty size; echo sum-$((1+2))\r");
    await shows(channel, /24 80/);
    await shows(channel, /sum-3/);
    await helper.call("terminal.resize", { channel, columns: 132, rows: 50 });
    type(channel, "stty size\r");
    await shows(channel, /50 132/);
    const [first = 0] = flooding;
    type(first, "\u0003");
    expect(await ended(first)).toBeDefined();
    for (const other of flooding) expect(of(other).bytes).toBeGreaterThan(0);
  }, 60_000);

  it.each(["flooding", "paused", "idle"])("leaves nothing where the helper is killed while it is %s", async (moment) => {
    start();
    const channel = moment === "idle" ? await shell() : await open({ type: "command", argv: ["yes", "flooding"] });
    if (moment === "paused") of(channel).reads = false;
    if (moment === "idle") type(channel, "sleep 98766\r");
    await vi.waitFor(() => expect(leftInside().some((line) => /yes|sleep/.test(line))).toBe(true), { timeout: 10_000 });
    process.kill(helper.pid, "SIGKILL");
    await helper.exited;
    await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
  });

  it("leaves nothing where the helper is killed before it has answered", async () => {
    start();
    for (let i = 0; i < 5; i++) void helper.call("terminal.open", { name: "box", columns: 80, rows: 24 }).catch(() => {});
    await helper.call("host.info", {}).catch(() => {});
    process.kill(helper.pid, "SIGKILL");
    await helper.exited;
    await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
  });

  it("tells where its shell was killed, and where its container was", async () => {
    start();
    const first = await shell();
    type(first, "kill -9 $$\r");
    expect(await ended(first)).toMatchObject({ exitCode: expect.any(Number) });
    const second = await shell();
    lxc.run("lxc-stop", "-k", "-n", "box");
    expect(await ended(second)).toBeDefined();
    lxc.run("lxc-start", "-n", "box");
  });

  it("goes on where its page goes, and ends where no other comes", async () => {
    start();
    const channel = await shell();
    helper.notify("reset", {});
    type(channel, "echo here-$((1+1))\r");
    await shows(channel, /here-2/);
    helper.notify("abandon", {});
    await vi.waitFor(() => expect(leftInside()).toEqual([]), { timeout: 10_000 });
  });
});

describe("a file that is uploaded", () => {
  const upload = async (terminal: number, file: string, bytes: Buffer, overwrite = false) => {
    const { channel } = await helper.call("terminal.upload", { channel: terminal, file, bytes: bytes.length, overwrite });
    let written = 0;
    helper.on("uploads.written", (event) => {
      if (event.channel === channel) written = event.bytes;
    });
    const finished = helper.call("terminal.finishUpload", { channel });
    finished.catch(() => {});
    for (let sent = 0; sent < bytes.length; sent += 200_000) {
      await vi.waitFor(() => expect(sent + 200_000 - written).toBeLessThanOrEqual(1024 * 1024), { timeout: 10_000, interval: 1 });
      helper.sendData(channel, bytes.subarray(sent, sent + 200_000));
    }
    return finished;
  };
  const inside = (path: string) => join(lxc.lxcPath, "box/rootfs", path);

  it("is written by the shell's user into the folder it is in, and replaces nothing unasked", async () => {
    start();
    const channel = await shell({ type: "shell", user: "me" });
    type(channel, "mkdir -p 'a b' && cd 'a b' && echo in-$((1+1))\r");
    await shows(channel, /in-2/);
    const bytes = Buffer.alloc(3_000_000, "some text ");
    const file = "$(touch x) -n '\"é.txt";
    expect(await upload(channel, file, bytes)).toEqual({ path: `/home/me/a b/${file}` });
    expect(readFileSync(inside(`home/me/a b/${file}`)).equals(bytes)).toBe(true);
    expect(await problemOf(upload(channel, file, Buffer.from("other")))).toEqual({ code: "already-exists", name: file });
    expect(readFileSync(inside(`home/me/a b/${file}`)).equals(bytes)).toBe(true);
    await upload(channel, file, Buffer.from("other"), true);
    expect(readFileSync(inside(`home/me/a b/${file}`), "utf8")).toBe("other");
    await upload(channel, "empty", Buffer.alloc(0));
    type(channel, "ls -lan; echo listed-$((1+1))\r");
    await shows(channel, /1000 +1000 +0 .* empty\r[\s\S]*listed-2/);
    expect(readdirSync(inside("home/me/a b")).toSorted()).toEqual([file, "empty"].toSorted());
  });

  it("leaves nothing where it is cancelled, or where the user may not write", async () => {
    start();
    const channel = await shell({ type: "shell", user: "me", directory: "/etc" });
    const before = readdirSync(inside("etc"));
    expect(await problemOf(upload(channel, "new", Buffer.from("text")))).toMatchObject({ code: "command-failed" });
    type(channel, "cd\r");
    await vi.waitFor(() => expect(of(channel).text).toMatch(/~|\/home/), { timeout: 5_000 }).catch(() => {});
    const opened = await helper.call("terminal.upload", { channel, file: "half", bytes: 100_000, overwrite: false });
    helper.sendData(opened.channel, Buffer.alloc(50_000));
    const stop = new AbortController();
    const finished = helper.callRaw("terminal.finishUpload", { channel: opened.channel }, stop.signal);
    stop.abort();
    expect(await problemOf(finished)).toEqual({ code: "cancelled" });
    expect(readdirSync(inside("etc"))).toEqual(before);
    expect(readdirSync(inside("home/me")).filter((name) => name.includes("half") || name.includes("upload"))).toEqual([]);
  });
});
