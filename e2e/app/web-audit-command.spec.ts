import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "./fixtures.ts";
import { lxcPath } from "./lxc.ts";
import { asTestUser, setRule, testUserEnvironment } from "./test-user.ts";
import { buildFolder } from "./web-host.ts";

const name = "e2e-audit";

type Ended = { exitCode: number | null; output: string; errors: string };

/** The installed command runs this very file. */
function audit(args: readonly string[], asRoot = false): Ended {
  const command = [process.execPath, join(buildFolder(), "dist/web/main.mjs"), "audit", ...args] as const;
  const [file, rest] = asRoot ? [command[0], command.slice(1)] : asTestUser(command[0], command.slice(1));
  const env = asRoot ? { PATH: process.env.PATH } : testUserEnvironment();
  const { status, stdout, stderr } = spawnSync(file, rest, { env, cwd: "/", encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return { exitCode: status, output: stdout, errors: stderr };
}

test.describe("lxc-desktop audit", () => {
  test.setTimeout(120_000);

  test("prints a table or JSON, and fails a script under a grade: as a user by polkit, and as root", async () => {
    execFileSync("lxc-create", ["-n", name, "-P", lxcPath, "-t", "busybox"], { stdio: "ignore" });
    await setRule({ granted: ["full", "limited", "view"] });
    const table = audit([name]);
    expect(table).toMatchObject({ exitCode: 0, errors: "" });
    expect(table.output).toMatch(/^[A-F] {2}e2e-audit +\d+ of 100 {2}not running\n/);
    expect(table.output).toContain("problem: Root inside and outside.");

    const json = audit(["--json", name]);
    expect(json.exitCode).toBe(0);
    const report = JSON.parse(json.output);
    expect(report).toMatchObject({ format: "lxc-desktop-security/1", containers: [{ name, isRunning: false }] });
    expect(audit(["--json", name]).output).toBe(json.output);
    expect(audit(["--json", name], true).output).toBe(json.output);

    // Its root is root of this computer, so it is no better than C.
    expect(audit(["--fail-under", "F", name]).exitCode).toBe(0);
    expect(audit(["--fail-under", "b", name])).toMatchObject({ exitCode: 1, errors: expect.stringContaining(`Not at least B: ${name}`) });
    expect(audit(["--fail-under", "B", "--json"], true)).toMatchObject({ exitCode: 1, output: expect.stringContaining('"host": {') });
    expect(audit(["e2e-nobody"])).toMatchObject({ exitCode: 2, output: "", errors: "There is no container e2e-nobody.\n" });
  });

  test("looks at nothing without the right to", async () => {
    await setRule({ refused: ["full", "limited", "view"] });
    expect(audit([])).toMatchObject({ exitCode: 2, output: "", errors: expect.stringContaining("does not let you look") });
    // Nobody is there to ask, and no terminal either.
    await setRule({ granted: [] });
    expect(audit(["--json"])).toMatchObject({ exitCode: 2, output: "", errors: expect.stringContaining("Nobody is here") });
  });
});
