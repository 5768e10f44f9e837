import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { capture, endCurrent, runLive } from "../host/command.mjs";
import { installNodeModules } from "../host/node-modules.mjs";
import { installPackages, machinePackages } from "../host/packages.mjs";
import { runPlaywright } from "../host/suites.mjs";
import { packCheckout } from "./brought.mjs";
import { getImage } from "./image.mjs";
import { hasKvm, startMachine } from "./machine.mjs";
import { people } from "./recipe.mjs";
import { checkRemoval } from "./removal.mjs";
import { captureInside, connect, runInside } from "./ssh.mjs";

/**
 * LXC Desktop on a machine as most people have it, with systemd, AppArmor, logind and cgroup v2 alone: `npm run test:vm`. The machine
 * is a virtual one, made and thrown away here; the app is installed in it from its packages.
 */
const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Where the machine has the checkout. */
const checkoutInside = "/opt/lxc-desktop";
const hardLimitMinutes = 40;

/** @type {import("../host/suites.mjs").Results} */
const total = { passed: 0, failed: [], skipped: [] };
let interrupted = false;
const stopped = () => interrupted;

process.chdir(checkout);
process.env.PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interrupt("The run was interrupted."));

try {
  const { values } = parseArgs({ options: { suite: { type: "string", default: "trixie" } } });
  const { suite } = values;
  if (suite !== "trixie" && suite !== "sid") throw new Error(`--suite takes trixie or sid, not ${suite}`);
  if (process.getuid?.() !== 0) throw new Error("The image of the machine is made by root: run this as root.");
  await runAll(suite);
} catch (error) {
  total.failed.push(error instanceof Error ? error.message : String(error));
}

console.log("\n== Result of the virtual machine");
for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`);
for (const name of total.failed) console.log(`failed: ${name}`);
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
process.exit(total.failed.length === 0 ? 0 : 1);

/** @param {import("./recipe.mjs").Suite} suite */
async function runAll(suite) {
  if (arch() !== "x64") return skip("the machine is made for amd64");
  for (const problem of [await installPackages(machinePackages), await installNodeModules(checkout)])
    if (problem !== undefined) total.failed.push(problem);
  if (capture(["qemu-system-x86_64", "--version"]).exitCode !== 0) return skip("qemu-system-x86_64 is not installed");
  await step("Packages", async () => {
    if ((await runLive(["npm", "run", "--silent", "package:deb"])) !== 0) throw new Error("npm run package:deb failed.");
  });
  if (stopped()) return;
  const image = await getImage(suite);
  if (stopped()) return;
  const folder = mkdtempSync(join(tmpdir(), "tests-of-lxc-desktop-vm-"));
  const limit = setTimeout(
    () => interrupt(`The virtual machine's tests took longer than ${hardLimitMinutes} minutes.`),
    hardLimitMinutes * 60_000,
  );
  /** @type {import("./machine.mjs").Machine | undefined} */
  let machine;
  try {
    const brought = join(folder, "brought.tar");
    packCheckout(checkout, brought);
    machine = await step(`Start of the machine (${hasKvm() ? "KVM" : "software emulation"})`, () => startMachine(image, folder, brought));
    await testInside(machine, folder);
  } finally {
    clearTimeout(limit);
    await machine?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import("./machine.mjs").Machine} machine
 * @param {string} folder for the results of the suites
 */
async function testInside({ address, reboot }, folder) {
  const environment = { CI: "true", NO_COLOR: "1", LXC_DESKTOP_TEST_GUEST: JSON.stringify(address) };
  /** @param {string} project */
  const playwright = (project) => async () =>
    count(
      await runPlaywright(checkout, folder, environment, `virtual machine (${project})`, [
        "--config=e2e/vm/playwright.config.ts",
        `--project=${project}`,
      ]),
    );
  const connectPeople = () => Promise.all(Object.values(people).map(({ name }) => connect(address, name)));

  await step("Installation", () => install(address));
  await step("Integration tests inside", () => runIntegration(address));
  let ends = await connectPeople();
  try {
    await step("End-to-end tests", playwright("vm"));
    await step("Before the restart", playwright("before-restart"));
    for (const end of ends) end();
    await step("Restart", reboot);
    ends = await connectPeople();
    await step("After the restart", playwright("after-restart"));
    await step("Removal of the packages", async () => count(checkRemoval(address)));
  } finally {
    for (const end of ends) end();
  }
}

/** @param {import("./ssh.mjs").Address} address */
async function install(address) {
  const versions =
    "uname -r; lxc-create --version; node --version; systemctl --version | head -1; pkexec --version; cat /etc/debian_version";
  console.log(captureInside(address, "root", ["sh", "-c", versions]).output);
  await inside(address, ["mkdir", "-p", checkoutInside]);
  await inside(address, ["tar", "--extract", "--file=/dev/vdb", `--directory=${checkoutInside}`]);
  const debs = readdirSync(join(checkout, "release"))
    .filter((name) => name.endsWith(".deb"))
    .map((name) => `${checkoutInside}/release/${name}`);
  await inside(address, ["dpkg", "--install", ...debs]);
  // LXC's busybox template runs this 270 times for each container: emulated, a program without libraries takes a quarter of the time.
  await inside(address, ["ln", "-sf", "busybox", "/usr/bin/ln"]);
  // From its sources the app would have this program translated each time that it is run.
  await inside(address, ["cp", `${checkoutInside}/dist/helper/shift-owners.cjs`, `${checkoutInside}/privileged-helper/lxc/`]);
  total.passed++;
}

/** @param {import("./ssh.mjs").Address} address */
async function runIntegration(address) {
  const results = "/var/tmp/integration-results.json";
  const vitest = "node_modules/.bin/vitest run --project integration --reporter=default --reporter=./e2e/host/vitest-results.mjs";
  const environment = `CI=true NO_COLOR=1 LXC_DESKTOP_TEST_SLOWNESS=${hasKvm() ? 1 : 4} LXC_DESKTOP_TEST_RESULTS=${results}`;
  const exitCode = await runInside(address, "root", ["sh", "-c", `cd ${checkoutInside} && ${environment} ${vitest}`]);
  const { output, exitCode: found } = captureInside(address, "root", ["cat", results]);
  if (found !== 0) throw new Error(`the integration tests crashed (exit code ${exitCode})`);
  const read = JSON.parse(output);
  if (exitCode !== 0 && read.failed.length === 0) read.failed.push(`they ended with exit code ${exitCode}`);
  count(read);
}

/**
 * Runs a part and prints how long it took; what goes wrong in it is one failure, after which the next part has its turn.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} part
 * @returns {Promise<T>}
 */
async function step(title, part) {
  if (stopped()) throw new Error(`${title} did not take place.`);
  console.log(`\n== ${title}`);
  const started = Date.now();
  const before = { passed: total.passed, failed: total.failed.length, skipped: total.skipped.length };
  const result = await part();
  const [passed, failed, skipped] = [
    total.passed - before.passed,
    total.failed.length - before.failed,
    total.skipped.length - before.skipped,
  ];
  console.log(`${title}: ${Math.round((Date.now() - started) / 1000)} s, ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return result;
}

/** @param {import("../host/suites.mjs").Results} results */
function count({ passed, failed, skipped }) {
  total.passed += passed;
  total.failed.push(...failed.map((name) => `virtual machine: ${name}`));
  total.skipped.push(...skipped.map(({ name, reason }) => ({ name: `virtual machine: ${name}`, reason })));
}

/** @param {string} reason */
function skip(reason) {
  total.skipped.push({ name: "virtual machine", reason });
}

/**
 * @param {import("./ssh.mjs").Address} address
 * @param {readonly string[]} argv
 */
async function inside(address, argv) {
  const exitCode = await runInside(address, "root", argv);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${exitCode} in the virtual machine.`);
}

/** @param {string} reason */
function interrupt(reason) {
  if (!interrupted) total.failed.push(reason);
  interrupted = true;
  endCurrent();
}
