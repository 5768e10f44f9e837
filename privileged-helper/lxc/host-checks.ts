import { type HostCheck, type HostCheckName, hostCheckNames } from "../contract/model.ts";
import type { HostFacts } from "./host-facts.ts";
import { firewallChecks } from "./host-firewall.ts";
import { type FixableCheck, toHostCheck } from "./host-fix.ts";
import { networkChecks } from "./host-network.ts";
import { programChecks } from "./host-programs.ts";
import { storageChecks } from "./host-storage.ts";
import { systemChecks } from "./host-system.ts";

/** What all checks get. */
export type CheckContext = { facts: HostFacts; lxcPath: string };
export type CheckResult = Omit<FixableCheck, "name">;
export type MakeCheck = (context: CheckContext) => CheckResult | Promise<CheckResult>;

/** Complete by type: a name without a check does not compile. */
const checks: Record<HostCheckName, MakeCheck> = {
  ...systemChecks,
  ...networkChecks,
  ...firewallChecks,
  ...storageChecks,
  ...programChecks,
};

/** Makes one check, with the fix that it offers. A check that itself breaks says so: it is never taken for a good answer. */
export async function makeCheck(name: HostCheckName, context: CheckContext): Promise<FixableCheck> {
  try {
    return { name, ...(await checks[name](context)) };
  } catch (error) {
    return {
      name,
      status: "warning",
      title: name,
      summary: "This could not be looked at.",
      evidence: [error instanceof Error ? error.message : String(error)],
      explanation: "Looking at it failed, so it is not known how it is.",
    };
  }
}

/** Makes all checks, in the order of their names. */
export async function makeChecks(context: CheckContext): Promise<HostCheck[]> {
  return Promise.all(hostCheckNames.map(async (name) => toHostCheck(await makeCheck(name, context))));
}
