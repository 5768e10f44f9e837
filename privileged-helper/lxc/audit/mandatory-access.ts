import { lastValueOf } from "../config.ts";
import { type AuditFacts, isPrivilegedNow } from "./audit-facts.ts";
import type { Judgement } from "./check.ts";

/** AppArmor's profile, or SELinux's context, that confines it: /proc/PID/attr/current, or the configuration. */
export function checkMandatoryAccess(facts: AuditFacts): Judgement {
  const common = {
    title: "AppArmor or SELinux",
    why: "They refuse what a broken-out process would try, even where it is root and the kernel would let it.",
  };
  const apparmorText = facts.read("/sys/module/apparmor/parameters/enabled")?.trim();
  const hasSelinux = facts.read("/sys/fs/selinux/enforce") !== undefined;
  const hosts = [
    `/sys/module/apparmor/parameters/enabled: ${apparmorText ?? "not there"}`,
    `/sys/fs/selinux/enforce: ${facts.read("/sys/fs/selinux/enforce")?.trim() ?? "not there"}`,
  ];
  if (apparmorText !== "Y" && !hasSelinux) {
    return {
      ...common,
      state: "not-applicable",
      summary: "The kernel of this computer has neither.",
      evidence: hosts,
      fixes: [],
    };
  }
  const isPrivileged = isPrivilegedNow(facts);
  const worst = isPrivileged ? "problem" : "warning";
  if (apparmorText !== "Y") {
    const context = facts.running?.label ?? lastValueOf(facts.entries, "lxc.selinux.context");
    const isOn = context !== undefined && !/unconfined/.test(context) && facts.read("/sys/fs/selinux/enforce")?.trim() === "1";
    return {
      ...common,
      state: isOn ? "ok" : worst,
      summary: isOn ? "SELinux confines it." : "SELinux does not confine it.",
      evidence: [...hosts, `context: ${context ?? "not set"}`],
      fixes: [],
    };
  }
  const configured = lastValueOf(facts.entries, "lxc.apparmor.profile");
  const label = facts.running ? (facts.running.label ?? "unconfined") : (configured ?? "lxc-container-default-cgns");
  const isConfined = !/^(unconfined|unchanged)/.test(label);
  const isComplaining = /\(complain\)/.test(label);
  const nests = lastValueOf(facts.entries, "lxc.apparmor.allow_nesting") === "1";
  const canGenerate = facts.hasProgram("apparmor_parser");
  const evidence = [
    ...hosts,
    `${facts.running ? "/proc/PID/attr/current" : "lxc.apparmor.profile"}: ${label}`,
    ...(nests ? ["lxc.apparmor.allow_nesting = 1"] : []),
    ...(canGenerate ? [] : ["apparmor_parser is not installed, so no profile can be generated"]),
  ];
  const judgement: Judgement = {
    ...common,
    state: !isConfined || isComplaining ? worst : nests && isPrivileged ? "warning" : "ok",
    summary: !isConfined
      ? "AppArmor does not confine it."
      : isComplaining
        ? "AppArmor only writes down what it would refuse."
        : nests && isPrivileged
          ? "AppArmor confines it, but lets it make containers of its own, which opens most of what it guards."
          : "AppArmor confines it.",
    evidence,
    fixes: canGenerate && (!isConfined || configured !== "generated") ? [{ check: "mandatory-access" }] : [],
  };
  if (facts.running && configured !== undefined && isConfined === /^(unconfined|unchanged)/.test(configured)) {
    judgement.difference = `Its configuration says ${configured}: it was changed since the start.`;
  }
  return judgement;
}
