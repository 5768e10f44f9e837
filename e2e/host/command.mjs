import { spawn, spawnSync } from "node:child_process";

/** The name of the variable that marks every process which a run of the tests starts. */
export const runMark = "LXC_DESKTOP_TEST_RUN";

/** @type {number | undefined} The process group that runs now, so that an interruption can end it. */
let currentGroup;

/**
 * Runs a command without standard input and shows its output as it comes.
 * @param {readonly string[]} argv
 * @param {Record<string, string>} [environment] added to ours
 * @returns {Promise<number>} the exit code; 127 where the command could not be started, 128 where a signal ended it
 */
export function runLive(argv, environment = {}) {
  const [command = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    currentGroup = child.pid;
    child.stdout.on("data", (chunk) => process.stdout.write(chunk));
    child.stderr.on("data", (chunk) => process.stdout.write(chunk));
    child.once("error", (error) => {
      console.log(`${command} could not be started: ${error.message}`);
      finish(127);
    });
    // Not "close": a process left behind may hold the pipes for ever. What it was given already is read first.
    child.once("exit", (code) => setTimeout(finish, 100, code ?? 128));

    /** @param {number} code */
    function finish(code) {
      currentGroup = undefined;
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(code);
    }
  });
}

/** Ends the command that runs now, with all that it started in its process group, as Ctrl-C does: test runners then still clean up. */
export function endCurrent() {
  if (currentGroup === undefined) return;
  try {
    process.kill(-currentGroup, "SIGINT");
  } catch {
    // It ended by itself meanwhile.
  }
}

/**
 * Runs a short command and returns what it printed.
 * @param {readonly string[]} argv
 * @returns {{ exitCode: number, output: string }} the exit code is 127 where the command is not there
 */
export function capture(argv) {
  const [command = "", ...args] = argv;
  const result = spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return { exitCode: result.status ?? 127, output: `${result.stdout ?? ""}${result.status === 0 ? "" : (result.stderr ?? "")}` };
}
