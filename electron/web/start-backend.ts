import { type Backend, createBackend } from "../backend/backend.ts";
import { cacheFolder } from "../backend/cache-folder.ts";
import { findInstalledAs } from "../backend/installed-as.ts";
import { createHelperLauncher } from "../backend/launch-helper.ts";
import { settingsPath } from "../backend/settings.ts";
import { stateFolder } from "../backend/state-folder.ts";
import { findDesktopNotifier } from "./desktop-notifications.ts";
import { findPdfPrinter } from "./print-pdf.ts";

/**
 * What is behind the page. It is a file of its own in the bundle, because the page is served before it is loaded.
 * @param dist the build
 */
export function startBackend({ version, dist }: { version: string; dist: string }): Backend {
  const installedAs = findInstalledAs(dist);
  return createBackend({
    version,
    launch: createHelperLauncher({ version, dist, installedAs }),
    installedAs,
    settingsPath: settingsPath(),
    cacheFolder: cacheFolder(),
    stateFolder: stateFolder(),
    notify: findDesktopNotifier(),
    printPdf: findPdfPrinter(),
  });
}
