import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { Container } from "../contract/model.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import { hasDefaultRoute } from "./addresses.ts";
import type { OperationContext } from "./context.ts";
import { isActive } from "./list.ts";
import type { Inside } from "./run-inside.ts";

const systemTimeoutSeconds = 90;
/** A DHCP server that many containers ask at once keeps each of them waiting. */
const networkTimeoutSeconds = 120;
const checkMilliseconds = 200;

/** systemd is ready for nothing before it has started what it starts. Others have no way to tell. */
export async function waitForSystem({ reader, task }: OperationContext, name: string, inside: Inside): Promise<void> {
  const { initPid } = reader.readOne(name) ?? {};
  if (initPid === undefined || programOf(initPid) !== "systemd") return;
  task.step("Waiting until its system has started");
  const states = "running|degraded|maintenance|stopping";
  const script = `until case $(systemctl is-system-running 2>/dev/null) in ${states}) ;; *) false ;; esac; do sleep 1; done`;
  if (await isOverInTime(inside, script, systemTimeoutSeconds)) return;
  task.notice(`Its system was still starting after ${systemTimeoutSeconds} seconds. The first start went on all the same.`);
}

/** @throws ProblemError `first-start-failed` where it gets no address, no way to other networks or nobody who tells it names. */
export async function waitForNetwork({ reader, task }: OperationContext, name: string, inside: Inside): Promise<void> {
  task.step("Waiting for its network");
  const until = performance.now() + networkTimeoutSeconds * 1000;
  for (let container = reader.readOne(name); !isConnected(container); container = reader.readOne(name)) {
    if (task.signal.aborted) throw new ProblemError({ code: "cancelled" });
    if (performance.now() > until || !isActive(container)) throw inside.fail("no-network");
    await new Promise((resolve) => setTimeout(resolve, checkMilliseconds));
  }
  const script = "until grep -qs '^nameserver' /etc/resolv.conf; do sleep 1; done";
  if (!(await isOverInTime(inside, script, networkTimeoutSeconds))) throw inside.fail("no-network");
}

function isConnected(container: Container | undefined): boolean {
  if (container?.initPid === undefined || container.ipv4.length + container.ipv6.length === 0) return false;
  return hasDefaultRoute(container.initPid);
}

async function isOverInTime(inside: Inside, script: string, seconds: number): Promise<boolean> {
  try {
    await inside.look(["/bin/sh", "-c", script], seconds);
    return true;
  } catch (thrown) {
    const problem = toProblem(thrown);
    if (problem.code === "first-start-failed" && problem.reason === "timed-out") return false;
    throw thrown;
  }
}

/** Its name, which is read and not opened. */
function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return undefined;
  }
}
