import type { Grade, SecurityCheckId, SecurityState } from "../../contract/security.ts";

/**
 * How much each check counts. That root inside is not root outside counts as much as nearly all others together: LXC itself calls containers
 * without it not safe against their root, and everything else a further layer.
 */
export const weights: Record<SecurityCheckId, number> = {
  "user-namespace": 50,
  "id-range": 8,
  capabilities: 8,
  "new-privileges": 3,
  "system-calls": 7,
  "mandatory-access": 6,
  memory: 5,
  processes: 5,
  "processor-time": 2,
  "input-output": 2,
  disk: 2,
  "suid-files": 5,
  "root-mount": 3,
  "read-only": 2,
  "kernel-files": 5,
  "host-files": 8,
  hooks: 6,
  devices: 6,
  network: 6,
  services: 3,
  "forwarded-ports": 3,
  logins: 5,
  updates: 6,
};

/** What of a check's weight is earned. What is not known earns no more than what is bad. */
const earned: Record<Exclude<SecurityState, "not-applicable">, number> = { ok: 1, warning: 0.5, problem: 0, critical: 0, unknown: 0 };

/** The least score for each grade; below the last it is an F. */
const leastScores: readonly [Grade, number][] = [
  ["A", 90],
  ["B", 80],
  ["C", 65],
  ["D", 50],
  ["E", 35],
];

type Graded = { grade: Grade; score: number; limitedBy?: string };

/**
 * The grade of a container: 100 times the weights that are earned, divided by those of all checks that apply. Whatever the score, something
 * critical is an F, and a container whose root is this computer's root is no better than C. What a person has accepted counts as it is.
 */
export function gradeContainer(findings: readonly { check: SecurityCheckId; state: SecurityState }[]): Graded {
  const score = scoreOf(findings.map(({ check, state }) => ({ weight: weights[check], state })));
  const grade = gradeOf(score);
  if (findings.some(({ state }) => state === "critical")) {
    return { grade: "F", score, limitedBy: "Something in it is as good as root of this computer." };
  }
  const isPrivileged = findings.some(({ check, state }) => check === "user-namespace" && state !== "ok");
  if (!isPrivileged || grade >= "C") return { grade, score };
  return { grade: "C", score, limitedBy: "No container whose root is root of this computer is better than C." };
}

/** The grade of this computer: each check counts the same. */
export function gradeHost(findings: readonly { state: SecurityState }[]): Graded {
  const score = scoreOf(findings.map(({ state }) => ({ weight: 1, state })));
  return { grade: gradeOf(score), score };
}

function scoreOf(counted: readonly { weight: number; state: SecurityState }[]): number {
  let all = 0;
  let sum = 0;
  for (const { weight, state } of counted) {
    if (state === "not-applicable") continue;
    all += weight;
    sum += weight * earned[state];
  }
  return all === 0 ? 0 : Math.round((100 * sum) / all);
}

function gradeOf(score: number): Grade {
  return leastScores.find(([, least]) => score >= least)?.[0] ?? "F";
}
