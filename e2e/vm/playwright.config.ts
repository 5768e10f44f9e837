import { defineConfig } from "@playwright/test";

/** For the virtual machine that e2e/vm/main.mjs has started: Chromium runs here, everything else there, several times slower. */
export default defineConfig({
  testDir: "..",
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [["line"]],
  // In this order, and each by its name: between the last two the machine is started anew.
  projects: [
    { name: "vm", testMatch: ["app/main-job.spec.ts", "vm/*.spec.ts"], testIgnore: ["vm/before-*.spec.ts", "vm/after-*.spec.ts"] },
    { name: "before-restart", testMatch: "vm/before-restart.spec.ts" },
    { name: "after-restart", testMatch: "vm/after-restart.spec.ts" },
  ],
});
