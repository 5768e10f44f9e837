import { confirmDestroy, createContainer, expect, row, test } from "./fixtures.ts";
import { burnCpu, exists, lxc, lxcFreeze, lxcLs } from "./lxc.ts";
import { slowness } from "./machine.ts";

test("a person creates a container, watches it, works in it, stops it and destroys it", async ({ app }) => {
  const name = "e2e-main";
  await test.step("an empty list says what to do", async () => {
    await expect(app.getByText("No containers yet")).toBeVisible();
    await createContainer(app, name);
  });
  await test.step("the list shows what LXC says", async () => {
    await expect.poll(() => lxcLs(name)?.ipv4).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    await expect(row(app, name).getByText(lxcLs(name)?.ipv4 ?? "", { exact: true })).toBeVisible();
    expect(lxcLs(name)).toMatchObject({ state: "RUNNING", unprivileged: "true" });
    await expect(row(app, name)).toContainText("Unprivileged");
  });
  await test.step("the charts move when a process burns CPU", async () => {
    await app.getByRole("link", { name, exact: true }).click();
    const cpu = app.getByRole("figure", { name: "CPU" });
    await expect(cpu).toContainText(/\d %/);
    const end = burnCpu(name);
    try {
      await expect
        .poll(async () => Number(/([\d.]+) %/.exec((await cpu.textContent()) ?? "")?.[1]), { timeout: 30_000 * slowness })
        .toBeGreaterThan(50);
    } finally {
      end();
    }
    await expect
      .poll(async () => Number(/([\d.]+) %/.exec((await cpu.textContent()) ?? "")?.[1]), { timeout: 30_000 * slowness })
      .toBeLessThan(20);
    await expect(app.getByRole("figure", { name: "Memory" })).toContainText(/\d (KiB|MiB)/);
    await expect(app.getByRole("figure", { name: "Network" })).toContainText(/B\/s/);
    await expect(app.getByRole("figure", { name: "Disk I/O" })).toContainText(/B\/s|Not available on this host/);
  });
  await test.step("a shell answers", async () => {
    await app.getByRole("tab", { name: "Terminal" }).click();
    const terminal = app.getByRole("region", { name: `Terminal ${name}` });
    await expect(terminal).toContainText("/ #");
    await app.keyboard.type("echo answer=$((6*7))\n");
    await expect(terminal).toContainText("answer=42");
  });
  await test.step("the shell goes on while another tab is looked at", async () => {
    await app.getByRole("tab", { name: "Overview" }).click();
    await expect(app.getByRole("figure", { name: "CPU" })).toBeVisible();
    await app.getByRole("tab", { name: "Terminal" }).click();
    await expect(app.getByRole("region", { name: `Terminal ${name}` })).toContainText("answer=42");
  });
  await test.step("logs and configuration can be read", async () => {
    await app.getByRole("tab", { name: "Logs" }).click();
    await expect(app.getByRole("log", { name: "LXC log" })).toContainText("lxc-start");
    await app.getByRole("tab", { name: "Configuration" }).click();
    await expect(app.getByText("lxc.rootfs.path")).toBeVisible();
  });
  await test.step("it freezes and thaws", async () => {
    await app.getByRole("button", { name: `Freeze ${name}` }).click();
    await expect(app.getByText("Frozen", { exact: true })).toBeVisible();
    await expect.poll(() => lxcLs(name)?.state).toBe("FROZEN");
    await app.getByRole("button", { name: `Unfreeze ${name}` }).click();
    await expect(app.getByText("Running", { exact: true })).toBeVisible();
  });
  await test.step("it stops and is destroyed", async () => {
    await app.getByRole("link", { name: "Containers", exact: true }).click();
    await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
    await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible({ timeout: 45_000 * slowness });
    await app.getByRole("button", { name: `Destroy ${name}` }).click();
    await confirmDestroy(app, name);
    await expect(app.getByText("No containers yet")).toBeVisible();
    expect(exists(name)).toBe(false);
  });
});

test("a clone is there at once, keeps its base, and both go in the right order", async ({ app }) => {
  await createContainer(app, "e2e-base", { start: false });
  await createContainer(app, "e2e-clone", { cloneFrom: "e2e-base" });
  expect(lxcLs("e2e-clone")).toMatchObject({ state: "RUNNING", unprivileged: "true" });
  await expect(row(app, "e2e-clone")).toContainText("Clone of e2e-base");

  await app.getByRole("button", { name: "Destroy e2e-base" }).click();
  await expect(app.getByRole("dialog")).toContainText("e2e-clone is cloned from e2e-base");
  await app.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();

  await app.getByRole("button", { name: "Destroy e2e-clone" }).click();
  await expect(app.getByRole("dialog", { name: "e2e-clone is running" })).toBeVisible();
  await app.keyboard.press("Escape");
  await app.getByRole("button", { name: "Force stop e2e-clone" }).click();
  await app.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
  await expect(row(app, "e2e-clone").getByText("Stopped", { exact: true })).toBeVisible();
  for (const name of ["e2e-clone", "e2e-base"]) {
    await app.getByRole("button", { name: `Destroy ${name}` }).click();
    await confirmDestroy(app, name);
    await expect.poll(() => exists(name)).toBe(false);
  }
});

test("what is done in a shell shows up by itself", async ({ app }) => {
  await expect(app.getByText("No containers yet")).toBeVisible();
  lxc("lxc-create", "-n", "e2e-shell", "-t", "busybox");
  await expect(row(app, "e2e-shell").getByText("Stopped", { exact: true })).toBeVisible();
  await expect(row(app, "e2e-shell")).toContainText("Privileged");
  lxc("lxc-start", "-n", "e2e-shell");
  await expect(row(app, "e2e-shell").getByText("Running", { exact: true })).toBeVisible();
  lxcFreeze("e2e-shell");
  await expect(row(app, "e2e-shell").getByText("Frozen", { exact: true })).toBeVisible();
  lxc("lxc-unfreeze", "-n", "e2e-shell");
  lxc("lxc-stop", "-k", "-n", "e2e-shell");
  await expect(row(app, "e2e-shell").getByText("Stopped", { exact: true })).toBeVisible();
  lxc("lxc-destroy", "-n", "e2e-shell");
  await expect(app.getByText("No containers yet")).toBeVisible();
});
