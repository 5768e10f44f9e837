/**
 * Run by `npm run uninstall-helper`, as root, before the helper is removed: takes back what the helper has changed on this
 * computer, as far as no container needs it any more.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toProblem } from "./contract/problems.ts";
import type { TaskContext } from "./lxc/context.ts";
import { undoFixes } from "./lxc/host-fix.ts";
import { systemFiles, undoNetworkSetup } from "./lxc/network.ts";

const stateFolder = "/var/lib/lxc-desktop";

const task: TaskContext = {
  signal: new AbortController().signal,
  step: () => {},
  output: (text) => process.stdout.write(text),
  notice: (sentence) => process.stdout.write(`${sentence}\n`),
  command: (argv) => process.stdout.write(`$ ${argv.join(" ")}\n`),
  onUndo: () => {},
  critical: (work) => work(),
};

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function main() {
  const count = listFiles(systemFiles.hosts).length;
  if (count > 0) {
    process.stdout.write(
      `${count} ${count === 1 ? "container has" : "containers have"} a reserved address: the reservations in ${systemFiles.hosts} stay, and so do the line in lxc-net's settings that makes its DHCP server read them and what the Host page has mended.\n`,
    );
    return;
  }
  await undoFixes(task);
  await undoNetworkSetup(task);
  const images = listFiles(join(stateFolder, "images")).length;
  for (const file of listFiles(stateFolder)) {
    // Containers may lie on them.
    if (file === "images" && images > 0)
      process.stdout.write(`The images in ${join(stateFolder, file)} stay: remove them where no container needs them.\n`);
    else rmSync(join(stateFolder, file), { recursive: true, force: true });
  }
  if (images === 0) rmSync(stateFolder, { recursive: true, force: true });
  rmSync("/run/lxc-desktop", { recursive: true, force: true });
}

main().catch((error: unknown) => {
  const problem = toProblem(error);
  process.stderr.write(`${"summary" in problem ? problem.summary : "detail" in problem ? problem.detail : problem.code}\n`);
  process.exitCode = 1;
});
