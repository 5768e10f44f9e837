/** The host without Electron: the same backend, and the page in a window of Chromium, or at a printed address. */
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Backend } from "../backend/backend.ts";
import { readPublicFiles } from "../backend/public-files.ts";
import { type ChromiumWindow, findChromium, openChromium } from "./open-chromium.ts";
import { startWebServer, type WebServer } from "./server.ts";

declare const APP_VERSION: string;

const usage = `lxc-desktop [--no-open] [--port N]
  --no-open  print the address only
  --port N   listen on this port of 127.0.0.1
  --version  print the version
  --help     print this`;
/** Whoever finds a printed address later must not be let in with it. */
const addressValidMilliseconds = 30_000;
/** Our own window gets its address by a file that nobody else reads, and may be slow to start. */
const windowOpensWithinMilliseconds = 180_000;
const dist = join(dirname(fileURLToPath(import.meta.url)), "..");

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      "no-open": { type: "boolean", default: false },
      help: { type: "boolean" },
      version: { type: "boolean" },
    },
  });
  if (values.help) return say(usage);
  if (values.version) return say(APP_VERSION);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port takes a number from 0 to 65535, not ${values.port}`);

  let backend: Promise<Backend> | undefined;
  const loadBackend = () => {
    backend ??= import("./start-backend.ts").then(({ startBackend }) => startBackend({ version: APP_VERSION, dist }));
    return backend;
  };
  const server = await startWebServer({
    files: readPublicFiles(join(dist, "renderer")),
    port,
    accept: (page) => void loadBackend().then(({ accept }) => accept(page)),
  }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? new Error(`Port ${port} is in use. Choose another one with --port, or leave it out.`) : error;
  });
  let window: ChromiumWindow | undefined;
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await Promise.all([window?.close(), server.close(), backend?.then(({ close }) => close())]);
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end());

  const reason = values["no-open"] ? undefined : reasonNotToOpen();
  const program = findChromium();
  if (values["no-open"] || reason !== undefined || program === undefined) {
    if (reason !== undefined) say(reason);
    printAddress(server);
  } else {
    window = openChromium(program, server.issueAddress(windowOpensWithinMilliseconds));
    void window.closed.then(end);
    printAddress(server);
  }
  offerNewAddresses(server);
  // A browser takes its time to start, and the page to be drawn: what is behind it is loaded meanwhile.
  await loadBackend().catch(async (error: unknown) => {
    await Promise.all([window?.close(), server.close()]);
    throw error;
  });
}

/** Without a window there is still the address. */
function reasonNotToOpen(): string | undefined {
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    return "There is no display here: open the address below in a browser of yours.";
  if (process.getuid?.() === 0) return "Browsers do not protect themselves when root runs them: open the address below as a user.";
  return findChromium() === undefined ? "No Chromium was found: open the address below in a browser of yours." : undefined;
}

/** Others wait for exactly this line. */
function printAddress(server: WebServer) {
  say(`LXC Desktop is ready at ${server.issueAddress(addressValidMilliseconds)}`);
}

/** An address works once and not for long, so whoever closed the tab needs another. */
function offerNewAddresses(server: WebServer) {
  if (!process.stdin.isTTY) return;
  say("Each address opens once, within 30 seconds. Press Enter for another one, Ctrl-C to end.");
  createInterface({ input: process.stdin }).on("line", () => printAddress(server));
}

function say(line: string) {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
