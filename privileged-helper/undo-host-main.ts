/**
 * Run by `npm run uninstall-helper`, as root, before the helper is removed: takes back what the helper has changed on this
 * computer, as far as no container needs it any more.
 */
import { readdirSync, rmSync } from "node:fs";
import { toProblem } from "./contract/problems.ts";
import type { TaskContext } from "./lxc/context.ts";
import { undoFixes } from "./lxc/host-fix.ts";
import { systemFiles, undoNetworkSetup } from "./lxc/network.ts";

const task: TaskContext = {
  signal: new AbortController().signal,
  step: () => {},
  output: (text) => process.stdout.write(text),
  notice: (sentence) => process.stdout.write(`${sentence}\n`),
  command: (argv) => process.stdout.write(`$ ${argv.join(" ")}\n`),
  onUndo: () => {},
  critical: (work) => work(),
};

function reservations(): string[] {
  try {
    return readdirSync(systemFiles.hosts);
  } catch {
    return [];
  }
}

async function main() {
  const count = reservations().length;
  if (count > 0) {
    process.stdout.write(
      `${count} ${count === 1 ? "container has" : "containers have"} a reserved address: the reservations in ${systemFiles.hosts} stay, and so do the line in lxc-net's settings that makes its DHCP server read them and what the Host page has mended.\n`,
    );
    return;
  }
  await undoFixes(task);
  await undoNetworkSetup(task);
  rmSync("/var/lib/lxc-desktop", { recursive: true, force: true });
  rmSync("/run/lxc-desktop", { recursive: true, force: true });
}

main().catch((error: unknown) => {
  const problem = toProblem(error);
  process.stderr.write(`${"summary" in problem ? problem.summary : "detail" in problem ? problem.detail : problem.code}\n`);
  process.exitCode = 1;
});
