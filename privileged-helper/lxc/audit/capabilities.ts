import {
  type CapabilityName,
  capabilitiesOfInit,
  capabilitiesOfPresets,
  capabilityNames,
  capabilityPresets,
} from "../../contract/capabilities.ts";
import type { SecurityFix } from "../../contract/security.ts";
import { type ConfigEntry, valuesOf } from "../config.ts";
import { type AuditFacts, isPrivilegedNow, statusField } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";
import { isSystemd } from "./init.ts";

/** With any of these root needs no hole in the kernel to get out. */
const waysOut: readonly CapabilityName[] = ["mac_admin", "mac_override", "sys_module", "sys_rawio", "sys_time", "bpf", "perfmon"];

/** The bounding set of init, which limits every process of the container, or what the configuration will make of it. */
export function checkCapabilities(facts: AuditFacts): Judgement {
  const isPrivileged = isPrivilegedNow(facts);
  // Nobody gives what they do not have: where this computer's own init has less, as in a container, its containers have less, too. A new
  // user namespace begins with all of them (user_namespaces(7)).
  const boundOf = (process: string) => {
    const bound = isPrivileged ? statusField({ status: facts.read(`/proc/${process}/status`) ?? "" }, "CapBnd") : undefined;
    return decode(bound ?? "f".repeat(16));
  };
  const given = boundOf("1");
  const configuredWithin = (bound: ReadonlySet<string>) =>
    new Set([...configuredCapabilities(facts.entries)].filter((name) => bound.has(name)));
  const configured = configuredWithin(given);
  const running = facts.running && decode(statusField(facts.running, "CapBnd") ?? "0");
  const has = running ?? configured;
  const dangerous = isPrivileged ? waysOut.filter((name) => has.has(name)) : [];
  const fits = capabilityPresets.filter((preset) =>
    [...has].every((name) => capabilitiesOfPresets[preset].includes(name as CapabilityName)),
  );
  const isOk = isPrivileged ? fits.includes("service") : fits.includes("system");
  const evidence = facts.running
    ? [
        `CapBnd ${statusField(facts.running, "CapBnd")}: ${[...has].join(", ") || "none"}`,
        `CapEff ${statusField(facts.running, "CapEff")}: ${[...decode(statusField(facts.running, "CapEff") ?? "0")].join(", ") || "none"}`,
      ]
    : [...describeLines(facts.entries), `So it will have: ${[...has].join(", ") || "none"}`];
  const init = isSystemd(facts) ? "systemd" : "other";
  const judgement: Judgement = {
    capabilities: {
      has: capabilityNames.filter((name) => has.has(name)),
      given: capabilityNames.filter((name) => given.has(name)),
      init,
      neededByInit: [...capabilitiesOfInit[init]],
    },
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
      .filter((preset) => [...has].some((name) => !capabilitiesOfPresets[preset].includes(name as CapabilityName)))
      .map((preset) => ({ check: "capabilities", preset })),
  };
  // The helper has less than init, and with it what it starts.
  if (running && ![configured, configuredWithin(boundOf("self"))].some((one) => sameSet(running, one))) {
    judgement.difference = "Its configuration has another set: it was changed since the start, or its init has given some up.";
  }
  return judgement;
}

/** What is left to a container by a fix. */
export function keptBy({ preset }: Extract<SecurityFix, { check: "capabilities" }>): readonly CapabilityName[] {
  return typeof preset === "string" ? capabilitiesOfPresets[preset] : preset;
}

/**
 * Lines of `lxc.cap.keep` and `lxc.cap.drop` that every LXC from 4.0 to 7 reads the same. It refuses to start with a name that it was built
 * without and with a number that the kernel does not have, and takes any number else (conf.c, parse_cap): so the youngest are numbers.
 * @param lastCapability The highest number that this computer's kernel has (/proc/sys/kernel/cap_last_cap).
 */
export function capabilityLines(
  fix: Extract<SecurityFix, { check: "capabilities" }>,
  lastCapability: number,
): (readonly [key: string, value: string])[] {
  const kept = keptBy(fix);
  const word = (name: CapabilityName) => (capabilityNames.indexOf(name) > lastNamed ? String(capabilityNames.indexOf(name)) : name);
  const known = capabilityNames.slice(0, lastCapability + 1);
  const words = (names: readonly CapabilityName[]) => known.filter((name) => names.includes(name)).map(word);
  return [
    // An empty value forgets those of files that are included before it; LXC takes one of both keys alone.
    ["lxc.cap.drop", ""],
    ["lxc.cap.keep", ""],
    fix.preset === "system"
      ? ["lxc.cap.drop", words(capabilityNames.filter((name) => !kept.includes(name))).join(" ")]
      : ["lxc.cap.keep", words(kept).join(" ") || "none"],
  ];
}
/** `audit_read`; those after it came with Linux 5.8 and 5.9, and LXC 4.0 may have been built before. */
const lastNamed = capabilityNames.indexOf("audit_read");

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
