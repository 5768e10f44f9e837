import type { AlertCondition, AlertRule } from "../../../privileged-helper/contract/alerts.ts";

/** What a condition is called where one is chosen. */
export const conditionTitles: Record<AlertCondition, string> = {
  memory: "Memory is nearly full",
  cpu: "CPU is nearly used up",
  disk: "Disk is nearly full",
  "stopped-unexpectedly": "Stopped unexpectedly",
  "oom-kill": "A process was killed for lack of memory",
};

/** What of a condition is not plain from its title. */
export const conditionHints: Partial<Record<AlertCondition, string>> = {
  "stopped-unexpectedly":
    "It failed or was killed. A stop by this app or LXC's own programs, a shutdown from inside and a restart are none. Of a container that was not started by this app LXC may not tell: then you are told of it, too.",
};

/** Those that are about a figure, which may go above a limit for some time. */
export function hasThreshold(condition: AlertCondition): boolean {
  return condition === "memory" || condition === "cpu" || condition === "disk";
}

/** "Any container uses more than 90 % of its memory for 60 s" */
export function alertRuleText({ container, condition, abovePercent = 0, forSeconds = 0 }: Omit<AlertRule, "id" | "enabled">): string {
  const who = container ?? "Any container";
  const long = forSeconds === 0 ? "" : ` for ${forSeconds} s`;
  switch (condition) {
    case "memory":
      return `${who} uses more than ${abovePercent} % of its memory${long}`;
    case "cpu":
      return `${who} uses more than ${abovePercent} % of its CPU limit${long}`;
    case "disk":
      return `The disk of ${container ?? "any container"} is more than ${abovePercent} % full${long}`;
    case "stopped-unexpectedly":
      return `${who} stops unexpectedly`;
    case "oom-kill":
      return `A process in ${container ?? "any container"} is killed for lack of memory`;
  }
}
