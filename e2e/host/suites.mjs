import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runLive } from "./command.mjs";

/** @typedef {{ passed: number, failed: string[], skipped: { name: string, reason: string }[] }} Results */

/**
 * Runs a command that is one check as a whole.
 * @param {string} name
 * @param {readonly string[]} argv
 * @param {Record<string, string>} environment
 * @returns {Promise<Results>}
 */
export async function runCheck(name, argv, environment) {
  const exitCode = await runLive(argv, environment);
  return exitCode === 0 ? { passed: 1, failed: [], skipped: [] } : { passed: 0, failed: [`${name} (exit code ${exitCode})`], skipped: [] };
}

/**
 * Runs a project of Vitest.
 * @param {"unit" | "integration" | "package"} project
 * @param {string} folder for the results
 * @param {Record<string, string>} environment
 * @returns {Promise<Results>}
 */
export async function runVitest(project, folder, environment) {
  const file = join(folder, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=./e2e/host/vitest-results.mjs"];
  const exitCode = await runLive(["node_modules/.bin/vitest", "run", "--project", project, ...reporters], {
    ...environment,
    NO_COLOR: "1",
    LXC_DESKTOP_TEST_RESULTS: file,
  });
  return withExitCode(project, exitCode, readJson(file));
}

/**
 * Runs the end-to-end tests.
 * @param {string} checkout
 * @param {string} folder for the results
 * @param {Record<string, string>} environment
 * @param {string} [name]
 * @param {readonly string[]} [options] of Playwright's
 * @param {string} [label] before each line of the output
 * @returns {Promise<Results>}
 */
export async function runPlaywright(checkout, folder, environment, name = "end-to-end", options = [], label = "") {
  const specs = readdirSync(join(checkout, "e2e"), { recursive: true, encoding: "utf8" }).some((path) => path.endsWith(".spec.ts"));
  if (!existsSync(join(checkout, "playwright.config.ts")) || !specs) {
    return { passed: 0, failed: [], skipped: [{ name, reason: "there are no end-to-end tests" }] };
  }
  const file = join(folder, "end-to-end.json");
  rmSync(file, { force: true });
  const argv = ["node_modules/.bin/playwright", "test", "--reporter=list,json", ...options];
  const exitCode = await runLive(argv, { ...environment, PLAYWRIGHT_JSON_OUTPUT_FILE: file }, label);
  const report = readJson(file);
  return withExitCode(name, exitCode, report === undefined ? undefined : readPlaywright(report));
}

/**
 * Runs the tests in a virtual machine.
 * @param {string} folder for the results
 * @param {Record<string, string>} environment
 * @returns {Promise<Results>}
 */
export async function runVirtualMachine(folder, environment) {
  const file = join(folder, "virtual-machine.json");
  const exitCode = await runLive([process.execPath, "e2e/vm/main.mjs"], { ...environment, LXC_DESKTOP_TEST_RESULTS: file });
  return withExitCode("virtual machine", exitCode, readJson(file));
}

/**
 * @param {import("@playwright/test/reporter").JSONReport} report
 * @returns {Results}
 */
function readPlaywright(report) {
  /** @type {Results} */
  const results = { passed: 0, failed: report.errors.map(({ message }) => message ?? "an error outside of any test"), skipped: [] };
  for (const suite of report.suites) read(suite, "");
  return results;

  /**
   * @param {import("@playwright/test/reporter").JSONReportSuite} suite
   * @param {string} above
   */
  function read(suite, above) {
    const path = above === "" ? suite.title : `${above} > ${suite.title}`;
    for (const inner of suite.suites ?? []) read(inner, path);
    for (const spec of suite.specs) {
      for (const test of spec.tests) {
        const name = `[${test.projectName}] ${path} > ${spec.title}`;
        const marks = test.annotations.filter(({ type }) => type === "skip" || type === "fixme");
        if (test.status === "expected") results.passed++;
        else if (test.status !== "skipped") results.failed.push(test.status === "flaky" ? `${name} (passed only when repeated)` : name);
        else if (test.results.some(({ status }) => status === "interrupted")) results.failed.push(`${name} (interrupted)`);
        else {
          const marked = marks.length > 0 ? "marked as skipped in the file" : "an earlier test on which it depends failed";
          results.skipped.push({ name, reason: marks.find(({ description }) => description)?.description ?? marked });
        }
      }
    }
  }
}

/**
 * A suite that ends badly without any failed test has crashed, and so has one that leaves no results.
 * @param {string} name
 * @param {number} exitCode
 * @param {Results | undefined} results
 * @returns {Results}
 */
function withExitCode(name, exitCode, results) {
  if (results === undefined) return { passed: 0, failed: [`${name} crashed (exit code ${exitCode})`], skipped: [] };
  if (exitCode !== 0 && results.failed.length === 0) results.failed.push(`${name} ended with exit code ${exitCode}`);
  return results;
}

/** @param {string} file */
function readJson(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
