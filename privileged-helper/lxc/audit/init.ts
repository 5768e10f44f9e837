import { lastValueOf } from "../config.ts";
import { lookInside } from "../look-inside.ts";
import { type AuditFacts, statusField } from "./audit-facts.ts";

/** Whether it is a system with systemd. The name of what runs is its own word: nothing but suggestions may depend on it. */
export function isSystemd(facts: AuditFacts): boolean {
  if (facts.running) return statusField(facts.running, "Name") === "systemd";
  const found = lookInside(facts.layers, lastValueOf(facts.entries, "lxc.init.cmd")?.split(" ")[0] ?? "/sbin/init");
  return found?.relative.endsWith("/systemd") ?? false;
}
