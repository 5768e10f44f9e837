import { describe, expect, it } from "vitest";
import type { Problem } from "../../privileged-helper/contract/problems.ts";
import { type StartCause, startCause, startCauseIds } from "../../privileged-helper/contract/start-causes.ts";
import { explainProblem } from "./problem.ts";
import { explainEarlyEnd, explainStartCause, warnAboutFix } from "./start-cause.ts";

const strings = { of: "users", because: "value", age: "unknown", architecture: "64-bit ARM", host: "64-bit x86", key: "lxc.some.key" };
/** Data of every field that any cause has; each takes its own. */
const values: Record<string, unknown> = {
  ...strings,
  ...Object.fromEntries(
    [
      "path",
      "program",
      "interpreter",
      "command",
      "content",
      "link",
      "type",
      "storage",
      "source",
      "target",
      "script",
      "hook",
      "profile",
    ].map((field) => [field, `/some/${field}`]),
  ),
  ...{
    value: "1M",
    resource: "nosuch",
    error: "Something new",
    line: 3,
    first: 100_000,
    count: 65_536,
    user: 100_000,
    pid: 7,
    exitCode: 1,
  },
  hasOthers: true,
};
const examples = startCause.options.map(({ shape }) => {
  const fields = Object.keys(shape).filter((field) => field !== "id");
  const example = { id: shape.id.value, ...Object.fromEntries(fields.map((field) => [field, values[field]])) };
  if (example.id === "config-key-unknown" || !fields.includes("because")) return example as StartCause;
  return { ...example, because: shape.id.value === "idmapped-root-unsupported" ? "storage" : "value" } as StartCause;
});
const problemOf = (cause: StartCause): Extract<Problem, { code: "start-failed" }> => ({
  code: "start-failed",
  name: "web",
  cause,
  fix: { kind: "none" },
  argv: ["lxc-start"],
  exitCode: 1,
  output: "",
});

describe("every cause of a failed start", () => {
  it("has an example here that the contract accepts", () => {
    expect(examples.map(({ id }) => id)).toEqual(startCauseIds);
    for (const example of examples) expect(startCause.parse(example)).toEqual(example);
  });

  it.each(examples)("$id is said in whole sentences, with its data and without its name", (example) => {
    const { title, body } = explainProblem(problemOf(example));
    expect(title).toBe("web did not start");
    expect(body).toMatch(/^\S.*[.!?]$/);
    expect(body).not.toMatch(/undefined|NaN|\[object/);
    if (/-.*-/.test(example.id)) expect(body).not.toContain(example.id);
  });
});

it("offers the fix first, and always the log", () => {
  const fix = { kind: "host", check: "bridge" } as const;
  const { remedies } = explainProblem({ ...problemOf({ id: "bridge-missing", link: "lxcbr0" }), fix });
  expect(remedies.map(({ label }) => label)).toEqual(["Fix and start", "Try again", "Show log"]);
  expect(remedies[2]).toMatchObject({ to: "/containers/web/logs" });
});

it("warns of what a fix costs", () => {
  const fix = { kind: "container", removes: [], adds: [], commands: [] } as const;
  expect(warnAboutFix({ kind: "none" })).toBeUndefined();
  expect(warnAboutFix({ ...fix, removes: [], adds: [], commands: [], effect: "none" })).toBeUndefined();
  expect(warnAboutFix({ ...fix, removes: [], adds: [], commands: [], effect: "without-setting" })?.isDangerous).toBe(false);
  expect(warnAboutFix({ ...fix, removes: [], adds: [], commands: [], effect: "less-isolated" })).toMatchObject({ isDangerous: true });
});

it("says how a container ended", () => {
  expect(explainEarlyEnd({ exitCode: 7, console: "" })).toContain("Its exit code was 7.");
  expect(explainEarlyEnd({ signal: "SIGKILL", console: "" })).toContain("killed by SIGKILL");
  expect(explainEarlyEnd({ exitCode: 0, console: "" })).toBe("It was started, and its first program ended at once.");
  expect(explainEarlyEnd({ console: "", cause: { id: "no-memory" } })).toContain(explainStartCause({ id: "no-memory" }));
});
