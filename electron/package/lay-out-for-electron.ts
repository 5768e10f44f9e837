import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describePackages, filesForElectron } from "./packages.ts";
import { writeDeb } from "./write-deb.ts";
import { writeTree } from "./write-tree.ts";

/**
 * Lays out what electron-builder.yml names below release/: root/ for deb and rpm, and the helper's package for the AppImage.
 * @param checkout with a build in dist/
 */
export function layOutForElectron(checkout: string): void {
  const release = join(checkout, "release");
  const { helper, app } = describePackages(checkout);
  for (const folder of ["root", "appimage"]) rmSync(join(release, folder), { recursive: true, force: true });
  writeTree(join(release, "root"), filesForElectron({ helper, app }));
  mkdirSync(join(release, "appimage"), { recursive: true });
  writeDeb(helper, join(release, "appimage"));
}
