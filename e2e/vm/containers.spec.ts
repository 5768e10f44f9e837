import { join } from "node:path";
import { createContainer, expect, row, test } from "../app/fixtures.ts";
import { lxc, lxcLs } from "../app/lxc.ts";
import { run } from "../app/machine.ts";
import { startMirror } from "./mirror.ts";
import { containerRelease } from "./recipe.mjs";

/** Containers of the app on a host with systemd, AppArmor and nothing but cgroup v2. */

const initPid = (name: string) => lxc("lxc-info", "-n", name, "-p", "-H").trim();
const read = (path: string) => run("/usr/bin/cat", path).trim();

test("this machine is what it is meant to be", () => {
  expect(read("/proc/1/comm")).toBe("systemd");
  expect(run("/usr/bin/stat", "-f", "-c", "%T", "/sys/fs/cgroup").trim()).toBe("cgroup2fs");
  expect(read("/sys/kernel/security/lsm").split(",")).toContain("apparmor");
  expect(run("/usr/bin/loginctl", "list-sessions", "--no-legend")).toMatch(/alice\s+seat0/);
});

/** What LXC makes for the container alone, its name and path in it, and enforced; and what is to be denied is. */
function expectHeldByAppArmor(name: string) {
  expect(read(`/proc/${initPid(name)}/attr/current`)).toMatch(new RegExp(`^lxc-${name}_</var/lib/lxc>.*\\(enforce\\)$`));
  const denied = run("/bin/sh", "-c", `lxc-attach -n ${name} -- sh -c 'echo h > /proc/sysrq-trigger' 2>&1 || true`);
  expect(denied).toMatch(/denied|permitted|Read-only/);
}

// One app for all of it: where the processor is interpreted, starting one takes as long as everything else.
test("AppArmor holds containers, root in an unprivileged one is nobody here, and the figures shown are the kernel's own", async ({
  app,
}) => {
  test.setTimeout(600_000);
  const [privileged, name] = ["e2e-held-privileged", "e2e-held"];
  await createContainer(app, privileged, { privileged: true });
  await createContainer(app, name);
  await test.step("AppArmor holds both", () => {
    expectHeldByAppArmor(privileged);
    expectHeldByAppArmor(name);
  });
  await test.step("root in the unprivileged one is nobody on this machine, and its files are its own", () => {
    const [inside, outside, count] = read(`/proc/${initPid(name)}/uid_map`)
      .split(/\s+/)
      .map(Number);
    expect(inside).toBe(0);
    expect(outside).toBeGreaterThanOrEqual(100_000);
    expect(count).toBeGreaterThanOrEqual(65_536);
    expect(Number(run("/usr/bin/stat", "-c", "%u", `/var/lib/lxc/${name}/rootfs/bin`))).toBe(outside);
    expect(lxcLs(name)).toMatchObject({ state: "RUNNING", unprivileged: "true" });
  });
  await test.step("figures, pressure among them", async () => {
    await app.getByRole("link", { name, exact: true }).click();
    const about = app.getByRole("table", { name: `About ${name}` });
    await expect(about.getByRole("row", { name: /^Pressure/ })).toContainText(/CPU \S+ %, memory \S+ %, disk \S+ % of the time/);
    const folder = join("/sys/fs/cgroup", `lxc.payload.${name}`);
    expect(read(join(folder, "cpu.pressure"))).toMatch(/^some avg10=/);
    const figure = async (label: string) => (await app.getByRole("figure", { name: label }).textContent()) ?? "";
    const shownMebibytes = async () => {
      const [, value, unit] = /([\d.]+) (KiB|MiB)/.exec(await figure("Memory")) ?? [];
      return unit === "MiB" ? Number(value) : Number(value) / 1024;
    };
    const countedMebibytes = () => {
      const inactive = Number(/^inactive_file (\d+)$/m.exec(read(join(folder, "memory.stat")))?.[1]);
      return (Number(read(join(folder, "memory.current"))) - inactive) / 1024 ** 2;
    };
    await expect.poll(async () => Math.abs((await shownMebibytes()) - countedMebibytes())).toBeLessThan(0.5);
    await expect(about.getByRole("row", { name: /^Processes/ })).toContainText(read(join(folder, "pids.current")));
  });
});

test("a Debian container with systemd runs unprivileged, and is shut down by it", async ({ app }) => {
  test.setTimeout(600_000);
  const name = "e2e-debian";
  const endMirror = startMirror();
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("combobox", { name: "Template" }).click();
  await app.getByRole("option", { name: "Debian" }).click();
  await dialog.getByRole("combobox", { name: "Release" }).fill(containerRelease);
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  try {
    await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible({ timeout: 300_000 });
  } finally {
    endMirror();
  }
  expect(lxcLs(name)?.unprivileged).toBe("true");
  const inside = (...argv: string[]) => lxc("lxc-attach", "-n", name, "--", ...argv).trim();
  expect(inside("cat", "/proc/1/comm")).toBe("systemd");
  const howItIs = "systemctl is-system-running --wait; systemctl --failed --no-legend --plain || true";
  await expect.poll(() => inside("sh", "-c", howItIs), { timeout: 120_000 }).toBe("running");
  // systemd manages its own part of the tree, in a cgroup of its own below the container's.
  expect(inside("cat", "/proc/1/cgroup")).toBe("0::/init.scope");
  expect(read(`/proc/${initPid(name)}/attr/current`)).toContain("(enforce)");
  await expect.poll(() => lxcLs(name)?.ipv4).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  await expect(row(app, name).getByText(lxcLs(name)?.ipv4 ?? "", { exact: true })).toBeVisible();
  await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
  await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible({ timeout: 90_000 });
});
