import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { closeNews, createContainer, expect, openTask, row, test } from "./fixtures.ts";
import { lxcFreeze, lxcPath } from "./lxc.ts";

/** Each problem's own screen is looked at where it is brought about: faults, web-host and web-password. */
test.describe("axe finds nothing", () => {
  test.setTimeout(180_000);

  test("in any dialog", async ({ app }) => {
    await createContainer(app, "e2e-base", { start: false });
    await closeNews(app);
    await app.getByRole("button", { name: "Destroy e2e-base" }).click();
    await app.getByRole("dialog", { name: "Destroy e2e-base?" }).getByRole("textbox").fill("e2e-base");
    await expectNoViolations(app, "destroy");
    await app.keyboard.press("Escape");

    await app.getByRole("button", { name: "Create container" }).click();
    const dialog = app.getByRole("dialog", { name: "Create container" });
    await dialog.getByRole("textbox", { name: "Name" }).fill("Not a name");
    await dialog.getByRole("combobox", { name: "Template" }).click();
    await expect(app.getByRole("option", { name: "Debian" })).toBeVisible();
    await expectNoViolations(app, "create: a wrong name, and the list of templates");
    await app.getByRole("option", { name: "Debian" }).click();
    await dialog.getByRole("combobox", { name: "Release" }).fill("../x");
    await expectNoViolations(app, "create: a template with a release");
    await dialog.getByRole("radio", { name: "Clone" }).check();
    await dialog.getByRole("combobox", { name: "Clone from" }).click();
    await expect(app.getByRole("option", { name: "e2e-base" })).toBeVisible();
    await expectNoViolations(app, "create: a clone, and the list of bases");
    await app.keyboard.press("Escape");
    await app.keyboard.press("Escape");
    await expect(dialog).toBeHidden();

    await createContainer(app, "e2e-clone", { cloneFrom: "e2e-base" });
    // While the pointer is on it, it stays.
    await app.getByText("e2e-clone is running.").hover();
    await expectNoViolations(app, "list with a clone, and what was done in the corner");
    await closeNews(app);
    await app.getByRole("button", { name: "Destroy e2e-base" }).click();
    await expect(app.getByRole("dialog", { name: "e2e-base is still needed" })).toBeVisible();
    await expectNoViolations(app, "destroy what others need");
    await app.keyboard.press("Escape");
    await app.getByRole("button", { name: "Destroy e2e-clone" }).click();
    await expect(app.getByRole("dialog", { name: "e2e-clone is running" })).toBeVisible();
    await expectNoViolations(app, "destroy what runs");
    await app.keyboard.press("Escape");
    await expect(app.getByRole("dialog")).toBeHidden();

    await setStopTimeout(app, "1");
    // Its init does not run any more, so it cannot end.
    lxcFreeze("e2e-clone");
    await expect(row(app, "e2e-clone").getByText("Frozen", { exact: true })).toBeVisible();
    await app.getByRole("button", { name: "Stop e2e-clone", exact: true }).click();
    await expect(app.getByRole("dialog", { name: "e2e-clone is still running" })).toBeVisible({ timeout: 30_000 });
    await expectNoViolations(app, "still running");
  });

  test("on any page of a container that does not run, is unknown, or is only shown", async ({ app }) => {
    await expect(app.getByText("No containers yet")).toBeVisible();
    await go(app, "Tasks");
    await expect(app.getByText("Nothing done yet")).toBeVisible();
    await expectNoViolations(app, "no tasks");
    await go(app, "Containers");
    await createContainer(app, "e2e-stopped", { start: false });
    await closeNews(app);
    const unsafe = join(lxcPath, "e2e-no name");
    mkdirSync(unsafe);
    writeFileSync(join(unsafe, "config"), "lxc.uts.name = x\n");
    try {
      await expect(row(app, "e2e-no name")).toBeVisible();
      await expectNoViolations(app, "list with a container that is only shown");
      await app.getByRole("link", { name: "e2e-no name", exact: true }).click();
      await app.getByRole("tab", { name: "Terminal" }).click();
      await expect(app.getByText("No terminal for this container")).toBeVisible();
      await expectNoViolations(app, "container that is only shown");
    } finally {
      rmSync(unsafe, { recursive: true });
    }
    await expect(app.getByText("There is no container e2e-no name")).toBeVisible();
    await expectNoViolations(app, "unknown container");
    await go(app, "Containers");
    await app.getByRole("searchbox", { name: "Filter containers" }).fill("nothing has this name");
    await expect(row(app, "e2e-stopped")).toBeHidden();
    await expectNoViolations(app, "list without a match");
    await app.getByRole("searchbox", { name: "Filter containers" }).fill("");
    await app.getByRole("link", { name: "e2e-stopped", exact: true }).click();
    await expectNoViolations(app, "overview, stopped");
    await app.getByRole("tab", { name: "Terminal" }).click();
    await expect(app.getByText("e2e-stopped does not run")).toBeVisible();
    await expectNoViolations(app, "terminal, stopped");
    await app.getByRole("tab", { name: "Logs" }).click();
    await app.getByText("Console", { exact: true }).click();
    await expectNoViolations(app, "console log, empty");
    await app.setViewportSize({ width: 480, height: 800 });
    await expectNoViolations(app, "container's page in a narrow window");
  });

  test("in what is said about a failure", async ({ app }) => {
    await createContainer(app, "e2e-fails", { start: false });
    await closeNews(app);
    rmSync(join(lxcPath, "e2e-fails/rootfs/sbin/init"), { force: true });
    await app.getByRole("button", { name: "Start e2e-fails", exact: true }).click();
    const alert = app.getByRole("alert");
    await alert.getByRole("button", { name: "Show details" }).click();
    await expect(alert).toContainText("lxc-start -n e2e-fails");
    await expectNoViolations(app, "failure in the corner");
    await alert.getByRole("button", { name: "Close" }).click();
    await openTask(app, "Start e2e-fails");
    await expect(app.getByRole("row", { name: /Start e2e-fails/ })).toContainText("Failed");
    await expectNoViolations(app, "failed task");
  });
});

async function go(app: Page, page: string) {
  await app
    .getByRole("navigation", { name: "Main" })
    .getByRole("link", { name: new RegExp(`^${page}`) })
    .click();
}

async function setStopTimeout(app: Page, seconds: string) {
  await go(app, "Settings");
  const timeout = app.getByRole("textbox", { name: "Time to shut down" });
  await timeout.fill(seconds);
  await timeout.press("Enter");
  await go(app, "Containers");
}
