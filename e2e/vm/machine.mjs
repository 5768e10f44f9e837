import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createConnection, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { capture } from "../host/command.mjs";
import { captureInside, connect } from "./ssh.mjs";

const processors = 2;
const megabytes = 3072;
const bootSeconds = 300;
/** Of the second disk: one that stood still expects the same again. */
const broughtBytes = 2 * 1024 ** 3;
const processor = {
  kvm: ["-accel", "kvm", "-cpu", "host"],
  interpreted: ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "max,la57=off"],
};
/**
 * What is dear where the processor is interpreted: guarding it against other programs on it, asking the clock of an emulated device
 * where its own counter would do, page tables of five levels (turned off with the processor).
 */
const cheaper = "mitigations=off audit=0 tsc=reliable clocksource=tsc no_timer_check";

/**
 * @typedef {object} Machine
 * @property {import("./ssh.mjs").Address} address
 * @property {() => Promise<number>} reboot returns the seconds that it took
 * @property {() => Promise<void>} end
 * @property {() => string} console what it has written to its console
 */

/** @type {boolean | undefined} */
let isKvmGood;

/**
 * True where the processor itself can run a machine; otherwise qemu interprets it, about ten times slower. That there is a device says
 * little: on a rented computer it often cannot do what qemu needs, and qemu crashes.
 */
export function hasKvm() {
  isKvmGood ??= isWritable("/dev/kvm") && runsMachine(processor.kvm);
  return isKvmGood;
}

/** Makes a machine that stands still, and ends it. @param {readonly string[]} processor */
function runsMachine(processor) {
  const argv = ["-nodefaults", "-display", "none", "-machine", "q35", ...processor, "-S", "-monitor", "stdio"];
  return spawnSync("qemu-system-x86_64", argv, { input: "quit\n", timeout: 20_000 }).status === 0;
}

/** @param {string} path */
function isWritable(path) {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a machine on a layer over the image, which itself stays as it is, and waits until it lets root in. Where its processor is
 * interpreted it is not booted: it goes on from where one stood still that was booted once.
 * @param {import("./image.mjs").Image} image
 * @param {string} folder for its layer, its console and its connections; all is gone with it
 * @param {string} brought a tar archive that it sees as its second disk
 * @returns {Promise<Machine>}
 */
export async function startMachine(image, folder, brought) {
  truncateSync(brought, broughtBytes);
  if (hasKvm()) return runMachine({ image, folder, brought, below: { file: image.disk, format: "raw" } });
  const { disk, state } = await getBooted(image);
  return runMachine({ image, folder, brought, below: { file: disk, format: "qcow2" }, state });
}

/**
 * A machine that has been booted and stood still, from the cache where it is made in the same way.
 * @param {import("./image.mjs").Image} image
 * @returns {Promise<{ disk: string, state: string }>} what it has written, and its memory and devices
 */
export async function getBooted(image) {
  const version = capture(["qemu-system-x86_64", "--version"]).output;
  const recipe = `${readFileSync(fileURLToPath(import.meta.url), "utf8")}${version}`;
  const hash = createHash("sha256").update(recipe).digest("hex").slice(0, 16);
  const cache = dirname(image.disk);
  const folder = join(cache, `booted-${hash}`);
  const booted = { disk: join(folder, "layer.qcow2"), state: join(folder, "state") };
  if (existsSync(folder)) return booted;
  const started = Date.now();
  for (const name of readdirSync(cache)) if (name.startsWith("booted-")) rmSync(join(cache, name), { recursive: true, force: true });
  const work = mkdtempSync(join(cache, "booted-unfinished-"));
  try {
    const brought = join(work, "brought");
    writeFileSync(brought, "");
    truncateSync(brought, broughtBytes);
    const machine = await runMachine({ image, folder: work, brought, below: { file: image.disk, format: "raw" } });
    try {
      // Read once, what the app runs on is in the machine's memory.
      await captureInside(machine.address, "root", ["sh", "-c", "node --eval 0; lxc-ls; sync"]);
      await machine.standStill(join(work, "state"));
    } finally {
      await machine.end();
    }
    for (const name of readdirSync(work)) if (name !== "layer.qcow2" && name !== "state") rmSync(join(work, name), { recursive: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const megabytes = Math.round((statSync(booted.state).blocks * 512) / 1e6);
  console.log(`A machine was booted in ${Math.round((Date.now() - started) / 1000)} s, and stands still in ${megabytes} MB: ${folder}`);
  return booted;
}

/**
 * @typedef {object} Run
 * @property {import("./image.mjs").Image} image
 * @property {string} folder
 * @property {string} brought its second disk
 * @property {{ file: string, format: "raw" | "qcow2" }} below what its disk is a layer over
 * @property {string} [state] of the machine that it goes on from
 */

/**
 * @param {Run} run
 * @returns {Promise<Machine & { standStill(state: string): Promise<void> }>}
 */
async function runMachine({ image, folder, brought, below, state }) {
  const layer = join(folder, "layer.qcow2");
  const { exitCode, output } = capture(["qemu-img", "create", "-q", "-f", "qcow2", "-F", below.format, "-b", below.file, layer]);
  if (exitCode !== 0) throw new Error(`The machine's disk could not be made: ${output}`);
  const address = { port: await findFreePort(), key: image.key, controls: folder };
  const consoleFile = join(folder, "console");
  const monitor = join(folder, "monitor");
  const argv = [
    ...["-nodefaults", "-display", "none", "-machine", "q35"],
    ...(hasKvm() ? processor.kvm : processor.interpreted),
    ...["-smp", String(processors), "-m", String(megabytes)],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", `root=/dev/vda rw console=ttyS0 systemd.show_status=no${hasKvm() ? "" : ` ${cheaper}`}`],
    ...["-drive", `file=${layer},if=virtio,format=qcow2,cache=unsafe`],
    ...["-drive", `file=${brought},if=virtio,format=raw,readonly=on`],
    // No way out, and in only from this computer.
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${address.port}-:22`, "-device", "virtio-net-pci,netdev=net"],
    ...["-device", "virtio-rng-pci", "-serial", `file:${consoleFile}`, "-monitor", `unix:${monitor},server=on,wait=off`],
    ...(state === undefined ? [] : ["-incoming", `exec:cat ${state}`]),
  ];
  // Whatever becomes of the run, the machine does not outlive it.
  const qemu = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...argv], { stdio: ["ignore", "inherit", "inherit"] });
  const exited = new Promise((resolve) => qemu.once("exit", resolve));
  const assertAlive = () => {
    if (qemu.exitCode !== null || qemu.signalCode !== null)
      throw new Error(
        `qemu ended by itself: ${qemu.exitCode ?? qemu.signalCode}. The end of the machine's console:\n${readConsole().slice(-3000)}`,
      );
  };
  /** @type {(() => void)[]} */
  let connections = [];
  const disconnect = () => {
    for (const end of connections) end();
    connections = [];
  };
  const readConsole = () => readText(consoleFile);
  const machine = {
    address,
    console: readConsole,
    async reboot() {
      const started = Date.now();
      const before = await bootId(address);
      await captureInside(address, "root", ["systemctl", "reboot"]);
      disconnect();
      const isAnother = (/** @type {string} */ now) => now !== "" && now !== before;
      await waitUntilIn(address, async () => isAnother(await bootId(address)), assertAlive, readConsole);
      connections.push(await connect(address, "root"));
      return (Date.now() - started) / 1000;
    },
    /** @param {string} file where its memory and its devices are written to */
    async standStill(file) {
      disconnect();
      await command(monitor, "stop");
      await command(monitor, "migrate_set_parameter max-bandwidth 100G");
      await command(monitor, `migrate "exec:cat > ${file}"`);
      const said = await command(monitor, "info migrate");
      if (!/Migration status: completed/i.test(said)) throw new Error(`The machine could not be made to stand still: ${said}`);
    },
    async end() {
      disconnect();
      qemu.kill("SIGKILL");
      await exited;
    },
  };
  try {
    if (state !== undefined) await goOn(monitor, assertAlive);
    await waitUntilIn(address, async () => (await bootId(address)) !== "", assertAlive, readConsole);
    connections.push(await connect(address, "root"));
    return machine;
  } catch (error) {
    await machine.end();
    throw error;
  }
}

/**
 * Has a machine that stood still go on, once its memory has been read.
 * @param {string} monitor
 * @param {() => void} assertAlive
 */
async function goOn(monitor, assertAlive) {
  while (!existsSync(monitor) || !/VM status: paused\r?$/m.test(await command(monitor, "info status"))) {
    assertAlive();
    await wait(100);
  }
  await command(monitor, "cont");
}

/**
 * Has qemu's monitor do something. @param {string} monitor its socket @param {string} line
 * @returns {Promise<string>} what it said
 */
function command(monitor, line) {
  const prompt = "(qemu) ";
  return new Promise((resolve, reject) => {
    let said = "";
    let isAsked = false;
    const socket = createConnection(monitor);
    socket.once("error", reject);
    socket.setEncoding("utf8").on("data", (text) => {
      said += text;
      if (!said.endsWith(prompt)) return;
      if (isAsked) {
        socket.destroy();
        return resolve(said);
      }
      isAsked = true;
      said = "";
      socket.write(`${line}\n`);
    });
  });
}

/** Different after each start; nothing while it cannot be reached. @param {import("./ssh.mjs").Address} address */
async function bootId(address) {
  const { exitCode, output } = await captureInside(address, "root", ["cat", "/proc/sys/kernel/random/boot_id"]);
  return exitCode === 0 ? output.trim() : "";
}

/**
 * @param {import("./ssh.mjs").Address} address
 * @param {() => Promise<boolean>} isIn
 * @param {() => void} assertAlive
 * @param {() => string} readConsole
 */
async function waitUntilIn(address, isIn, assertAlive, readConsole) {
  const end = Date.now() + bootSeconds * 1000;
  while (Date.now() < end) {
    assertAlive();
    if (await isIn()) {
      // One that has stood still takes its time for now.
      await captureInside(address, "root", ["date", "--set", `@${Math.round(Date.now() / 1000)}`]);
      // Not only the door is open: all that starts by itself has started.
      await captureInside(address, "root", ["systemctl", "is-system-running", "--wait"]);
      return;
    }
    await wait(1_000);
  }
  throw new Error(`The test machine did not start within ${bootSeconds} s. The end of its console:\n${readConsole().slice(-3000)}`);
}

/** @returns {Promise<number>} a port of this computer that nobody listens on now */
export function findFreePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
