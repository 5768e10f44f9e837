import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { createContainer, expect, row, test } from "./fixtures.ts";
import { lxcLs, lxcPath } from "./lxc.ts";

const configOf = (name: string) => join(lxcPath, name, "config");

function changeConfig(name: string, change: (text: string) => string) {
  writeFileSync(configOf(name), change(readFileSync(configOf(name), "utf8")));
}

async function expectNoViolations(app: Page) {
  // What is hovered over has colours of its own.
  await app.mouse.move(0, 0);
  await app.waitForTimeout(500);
  const { violations } = await new AxeBuilder({ page: app as never }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(", ")}`)).toEqual([]);
}

test("a bridge that is not there: said in a sentence, shown what mends it, mended and started by a click", async ({ app }) => {
  const name = "e2e-bridge";
  await createContainer(app, name, { start: false });
  changeConfig(name, (text) => text.replace(/^lxc\.net\.0\.link.*$/m, "lxc.net.0.link = e2ebr9"));
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  const toast = app.getByRole("alert");
  await expect(toast).toContainText(`${name} did not start`);
  await expect(toast).toContainText("The network bridge e2ebr9 is not there.");
  await toast.getByRole("button", { name: "Show details" }).click();
  await expect(toast).toContainText("bridge interface doesn't exist");
  await toast.getByRole("button", { name: "Fix and start" }).click();
  const dialog = app.getByRole("dialog", { name: `Fix ${name}` });
  await expect(dialog.getByRole("group", { name: "Changes" })).toHaveText("- lxc.net.0.link = e2ebr9\n+ lxc.net.0.link = lxcbr0");
  await expectNoViolations(app);
  await dialog.getByRole("button", { name: "Fix and start" }).click();
  await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
  await expect(toast).toBeHidden();
  expect(lxcLs(name)?.state).toBe("RUNNING");
  expect(readFileSync(configOf(name), "utf8")).toMatch(/^lxc\.net\.0\.link = lxcbr0$/m);
  await app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Tasks" }).click();
  await expect(app.getByRole("rowheader", { name: `Fix ${name}` })).toBeVisible();
});

test("a closed folder: said on the container's own page, with the command that opens it", async ({ app }) => {
  const name = "e2e-closed";
  await createContainer(app, name, { start: false });
  chmodSync(join(lxcPath, name), 0o700);
  await app.getByRole("link", { name, exact: true }).click();
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  const alert = app.getByRole("alert");
  await expect(alert).toContainText(`may not pass through the folder ${lxcPath}/${name}`);
  await expectNoViolations(app);
  await alert.getByRole("button", { name: "Show log" }).click();
  await expect(app.getByRole("log")).toContainText("Permission denied");
  await alert.getByRole("button", { name: "Fix and start" }).click();
  const dialog = app.getByRole("dialog", { name: `Fix ${name}` });
  await expect(dialog.getByRole("group", { name: "Commands" })).toHaveText(`chmod o+x ${lxcPath}/${name}`);
  await dialog.getByRole("button", { name: "Fix and start" }).click();
  await expect(app.getByText("Running", { exact: true })).toBeVisible();
  await expect(alert).toBeHidden();
  expect(statSync(join(lxcPath, name)).mode & 0o777).toBe(0o701);
});

test("a container that ends at once: told with how it ended and what it wrote", async ({ app }) => {
  const name = "e2e-ends";
  await createContainer(app, name, { start: false });
  writeFileSync(join(lxcPath, name, "rootfs/start.sh"), "echo nothing to do >/dev/console\nsleep 0.3\nexit 7\n", { mode: 0o755 });
  changeConfig(name, (text) => `${text}lxc.init.cmd = /bin/sh /start.sh\n`);
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  const toast = app.getByRole("status").filter({ hasText: `${name} has ended already` });
  await expect(toast).toContainText("Its exit code was 7.");
  await expect(toast).toContainText("nothing to do");
  await toast.getByRole("button", { name: "Show log" }).click();
  await expect(app.getByRole("log")).toContainText("ended on error (7)");
});
