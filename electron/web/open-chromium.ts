import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { isExecutable } from "../backend/is-executable.ts";

/** A window of Chromium with nothing but the app in it. */
export type ChromiumWindow = {
  /** Resolves when the person closes it. */
  closed: Promise<void>;
  /** Has it show what is at an address. */
  lead(address: string): void;
  close(): Promise<void>;
};

/** What the page shows before anything else is loaded: its style and its elements, out of renderer/index.html. */
declare const PAGE_SKELETON: string;

const leadFile = "lead.js";
/** Asks for the file that leads on until it is there. */
const waitingPage = () => `<!doctype html><html lang="en"><meta charset="utf-8"><title>LXC Desktop</title>${PAGE_SKELETON}<script>
function ask() {
  const script = document.createElement("script");
  script.src = "${leadFile}";
  script.onerror = () => { script.remove(); setTimeout(ask, 20); };
  document.head.append(script);
}
ask();
</script>
`;

const programs = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "brave-browser",
  "microsoft-edge-stable",
  "vivaldi-stable",
];
const folders = ["/usr/bin", "/usr/local/bin", "/bin", "/snap/bin", "/opt/google/chrome"];
const closeWithinMilliseconds = 5_000;
const removeAttempts = 50;
const removeAgainMilliseconds = 100;

/** @returns The path of a browser that can show an app window, or undefined. */
export function findChromium(): string | undefined {
  return programs.flatMap((program) => folders.map((folder) => join(folder, program))).find(isExecutable);
}

/**
 * Opens the app's window, which shows the app's frame until it is led to an address. The address holds a token, and everybody can read the
 * arguments of a process: so it goes into a private file beside the one that the window begins with, whose name is the argument.
 */
export function openChromium(program: string): ChromiumWindow {
  const folder = mkdtempSync(join(privateFolder(), "lxc-desktop-"));
  const page = join(folder, "open.html");
  writeFileSync(page, waitingPage(), { flag: "wx", mode: 0o600 });
  const child = spawn(program, windowArguments(`file://${page}`, join(folder, "profile")), { stdio: "ignore", detached: true });
  const closed = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => removeFolder(folder));
  return {
    closed,
    lead(address) {
      const unfinished = join(folder, "lead.unfinished");
      writeFileSync(unfinished, `location.replace(${JSON.stringify(address)})\n`, { flag: "wx", mode: 0o600 });
      renameSync(unfinished, join(folder, leadFile));
    },
    async close() {
      endGroup(child, "SIGTERM");
      const kill = setTimeout(() => endGroup(child, "SIGKILL"), closeWithinMilliseconds);
      await closed;
      clearTimeout(kill);
    },
  };
}

/** A window without a browser's bars, with a profile of its own that knows nothing and asks nobody. */
export function windowArguments(address: string, profile: string): string[] {
  return [
    `--app=${address}`,
    `--user-data-dir=${profile}`,
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--class=lxc-desktop",
  ];
}

/** The browser's own helpers may write for a moment after its window is gone, so a folder may not be empty at once. */
async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 0; attempt < removeAttempts; attempt++) {
    try {
      await rm(folder, { recursive: true, force: true });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, removeAgainMilliseconds));
    }
  }
}

/** $XDG_RUNTIME_DIR is this user's alone (XDG Base Directory Specification); elsewhere the folder that is made is. */
function privateFolder(): string {
  const folder = process.env.XDG_RUNTIME_DIR;
  if (!folder || !isAbsolute(folder)) return tmpdir();
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch {
    return tmpdir();
  }
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals) {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has just ended.
  }
}
