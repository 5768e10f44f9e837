import { useEffect, useRef } from "react";
import type { HostCheck } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { useAnswer } from "./answer.ts";
import { useTasksStore } from "./tasks.ts";

const ask = (client: Client) => client.call("host.checks", {});
/** Coming back to the window is told by two events at once. */
const quietMilliseconds = 1_000;

/**
 * What containers need of this computer, and how it is. It is read anew when the person comes back to the window, where they may have
 * changed something meanwhile, and when a fix has ended; in between nothing is asked.
 */
export function useHostChecks() {
  const { answer: checks, problem, askAgain } = useAnswer(ask);
  const endedFixes = useTasksStore(({ tasks }) => tasks.filter(({ kind, state }) => kind === "fix" && state !== "running").length);
  const seenFixes = useRef(endedFixes);
  useEffect(() => {
    if (seenFixes.current === endedFixes) return;
    seenFixes.current = endedFixes;
    askAgain();
  }, [endedFixes, askAgain]);
  useEffect(() => {
    let askedAt = 0;
    const onReturned = () => {
      if (document.visibilityState !== "visible" || performance.now() - askedAt < quietMilliseconds) return;
      askedAt = performance.now();
      askAgain();
    };
    window.addEventListener("focus", onReturned);
    document.addEventListener("visibilitychange", onReturned);
    return () => {
      window.removeEventListener("focus", onReturned);
      document.removeEventListener("visibilitychange", onReturned);
    };
  }, [askAgain]);
  return { checks, problem, askAgain };
}

export function countOf(checks: readonly HostCheck[], status: HostCheck["status"]): number {
  return checks.filter((check) => check.status === status).length;
}

/** "One thing keeps containers from starting", "3 things keep containers from starting". */
export function problemsText(count: number): string {
  return count === 1 ? "One thing keeps containers from starting" : `${count} things keep containers from starting`;
}
