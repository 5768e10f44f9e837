import { existsSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "@playwright/test";

const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? "node_modules/electron/dist";
const hasElectron = existsSync(join(dist, "electron"));

/** Real Chromium and, where its program is there, real Electron; one suite for both, one test at a time: they share the host. */
export default defineConfig({
  testDir: "e2e/app",
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  outputDir: "test-results",
  globalSetup: "./e2e/app/global-setup.ts",
  reporter: [["line"]],
  projects: [
    { name: "web", testIgnore: "electron-absent.spec.ts" },
    {
      name: "electron",
      // What concerns the web host alone has nothing to do with Electron.
      ...(hasElectron ? { testIgnore: ["electron-absent.spec.ts", "web-*.spec.ts"] } : { testMatch: "electron-absent.spec.ts" }),
    },
  ],
});
