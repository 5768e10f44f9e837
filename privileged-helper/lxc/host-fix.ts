import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { HostCheck } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { readProcFile } from "./proc.ts";
import { run, type ToolName } from "./run.ts";

/** One command of a fix. Tool and arguments come from tables of ours and from facts that root's own files state; never from a request. */
export type FixStep = {
  tool: ToolName;
  args: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Its failure ends nothing: stopping what does not run. */
  mayFail?: boolean;
};

export type Fix = {
  /** One sentence: what it does, and what stays of it. */
  summary: string;
  steps: readonly FixStep[];
  /** Files of ours that make it last, written before the commands run. */
  files?: readonly { path: string; text: string }[];
  /** What a firewall was told for this link, and is to forget when the app is removed. */
  firewall?: { name: FirewallName; link: string };
};

/** Firewalls that keep what they are told beyond a restart. */
export type FirewallName = "firewalld" | "ufw";

/** What each is told for a link, as far as it lasts; and the same taken back. */
export const firewallSteps: Record<FirewallName, { allow(link: string): FixStep[]; forget(link: string): FixStep[] }> = {
  firewalld: {
    allow: (link) => [
      { tool: "firewall-cmd", args: ["--permanent", "--zone=trusted", `--add-interface=${link}`] },
      { tool: "firewall-cmd", args: ["--zone=trusted", `--add-interface=${link}`] },
    ],
    forget: (link) => [
      { tool: "firewall-cmd", args: ["--permanent", "--zone=trusted", `--remove-interface=${link}`] },
      { tool: "firewall-cmd", args: ["--zone=trusted", `--remove-interface=${link}`] },
    ],
  },
  ufw: {
    allow: (link) => ufwRules(link).map(([first = "", ...rule]) => ({ tool: "ufw", args: [first, ...rule] })),
    forget: (link) =>
      ufwRules(link).map(([first = "", ...rule]) => ({
        tool: "ufw",
        args: first === "route" ? ["route", "delete", ...rule] : ["delete", first, ...rule],
      })),
  },
};

/** Addresses (DHCP), names (DNS), and the way through. */
function ufwRules(link: string): string[][] {
  return [
    ["allow", "in", "on", link, "to", "any", "port", "67", "proto", "udp"],
    ["allow", "in", "on", link, "to", "any", "port", "53"],
    ["route", "allow", "in", "on", link],
  ];
}

/** A check with its fix as it can be run. */
export type FixableCheck = Omit<HostCheck, "fix"> & { fix?: Fix };

/** Downloads over a slow line take their time. */
const stepTimeoutSeconds = 1800;

/** What travels to the page: the commands as people could type them. */
export function toHostCheck({ fix, ...check }: FixableCheck): HostCheck {
  return { ...check, ...(fix && { fix: { summary: fix.summary, commands: fix.steps.map(({ tool, args }) => [tool, ...args]) } }) };
}

/**
 * Runs a check's fix, and looks whether it did any good. It is not cut off half-way: half an installation is worse than none.
 * @param look Makes the check anew.
 * @throws ProblemError `not-supported` where there is nothing to run, or it did not mend it; `command-failed`, ...
 */
export async function runFix(task: TaskContext, look: () => Promise<FixableCheck>, record = systemRecord): Promise<void> {
  const before = await look();
  if (!before.fix) throw new ProblemError({ code: "not-supported", what: `There is nothing to mend: ${before.summary}` });
  const { steps, files = [], summary, firewall } = before.fix;
  task.output(`${summary}\n`);
  await task.critical(async () => {
    if (firewall) remember(firewall, record);
    for (const { path, text } of files) {
      writeSystemFile(path, text);
      task.output(`${path} was written.\n`);
    }
    for (const { tool, args, environment, mayFail } of steps) {
      task.step(`Running ${tool}`);
      await run(tool, args, {
        task,
        signal: new AbortController().signal,
        timeoutSeconds: stepTimeoutSeconds,
        environment,
        ...(mayFail && { allowExitCodes: "any" }),
      });
    }
  });
  const after = await look();
  if (after.status === "ok" || after.status !== before.status || after.summary !== before.summary) return;
  throw new ProblemError({ code: "not-supported", what: `Every command worked, and yet it is as before: ${after.summary}` });
}

/** What stays of fixes, and where: ours alone. */
export type FixRecord = { sysctlFolder: string; firewalls: string };
export const systemRecord: FixRecord = { sysctlFolder: "/etc/sysctl.d", firewalls: "/var/lib/lxc-desktop/firewalls" };
const sysctlFilePattern = /^60-lxc-desktop-[a-z0-9-]+\.conf$/;

/** A file of ours for sysctl.d(5). */
export function sysctlFile(name: string, line: string): { path: string; text: string } {
  return {
    path: `${systemRecord.sysctlFolder}/60-lxc-desktop-${name}.conf`,
    text: `# Written by LXC Desktop, which removes it when it is uninstalled.\n${line}\n`,
  };
}

/** Before it is done: what was recorded and then failed does no harm when it is taken back. */
function remember({ name, link }: { name: FirewallName; link: string }, { firewalls }: FixRecord) {
  const lines = new Set([...recorded(firewalls), `${name} ${link}`]);
  writeSystemFile(firewalls, `${[...lines].join("\n")}\n`);
}

function recorded(file: string): string[] {
  return (readProcFile(file) ?? "").split("\n").filter(Boolean);
}

/** Takes back what fixes have left on this computer, when the app is removed. Packages stay. */
export async function undoFixes(task: TaskContext, record = systemRecord): Promise<void> {
  for (const line of recorded(record.firewalls)) {
    const [name = "", link = ""] = line.split(" ");
    if (!Object.hasOwn(firewallSteps, name) || !isInterfaceName(link)) continue;
    for (const { tool, args } of firewallSteps[name as FirewallName].forget(link)) {
      // The firewall may be gone, or its rule.
      await run(tool, args, { task, allowExitCodes: "any" }).catch(() => {});
    }
  }
  rmSync(record.firewalls, { force: true });
  for (const file of existsSync(record.sysctlFolder) ? readdirSync(record.sysctlFolder) : []) {
    if (!sysctlFilePattern.test(file)) continue;
    rmSync(`${record.sysctlFolder}/${file}`);
    task.output(`${record.sysctlFolder}/${file} was removed; what it set holds until the computer restarts.\n`);
  }
}

/** A name of a network interface that no tool can take for something else. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(name);
}

function writeSystemFile(path: string, text: string) {
  mkdirSync(dirname(path), { recursive: true });
  const staged = `${path}.${process.pid}.new`;
  rmSync(staged, { force: true });
  writeFileSync(staged, text, { flag: "wx", mode: 0o644 });
  renameSync(staged, path);
}
