import { lastValueOf } from "../config.ts";
import { type AuditFacts, isPrivilegedNow, statusField } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

export const defaultSeccompProfile = "/usr/share/lxc/config/common.seccomp";
/** Our stricter profile: one file for all containers, because clones name their base's. */
export const strictSeccompFile = "strict.seccomp";

/**
 * Refused beside LXC's own five: what concerns the whole computer, what no system of today uses, and what holes in the kernel were mostly
 * in (after Docker's default profile, moby profiles/seccomp). systemd goes on without each of them.
 */
const refusedCalls = [
  "acct",
  "add_key",
  "bpf",
  "clock_settime",
  "create_module",
  "delete_module",
  "finit_module",
  "get_kernel_syms",
  "init_module",
  "io_uring_enter",
  "io_uring_register",
  "io_uring_setup",
  "ioperm",
  "iopl",
  "kexec_file_load",
  "kexec_load",
  "keyctl",
  "lookup_dcookie",
  "nfsservctl",
  "open_by_handle_at",
  "perf_event_open",
  "query_module",
  "quotactl",
  "request_key",
  "settimeofday",
  "swapoff",
  "swapon",
  "syslog",
  "uselib",
  "userfaultfd",
  "ustat",
  "vm86",
  "vm86old",
];

/** As LXC reads it (seccomp.c): version, kind, then a rule in each line. */
export const strictSeccompProfile = [
  "2",
  "denylist",
  "reject_force_umount",
  "[all]",
  ...refusedCalls.map((call) => `${call} errno 1`),
  "",
].join("\n");

export type SeccompProfile = { kind: "allow" | "deny"; calls: string[] };

/** Which system calls the kernel refuses. */
export function checkSystemCalls(facts: AuditFacts): Judgement {
  const path = lastValueOf(facts.entries, "lxc.seccomp.profile");
  const profile = path === undefined ? undefined : parseSeccompProfile(facts.read(path) ?? "");
  const mode = facts.running && statusField(facts.running, "Seccomp");
  const isOn = mode === undefined ? path !== undefined : mode === "2" || mode === "1";
  const isPrivileged = isPrivilegedNow(facts);
  const isStrict = profile !== undefined && (profile.kind === "allow" || profile.calls.length >= refusedCalls.length);
  const evidence: string[] = [];
  if (facts.running) {
    const filters = statusField(facts.running, "Seccomp_filters");
    evidence.push(`Seccomp: ${mode}${filters === undefined ? "" : `, ${filters} filters`}`);
  }
  evidence.push(path === undefined ? "lxc.seccomp.profile is not set" : `lxc.seccomp.profile = ${path}`);
  if (profile) {
    const shown = profile.calls.slice(0, 40).join(", ");
    evidence.push(`${profile.kind === "allow" ? "Only allowed" : "Refused"} (${profile.calls.length}): ${shown}`);
  } else if (path !== undefined) evidence.push(`${path} cannot be read as a profile`);
  const judgement: Judgement = {
    state: isOn ? (isStrict || !isPrivileged ? "ok" : "warning") : isPrivileged ? "problem" : "warning",
    title: "System calls",
    summary: !isOn
      ? "It may use every system call that the kernel has."
      : profile?.kind === "allow"
        ? `It may use only ${profile.calls.length} system calls.`
        : profile
          ? `${profile.calls.length} system calls are refused${isStrict ? "." : ": those that would be the worst, and no more."}`
          : "A filter is in force, and which calls it refuses cannot be told.",
    why: "The kernel is shared: a hole in a system call that a container cannot use is none for it.",
    evidence,
    fixes: [
      ...(isStrict && isOn ? [] : [{ check: "system-calls", profile: "strict" } as const]),
      ...(isOn ? [] : [{ check: "system-calls", profile: "default" } as const]),
    ],
  };
  if (facts.running && isOn !== (path !== undefined)) {
    judgement.difference = isOn
      ? "Its configuration names no profile any more: it was changed since the start."
      : "Its configuration names a profile that is not in force: it was changed since the start.";
  }
  return judgement;
}

/** @returns undefined where LXC would not take it either. Version 1 has numbers, of calls that are allowed. */
export function parseSeccompProfile(text: string): SeccompProfile | undefined {
  const [version, ...lines] = text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter(Boolean);
  if (version !== "1" && version !== "2") return undefined;
  const [kindLine = "", ...rules] = lines;
  const kind = /^(allowlist|whitelist)/.test(kindLine) ? "allow" : /^(denylist|blacklist)/.test(kindLine) ? "deny" : undefined;
  if (kind === undefined) return undefined;
  const calls = rules.filter((line) => !line.startsWith("[") && line !== "reject_force_umount").map((line) => line.split(/\s+/)[0] ?? "");
  return { kind, calls: [...new Set(calls)] };
}
