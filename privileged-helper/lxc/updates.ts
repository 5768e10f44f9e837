import { ProblemError, toProblem } from "../contract/problems.ts";
import { type PackageManager, packageManagerNames } from "../contract/security.ts";
import { type JournalRecord, operationVariable } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { forgetKnownUpdates, type KnownUpdates, writeKnownUpdates } from "./known-updates.ts";
import { packageManagers } from "./package-updates.ts";
import { killMarked } from "./recover.ts";
import { type RunOptions, run } from "./run.ts";

const findTimeoutSeconds = 30;
const refreshTimeoutSeconds = 600;
const listTimeoutSeconds = 300;
const installTimeoutSeconds = 3600;
/** As at a first start: nothing of ours, and what root has in any system. */
const environmentInside = { HOME: "/root", LANG: "C.UTF-8" };

/**
 * Has a container's own package manager fetch its lists and say what is to be updated, and keeps that. Nothing is updated.
 * @throws ProblemError `not-supported` where it has no package manager that we know; `command-failed`, `timed-out`, `cancelled`.
 */
export async function lookForUpdates(context: OperationContext, name: string): Promise<KnownUpdates> {
  return insideAlone(context, name, async (attach) => {
    const manager = await findManager(attach);
    const { refresh, environment } = packageManagers[manager];
    context.task.step("Fetching its lists of packages");
    if (refresh) await attach(refresh, { environment, timeoutSeconds: refreshTimeoutSeconds, isShown: true });
    return list(context, name, manager, attach);
  });
}

/**
 * Installs what is to be updated, by the container's own package manager, and looks again.
 * @throws ProblemError as `lookForUpdates`. What was cut off is finished the next time.
 */
export async function installUpdates(context: OperationContext, name: string): Promise<void> {
  const { lxcPath, task } = context;
  await insideAlone(context, name, async (attach) => {
    const manager = await findManager(attach);
    const { refresh, install, environment } = packageManagers[manager];
    task.step("Fetching its lists of packages");
    if (refresh) await attach(refresh, { environment, timeoutSeconds: refreshTimeoutSeconds, isShown: true });
    task.step("Installing updates");
    forgetKnownUpdates(lxcPath, name);
    for (const command of install) await attach(command, { environment, timeoutSeconds: installTimeoutSeconds, isShown: true });
    const { pending } = await list(context, name, manager, attach);
    const open = pending.filter(({ isSecurity }) => isSecurity).length;
    if (open > 0)
      task.notice(`${open === 1 ? "One security update is" : `${open} security updates are`} still to be installed in ${name}.`);
    else task.notice(`${name} has all security updates. What runs in it uses them once it was restarted.`);
  });
}

/** What was being updated is kept as it is; only what still works on it ends. */
export async function endAbandonedUpdate({ lxcPath, journal, task }: OperationContext, record: JournalRecord): Promise<void> {
  task.notice(`LXC Desktop ended while ${record.name} was being updated. Update it again: that finishes what was begun.`);
  task.step("Ending what still works in it");
  await killMarked(record.id);
  forgetKnownUpdates(lxcPath, record.name);
  journal.remove(record);
}

type AttachOptions = Pick<RunOptions, "environment" | "timeoutSeconds" | "allowExitCodes"> & {
  /** Recorded in the task, and what it prints with it. */
  isShown?: boolean;
};
type Attach = (command: readonly string[], options: AttachOptions) => Promise<string>;

/** Runs programs inside so that nothing goes on of them where they are cut off. */
async function insideAlone<T>(context: OperationContext, name: string, work: (attach: Attach) => Promise<T>): Promise<T> {
  const { lxcPath, journal, task } = context;
  const record = journal.begin({ lxcPath, kind: "update", name });
  const mark = record.environment[operationVariable] ?? "";
  const attach: Attach = async (command, { environment = {}, isShown = false, ...options }) => {
    const args = (all: Readonly<Record<string, string>>) => {
      const set = Object.entries(all).flatMap(([key, value]) => ["-v", `${key}=${value}`]);
      return ["-n", name, "-P", lxcPath, "--clear-env", ...set, "--", ...command];
    };
    const shown = { ...environmentInside, ...environment };
    const { output } = await run("lxc-attach", args({ ...shown, [operationVariable]: mark }), {
      ...options,
      ...(isShown ? { task } : { signal: task.signal }),
      shownArgs: args(shown),
    });
    return output;
  };
  try {
    return await work(attach);
  } catch (thrown) {
    const { code } = toProblem(thrown);
    // What has left the group of its command goes on by itself.
    if (code === "cancelled" || code === "timed-out") await killMarked(mark);
    throw thrown;
  } finally {
    record.finish();
  }
}

async function findManager(attach: Attach): Promise<PackageManager> {
  const script = 'for program; do if [ -x "$program" ]; then echo "$program"; fi; done';
  const paths = packageManagerNames.flatMap((manager) => packageManagers[manager].paths);
  const output = await attach(["/bin/sh", "-c", script, "sh", ...paths], { timeoutSeconds: findTimeoutSeconds, allowExitCodes: "any" });
  const found = output.split("\n").map((line) => line.trim());
  const manager = packageManagerNames.find((one) => packageManagers[one].paths.some((path) => found.includes(path)));
  if (manager !== undefined) return manager;
  throw new ProblemError({
    code: "not-supported",
    what: "It has none of apt-get, dnf, apk and pacman, so its updates cannot be looked for.",
  });
}

async function list(context: OperationContext, name: string, manager: PackageManager, attach: Attach): Promise<KnownUpdates> {
  const { list: commands, environment, parse } = packageManagers[manager];
  context.task.step("Asking what is to be updated");
  const outputs: string[] = [];
  for (const { command, exitCodes } of commands) {
    outputs.push(await attach(command, { environment, timeoutSeconds: listTimeoutSeconds, allowExitCodes: exitCodes, isShown: true }));
  }
  const known = { manager, at: Date.now(), pending: parse(outputs) };
  writeKnownUpdates(context.lxcPath, name, known);
  return known;
}
