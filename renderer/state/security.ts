import { useCallback, useEffect, useRef } from "react";
import { create } from "zustand";
import type { Client } from "../backend/client.ts";
import { useAnswer } from "./answer.ts";
import { useContainers } from "./containers.ts";
import { useTasksStore } from "./tasks.ts";

/** What this page has done itself without a task: how many times a risk was accepted, or no longer. */
export const useSecurityChanges = create<{ accepted: number }>(() => ({ accepted: 0 }));

/** How safe a container is; asked anew when something of it has changed that could make another answer. */
export function useSecurityReport(name: string) {
  const ask = useCallback((client: Client) => client.call("security.audit", { name }), [name]);
  const { answer: report, problem, askAgain } = useAnswer(ask);
  useAskedAgain(useWhatCounts([name]), askAgain);
  return { report, problem, askAgain };
}

const askAll = (client: Client) => client.call("security.auditAll", {});

/** How safe all containers and this computer are. */
export function useSecurityOverview() {
  const { answer: overview, problem, askAgain } = useAnswer(askAll);
  useAskedAgain(useWhatCounts(undefined), askAgain);
  return { overview, problem, askAgain };
}

/** One start changes a list several times, and an audit of all is not for each of them. */
const quietMilliseconds = 500;

/** Changes when containers start and stop, come and go, and when a task has changed how they are isolated. */
function useWhatCounts(names: readonly string[] | undefined): string {
  const containers = useContainers();
  const ended = useTasksStore(({ tasks }) => tasks.filter(({ kind, endedAt }) => changing.has(kind) && endedAt !== undefined).length);
  const accepted = useSecurityChanges((changes) => changes.accepted);
  const counted = [...(containers?.values() ?? [])].filter(({ name }) => names === undefined || names.includes(name));
  return `${ended} ${accepted} ${counted.map(({ name, initPid, privileged }) => `${name}:${initPid ?? 0}:${privileged}`).join(" ")}`;
}
const changing: ReadonlySet<string> = new Set(["harden", "soften", "repair", "look-for-updates", "update"]);

function useAskedAgain(what: string, askAgain: () => void) {
  const seen = useRef(what);
  useEffect(() => {
    if (seen.current === what) return;
    const timer = setTimeout(() => {
      seen.current = what;
      askAgain();
    }, quietMilliseconds);
    return () => clearTimeout(timer);
  }, [what, askAgain]);
}
