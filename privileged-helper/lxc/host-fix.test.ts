import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { toProblem } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { type FixableCheck, type FixRecord, firewallSteps, isInterfaceName, runFix, undoFixes } from "./host-fix.ts";
import { run } from "./run.ts";

/** This computer is not changed by a unit test. */
vi.mock("./run.ts", () => ({ run: vi.fn(async () => ({ exitCode: 0, output: "" })) }));

let folder: string;
let record: FixRecord;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-fix-"));
  record = { sysctlFolder: join(folder, "sysctl.d"), firewalls: join(folder, "state/firewalls") };
  mkdirSync(record.sysctlFolder);
  output = "";
  vi.mocked(run).mockClear();
});
afterEach(() => rmSync(folder, { recursive: true }));

const task: TaskContext = {
  signal: new AbortController().signal,
  step() {},
  notice() {},
  output: (text) => {
    output += text;
  },
  command() {},
  onUndo() {},
  critical: (work) => work(),
};
const broken = (fix?: FixableCheck["fix"]): FixableCheck => ({
  name: "forwarding",
  status: "warning",
  title: "Forwarding",
  summary: "It is off.",
  evidence: [],
  explanation: "",
  fix,
});
const mended: FixableCheck = { ...broken(), status: "ok", summary: "It is on." };
const looking =
  (...answers: FixableCheck[]) =>
  async () =>
    answers.shift() ?? mended;
const problemOf = (promise: Promise<void>) => promise.then(() => undefined, toProblem);
const ran = () => vi.mocked(run).mock.calls.map(([tool, args]) => [tool, ...args].join(" "));

it("writes its files, runs its commands in order, and looks again", async () => {
  const path = join(record.sysctlFolder, "60-lxc-desktop-forwarding.conf");
  const fix = {
    summary: "Turns it on.",
    files: [{ path, text: "x = 1\n" }],
    steps: [
      { tool: "sysctl" as const, args: ["--write", "x=1"] },
      { tool: "systemctl" as const, args: ["restart", "y"] },
    ],
  };
  await runFix(task, looking(broken(fix), mended), record);
  expect(ran()).toEqual(["sysctl --write x=1", "systemctl restart y"]);
  expect(readFileSync(path, "utf8")).toBe("x = 1\n");
  expect(output).toContain("Turns it on.");
});

it("says so where there is nothing to mend, and where the commands did not help", async () => {
  expect(await problemOf(runFix(task, looking(mended), record))).toMatchObject({ code: "not-supported" });
  expect(run).not.toHaveBeenCalled();
  const fix = { summary: "Tries.", steps: [] };
  expect(await problemOf(runFix(task, looking(broken(fix), broken(fix)), record))).toMatchObject({
    code: "not-supported",
    what: "Every command worked, and yet it is as before: It is off.",
  });
});

it("takes back what it has left: files of ours, and what firewalls were told", async () => {
  for (const name of ["firewalld", "ufw"] as const) {
    await runFix(
      task,
      looking(broken({ summary: "", steps: firewallSteps[name].allow("lxcbr0"), firewall: { name, link: "lxcbr0" } })),
      record,
    );
  }
  for (const file of ["60-lxc-desktop-forwarding.conf", "60-mine.conf", "60-lxc-desktop-x.conf.bak"])
    writeFileSync(join(record.sysctlFolder, file), "");
  vi.mocked(run).mockClear();
  await undoFixes(task, record);
  expect(ran()).toEqual([
    "firewall-cmd --permanent --zone=trusted --remove-interface=lxcbr0",
    "firewall-cmd --zone=trusted --remove-interface=lxcbr0",
    "ufw delete allow in on lxcbr0 to any port 67 proto udp",
    "ufw delete allow in on lxcbr0 to any port 53",
    "ufw route delete allow in on lxcbr0",
  ]);
  expect(readdirSync(record.sysctlFolder)).toEqual(["60-lxc-desktop-x.conf.bak", "60-mine.conf"]);
  expect(existsSync(record.firewalls)).toBe(false);
  vi.mocked(run).mockClear();
  await undoFixes(task, record);
  expect(run).not.toHaveBeenCalled();
});

it("does not run what somebody else has written into its record", async () => {
  mkdirSync(join(folder, "state"));
  writeFileSync(record.firewalls, "rm lxcbr0\nufw --help\nconstructor x\nufw\n");
  await undoFixes(task, record);
  expect(run).not.toHaveBeenCalled();
});

it.each(["lxcbr0", "br-lan.10", "a"])("%j is a name of an interface", (name) => expect(isInterfaceName(name)).toBe(true));
it.each(["", "-i", "--flush", "a b", "lxcbr0;x", "a/b", "sixteen-letters-"])("%j is none", (name) =>
  expect(isInterfaceName(name)).toBe(false),
);
