import { defineConfig } from "vitest/config";

/** A machine that is emulated takes several times as long for everything. */
const slowness = Number(process.env.LXC_DESKTOP_TEST_SLOWNESS ?? 1);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["privileged-helper/**/*.test.ts", "electron/**/*.test.ts", "renderer/**/*.test.{ts,tsx}"],
          exclude: ["**/*.integration.test.ts"],
          // None of them is about time: a computer that has more to do must not fail them.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "integration",
          include: ["**/*.integration.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          setupFiles: ["privileged-helper/testing/patience.ts"],
          fileParallelism: false,
          testTimeout: 60_000 * slowness,
          hookTimeout: 120_000 * slowness,
        },
      },
      {
        test: {
          name: "package",
          include: ["e2e/package/*.test.ts"],
          globalSetup: ["e2e/package/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
