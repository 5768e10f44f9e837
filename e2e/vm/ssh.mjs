import { spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { collect, runLive } from "../host/command.mjs";

/** @typedef {{ port: number, key: string, controls: string }} Address of a machine: its port here, the key that opens it, a folder for sockets */

/**
 * The arguments that run a command in the machine.
 * @param {Address} address
 * @param {string} user
 * @param {readonly string[]} argv
 * @param {readonly string[]} [own] options of ssh's that come before the usual ones, and win
 * @returns {string[]}
 */
export function ssh({ port, key, controls }, user, argv, own = []) {
  const options = [
    ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes", "BatchMode=yes"],
    ...["ConnectTimeout=10", "ServerAliveInterval=30", "ServerAliveCountMax=10", `ControlPath=${controls}/%r`],
  ].flatMap((option) => ["-o", option]);
  return ["ssh", "-F", "/dev/null", ...own, "-i", key, "-p", String(port), ...options, `${user}@127.0.0.1`, ...argv.map(quote)];
}

/**
 * Opens one connection that all commands of a user share: under software emulation each handshake takes a second.
 * @param {Address} address
 * @param {string} user
 * @returns {Promise<() => void>} ends the connection
 */
export async function connect(address, user) {
  const [file = "", ...args] = ssh(address, user, []);
  const master = spawn("setpriv", ["--pdeathsig", "KILL", file, "-M", "-N", ...args], { stdio: "ignore" });
  const isUp = async () => (await collect([file, "-O", "check", ...args])).exitCode === 0;
  for (let attempt = 0; attempt < 600 && master.exitCode === null; attempt++) {
    if (await isUp()) return () => void master.kill();
    await wait(100);
  }
  master.kill();
  throw new Error(`The test machine does not let ${user} in.`);
}

/**
 * Runs a command in the machine and shows its output as it comes.
 * @param {Address} address
 * @param {string} user
 * @param {readonly string[]} argv
 * @param {string} label before each line
 * @returns {Promise<number>} its exit code
 */
export function runInside(address, user, argv, label) {
  return runLive(ssh(address, user, argv), {}, label);
}

/**
 * Runs a short command in the machine.
 * @param {Address} address
 * @param {string} user
 * @param {readonly string[]} argv
 */
export function captureInside(address, user, argv) {
  return collect(ssh(address, user, argv));
}

/** ssh hands all words as one line to a shell. @param {string} word */
function quote(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
