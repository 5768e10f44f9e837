/** `npm run package`: deb, rpm and AppImage with Electron in them, where its program can be had. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../launch/installed-helper.mjs";
import { layOutForElectron } from "./lay-out-for-electron.ts";

const downloadMilliseconds = 300_000;

layOutForElectron(checkout);
const electron = findElectron();
if (electron === undefined) {
  console.error("Electron's program could not be had, so no package with it was built; `npm run package:deb` builds those that need none.");
  process.exit(1);
}
const { status } = spawnSync(
  join(checkout, "node_modules/.bin/electron-builder"),
  ["--linux", "--publish", "never", `--config.electronDist=${electron}`],
  { cwd: checkout, stdio: "inherit" },
);
process.exit(status ?? 1);

/** The folder of one that is on this machine, or of one that its own installer downloads. */
function findElectron(): string | undefined {
  const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(checkout, "node_modules/electron/dist");
  const isThere = () => existsSync(join(folder, "electron"));
  if (!isThere()) {
    const options = { cwd: checkout, stdio: "ignore", timeout: downloadMilliseconds, killSignal: "SIGKILL" } as const;
    spawnSync(process.execPath, [join(checkout, "node_modules/electron/install.js")], options);
  }
  return isThere() ? folder : undefined;
}
