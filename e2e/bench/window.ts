import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { windowArguments } from "../../electron/web/open-chromium.ts";
import { processIds, readProcessStat } from "../../privileged-helper/lxc/proc.ts";
import { addressOf } from "../app/web-host.ts";

/** A window of Chromium on a display of the bench's own, with the flags that the app itself opens its window with. */
export type Window = {
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** When the page first painted something that is not a background (Paint Timing). */
  firstPaint(): Promise<number>;
  evaluate<T>(expression: string): Promise<T>;
  /** Of Chromium, and of the app behind it. */
  pids(): number[];
  close(): Promise<void>;
};

export const program = "/usr/bin/chromium";
/** Root's Chromium has no sandbox; the last one is how the bench looks into either window. */
export const benchArguments = ["--no-sandbox", "--disable-gpu", "--window-size=1280,800", "--remote-debugging-port=0"];

/** @returns A function that ends the display. */
export async function startDisplay(): Promise<() => void> {
  const child = spawn("/usr/bin/Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const number = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.stdio[3]?.once("data", (bytes: Buffer) => resolve(bytes.toString().trim()));
  });
  process.env.DISPLAY = `:${number}`;
  return () => void child.kill();
}

/** A page with one word, and nothing behind it. */
export async function openEmptyWindow(): Promise<Window> {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-window-"));
  const page = join(folder, "empty.html");
  writeFileSync(page, '<!doctype html><meta charset="utf-8"><title>Empty</title><p>Empty\n');
  const startedAt = Date.now();
  return openWindow(folder, `file://${page}`, startedAt);
}

/** The app as `npm start -- --web` runs it, from the start of its own process on. */
export async function openAppWindow(): Promise<Window> {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-bench-window-"));
  const page = join(folder, "open.html");
  const startedAt = Date.now();
  const app = spawn(process.execPath, ["dist/web/main.mjs", "--no-open"], { stdio: ["ignore", "pipe", "pipe"] });
  const host = await addressOf(app);
  // As openChromium does: the address is a secret, and arguments are not.
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><script>location.replace(${JSON.stringify(host.address)})</script>\n`);
  return openWindow(folder, `file://${page}`, startedAt, app);
}

async function openWindow(folder: string, address: string, startedAt: number, app?: ChildProcess): Promise<Window> {
  const profile = join(folder, "profile");
  const browser = spawn(program, [...windowArguments(address, profile), ...benchArguments], { stdio: "ignore" });
  const processes = app === undefined ? [browser] : [browser, app];
  return lookInto({ processes, profile: () => profile, folder, startedAt, isApp: app !== undefined });
}

type Opened = {
  /** That end with the window, and of which one is Chromium or has started it. */
  processes: readonly ChildProcess[];
  /** Chromium's folder; undefined until there is one. */
  profile(): string | undefined;
  /** Removed at the end. */
  folder: string;
  startedAt: number;
  /** The app's window passes through the file that leads to it. */
  isApp: boolean;
};

/** Connects to the window of a Chromium that was started with `benchArguments`. */
export async function lookInto({ processes, profile, folder, startedAt, isApp }: Opened): Promise<Window> {
  const ended = Promise.all(processes.map((process) => new Promise((resolve) => process.once("exit", resolve))));
  // The file is there a moment before it is written.
  const port = await poll(() => /^(\d+)\n/.exec(readFileSync(join(profile() ?? "", "DevToolsActivePort"), "utf8"))?.[1]);
  const target = await poll(async () => {
    const targets = (await (
      await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(answerMilliseconds) })
    ).json()) as {
      type: string;
      url: string;
      webSocketDebuggerUrl: string;
    }[];
    return targets.find(({ type, url }) => type === "page" && (!isApp || url.startsWith("http://")));
  });
  const socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let count = 0;
  const evaluate = <T>(expression: string) =>
    new Promise<T>((resolve, reject) => {
      const id = ++count;
      // Nobody answers what was asked while the page went to another address.
      const silence = setTimeout(() => reject(new Error("no answer")), answerMilliseconds);
      socket.on("message", function receive(data: Buffer) {
        const message = JSON.parse(data.toString());
        if (message.id !== id) return;
        socket.off("message", receive);
        clearTimeout(silence);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result.result.value as T);
      });
      socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params: { expression, returnByValue: true, awaitPromise: true } }));
    });
  return {
    startedAt,
    evaluate,
    firstPaint: () =>
      poll(async () => {
        const entry = "performance.getEntriesByName('first-contentful-paint')[0]";
        return (await evaluate<number | null>(`${entry} ? performance.timeOrigin + ${entry}.startTime : null`)) ?? undefined;
      }),
    pids: () => processes.flatMap(({ pid }) => (pid === undefined ? [] : withDescendants(pid))),
    async close() {
      socket.terminate();
      for (const process of processes) process.kill();
      const kill = setTimeout(() => processes.map((process) => process.kill("SIGKILL")), giveUpMilliseconds / 10);
      await ended;
      clearTimeout(kill);
      // Chromium's own helpers may write for a moment longer.
      await rm(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

const pollMilliseconds = 10;
const giveUpMilliseconds = 60_000;
const answerMilliseconds = 1_000;

/** @throws Error where it never comes: a bench that hangs tells nothing. */
async function poll<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const until = performance.now() + giveUpMilliseconds; performance.now() < until; ) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  throw new Error("the window does not answer");
}

/** A process and all below it. */
function withDescendants(root: number): number[] {
  const stats = processIds().flatMap((pid) => readProcessStat(pid) ?? []);
  const found = [root];
  for (const parent of found) for (const { pid, parentPid } of stats) if (parentPid === parent) found.push(pid);
  return found;
}
