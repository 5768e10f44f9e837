import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { copyBuild, createTestUser, removeRule, removeTestUser } from "./test-user.ts";

/** The actions of the app that the test user may do without being asked, unless a test says otherwise. */
export default function setUp(): () => void {
  if (process.getuid?.() !== 0)
    throw new Error("The end-to-end tests make a user, install the helper and make containers: run them as root.");
  execFileSync(process.execPath, ["electron/launch/install-helper.mjs"], { stdio: "inherit" });
  createTestUser();
  const build = copyBuild();
  process.env.LXC_DESKTOP_TEST_BUILD = build;
  return () => {
    removeRule();
    removeTestUser();
    rmSync(build, { recursive: true, force: true });
    execFileSync(process.execPath, ["electron/launch/uninstall-helper.mjs"], { stdio: "inherit" });
  };
}
