/** Electron's main process: the app's window, those of terminals, one backend, nothing more. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { app, Menu } from "electron";
import { createBackend } from "../backend/backend.ts";
import { cacheFolder } from "../backend/cache-folder.ts";
import { findInstalledAs } from "../backend/installed-as.ts";
import { createHelperLauncher } from "../backend/launch-helper.ts";
import { readPublicFiles } from "../backend/public-files.ts";
import { settingsPath } from "../backend/settings.ts";
import { stateFolder } from "../backend/state-folder.ts";
import { runAudit } from "../command-line/audit.ts";
import { showNotification } from "./notifications.ts";
import { handOutPorts } from "./port.ts";
import { printPdf } from "./print-pdf.ts";
import { registerScheme, serveBundle } from "./scheme.ts";
import { createWindows } from "./windows.ts";

declare const APP_VERSION: string;

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..");

async function main() {
  const files = readPublicFiles(join(here, "../renderer"));
  const installedAs = findInstalledAs(dist);
  const backend = createBackend({
    version: APP_VERSION,
    launch: createHelperLauncher({ version: APP_VERSION, dist, installedAs }),
    installedAs,
    settingsPath: settingsPath(),
    cacheFolder: cacheFolder(),
    stateFolder: stateFolder(),
    notify: showNotification,
    printPdf,
  });
  await app.whenReady();
  Menu.setApplicationMenu(null);
  serveBundle(files);
  const windows = createWindows(join(here, "preload.cjs"));
  windows.showApp();
  handOutPorts(windows.kindOf, (port, kind) => backend.accept(port, kind));

  app.on("second-instance", windows.showApp);
  app.on("window-all-closed", () => app.quit());
  let settled = false;
  app.on("will-quit", (event) => {
    if (settled) return;
    // The helper ends at the end of its input, after what it has half done; nothing of ours outlives the window.
    event.preventDefault();
    void backend.close().finally(() => {
      settled = true;
      app.quit();
    });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => app.quit());
}

/** By such a port everybody on this computer could use the window, and with it all that its person may. */
const debuggingSwitches = ["remote-debugging-port", "remote-debugging-pipe"];
const isDebugged = app.isPackaged && debuggingSwitches.some((name) => app.commandLine.hasSwitch(name));

/** Electron's own program comes first, and from a checkout the app's folder after it. */
const [command, ...commandArguments] = process.argv.slice(app.isPackaged ? 1 : 2);

if (isDebugged) {
  process.stderr.write("lxc-desktop: an installed app is not debugged: start it from a checkout\n");
  app.exit(64);
} else if (command === "audit") {
  void runAudit(commandArguments, { version: APP_VERSION, dist }).then((exitCode) => app.exit(exitCode));
} else if (app.requestSingleInstanceLock()) {
  registerScheme();
  void main();
} else {
  app.quit();
}
