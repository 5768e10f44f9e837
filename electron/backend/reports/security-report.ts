import {
  type HostSecurityFinding,
  type SecurityFinding,
  type SecurityOverview,
  type SecurityReport,
  securityCheckIds,
} from "../../../privileged-helper/contract/security.ts";
import { neutralJson } from "./neutral-text.ts";

/** What a report is about: one container, or all of them and the kernel that they share. */
export type Audited = { containers: readonly SecurityReport[] } & Partial<Pick<SecurityOverview, "skipped" | "host">>;

/**
 * A report as JSON. The same findings give the same bytes, whatever order they came in: keys have a fixed order, containers that of their
 * names, checks that of the contract; and there is no time of day in it. What is absent there is absent here.
 *
 * ```
 * { format: "lxc-desktop-security/1",
 *   containers: [{ name, grade: "A".."F", score: 0..100, limitedBy?, isRunning,
 *     findings: [{ check, state: "ok" | "warning" | "problem" | "critical" | "unknown" | "not-applicable",
 *       title, summary, why, evidence: [text], difference?, fixes: [{ check, ... }], accepted?: { note, uid, at } }] }],
 *   skipped: [{ name, reason }],
 *   host?: { grade, score, findings: [{ id, state, title, summary, why, evidence }] } }
 * ```
 * Texts may change from one version to the next; `check`, `id`, `state`, `grade` and `score` keep their meaning within a `format`. `at` is
 * in milliseconds since the epoch, `uid` a user of this computer.
 */
export function securityReportJson({ containers, skipped = [], host }: Audited): string {
  return neutralJson({
    format: "lxc-desktop-security/1",
    containers: [...containers].sort(byName).map(({ name, grade, score, limitedBy, isRunning, findings }) => ({
      name,
      grade,
      score,
      limitedBy,
      isRunning,
      findings: [...findings].sort((one, other) => rank(one) - rank(other)).map(ofContainer),
    })),
    skipped: [...skipped].sort(byName).map(({ name, reason }) => ({ name, reason })),
    host: host && {
      grade: host.grade,
      score: host.score,
      findings: [...host.findings].sort((one, other) => compare(one.id, other.id)).map(ofHost),
    },
  });
}

function ofContainer({ check, state, title, summary, why, evidence, difference, fixes, accepted }: SecurityFinding) {
  const risk = accepted && { note: accepted.note, uid: accepted.uid, at: accepted.at };
  return { check, state, title, summary, why, evidence, difference, fixes: fixes.map(sortKeys), accepted: risk };
}

function ofHost({ id, state, title, summary, why, evidence }: HostSecurityFinding) {
  return { id, state, title, summary, why, evidence };
}

function rank({ check }: SecurityFinding): number {
  return securityCheckIds.indexOf(check);
}

function sortKeys(fix: object): object {
  return Object.fromEntries(Object.entries(fix).sort(([one], [other]) => compare(one, other)));
}

function byName(one: { name: string }, other: { name: string }): number {
  return compare(one.name, other.name);
}

/** By code units: the order of a language would be another one on another computer. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
