import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endCurrent, runMark } from "./host/command.mjs";
import { removeInterruptedRun } from "./host/interrupted-run.mjs";
import { installNodeModules } from "./host/node-modules.mjs";
import { installPackages } from "./host/packages.mjs";
import { startServices } from "./host/services.mjs";
import { findLeftBehind, recordState } from "./host/state.mjs";
import { runCheck, runPlaywright, runVirtualMachine, runVitest } from "./host/suites.mjs";
import { hasKvm } from "./vm/machine.mjs";

/**
 * All checks of LXC Desktop on a Debian machine, from a plain checkout: `npm test`. They make real containers, so they need root.
 * What is missing is installed; what is started or changed on the way is ended and put back.
 */
const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
const run = `${process.pid}-${Date.now()}`;
const environment = { CI: "true", [runMark]: run };

/** @type {import("./host/suites.mjs").Results} */
const total = { passed: 0, failed: [], skipped: [] };
let interrupted = false;

process.chdir(checkout);
process.env.PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    interrupted = true;
    endCurrent();
  });
}

try {
  if (process.getuid?.() === 0) await runAll();
  else total.failed.push("The tests make real containers: run them as root.");
} catch (error) {
  total.failed.push(`The run of the tests crashed: ${error instanceof Error ? error.stack : error}`);
}
if (interrupted) total.failed.push("The run was interrupted.");

console.log("\n== Result");
for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`);
for (const name of total.failed) console.log(`failed: ${name}`);
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
process.exitCode = total.failed.length === 0 ? 0 : 1;

async function runAll() {
  console.log("== Set-up");
  const packages = await installPackages();
  if (packages !== undefined) total.failed.push(packages);
  const nodeModules = await installNodeModules(checkout);
  if (nodeModules !== undefined) {
    total.failed.push(nodeModules);
    return;
  }
  if (removeInterruptedRun()) console.log("What end-to-end tests that were interrupted had left was removed.");
  const services = await startServices();
  total.failed.push(...services.problems);
  const folder = mkdtempSync(join(tmpdir(), "tests-of-lxc-desktop-"));
  try {
    const before = recordState();
    await runSuites(folder);
    console.log("\n== Nothing is left behind");
    const left = await findLeftBehind(before, run);
    for (const one of left) console.log(`left behind: ${one}`);
    if (left.length === 0) total.passed++;
    else total.failed.push(`Nothing is left behind:\n  ${left.join("\n  ")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await services.end();
  }
}

/** @param {string} folder for the results of the suites */
async function runSuites(folder) {
  const built = await runSuite("Build", () => runCheck("Build", ["npm", "run", "build"], environment));
  await runSuite("Typecheck", () => runCheck("Typecheck", ["npm", "run", "typecheck"], environment));
  await runSuite("Lint", () => runCheck("Lint", ["npm", "run", "lint"], environment));
  await runSuite("Unit tests", () => runVitest("unit", folder, environment));
  await runSuite("Integration tests", () => runVitest("integration", folder, environment));
  if (built) await runSuite("Package tests", () => runVitest("package", folder, environment));
  else total.skipped.push({ name: "Package tests", reason: "the build failed" });
  if (built) await runSuite("End-to-end tests", () => runPlaywright(checkout, folder, environment));
  else total.skipped.push({ name: "End-to-end tests", reason: "the build failed" });
  if (!built) total.skipped.push({ name: "Virtual machine", reason: "the build failed" });
  else if (hasKvm()) await runSuite("Virtual machine", () => runVirtualMachine(folder, environment));
  else {
    const reason = "there is no KVM here, and emulated it takes a quarter of an hour more: npm run test:vm";
    total.skipped.push({ name: "Virtual machine", reason });
  }
}

/**
 * @param {string} title
 * @param {() => Promise<import("./host/suites.mjs").Results>} suite
 * @returns {Promise<boolean>} true if nothing failed
 */
async function runSuite(title, suite) {
  if (interrupted) return false;
  console.log(`\n== ${title}`);
  const started = Date.now();
  const { passed, failed, skipped } = await suite();
  const seconds = Math.round((Date.now() - started) / 1000);
  for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
  console.log(`${title}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped (${seconds} s)`);
  total.passed += passed;
  total.failed.push(...failed);
  total.skipped.push(...skipped);
  return failed.length === 0;
}
