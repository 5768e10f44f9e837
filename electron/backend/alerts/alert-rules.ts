import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { alertRule } from "../../../privileged-helper/contract/alert-rule.ts";
import { type AlertRule, maxAlertRules } from "../../../privileged-helper/contract/alerts.ts";
import { ProblemError } from "../../../privileged-helper/contract/problems.ts";
import { readJsonFile, writeJsonFile } from "../json-file.ts";

/** What a person wants to be told of, in a file of theirs, in the order in which the rules were made. */
export type AlertRuleStore = {
  list(): AlertRule[];
  /** Takes the place of the one of the same id. @throws ProblemError `invalid-request` where there are too many, or it lacks its threshold. */
  save(rule: AlertRule): void;
  /** Nothing happens where there is none of that id. */
  delete(id: string): void;
};

const maxFileBytes = 256 * 1024;

/** Of whoever has never changed any. */
export const defaultRules: readonly AlertRule[] = [
  { id: "stopped", condition: "stopped-unexpectedly", enabled: true },
  { id: "oom", condition: "oom-kill", enabled: true },
  { id: "memory", condition: "memory", abovePercent: 90, forSeconds: 60, enabled: true },
];

/** Beside the settings. */
export function alertRulesPath(settingsPath: string): string {
  return join(dirname(settingsPath), "alerts.json");
}

export function createAlertRules(path: string): AlertRuleStore {
  let current = read(path) ?? [...defaultRules];
  const keep = (rules: AlertRule[]) => {
    writeJsonFile(path, { rules });
    current = rules;
  };
  return {
    list: () => current,
    save(rule) {
      const hasThreshold = rule.condition !== "stopped-unexpectedly" && rule.condition !== "oom-kill";
      if (hasThreshold && rule.abovePercent === undefined) refuse("abovePercent", "From how many per cent on is missing.");
      const index = current.findIndex(({ id }) => id === rule.id);
      if (index < 0 && current.length >= maxAlertRules) refuse("rule", `There are ${maxAlertRules} rules already: delete one first.`);
      keep(index < 0 ? [...current, rule] : current.with(index, rule));
    },
    delete(id) {
      const others = current.filter((rule) => rule.id !== id);
      if (others.length < current.length) keep(others);
    },
  };
}

function refuse(path: string, message: string): never {
  throw new ProblemError({ code: "invalid-request", issues: [{ path, message }] });
}

/** One that is not understood, maybe of a newer version, is left out; then what the file was is kept beside it. */
function read(path: string): AlertRule[] | undefined {
  return readJsonFile(path, maxFileBytes, (content) => {
    const { rules } = z.object({ rules: z.array(z.unknown()) }).parse(content);
    const parsed = rules.map((one) => alertRule.safeParse(one));
    const understood = new Map(parsed.flatMap(({ data }) => (data ? [[data.id, data]] : [])));
    if (understood.size < rules.length) copyFileSync(path, `${path}.broken`);
    return [...understood.values()].slice(0, maxAlertRules);
  });
}
