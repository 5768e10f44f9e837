import { valuesOf } from "../config.ts";
import { type AuditFacts, isPrivilegedNow } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** c MAJOR:MINOR of memory and I/O ports (Documentation/admin-guide/devices.txt). */
const memoryDevices = new Set(["1:1", "1:2", "1:4"]);

/** Which devices its root may make and open: the rules in force where version 1 shows them, or those of the configuration. */
export function checkDevices(facts: AuditFacts): Judgement {
  const common = {
    title: "Devices",
    why: "Whoever can open a disk of this computer as a device reads and writes every file on it.",
    fixes: [],
  };
  const version = facts.controllerVersion("devices");
  const key = version === "v1" ? "lxc.cgroup.devices" : "lxc.cgroup2.devices";
  const allowed = valuesOf(facts.entries, `${key}.allow`);
  const denied = valuesOf(facts.entries, `${key}.deny`);
  const configured = denied.some((rule) => rule.trim() === "a" || /^a\s+\*:\*/.test(rule.trim())) ? allowed : ["a *:* rwm"];
  const inForce = facts.running?.devices?.split("\n").filter(Boolean);
  const rules = inForce ?? configured;
  const evidence = inForce ? inForce.map((rule) => `devices.list: ${rule}`) : rules.map((rule) => `${key}.allow = ${rule}`);
  if (!inForce && denied.length === 0) evidence.unshift(`${key}.deny is not set: everything is allowed`);
  if (!isPrivilegedNow(facts)) {
    return { ...common, state: "ok", summary: "The kernel lets its root make no devices.", evidence: evidence.slice(0, 3) };
  }
  const dangerous = rules.filter((rule) => isDangerous(rule));
  return {
    ...common,
    state: dangerous.length > 0 ? "problem" : "ok",
    summary: dangerous.some((rule) => /^a\b/.test(rule))
      ? "Its root may open every device of this computer, the disks among them."
      : dangerous.length > 0
        ? `Its root may open disks or memory of this computer: ${dangerous.join("; ")}.`
        : "It may open only devices that every container has, and those that its configuration names.",
    evidence,
  };
}

/** `TYPE MAJOR:MINOR ACCESS` (cgroup-v1/devices.rst): making a node is nothing without reading or writing it. */
function isDangerous(rule: string): boolean {
  const [type = "", numbers = "*:*", access = "rwm"] = rule.trim().split(/\s+/);
  if (!/[rw]/.test(access)) return false;
  return type === "a" || type === "b" || (type === "c" && (numbers.startsWith("*:") || memoryDevices.has(numbers)));
}
