import { expect, it } from "vitest";
import { alertConditions } from "../../../privileged-helper/contract/alerts.ts";
import { alertRuleText, hasThreshold } from "./alert-rule-text.ts";

it("says a rule in one sentence: about whom, above what, for how long", () => {
  expect(alertRuleText({ condition: "memory", abovePercent: 90, forSeconds: 60 })).toBe(
    "Any container uses more than 90 % of its memory for 60 s",
  );
  expect(alertRuleText({ container: "web" as never, condition: "disk", abovePercent: 80, forSeconds: 0 })).toBe(
    "The disk of web is more than 80 % full",
  );
  const texts = alertConditions.map((condition) => alertRuleText({ container: "web" as never, condition, abovePercent: 1 }));
  expect(new Set(texts).size).toBe(alertConditions.length);
  for (const text of texts) expect(text).toContain("web");
});

it("speaks of a figure only where a rule has one", () => {
  expect(alertConditions.filter(hasThreshold)).toEqual(["memory", "cpu", "disk"]);
  expect(alertRuleText({ condition: "oom-kill", abovePercent: 90, forSeconds: 60 })).not.toMatch(/90|60/);
});
