import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import xterm from "@xterm/headless";
import { spawn as spawnOnTerminal } from "node-pty";
import { createBackend } from "../../electron/backend/backend.ts";
import { startHelperProcess } from "../../electron/backend/helper-process.ts";
import { helperNodeOptions } from "../../privileged-helper/contract/node-options.ts";
import { createPortPair } from "../../privileged-helper/wire/port.ts";
import { type Client, createClient } from "../../renderer/backend/client.ts";
import { openTerminal, type TerminalSession } from "../../renderer/backend/terminal-session.ts";
import { type Figure, median, milliseconds, timed } from "./figures.ts";
import { keyToGlyphFigure } from "./terminal-key.ts";
import { lxc } from "./tools.ts";

/** Lines as programs print them: colours, and characters of one to four bytes. */
const line = "\\033[32m2026-11-29\\033[0m web[42]: \\033[1mGET\\033[0m /index.html 200 é € 🙂 the quick brown fox jumps\\n";
const megabytes = 32;
const runs = 5;
const openRuns = 15;
const floodSeconds = 60;
const promptMark = "ready> ";

/** Terminals as a page has them: the real helper, the host's backend, and xterm.js without its drawing, all but the helper in this process. */
export async function terminalFigures(lxcPath: string, name: string): Promise<Figure[]> {
  await lxc("lxc-start", "-n", name, "-P", lxcPath);
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-terminal-"));
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const helper = startHelperProcess(
    process.execPath,
    [...helperNodeOptions, resolve("dist/helper/main.cjs"), "root", `--lxcpath=${lxcPath}`],
    process.env,
  );
  const backend = createBackend({
    version,
    installedAs: { kind: "checkout" },
    launch: async () => ({ process: helper, mayBeAsking: () => false, explainEnd: () => ({ code: "helper-lost", detail: "it ended" }) }),
    settingsPath: join(folder, "settings.json"),
    cacheFolder: join(folder, "cache"),
    stateFolder: join(folder, "state"),
  });
  const [near, far] = createPortPair();
  backend.accept(far);
  const client = createClient(near, () => {});
  try {
    await client.call("session.connect", {});
    // The file is made once; its bytes are the same for all.
    const script = `i=0; while [ $i -lt 1000 ]; do printf '${line}'; i=$((i+1)); done > /tmp/k; n=$(($(wc -c < /tmp/k))); j=0; while [ $((j*n)) -lt ${megabytes * 1_000_000} ]; do cat /tmp/k; j=$((j+1)); done > /tmp/m`;
    await lxc("lxc-attach", "-n", name, "-P", lxcPath, "--", "sh", "-c", script);
    return [
      await throughput(client, lxcPath, name),
      await interrupt(client, name),
      await opening(client, lxcPath, name),
      await memory(client, name, helper.pid),
      await keyToGlyphFigure(name),
    ];
  } finally {
    await backend.close();
    rmSync(folder, { recursive: true, force: true });
    await lxc("lxc-stop", "-k", "-n", name, "-P", lxcPath);
  }
}

async function throughput(client: Client, lxcPath: string, name: string): Promise<Figure> {
  const ours: number[] = [];
  const raw: number[] = [];
  const onTerminal: number[] = [];
  const parsed: number[] = [];
  const command = ["cat", "/tmp/m"];
  const bytes = await pipe(lxcPath, name, command);
  const total = bytes.length;
  for (let run = 0; run < runs; run++) {
    raw.push(await timed(() => pipe(lxcPath, name, command)));
    onTerminal.push(await timed(() => readTerminal(lxcPath, name, command)));
    parsed.push(await timed(() => parse(bytes)));
    ours.push(
      await timed(async () => {
        const { ended } = await open(client, name, { type: "command", argv: ["sh", "-c", "stty raw; exec cat /tmp/m"] });
        await ended;
      }),
    );
  }
  const rate = (times: number[]) => total / 1e3 / median(times);
  const lower = Math.min(rate(raw), rate(parsed));
  const show = (value: number) => `${value.toFixed(1)} MB/s`;
  return {
    name: `A terminal's throughput, ${(total / 1e6).toFixed(0)} MB parsed by xterm.js`,
    ours: show(rate(ours)),
    theirs: `${show(rate(raw))} lxc-attach into a pipe, ${show(rate(onTerminal))} on a terminal that nothing shows, ${show(rate(parsed))} xterm.js alone`,
    result: `${(rate(ours) / lower).toFixed(2)} of the lower`,
    bar: "at least 0.9",
    met: rate(ours) >= 0.9 * lower,
  };
}

async function interrupt(client: Client, name: string): Promise<Figure> {
  const times: number[] = [];
  const shell = await open(client, name, { type: "command", argv: ["env", `PS1=${promptMark}`, "sh", "-i"] });
  await shell.prompt();
  for (let run = 0; run < openRuns; run++) {
    shell.type("yes\r");
    await shell.flooded();
    const prompt = shell.prompt();
    times.push(
      await timed(async () => {
        shell.type("\u0003");
        await prompt;
      }),
    );
  }
  await shell.close();
  const result = median(times);
  return {
    name: "Ctrl-C to the prompt while yes floods",
    ours: milliseconds(result),
    theirs: "",
    result: `${milliseconds(Math.max(...times))} at most`,
    bar: "median at most 100 ms",
    met: result <= 100,
  };
}

async function opening(client: Client, lxcPath: string, name: string): Promise<Figure> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < openRuns; run++) {
    theirs.push(await timed(() => pipe(lxcPath, name, ["sh", "-c", "echo 1"])));
    let shell: TerminalSession | undefined;
    ours.push(
      await timed(async () => {
        const opened = await open(client, name, { type: "shell" });
        shell = opened.session;
        await opened.first;
      }),
    );
    await shell?.close();
  }
  const bar = 1.5 * median(theirs) + 50;
  return {
    name: "Opening a shell, to its first output",
    ours: milliseconds(median(ours)),
    theirs: `${milliseconds(median(theirs))} lxc-attach -- sh`,
    result: `${(median(ours) / median(theirs)).toFixed(2)} times`,
    bar: "at most 1.5 times and 50 ms",
    met: median(ours) <= bar,
  };
}

async function memory(client: Client, name: string, pid: number): Promise<Figure> {
  const { session } = await open(client, name, { type: "command", argv: ["yes"] });
  const wait = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
  await wait(floodSeconds / 6);
  const before = residentMegabytes(pid);
  await wait((floodSeconds * 5) / 6);
  const after = residentMegabytes(pid);
  await session.close();
  const grown = after - before;
  return {
    name: `The helper's memory (RSS) during ${floodSeconds} s of yes`,
    ours: `${after.toFixed(1)} MB`,
    theirs: `${before.toFixed(1)} MB after ${floodSeconds / 6} s`,
    result: `${grown.toFixed(1)} MB more`,
    bar: "flat: at most 5 MB more",
    met: grown <= 5,
  };
}

type Kind = NonNullable<Parameters<typeof openTerminal>[1]["kind"]>;

/** A terminal whose output xterm.js parses as in a page. */
async function open(client: Client, name: string, kind: Kind) {
  const terminal = new xterm.Terminal({ cols: 80, rows: 24, scrollback: 5000, allowProposedApi: true });
  let end = () => {};
  let begin = () => {};
  let text = "";
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const first = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const waiting = new Set<() => void>();
  const session = await openTerminal(
    client,
    { name, columns: 80, rows: 24, kind },
    {
      onOutput(bytes, onParsed) {
        begin();
        terminal.write(bytes, () => {
          onParsed();
          text = (text + Buffer.from(bytes.subarray(-4096)).toString()).slice(-4096);
          for (const look of waiting) look();
        });
      },
      onEnded: () => terminal.write("", end),
    },
  );
  terminal.onData((answer) => session.send(Buffer.from(answer)));
  const until = (isThere: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isThere()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    session,
    ended,
    first,
    type(keys: string) {
      text = "";
      session.send(Buffer.from(keys));
    },
    prompt: () => {
      text = "";
      return until(() => text.includes(promptMark));
    },
    flooded: () => until(() => text.length === 4096 && !text.includes(promptMark)),
    close: () => session.close(),
  };
}

function pipe(lxcPath: string, name: string, command: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("/usr/bin/lxc-attach", ["-n", name, "-P", lxcPath, "--", ...command], { stdio: ["ignore", "pipe", "inherit"] });
    const pieces: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => pieces.push(bytes));
    child.once("error", reject);
    child.once("close", () => resolve(Buffer.concat(pieces)));
  });
}

/** What lxc-attach itself passes on to a terminal, where it reads and writes 1 KiB at a time. */
function readTerminal(lxcPath: string, name: string, command: readonly string[]): Promise<void> {
  const pty = spawnOnTerminal("/usr/bin/lxc-attach", ["-n", name, "-P", lxcPath, "--", ...command], { encoding: null });
  pty.onData(() => {});
  return new Promise((resolve) => pty.onExit(() => resolve()));
}

/** In pieces as they come from a terminal. */
function parse(bytes: Buffer): Promise<void> {
  const terminal = new xterm.Terminal({ cols: 80, rows: 24, scrollback: 5000, allowProposedApi: true });
  return new Promise((resolve) => {
    const pieceBytes = 64 * 1024;
    let at = 0;
    const next = () => {
      if (at >= bytes.length) return resolve();
      const piece = bytes.subarray(at, at + pieceBytes);
      at += piece.length;
      terminal.write(piece, next);
    };
    next();
  });
}

function residentMegabytes(pid: number): number {
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;
}
