import { spawn, spawnSync } from "node:child_process";

/** The name of the variable that marks every process which a run of the tests starts. */
export const runMark = "LXC_DESKTOP_TEST_RUN";

/** The process groups that run now, so that an interruption can end them. @type {Set<number>} */
const currentGroups = new Set();

/**
 * Runs a command without standard input and shows its output as it comes.
 * @param {readonly string[]} argv
 * @param {Record<string, string>} [environment] added to ours
 * @param {string} [label] before each line, to tell apart what runs at the same time
 * @returns {Promise<number>} the exit code; 127 where the command could not be started, 128 where a signal ended it
 */
export function runLive(argv, environment = {}, label = "") {
  const [command = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const group = child.pid;
    if (group !== undefined) currentGroups.add(group);
    const endings = [showOutput(child.stdout, label), showOutput(child.stderr, label)];
    child.once("error", (error) => {
      console.log(`${command} could not be started: ${error.message}`);
      finish(127);
    });
    // Not "close": a process left behind may hold the pipes for ever. What it was given already is read first.
    child.once("exit", (code) => setTimeout(finish, 100, code ?? 128));

    /** @param {number} code */
    function finish(code) {
      if (group !== undefined) currentGroups.delete(group);
      for (const end of endings) end();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(code);
    }
  });
}

/**
 * @param {import("node:stream").Readable} stream
 * @param {string} label
 * @returns {() => void} shows what is left at its end
 */
function showOutput(stream, label) {
  if (label === "") {
    stream.on("data", (chunk) => process.stdout.write(chunk));
    return () => {};
  }
  let unfinished = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk) => {
    const lines = `${unfinished}${chunk}`.split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) console.log(`${label}${line}`);
  });
  return () => {
    if (unfinished !== "") console.log(`${label}${unfinished}`);
  };
}

/** Ends the commands that run now, with all that they started in their process groups, as Ctrl-C does: test runners then still clean up. */
export function endCurrent() {
  for (const group of currentGroups) {
    try {
      process.kill(-group, "SIGINT");
    } catch {
      // It ended by itself meanwhile.
    }
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

/**
 * Runs a command that may take a moment, while other things go on, and returns what it printed.
 * @param {readonly string[]} argv
 * @returns {Promise<{ exitCode: number, output: string }>} the exit code is 127 where the command is not there, 128 where a signal ended it
 */
export function collect(argv) {
  const [command = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.once("error", () => resolve({ exitCode: 127, output: "" }));
    child.once("close", (code) => resolve({ exitCode: code ?? 128, output: `${output}${code === 0 ? "" : errors}` }));
  });
}
