import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { capture } from "../host/command.mjs";
import { captureInside, connect } from "./ssh.mjs";

const processors = 2;
const megabytes = 3072;
const bootSeconds = 300;
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
 * Starts a machine on a layer over the image, which itself stays as it is, and waits until it lets root in.
 * @param {import("./image.mjs").Image} image
 * @param {string} folder for its layer, its console and its connections; all is gone with it
 * @param {string} brought a tar archive that it sees as its second disk
 * @returns {Promise<Machine>}
 */
export async function startMachine(image, folder, brought) {
  const layer = join(folder, "layer.qcow2");
  const { exitCode, output } = capture(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image.disk, layer]);
  if (exitCode !== 0) throw new Error(`The machine's disk could not be made: ${output}`);
  const address = { port: await findFreePort(), key: image.key, controls: folder };
  const consoleFile = join(folder, "console");
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
    ...["-device", "virtio-rng-pci", "-serial", `file:${consoleFile}`],
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
    async end() {
      disconnect();
      qemu.kill("SIGKILL");
      await exited;
    },
  };
  try {
    await waitUntilIn(address, async () => (await bootId(address)) !== "", assertAlive, readConsole);
    connections.push(await connect(address, "root"));
    return machine;
  } catch (error) {
    await machine.end();
    throw error;
  }
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
