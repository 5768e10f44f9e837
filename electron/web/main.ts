/** The host without Electron: the same backend, and the page in a window of Chromium, or at a printed address. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Port } from "../../privileged-helper/wire/port.ts";
import type { Backend, PageKind } from "../backend/backend.ts";
import { type ChromiumWindow, findChromium, openChromium } from "./open-chromium.ts";
import type { WebServer } from "./server.ts";

declare const APP_VERSION: string;

const usage = `lxc-desktop [--no-open] [--port N]
lxc-desktop audit [--json] [--fail-under GRADE] [NAME...]
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

  const reason = values["no-open"] ? undefined : reasonNotToOpen();
  if (reason !== undefined) say(reason);
  const program = values["no-open"] || reason !== undefined ? undefined : findChromium();
  let window: ChromiumWindow | undefined;
  let server: WebServer | undefined;
  let backend: Promise<Backend> | undefined;
  let ending = false;
  const end = async (exitCode: number) => {
    if (ending) return;
    ending = true;
    await Promise.all([window?.close(), server?.close(), backend?.then(({ close }) => close()).catch(() => {})]);
    process.exit(exitCode);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));
  // A browser takes its time to start: all else that is needed is loaded meanwhile, and what is behind the page when that is served.
  if (program !== undefined) window = openChromium(program);
  void window?.closed.then(() => end(0));
  try {
    const loadBackend = () => {
      backend ??= import("./start-backend.ts").then(({ startBackend }) => startBackend({ version: APP_VERSION, dist }));
      return backend;
    };
    server = await serve(port, (page, kind) => void loadBackend().then(({ accept }) => accept(page, kind)));
    window?.lead(server.issueAddress(windowOpensWithinMilliseconds));
    printAddress(server);
    await Promise.all([offerNewAddresses(server), loadBackend()]);
  } catch (error) {
    tellFailure(error);
    await end(1);
  }
}

/** @throws Error with a sentence for the person where it cannot listen. */
async function serve(port: number, accept: (page: Port, kind: PageKind) => void): Promise<WebServer> {
  const [{ startWebServer }, { readPublicFiles }] = await Promise.all([import("./server.ts"), import("../backend/public-files.ts")]);
  return startWebServer({ files: readPublicFiles(join(dist, "renderer")), port, accept }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? new Error(`Port ${port} is in use. Choose another one with --port, or leave it out.`) : error;
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
async function offerNewAddresses(server: WebServer) {
  if (!process.stdin.isTTY) return;
  const { createInterface } = await import("node:readline");
  say("Each address opens once, within 30 seconds. Press Enter for another one, Ctrl-C to end.");
  createInterface({ input: process.stdin }).on("line", () => printAddress(server));
}

function say(line: string) {
  process.stdout.write(`${line}\n`);
}

function tellFailure(error: unknown) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

/** What is asked for in one word, and needs no window. @returns The exit code. */
async function runCommand([command, ...args]: string[]): Promise<number | undefined> {
  if (command !== "audit") return undefined;
  const { runAudit } = await import("../command-line/audit.ts");
  return runAudit(args, { version: APP_VERSION, dist });
}

runCommand(process.argv.slice(2))
  .then((exitCode) => {
    if (exitCode === undefined) return main();
    // Not process.exit: what a pipe has not taken yet would be lost.
    process.exitCode = exitCode;
  })
  .catch((error: unknown) => {
    tellFailure(error);
    process.exit(1);
  });
