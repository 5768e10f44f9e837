import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { capture, endCurrent, runLive } from "../host/command.mjs";
import { installNodeModules } from "../host/node-modules.mjs";
import { installPackages, machinePackages } from "../host/packages.mjs";
import { runPlaywright } from "../host/suites.mjs";
import { nodeBrought, packCheckout } from "./brought.mjs";
import { getImage, reasonWithoutImage } from "./image.mjs";
import { getBooted, hasKvm, startMachine } from "./machine.mjs";
import { people } from "./recipe.mjs";
import { checkRemoval } from "./removal.mjs";
import { captureInside, connect, runInside } from "./ssh.mjs";

/**
 * LXC Desktop on a machine as most people have it, with systemd, AppArmor, logind and cgroup v2 alone: `npm run test:vm`. The machine
 * is a virtual one, made and thrown away here; the app is installed in it from its packages. There are two of them, which share the
 * work: a test seldom keeps more than one processor busy.
 */
const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Where the machine has the checkout. */
const checkoutInside = "/opt/lxc-desktop";
const hardLimitMinutes = { all: 240, some: 30 };
/**
 * Integration tests to which the kernel's control groups, systemd, AppArmor or the version of LXC make a difference. Where the processor is
 * emulated, about ten times slower than the real one, the others run with `--all` only.
 */
const differHere = ["capability-use", "config", "host-checks", "lifecycle", "list", "metrics", "pid-reuse", "system-log", "watch"];

/** @type {import("../host/suites.mjs").Results} */
const total = { passed: 0, failed: [], skipped: [] };
let interrupted = false;
const stopped = () => interrupted;

process.chdir(checkout);
process.env.PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interrupt("The run was interrupted."));

try {
  const { values } = parseArgs({
    options: { suite: { type: "string", default: "trixie" }, all: { type: "boolean", default: hasKvm() } },
  });
  const { suite, all } = values;
  if (suite !== "trixie" && suite !== "sid") throw new Error(`--suite takes trixie or sid, not ${suite}`);
  if (process.getuid?.() !== 0) throw new Error("The image of the machine is made by root: run this as root.");
  await runOn(suite, all);
} catch (error) {
  fail(error);
}

console.log("\n== Result of the virtual machine");
for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`);
for (const name of total.failed) console.log(`failed: ${name}`);
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
// For who runs this as a part of all tests.
const resultsFile = process.env.LXC_DESKTOP_TEST_RESULTS;
if (resultsFile) writeFileSync(resultsFile, JSON.stringify(total));
process.exit(total.failed.length === 0 ? 0 : 1);

/**
 * @param {import("./recipe.mjs").Suite} suite
 * @param {boolean} all not only the integration tests that this machine makes a difference to
 */
async function runOn(suite, all) {
  if (arch() !== "x64") return skip("the machine is made for amd64");
  for (const problem of [await installPackages(machinePackages), await installNodeModules(checkout)])
    if (problem !== undefined) total.failed.push(problem);
  if (capture(["qemu-system-x86_64", "--version"]).exitCode !== 0) return skip("qemu-system-x86_64 is not installed");
  const withoutImage = await reasonWithoutImage(suite);
  if (withoutImage !== undefined) return skip(withoutImage);
  await step("", "Packages", async () => {
    if ((await runLive(["npm", "run", "--silent", "package:deb"])) !== 0) throw new Error("npm run package:deb failed.");
  });
  const image = await getImage(suite);
  if (!hasKvm()) await getBooted(image);
  if (stopped()) return;
  const folder = mkdtempSync(join(tmpdir(), "tests-of-lxc-desktop-vm-"));
  const minutes = all ? hardLimitMinutes.all : hardLimitMinutes.some;
  const limit = setTimeout(() => interrupt(`The virtual machine's tests took longer than ${minutes} minutes.`), minutes * 60_000);
  try {
    const brought = join(folder, "brought.tar");
    packCheckout(checkout, brought);
    await Promise.all([
      withMachine("parts | ", { image, folder, brought }, (label, machine) => testParts(label, machine, all)),
      withMachine("people | ", { image, folder, brought }, testAsPeople),
    ]);
  } finally {
    clearTimeout(limit);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Starts a machine with the app installed, has it tested, and ends it. What goes wrong does not end what the other machine does.
 * @param {string} label before each line of the output
 * @param {{ image: import("./image.mjs").Image, folder: string, brought: string }} made
 * @param {(label: string, machine: import("./machine.mjs").Machine, folder: string) => Promise<void>} test
 */
async function withMachine(label, { image, folder, brought }, test) {
  const own = join(folder, label.replace(/\W/g, ""));
  mkdirSync(own, { mode: 0o700 });
  /** @type {import("./machine.mjs").Machine | undefined} */
  let machine;
  try {
    machine = await step(label, `Start of the machine (${hasKvm() ? "KVM" : "software emulation"})`, () =>
      startMachine(image, own, brought),
    );
    const { address } = machine;
    await step(label, "Installation", () => install(label, address));
    await test(label, machine, own);
  } catch (error) {
    fail(error);
  } finally {
    await machine?.end();
  }
}

/**
 * @param {string} label
 * @param {import("./machine.mjs").Machine} machine
 * @param {boolean} all
 */
async function testParts(label, { address }, all) {
  const ending = ".integration.test.ts";
  const isWanted = (/** @type {string} */ path) => all || differHere.includes(basename(path, ending));
  const files = ["electron", "privileged-helper"]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)))
    .filter((path) => path.endsWith(ending) && isWanted(path));
  await suiteStep(label, "Integration tests inside", () => runIntegration(label, address, files));
}

/**
 * @param {string} label
 * @param {import("./machine.mjs").Machine} machine
 * @param {string} folder for the results
 */
async function testAsPeople(label, { address, reboot }, folder) {
  const environment = { CI: "true", NO_COLOR: "1", LXC_DESKTOP_TEST_GUEST: JSON.stringify(address) };
  const connectPeople = () => Promise.all(Object.values(people).map(({ name }) => connect(address, name)));
  /**
   * @param {string} title
   * @param {string} project
   */
  const endToEnd = (title, project) =>
    suiteStep(label, title, () =>
      runPlaywright(
        checkout,
        folder,
        environment,
        `virtual machine (${project})`,
        // Each would throw away what the one before has kept of its failures.
        ["--config=e2e/vm/playwright.config.ts", `--project=${project}`, `--output=test-results/vm/${project}`],
        label,
      ),
    );

  let ends = await connectPeople();
  try {
    await endToEnd("End-to-end tests", "vm");
    await endToEnd("Before the restart", "before-restart");
    for (const end of ends) end();
    await step(label, "Restart", reboot);
    ends = await connectPeople();
    await endToEnd("After the restart", "after-restart");
    await suiteStep(label, "Removal of the packages", () => checkRemoval(address, label));
  } finally {
    for (const end of ends) end();
  }
}

/**
 * @param {string} label
 * @param {import("./ssh.mjs").Address} address
 */
async function install(label, address) {
  const versions =
    "uname -r; lxc-create --version; node --version; systemctl --version | head -1; pkexec --version; cat /etc/debian_version";
  await inside(label, address, ["sh", "-c", versions]);
  await inside(label, address, ["mkdir", "-p", checkoutInside]);
  // Past the machine's memory: one that has stood still remembers what was on the disk then.
  const unpack = `dd if=/dev/vdb iflag=direct bs=4M status=none | tar --extract --directory=${checkoutInside}`;
  await inside(label, address, ["sh", "-c", unpack]);
  const debs = readdirSync(join(checkout, "release"))
    .filter((name) => name.endsWith(".deb"))
    .map((name) => `${checkoutInside}/release/${name}`);
  await inside(label, address, ["dpkg", "--install", ...debs]);
  // The tests themselves run on the Node that runs this, if it can: the distribution's, on which the app runs, takes four times as long to start.
  await inside(label, address, ["sh", "-c", `"$0" --version || ln -sf /usr/bin/node "$0"`, `${checkoutInside}/${nodeBrought}`]);
  // LXC's busybox template runs this 270 times for each container: emulated, a program without libraries takes a quarter of the time.
  await inside(label, address, ["ln", "-sf", "busybox", "/usr/bin/ln"]);
  // From its sources the app would have this program translated each time that it is run.
  await inside(label, address, ["cp", `${checkoutInside}/dist/helper/shift-owners.cjs`, `${checkoutInside}/privileged-helper/lxc/`]);
  total.passed++;
}

/**
 * @param {string} label
 * @param {import("./ssh.mjs").Address} address
 * @param {readonly string[]} files
 * @returns {Promise<import("../host/suites.mjs").Results>}
 */
async function runIntegration(label, address, files) {
  const results = "/var/tmp/integration-results.json";
  // All in one process: what they import is read once.
  const vitest = [`./${nodeBrought}`, "node_modules/vitest/vitest.mjs", "run", "--no-isolate", "--project", "integration", ...files];
  const reporters = ["--reporter=default", "--reporter=./e2e/host/vitest-results.mjs"];
  const slowness = hasKvm() ? 1 : 4;
  const exitCode = await runInside(
    address,
    "root",
    [
      ...["env", "-C", checkoutInside, "CI=true", "NO_COLOR=1"],
      ...[`LXC_DESKTOP_TEST_SLOWNESS=${slowness}`, `LXC_DESKTOP_TEST_RESULTS=${results}`],
      ...[...vitest, ...reporters],
    ],
    label,
  );
  const { output, exitCode: found } = await captureInside(address, "root", ["cat", results]);
  if (found !== 0) throw new Error(`the integration tests crashed (exit code ${exitCode})`);
  const read = JSON.parse(output);
  if (exitCode !== 0 && read.failed.length === 0) read.failed.push(`they ended with exit code ${exitCode}`);
  return read;
}

/**
 * Runs a part and prints how long it took.
 * @template T
 * @param {string} label
 * @param {string} title
 * @param {() => Promise<T>} part
 * @returns {Promise<T>}
 */
async function step(label, title, part) {
  if (stopped()) throw new Error(`${title} did not take place.`);
  console.log(`${label === "" ? "\n" : label}== ${title}`);
  const started = Date.now();
  const result = await part();
  console.log(`${label}${title}: ${Math.round((Date.now() - started) / 1000)} s`);
  return result;
}

/**
 * The same for a part that consists of tests: counts them, too.
 * @param {string} label
 * @param {string} title
 * @param {() => Promise<import("../host/suites.mjs").Results>} part
 */
async function suiteStep(label, title, part) {
  const { passed, failed, skipped } = await step(label, title, part);
  console.log(`${label}${title}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  total.passed += passed;
  total.failed.push(...failed.map((name) => `virtual machine: ${name}`));
  total.skipped.push(...skipped.map(({ name, reason }) => ({ name: `virtual machine: ${name}`, reason })));
}

/** @param {string} reason */
function skip(reason) {
  total.skipped.push({ name: "virtual machine", reason });
}

/** @param {unknown} error */
function fail(error) {
  total.failed.push(`virtual machine: ${error instanceof Error ? error.message : error}`);
}

/**
 * @param {string} label
 * @param {import("./ssh.mjs").Address} address
 * @param {readonly string[]} argv
 */
async function inside(label, address, argv) {
  const exitCode = await runInside(address, "root", argv, label);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${exitCode} in the virtual machine.`);
}

/** @param {string} reason */
function interrupt(reason) {
  if (!interrupted) total.failed.push(reason);
  interrupted = true;
  endCurrent();
}
