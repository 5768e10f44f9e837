import type { HistoryEvent } from "../../privileged-helper/contract/history.ts";

const texts: Record<HistoryEvent["kind"], string> = {
  started: "was started",
  stopped: "has stopped",
  "oom-kill": "ran out of memory: the kernel ended a process",
  snapshot: "got a snapshot",
  "limit-changed": "has another limit",
  frozen: "was frozen",
  unfrozen: "was thawed",
};

/** "web was started" */
export function eventText({ container, kind, detail }: HistoryEvent): string {
  return `${container} ${texts[kind]}${detail === undefined ? "" : ` (${detail})`}`;
}
