import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { InstalledAs } from "../../privileged-helper/contract/problems.ts";

/**
 * How this app came here, which decides how its helper can come here.
 * @param dist Where the app's own build is.
 */
export function findInstalledAs(dist: string, environment: NodeJS.ProcessEnv = process.env): InstalledAs {
  if (existsSync(join(dist, "../electron/launch/install-helper.mjs"))) return { kind: "checkout" };
  // An AppImage is mounted for its user, so root could not even read a helper in it. The package that it carries has to be copied first.
  const mount = environment.APPDIR;
  if (environment.APPIMAGE && mount && dist.startsWith(`${mount}/`)) {
    const resources = dirname(dirname(dist));
    const name = readNames(resources).find((one) => /^lxc-desktop-helper_.*\.deb$/.test(one));
    return { kind: "appimage", helperPackage: name === undefined ? undefined : join(resources, name) };
  }
  return { kind: "package" };
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
