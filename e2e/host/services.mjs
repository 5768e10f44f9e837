import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { capture } from "./command.mjs";
import { findBusServices, readProcesses } from "./processes.mjs";

const busSocket = "/run/dbus/system_bus_socket";
const serverPidFile = "/run/lxc/dnsmasq.pid";
const attempts = 100;
const pauseMilliseconds = 100;

/**
 * Starts the system services that LXC and polkit need where nobody has done so: the system bus, polkitd, LXC's bridge.
 * @returns {Promise<{ problems: string[], end: () => Promise<void> }>} `end` ends exactly those that were started here
 */
export async function startServices() {
  const before = readProcesses();
  /** @type {string[]} */
  const problems = [];
  /** @type {(() => Promise<void>)[]} In the order of starting. */
  const ends = [];
  for (const start of [() => startBus(before), startPolkit, startBridge]) {
    try {
      const end = await start();
      if (end !== undefined) ends.unshift(end);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    problems,
    end: async () => {
      for (const end of ends) await end();
    },
  };
}

/** Starts LXC's bridge and its DHCP server anew, after their settings changed. */
export function restartBridge() {
  if (hasSystemd()) return capture(["systemctl", "restart", "lxc-net"]);
  capture([lxcNet(), "stop", "force"]);
  return capture([lxcNet(), "start"]);
}

/** @returns {number | undefined} the process of the bridge's DHCP server */
export function bridgeServerPid() {
  if (!existsSync(serverPidFile)) return undefined;
  const pid = Number(readFileSync(serverPidFile, "utf8"));
  return Number.isInteger(pid) && pid > 1 && existsSync(`/proc/${pid}`) ? pid : undefined;
}

/** @param {Map<string, import("./processes.mjs").Process>} before */
async function startBus(before) {
  if (await busAnswers()) return undefined;
  if (hasSystemd()) {
    capture(["systemctl", "start", "dbus"]);
    if (!(await busAnswers())) throw new Error("systemd could not start the system bus.");
    return async () => void capture(["systemctl", "stop", "dbus.socket", "dbus"]);
  }
  console.log("Starting the system bus");
  mkdirSync("/run/dbus", { recursive: true });
  // dbus-daemon refuses to start while the file of one that was killed is there; nobody answers, so it is out of date.
  rmSync("/run/dbus/pid", { force: true });
  const { exitCode, output } = capture(["dbus-daemon", "--system", "--fork", "--print-pid=1"]);
  const pid = Number(output.trim());
  if (exitCode !== 0 || !(await until(busAnswers))) throw new Error(`The system bus does not start: ${output.trim()}`);
  return async () => {
    for (const service of findBusServices(before)) await endProcess(service.pid);
    await endProcess(pid);
    rmSync(busSocket, { force: true });
    rmSync("/run/dbus/pid", { force: true });
  };
}

async function startPolkit() {
  // With systemd the bus starts polkit when it is asked for.
  if (hasSystemd() || polkitAnswers()) return undefined;
  const path = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/libexec/polkit-1/polkitd"].find((one) => existsSync(one));
  if (path === undefined) throw new Error("polkitd is not installed.");
  console.log("Starting polkitd");
  const child = spawn(path, ["--no-debug"], { stdio: "ignore", detached: true, cwd: "/" });
  child.on("error", () => {});
  child.unref();
  if (!(await until(async () => polkitAnswers()))) throw new Error("polkitd does not start.");
  return async () => endProcess(child.pid);
}

async function startBridge() {
  const bridgeIsUp = existsSync("/sys/class/net/lxcbr0/bridge");
  if (bridgeIsUp && bridgeServerPid() !== undefined) return undefined;
  console.log("Starting LXC's bridge");
  const { output } = restartBridge();
  if (!(await until(async () => existsSync("/sys/class/net/lxcbr0/bridge") && bridgeServerPid() !== undefined))) {
    throw new Error(`LXC's bridge does not start: ${output.trim()}`);
  }
  // A bridge that was there without its server keeps the server: taking it down would change more than we did.
  if (bridgeIsUp) return undefined;
  return async () => void (hasSystemd() ? capture(["systemctl", "stop", "lxc-net"]) : capture([lxcNet(), "stop"]));
}

function hasSystemd() {
  return existsSync("/run/systemd/system");
}

function lxcNet() {
  const folders = ["/usr/libexec/lxc", "/usr/lib/x86_64-linux-gnu/lxc", "/usr/lib/aarch64-linux-gnu/lxc", "/usr/lib/lxc", "/usr/share/lxc"];
  return folders.map((folder) => `${folder}/lxc-net`).find((path) => existsSync(path)) ?? "lxc-net";
}

/** @returns {Promise<boolean>} */
function busAnswers() {
  return new Promise((resolve) => {
    const socket = connect(busSocket);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function polkitAnswers() {
  const question = ["org.freedesktop.DBus.GetNameOwner", "string:org.freedesktop.PolicyKit1"];
  return (
    capture(["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", ...question]).exitCode === 0
  );
}

/** @param {number | undefined} pid */
async function endProcess(pid) {
  if (pid === undefined || !existsSync(`/proc/${pid}`)) return;
  process.kill(pid, "SIGTERM");
  if (!(await until(async () => !existsSync(`/proc/${pid}`)))) console.log(`Process ${pid}, which this run started, does not end.`);
}

/** @param {() => Promise<boolean>} condition */
async function until(condition) {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (await condition()) return true;
    await wait(pauseMilliseconds);
  }
  return false;
}
