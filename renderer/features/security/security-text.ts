import type { CapabilityPreset } from "../../../privileged-helper/contract/capabilities.ts";
import {
  type ConversionWay,
  type Grade,
  grades,
  type SecurityFinding,
  type SecurityFix,
  type SecurityFixPreview,
  type SecurityReport,
  type SecurityState,
} from "../../../privileged-helper/contract/security.ts";
import { filterWords } from "../../ui/filter-words.ts";
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

const otherTitles = 3;
/** The first in a sentence, and the next ones by their names. @param open The worst first. */
export function worstText([worst, ...others]: readonly Pick<SecurityFinding, "title" | "summary">[]): string {
  if (!worst) return "";
  const named = others.slice(0, otherTitles).map(({ title }) => title);
  const more = others.length - named.length;
  const also = named.length === 0 ? "" : ` Also: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
  return `${worst.title}: ${worst.summary}${also}`;
}

export type ReportOrder = "worst" | "best" | "name";
export type ReportChoice = { /** Each word has to be in the name. */ words: string; grade: Grade | undefined; order: ReportOrder };
type Ranked = Pick<SecurityReport, "name" | "grade" | "score">;

/** Those of a choice, in its order; those of the same rank by their names. */
export function chooseReports<T extends Ranked>(reports: readonly T[], { words, grade, order }: ReportChoice): T[] {
  const wanted = filterWords(words);
  const isChosen = (one: T) =>
    (grade === undefined || one.grade === grade) && wanted.every((word) => one.name.toLowerCase().includes(word));
  const badness = (one: T, other: T) => other.grade.localeCompare(one.grade) || one.score - other.score;
  const ranks = { worst: badness, best: (one: T, other: T) => badness(other, one), name: () => 0 };
  return reports
    .filter(isChosen)
    .sort((one, other) => ranks[order](one, other) || one.name.localeCompare(other.name, undefined, { numeric: true }));
}

/** How many there are of each grade, the worst first; of those that there are. */
export function gradeCounts(reports: readonly Pick<SecurityReport, "grade">[]): { grade: Grade; count: number }[] {
  return [...grades]
    .reverse()
    .map((grade) => ({ grade, count: reports.filter((one) => one.grade === grade).length }))
    .filter(({ count }) => count > 0);
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

export const wayTitles: Record<ConversionWay, string> = {
  idmapped: "The kernel shows them with other owners",
  shifted: "They are given other owners",
};

export const wayTexts: Record<ConversionWay, string> = {
  idmapped: "At once, and nothing on the disk changes.",
  shifted: "Takes longer with many files. Instant clones of it can be made.",
};

/** What becomes of its files and of its snapshots. */
export function conversionText({ way, files, ids, snapshots }: NonNullable<SecurityFixPreview["conversion"]>): string {
  const range = ids && `Its ids on this computer: ${ids.first} to ${ids.first + ids.count - 1}.`;
  const what =
    way === "shifted" ? `${counted(files, "file is", "files are") ?? "No file is"} given to other owners.` : "None of its files changes.";
  const kept = counted(snapshots, "snapshot stays as it is", "snapshots stay as they are");
  return [
    ...(range === undefined ? [] : [range]),
    what,
    ...(kept === undefined ? [] : [`Its ${kept}: restoring one brings back what the container was then.`]),
  ].join(" ");
}

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
    case "disk":
      return fix.bytes === undefined ? "No limit" : `At most ${formatBytes(fix.bytes)}`;
    case "read-only":
      return "Mount its files read-only";
    case "new-privileges":
      return "Refuse new rights";
    case "mandatory-access":
      return "Have a profile generated";
    case "root-mount":
      return "Mount with nosuid and nodev";
    case "user-namespace":
      return fix.to === "unprivileged" ? "Make it unprivileged" : "Make it privileged";
  }
}
