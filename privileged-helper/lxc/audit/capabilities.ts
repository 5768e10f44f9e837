import { type CapabilityPreset, capabilityPresets } from "../../contract/security.ts";
import { type ConfigEntry, valuesOf } from "../config.ts";
import { type AuditFacts, isPrivilegedNow, statusField } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** By their numbers (linux/capability.h), without `CAP_`, in lower case, as LXC's configuration has them. */
export const capabilityNames = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "linux_immutable",
  "net_bind_service",
  "net_broadcast",
  "net_admin",
  "net_raw",
  "ipc_lock",
  "ipc_owner",
  "sys_module",
  "sys_rawio",
  "sys_chroot",
  "sys_ptrace",
  "sys_pacct",
  "sys_admin",
  "sys_boot",
  "sys_nice",
  "sys_resource",
  "sys_time",
  "sys_tty_config",
  "mknod",
  "lease",
  "audit_write",
  "audit_control",
  "setfcap",
  "mac_override",
  "mac_admin",
  "syslog",
  "wake_alarm",
  "block_suspend",
  "audit_read",
  "perfmon",
  "bpf",
  "checkpoint_restore",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

/** What concerns the whole computer and no part of it: no system in a container has a use for it. */
const ofWholeComputer: readonly CapabilityName[] = [
  "audit_control",
  "audit_read",
  "block_suspend",
  "bpf",
  "checkpoint_restore",
  "mac_admin",
  "mac_override",
  "perfmon",
  "sys_module",
  "sys_pacct",
  "sys_rawio",
  "sys_time",
  "syslog",
  "wake_alarm",
];

/** With any of these root needs no hole in the kernel to get out. */
const waysOut: readonly CapabilityName[] = ["mac_admin", "mac_override", "sys_module", "sys_rawio", "sys_time", "bpf", "perfmon"];

/** `service` is what Docker gives (moby, oci/caps/defaults.go); `system` is what systemd uses in a container. */
export const presets: Record<CapabilityPreset, readonly CapabilityName[]> = {
  minimal: ["chown", "dac_override", "fowner", "kill", "setgid", "setuid", "net_bind_service"],
  service: [
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "net_bind_service",
    "net_raw",
    "sys_chroot",
    "mknod",
    "audit_write",
    "setfcap",
  ],
  system: capabilityNames.filter((name) => !ofWholeComputer.includes(name)),
};

/** The bounding set of init, which limits every process of the container, or what the configuration will make of it. */
export function checkCapabilities(facts: AuditFacts): Judgement {
  const isPrivileged = isPrivilegedNow(facts);
  // Nobody gives what they do not have: of a helper that has less itself, as in a container, its containers have less, too. A new user
  // namespace begins with all of them (user_namespaces(7)).
  const ours = isPrivileged ? statusField({ status: facts.read("/proc/self/status") ?? "" }, "CapBnd") : undefined;
  const given = decode(ours ?? "f".repeat(16));
  const configured = new Set([...configuredCapabilities(facts.entries)].filter((name) => given.has(name)));
  const running = facts.running && decode(statusField(facts.running, "CapBnd") ?? "0");
  const has = running ?? configured;
  const dangerous = isPrivileged ? waysOut.filter((name) => has.has(name)) : [];
  const fits = capabilityPresets.filter((preset) => [...has].every((name) => presets[preset].includes(name as CapabilityName)));
  const isOk = isPrivileged ? fits.includes("service") : fits.includes("system");
  const evidence = facts.running
    ? [
        `CapBnd ${statusField(facts.running, "CapBnd")}: ${[...has].join(", ") || "none"}`,
        `CapEff ${statusField(facts.running, "CapEff")}: ${[...decode(statusField(facts.running, "CapEff") ?? "0")].join(", ") || "none"}`,
      ]
    : [...describeLines(facts.entries), `So it will have: ${[...has].join(", ") || "none"}`];
  const judgement: Judgement = {
    state: dangerous.length > 0 ? "problem" : isOk ? "ok" : "warning",
    title: "Capabilities",
    summary:
      dangerous.length > 0
        ? `Its root may change this computer itself: ${dangerous.join(", ")}.`
        : isOk
          ? `It has ${has.size} of root's ${capabilityNames.length} rights, none that it should not have.`
          : isPrivileged
            ? `It has ${has.size} of root's ${capabilityNames.length} rights, more than a service needs.`
            : `It has ${has.size} of root's ${capabilityNames.length} rights in its own user namespace, more than a system in a container uses.`,
    why: "Root's power is made of single rights; each that a container does not have is one less to get out with.",
    evidence,
    fixes: [...capabilityPresets]
      .reverse()
      .filter((preset) => [...has].some((name) => !presets[preset].includes(name as CapabilityName)))
      .map((preset) => ({ check: "capabilities", preset })),
  };
  if (running && !sameSet(running, configured)) {
    judgement.difference = "Its configuration has another set: it was changed since the start, or its init has given some up.";
  }
  return judgement;
}

/** Whether programs inside can get more rights than whoever starts them has. */
export function checkNewPrivileges(facts: AuditFacts): Judgement {
  const configured = facts.entries.findLast(({ key }) => key === "lxc.no_new_privs")?.value === "1";
  const running = facts.running && statusField(facts.running, "NoNewPrivs") === "1";
  const isOn = running ?? configured;
  const judgement: Judgement = {
    state: isOn ? "ok" : "warning",
    title: "No new rights",
    summary: isOn
      ? "Programs inside never get more rights than whoever starts them."
      : "Programs that are marked so (SUID), such as sudo, give those inside more rights.",
    why: "A user inside becomes root inside by a mistake in any program that is marked so.",
    evidence: facts.running
      ? [`NoNewPrivs: ${statusField(facts.running, "NoNewPrivs") ?? "not told by this kernel"}`]
      : [configured ? "lxc.no_new_privs = 1" : "lxc.no_new_privs is not set"],
    fixes: isOn ? [] : [{ check: "new-privileges" }],
  };
  if (running !== undefined && running !== configured)
    judgement.difference = "Its configuration says otherwise: it was changed since the start.";
  return judgement;
}

/** The capabilities in a mask, as /proc/PID/status has it: hexadecimal, the lowest bit first. Unknown ones are numbers. */
export function decode(mask: string): Set<string> {
  const bits = /^[0-9a-fA-F]{1,16}$/.test(mask) ? BigInt(`0x${mask}`) : 0n;
  const names = new Set<string>();
  for (let bit = 0; bit < 64; bit++) if ((bits >> BigInt(bit)) & 1n) names.add(capabilityNames[bit] ?? String(bit));
  return names;
}

/** `lxc.cap.keep` keeps these alone, `none` of them none; `lxc.cap.drop` takes these away (lxc.container.conf(5)). */
export function configuredCapabilities(entries: readonly ConfigEntry[]): Set<string> {
  const words = (key: string) => valuesOf(entries, key).flatMap((value) => value.toLowerCase().split(/\s+/).filter(Boolean));
  const keep = words("lxc.cap.keep");
  const nameOf = (word: string) => capabilityNames[Number(word)] ?? word;
  if (keep.length > 0) return new Set(capabilityNames.filter((name) => keep.map(nameOf).includes(name)));
  const drop = words("lxc.cap.drop").map(nameOf);
  return new Set(capabilityNames.filter((name) => !drop.includes(name)));
}

function describeLines(entries: readonly ConfigEntry[]): string[] {
  const lines = ["lxc.cap.keep", "lxc.cap.drop"].flatMap((key) => valuesOf(entries, key).map((value) => `${key} = ${value}`));
  return lines.length > 0 ? lines : ["neither lxc.cap.keep nor lxc.cap.drop is set"];
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((name) => other.has(name));
}
