import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AlertRule, maxAlertRules } from "../../../privileged-helper/contract/alerts.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import { createAlertRules, defaultRules } from "./alert-rules.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-alert-rules-"));
  path = join(folder, "alerts.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const cpu: AlertRule = { id: "r1", condition: "cpu", abovePercent: 80, forSeconds: 30, enabled: true };
const refused = (work: () => void) => {
  try {
    work();
  } catch (error) {
    return toProblem(error).code;
  }
  return undefined;
};

it("are those for the worst where nobody has chosen any, and nothing is written for that", () => {
  expect(createAlertRules(path).list()).toEqual(defaultRules);
  expect(existsSync(path)).toBe(false);
});

it("are kept, changed in their place, and gone for good, the first ones as well", () => {
  createAlertRules(path).save(cpu);
  createAlertRules(path).save({ ...cpu, abovePercent: 70 });
  expect(createAlertRules(path).list()).toEqual([...defaultRules, { ...cpu, abovePercent: 70 }]);
  for (const { id } of [...defaultRules, cpu]) createAlertRules(path).delete(id);
  createAlertRules(path).delete("none");
  expect(createAlertRules(path).list()).toEqual([]);
});

it("are refused without the threshold that they need, and where there are too many", () => {
  const rules = createAlertRules(path);
  expect(refused(() => rules.save({ ...cpu, abovePercent: undefined }))).toBe("invalid-request");
  for (let index = rules.list().length; index < maxAlertRules; index++) rules.save({ ...cpu, id: `n${index}` });
  expect(refused(() => rules.save(cpu))).toBe("invalid-request");
  expect(refused(() => rules.save({ ...cpu, id: "n50", enabled: false }))).toBeUndefined();
});

it("that are not understood are left out, and the file is kept beside", () => {
  const text = JSON.stringify({ rules: [cpu, { id: "new", condition: "temperature", enabled: true }] });
  writeFileSync(path, text);
  expect(createAlertRules(path).list()).toEqual([cpu]);
  expect(readFileSync(`${path}.broken`, "utf8")).toBe(text);
  writeFileSync(path, "{");
  expect(createAlertRules(path).list()).toEqual(defaultRules);
});
