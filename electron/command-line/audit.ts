import { parseArgs } from "node:util";
import { type Grade, grades, type SecurityReport } from "../../privileged-helper/contract/security.ts";
import { findInstalledAs } from "../backend/installed-as.ts";
import { createHelperLauncher } from "../backend/launch-helper.ts";
import { neutralText } from "../backend/reports/neutral-text.ts";
import { type Audited, securityReportJson } from "../backend/reports/security-report.ts";
import { withOneHelper } from "./one-helper.ts";
import { problemText } from "./problem-text.ts";

/** `lxc-desktop audit`: how safe containers are, for terminals and scripts. */
export const auditUsage = `lxc-desktop audit [--json] [--fail-under GRADE] [NAME...]
  --json              print a report as JSON instead of a table
  --fail-under GRADE  exit with 1 where a container has a worse grade (A is the best, F the worst)
  NAME                only these containers; without, all of them and this computer's kernel`;

/** 0: all is well; 1: a container is under the grade, or could not be looked at; 2: it did not work. */
export type ExitCode = 0 | 1 | 2;

type Options = { json: boolean; failUnder: Grade | undefined; names: string[] };

/**
 * Audits containers by a helper of its own, which polkit may ask a password for, and prints what was found.
 * @param args What came after the word `audit`.
 * @param world.dist The build, beside which the helper of a checkout is.
 */
export async function runAudit(args: string[], world: { version: string; dist: string }): Promise<ExitCode> {
  try {
    const options = readOptions(args);
    if (options === undefined) return say(`${auditUsage}\n`, 0);
    const audited = await audit(options.names, world);
    const { json, failUnder } = options;
    const failed = failUnder === undefined ? [] : isUnder(audited, failUnder);
    process.stdout.write(json ? securityReportJson(audited) : auditTable(audited));
    if (failed.length === 0) return 0;
    process.stderr.write(`Not at least ${failUnder}: ${failed.join(", ")}.\n`);
    return 1;
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof UsageError ? `${thrown.message}\n${auditUsage}` : problemText(thrown)}\n`);
    return 2;
  }
}

class UsageError extends Error {}

function say(text: string, exitCode: ExitCode): ExitCode {
  process.stdout.write(text);
  return exitCode;
}

/** @returns Undefined where only help is wanted. @throws UsageError */
function readOptions(args: string[]): Options | undefined {
  let parsed: { values: { json?: boolean; "fail-under"?: string; help?: boolean }; positionals: string[] };
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: "boolean" }, "fail-under": { type: "string" }, help: { type: "boolean" } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  const wanted = values["fail-under"]?.toUpperCase();
  const failUnder = grades.find((grade) => grade === wanted);
  if (wanted !== undefined && failUnder === undefined)
    throw new UsageError(`--fail-under takes a grade from A to F, not ${neutralText(wanted)}`);
  return { json: values.json ?? false, failUnder, names: [...new Set(positionals)] };
}

async function audit(names: readonly string[], { version, dist }: { version: string; dist: string }): Promise<Audited> {
  const installedAs = findInstalledAs(dist);
  const launch = createHelperLauncher({ version, dist, installedAs });
  return withOneHelper({ version, installedAs, launch }, async (call) => {
    if (names.length === 0) return call("security.auditAll", {});
    const containers: SecurityReport[] = [];
    for (const name of names) containers.push(await call("security.audit", { name }));
    return { containers };
  });
}

/** Names of what is worse than a grade. What could not be looked at is not known to be better. */
function isUnder({ containers, skipped = [] }: Audited, least: Grade): string[] {
  const worse = containers.filter(({ grade }) => grade > least).map(({ name, grade }) => `${name} (${grade})`);
  return [...worse, ...skipped.map(({ name }) => `${name} (not known)`)].map(neutralText);
}

/** What was found, for people: a line for each container, and below it what could be better. */
export function auditTable({ containers, skipped = [], host }: Audited): string {
  const width = Math.max(9, ...containers.map(({ name }) => name.length));
  const lines = containers.flatMap(({ name, grade, score, isRunning, findings }) => [
    `${grade}  ${name.padEnd(width)}  ${String(score).padStart(3)} of 100  ${isRunning ? "running" : "not running"}`,
    ...findings.filter(isOpen).map(({ state, title, summary, accepted }) => {
      return `     ${stateWords[state]}${accepted ? " (accepted)" : ""}: ${title}. ${summary}`;
    }),
  ]);
  if (containers.length === 0) lines.push("There are no containers.");
  lines.push(...skipped.map(({ name, reason }) => `?  ${name.padEnd(width)}  ${reason}`));
  if (host) {
    lines.push(`${host.grade}  ${"the kernel".padEnd(width)}  ${String(host.score).padStart(3)} of 100`);
    lines.push(...host.findings.filter(isOpen).map(({ state, title, summary }) => `     ${stateWords[state]}: ${title}. ${summary}`));
  }
  return lines.map((line) => `${neutralText(line)}\n`).join("");
}

const stateWords = { critical: "critical", problem: "problem", warning: "warning", unknown: "not known", ok: "ok", "not-applicable": "" };

function isOpen({ state }: { state: keyof typeof stateWords }): boolean {
  return state !== "ok" && state !== "not-applicable";
}
