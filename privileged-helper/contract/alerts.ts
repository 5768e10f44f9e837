import type * as z from "zod";
import type { alertRule } from "./alert-rule.ts";
import type { RunEnd } from "./model.ts";

/** What an alert is about. */
export const alertConditions = ["memory", "cpu", "disk", "stopped-unexpectedly", "oom-kill"] as const;
export type AlertCondition = (typeof alertConditions)[number];

/** When a person is told. */
export type AlertRule = z.infer<typeof alertRule>;
export const maxAlertRules = 100;

/** Something that is so now, or was and nobody has seen yet. */
export type Alert = {
  id: string;
  rule: string;
  container: string;
  condition: AlertCondition;
  /** Milliseconds since the epoch. */
  since: number;
  /** Absent while it is so. */
  until?: number;
  /** The figure in per cent when it began. */
  percent?: number;
  /** How a container ended that has stopped unexpectedly. */
  end?: RunEnd;
};

/** All rules and all alerts, the newest first. `toldBy`: who tells a person of a new one, the desktop, or the page where its browser is allowed to. */
export type AlertList = { rules: AlertRule[]; alerts: Alert[]; toldBy: "desktop" | "page" };

/** What init ends with that a signal asked to end: 128 and SIGINT or SIGTERM, by the custom of shells, and of tini(1). */
const exitCodesOfBeingAsked = [130, 143];

/** True of an end that a container comes to by itself: it was shut down from inside, has done its work, or ended because it was asked to. */
export function isOrderly({ exitCode, signal }: RunEnd): boolean {
  return signal === "SIGINT" || exitCode === 0 || (exitCode !== undefined && exitCodesOfBeingAsked.includes(exitCode));
}

/** How a run ended that nobody here had end, as a sentence. */
export function runEndInWords(end: RunEnd): string {
  const { exitCode, signal } = end;
  if (signal === "SIGINT") return "It shut down.";
  if (isOrderly(end)) return "Its first program came to its end.";
  if (signal !== undefined) return `Its first program was killed (${signal}).`;
  if (exitCode !== undefined) return `Its first program failed with exit code ${exitCode}.`;
  return "Whether it shut down or failed is not known.";
}

type AlertFacts = Pick<Alert, "container" | "condition" | "percent" | "end">;

/** What has happened, as a sentence or two for people. */
export function alertSentence({ container, condition, percent, end = {} }: AlertFacts): string {
  const figure = percent === undefined ? "more than allowed" : `${Math.round(percent)} %`;
  switch (condition) {
    case "memory":
      return `${container} uses ${figure} of its memory.`;
    case "cpu":
      return `${container} uses ${figure} of its CPU.`;
    case "disk":
      return `The disk that ${container} is on is ${percent === undefined ? "nearly full" : `${figure} full`}.`;
    case "stopped-unexpectedly":
      return `${container} has stopped unexpectedly. ${runEndInWords(end)}`;
    case "oom-kill":
      return `A process in ${container} was killed because its memory ran out.`;
  }
}

const shownSentences = 3;

/** Alerts that began together, as one notification: fifty containers on one full disk are one piece of news. */
export function alertNotification(alerts: readonly AlertFacts[]): { title: string; body: string } {
  const [first] = alerts;
  const title = alerts.length === 1 && first ? first.container : `${alerts.length} containers need a look`;
  const shown = alerts.slice(0, shownSentences).map(alertSentence);
  const more = alerts.length - shown.length;
  return { title, body: [...shown, ...(more > 0 ? [`And ${more} more.`] : [])].join("\n") };
}
