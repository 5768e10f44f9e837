import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type SecurityCheckId,
  type SecurityFinding,
  type SecurityOverview,
  type SecurityReport,
  securityCheckIds,
} from "../../contract/security.ts";
import { type HostFacts, readHostFacts } from "../host-facts.ts";
import type { ContainerReader } from "../list.ts";
import { type AuditFacts, readAuditFacts, readIdmaps } from "./audit-facts.ts";
import { checkCapabilities, checkNewPrivileges } from "./capabilities.ts";
import type { SecurityCheck } from "./check.ts";
import { checkDevices } from "./devices.ts";
import { checkLogins, checkNetwork, checkServices } from "./exposure.ts";
import { checkForwardedPorts, type Forwards, readForwards } from "./forwarded-ports.ts";
import { gradeContainer, gradeHost } from "./grade.ts";
import { checkHooks } from "./hooks.ts";
import { checkHostSecurity } from "./host-security.ts";
import { checkMandatoryAccess } from "./mandatory-access.ts";
import { checkHostFiles, checkKernelFiles, checkRootMount } from "./mounts.ts";
import { checkMemory, checkProcesses, checkProcessorTime } from "./resource-limits.ts";
import { readSecurityRecord } from "./security-record.ts";
import { checkDisk, checkInputOutput } from "./storage-limits.ts";
import { checkSuidFiles } from "./suid-files.ts";
import { checkSystemCalls } from "./system-calls.ts";
import { checkUpdates } from "./updates.ts";
import { checkIdRange, checkUserNamespace } from "./user-namespace.ts";
import { checkReadOnlyRoot } from "./writable-places.ts";

/** Complete by type: an id without a check does not compile. */
const checks: Record<SecurityCheckId, SecurityCheck> = {
  "user-namespace": checkUserNamespace,
  "id-range": checkIdRange,
  capabilities: checkCapabilities,
  "new-privileges": checkNewPrivileges,
  "system-calls": checkSystemCalls,
  "mandatory-access": checkMandatoryAccess,
  memory: checkMemory,
  processes: checkProcesses,
  "processor-time": checkProcessorTime,
  "input-output": checkInputOutput,
  disk: checkDisk,
  "suid-files": checkSuidFiles,
  "root-mount": checkRootMount,
  "read-only": checkReadOnlyRoot,
  "kernel-files": checkKernelFiles,
  "host-files": checkHostFiles,
  hooks: checkHooks,
  devices: checkDevices,
  network: checkNetwork,
  services: checkServices,
  "forwarded-ports": checkForwardedPorts,
  logins: checkLogins,
  updates: checkUpdates,
};

type World = { lxcPath: string; reader: ContainerReader };

/** Files are searched in so many containers at a time: more would only wait for the same disk. */
const auditsAtOnce = 2;

/** One check alone, as of now. */
export async function auditCheck(facts: AuditFacts, check: SecurityCheckId): Promise<Omit<SecurityFinding, "canUndo" | "accepted">> {
  try {
    return { check, ...(await checks[check](facts)) };
  } catch (error) {
    return {
      check,
      state: "unknown",
      title: check,
      summary: "This could not be looked at.",
      why: "Looking at it failed, so it is not known how it is.",
      evidence: [error instanceof Error ? error.message : String(error)],
      fixes: [],
    };
  }
}

/**
 * Makes all checks of a container. One that itself breaks says so, and is never taken for a good answer.
 * @param idmaps Of all containers, where somebody has read them already.
 * @param forwards What of this computer leads to containers, where somebody reads that already.
 * @throws ProblemError `not-found`; Error where its configuration cannot be read.
 */
export async function auditContainer(
  { lxcPath, reader }: World,
  name: string,
  idmaps: ReadonlyMap<string, readonly string[]> = readIdmaps(
    lxcPath,
    reader.readAll().map((one) => one.name),
  ),
  forwards: Promise<Forwards | undefined> = readForwards(readHostFacts(false)),
): Promise<SecurityReport> {
  const facts = readAuditFacts({ lxcPath, reader }, name, idmaps);
  const known = await forwards;
  if (known) facts.forwards = known;
  const { accepted, fixes, stripped, diskLimits } = readSecurityRecord(lxcPath, name);
  const findings: SecurityFinding[] = [];
  const doneApart: Partial<Record<SecurityCheckId, readonly unknown[]>> = { "suid-files": stripped, disk: diskLimits };
  for (const check of securityCheckIds) {
    await nextTurn();
    const finding: SecurityFinding = {
      ...(await auditCheck(facts, check)),
      canUndo: (doneApart[check] ?? fixes.filter((fix) => fix.check === check)).length > 0,
    };
    const risk = accepted[check];
    if (risk) finding.accepted = risk;
    findings.push(finding);
  }
  return { name, ...gradeContainer(findings), isRunning: facts.running !== undefined, findings };
}

/** Audits all containers and this computer's kernel. Terminals and lists have their turn in between. */
export async function auditAll(world: World, host: HostFacts): Promise<SecurityOverview> {
  const all = world.reader.readAll();
  const idmaps = readIdmaps(
    world.lxcPath,
    all.map(({ name }) => name),
  );
  const forwards = readForwards(host);
  const skipped: SecurityOverview["skipped"] = [];
  const containers: SecurityReport[] = [];
  const waiting = all.filter(({ name, manageable, note }) => {
    if (manageable) return true;
    skipped.push({ name, reason: note ?? "It is not managed." });
    return false;
  });
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await nextTurn();
      try {
        containers.push(await auditContainer(world, next.name, idmaps, forwards));
      } catch (error) {
        skipped.push({ name: next.name, reason: next.note ?? (error instanceof Error ? error.message : String(error)) });
      }
    }
  };
  await Promise.all(Array.from({ length: auditsAtOnce }, work));
  const findings = checkHostSecurity(host);
  return {
    containers: containers.sort(
      (one, other) => other.grade.localeCompare(one.grade) || one.score - other.score || one.name.localeCompare(other.name),
    ),
    skipped: skipped.sort((one, other) => one.name.localeCompare(other.name)),
    host: { ...gradeHost(findings), findings },
  };
}
