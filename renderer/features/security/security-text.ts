import type { CapabilityPreset } from "../../../privileged-helper/contract/capabilities.ts";
import type { SecurityFinding, SecurityFix, SecurityReport, SecurityState } from "../../../privileged-helper/contract/security.ts";
import { formatBytes } from "../../ui/format.ts";

const urgency: Record<SecurityState, number> = { critical: 0, problem: 1, warning: 2, unknown: 3, ok: 4, "not-applicable": 5 };
const afterUnknown = 3.5;

/** The most urgent first; what was accepted after what was not. */
export function sortFindings<T extends Pick<SecurityFinding, "state"> & { accepted?: unknown }>(findings: readonly T[]): T[] {
  const rank = ({ state, accepted }: T) => (accepted && isOpen({ state }) ? afterUnknown : urgency[state]);
  return [...findings].sort((one, other) => rank(one) - rank(other));
}

/** Something could be better. */
export function isOpen({ state }: Pick<SecurityFinding, "state">): boolean {
  return state === "critical" || state === "problem" || state === "warning" || state === "unknown";
}

/** "2 problems, 3 warnings", "Nothing to do". Accepted risks are counted apart. */
export function countsText(findings: readonly (Pick<SecurityFinding, "state"> & { accepted?: unknown })[]): string {
  const open = findings.filter((finding) => isOpen(finding) && !finding.accepted);
  const accepted = findings.filter((finding) => isOpen(finding) && finding.accepted).length;
  const parts = [
    counted(open.filter(({ state }) => state === "critical" || state === "problem").length, "problem", "problems"),
    counted(open.filter(({ state }) => state === "warning").length, "warning", "warnings"),
    counted(open.filter(({ state }) => state === "unknown").length, "not known", "not known"),
    counted(accepted, "accepted risk", "accepted risks"),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? "Nothing to do" : parts.join(", ");
}

function counted(count: number, one: string, many: string): string | undefined {
  return count === 0 ? undefined : `${count} ${count === 1 ? one : many}`;
}

/** What a grade means, in one sentence. */
export function gradeText({ grade, limitedBy }: Pick<SecurityReport, "grade" | "limitedBy">): string {
  if (limitedBy !== undefined) return limitedBy;
  if (grade === "A") return "Hardly anything could be better.";
  if (grade === "B") return "Well isolated; some things could be better.";
  if (grade === "C") return "Isolated, and several things could be better.";
  if (grade === "D") return "Much could be better.";
  return "Trust what runs in it as you trust root of this computer.";
}

export const presetTitles: Record<CapabilityPreset, string> = {
  system: "A whole system, such as one with systemd",
  service: "One service",
  minimal: "As few as possible",
};

/** A choice among fixes, in a few words. */
export function fixTitle(fix: SecurityFix): string {
  switch (fix.check) {
    case "capabilities":
      return typeof fix.preset === "string" ? presetTitles[fix.preset] : "A choice of your own";
    case "system-calls":
      return fix.profile === "strict" ? "Stricter profile of LXC Desktop" : "LXC's own profile";
    case "memory":
      return `At most ${formatBytes(fix.bytes)}`;
    case "processes":
      return `At most ${fix.count} processes`;
    case "processor-time":
      return `At most ${fix.cpus} processors' time`;
    case "suid-files":
      return fix.files.length === 1 ? "Take the marks off one file" : `Take the marks off ${fix.files.length} files`;
    case "input-output":
      return `At most ${formatBytes(fix.bytesPerSecond)} a second`;
    case "read-only":
      return "Mount its files read-only";
    case "new-privileges":
      return "Refuse new rights";
    case "mandatory-access":
      return "Have a profile generated";
    case "root-mount":
      return "Mount with nosuid and nodev";
  }
}
