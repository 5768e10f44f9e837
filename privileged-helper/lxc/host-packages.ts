import packages from "../contract/system-packages.json" with { type: "json" };
import type { HostFacts } from "./host-facts.ts";
import type { FixStep } from "./host-fix.ts";

/** What is missing, in words of ours; the table has each distribution's names for it. */
export type PackageNeed = keyof (typeof packages)["apt-get"]["names"];
type Manager = keyof typeof packages;

/** Debian's tools ask questions unless they are told not to; what an administrator has changed stays. */
const aptOptions = ["--option", "DPkg::Options::=--force-confold"];
const aptEnvironment = { DEBIAN_FRONTEND: "noninteractive" };

/** Programs by the need that brings them, where the two have different names. */
const needsOfPrograms: Record<string, PackageNeed> = {
  "debian-distro-info": "distro-info",
  apparmor_parser: "apparmor",
  pkexec: "polkit",
  usermod: "idmap",
};

/** @param programs Names of programs, or of needs. */
export function needsOf(programs: readonly string[]): PackageNeed[] {
  const needs = programs.flatMap(
    (program) => needsOfPrograms[program] ?? (program in packages["apt-get"].names ? (program as PackageNeed) : []),
  );
  return [...new Set(needs)];
}

/** Whether our table has a need for each of these programs, so that a fix brings all of them. */
export function areKnown(programs: readonly string[]): boolean {
  return programs.every((program) => needsOf([program]).length > 0);
}

/** Whether this distribution's package manager can bring all of these programs. */
export function canInstall(facts: HostFacts, programs: readonly string[]): boolean {
  return areKnown(programs) && installSteps(facts, needsOf(programs)) !== undefined;
}

/**
 * How this distribution installs what is needed.
 * @returns undefined where its package manager is not one that we know, or it has no package for all of it.
 */
export function installSteps(facts: HostFacts, needs: readonly PackageNeed[]): FixStep[] | undefined {
  const manager = managerOf(facts);
  if (!manager || needs.length === 0) return undefined;
  const { installs, names } = packages[manager];
  if (needs.some((need) => names[need].length === 0)) return undefined;
  const wanted = [...new Set(needs.flatMap((need) => names[need]))].sort();
  return installs.map(([tool, ...args], index) => ({
    tool: tool as Manager,
    args: [...args, ...(index < installs.length - 1 ? [] : [...(manager === "apt-get" ? aptOptions : []), ...wanted])],
    ...(manager === "apt-get" && { environment: aptEnvironment }),
  }));
}

/** By what the distribution says it is; another one's package manager may be installed beside its own. */
function managerOf(facts: HostFacts): Manager | undefined {
  const text = facts.read("/etc/os-release") ?? "";
  const words = [...text.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].flatMap(([, value]) => value?.split(" ") ?? []);
  const known: Record<string, Manager> = {
    debian: "apt-get",
    ubuntu: "apt-get",
    fedora: "dnf",
    rhel: "dnf",
    centos: "dnf",
    arch: "pacman",
  };
  const manager = words.map((word) => known[word]).find((one) => one !== undefined);
  return manager && facts.program(manager) ? manager : undefined;
}
