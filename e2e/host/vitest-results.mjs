import { writeFileSync } from "node:fs";

/**
 * A reporter of Vitest that writes what its own JSON reporter leaves out: why a test was skipped, and errors outside of tests.
 */
export default class VitestResults {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {import("./suites.mjs").Results} */
    const results = { passed: 0, failed: [], skipped: [] };
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) results.failed.push(`${module.relativeModuleId} cannot be loaded`);
      for (const test of module.children.allTests()) {
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        const result = test.result();
        if (result.state === "passed") results.passed++;
        else if (result.state === "failed") results.failed.push(name);
        else if (result.state === "skipped") results.skipped.push({ name, reason: result.note ?? whySkipped(test.options.mode) });
        else results.failed.push(`${name} (did not end)`);
      }
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) results.failed.push(`${module.relativeModuleId} > ${suite.fullName} (set-up or clean-up)`);
      }
    }
    if (unhandledErrors.length > 0) results.failed.push(`${unhandledErrors.length} errors outside of any test`);
    writeFileSync(process.env.LXC_DESKTOP_TEST_RESULTS ?? "/dev/null", JSON.stringify(results));
  }
}

/** @param {string} mode */
function whySkipped(mode) {
  if (mode === "todo") return "not written yet";
  return mode === "skip" ? "marked as skipped in the file" : "its set-up failed";
}
