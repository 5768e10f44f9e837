/** `npm run uninstall-helper`: removes what `npm run install-helper` installed. Containers and LXC's own data stay as they are. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, helperHome, owningPackage, policyPath, runAsRoot } from "./installed-helper.mjs";

const present = [policyPath, helperHome].filter(existsSync);
if (present.length === 0) {
  console.log("The helper is not installed.");
  process.exit(0);
}
if (process.getuid?.() !== 0) {
  console.log(`This removes, as root:\n${present.map((path) => `  ${path}`).join("\n")}\nContainers stay as they are.`);
  runAsRoot(fileURLToPath(import.meta.url));
}
for (const path of [policyPath, join(helperHome, "launch")]) {
  const owner = existsSync(path) ? owningPackage(path) : undefined;
  if (owner) fail(`${path} belongs to a package of your distribution (${owner}). Remove that package instead.`);
}
undoHostChanges();
for (const path of present) rmSync(path, { recursive: true, force: true });
console.log(`Removed:\n${present.map((path) => `  ${path}`).join("\n")}`);

/** What the helper changed on this computer goes as well, as far as no container needs it. */
function undoHostChanges() {
  const program = join(helperHome, "helper/undo-host.cjs");
  if (!existsSync(program)) return;
  const ownNode = join(helperHome, "node");
  const node = existsSync(ownNode) ? ownNode : "/usr/bin/node";
  const { status } = spawnSync(node, [program], {
    stdio: "inherit",
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
  });
  if (status !== 0)
    console.log("LXC's bridge could not be started anew with its former settings. Start it with: systemctl restart lxc-net");
}
