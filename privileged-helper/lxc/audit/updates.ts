import { packageManagerNames } from "../../contract/security.ts";
import { lookInside } from "../look-inside.ts";
import { packageManagers } from "../package-updates.ts";
import type { AuditFacts } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

const dayMilliseconds = 24 * 3600 * 1000;
/** After that, what was looked at says nothing of today. */
const knownForDays = 7;
const shownNames = 3;
const maxEvidence = 60;

/** Updates that its distribution has and it has not, as its own package manager said when somebody last looked. */
export function checkUpdates(facts: AuditFacts): Judgement {
  const common = {
    title: "Updates inside",
    why: "Most break-ins use holes that the distribution has closed already.",
    fixes: [],
  };
  const { updates, now } = facts;
  if (!updates) {
    const has = packageManagerNames.filter((one) => packageManagers[one].paths.some((path) => lookInside(facts.layers, path)));
    if (facts.layers.length > 0 && has.length === 0) {
      return {
        ...common,
        state: "not-applicable",
        summary: "It has no package manager that we know: whoever made it has to renew it.",
        evidence: [`none of ${packageManagerNames.join(", ")} is in it`],
      };
    }
    return {
      ...common,
      state: "unknown",
      summary: facts.running ? "Nobody has looked for updates yet." : "Nobody has looked for updates yet. Start it to look.",
      evidence: has.length > 0 ? [`its package manager is ${has[0]}`] : [`storage: ${facts.storage}`],
    };
  }
  const days = Math.floor((now - updates.at) / dayMilliseconds);
  const looked = `${updates.manager} was asked on ${new Date(updates.at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  if (days >= knownForDays || now < updates.at) {
    return {
      ...common,
      state: "unknown",
      summary: now < updates.at ? "When somebody last looked lies in the future." : `Nobody has looked for updates for ${days} days.`,
      evidence: [looked],
    };
  }
  const security = updates.pending.filter(({ isSecurity }) => isSecurity);
  const others = updates.pending.length - security.length;
  const names = security.slice(0, shownNames).map(({ name }) => name);
  const more = security.length - names.length;
  return {
    ...common,
    state: security.length > 0 ? "problem" : others > 0 ? "warning" : "ok",
    summary:
      security.length > 0
        ? `${counted(security.length, "security update")} not installed: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`
        : others > 0
          ? `All security updates are installed. ${counted(others, "other update")} not.`
          : "Everything is as new as its distribution has it.",
    evidence: [
      looked,
      ...[...security, ...updates.pending.filter(({ isSecurity }) => !isSecurity)]
        .slice(0, maxEvidence)
        .map(
          ({ name, from, to, isSecurity }) =>
            `${name}: ${from === undefined ? "" : `${from} to `}${to}${isSecurity ? ", for security" : ""}`,
        ),
    ],
  };
}

function counted(count: number, what: string): string {
  return count === 1 ? `One ${what} is` : `${count} ${what}s are`;
}
