import type { Page } from "@playwright/test";
import { expectNoViolations } from "./axe.ts";
import { closeNews, confirmDestroy, createContainer, expect, flip, openTask, row, test } from "./fixtures.ts";
import { exists } from "./lxc.ts";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("axe finds nothing on any page or dialog", async ({ app }) => {
      test.setTimeout(180_000);
      await expect(app.getByText("No containers yet")).toBeVisible();
      await expectNoViolations(app, "empty list");
      await app.getByRole("button", { name: "Create container" }).click();
      await expect(app.getByRole("dialog").getByRole("combobox", { name: "Template" })).toHaveValue("BusyBox");
      await flip(app.getByRole("dialog").getByRole("switch", { name: "Unprivileged" }));
      await expect(app.getByText("Root inside will be root on this computer")).toBeVisible();
      await expectNoViolations(app, "create dialog");
      await app.keyboard.press("Escape");
      const name = "e2e-axe";
      await createContainer(app, name);
      await closeNews(app);
      await expect(row(app, name)).toContainText(/\d %/);
      await expectNoViolations(app, "list");
      await app.getByRole("button", { name: `Force stop ${name}` }).click();
      await expect(app.getByRole("dialog")).toBeVisible();
      await expectNoViolations(app, "force stop dialog");
      await app.keyboard.press("Escape");
      await app.getByRole("link", { name, exact: true }).click();
      await expect(app.getByRole("figure", { name: "CPU" })).toContainText(/\d %/);
      await expectNoViolations(app, "overview");
      await app.getByRole("tab", { name: "Terminal" }).click();
      await expect(app.getByRole("region", { name: `Terminal ${name}` })).toContainText("/ #");
      await expectNoViolations(app, "terminal");
      await app.getByRole("tab", { name: "Logs" }).click();
      await expect(app.getByRole("log")).toContainText("lxc-start");
      await expectNoViolations(app, "logs");
      await app.getByRole("tab", { name: "Configuration" }).click();
      await expect(app.getByText("lxc.rootfs.path")).toBeVisible();
      await expectNoViolations(app, "configuration");
      for (const page of ["Images", "Tasks", "Host", "Settings"]) {
        await app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: page }).click();
        await expect(app.getByRole("heading", { name: page, level: 1 })).toBeVisible();
        if (page === "Tasks") await openTask(app, /^Create/);
        await expectNoViolations(app, page);
      }
      await app.setViewportSize({ width: 480, height: 800 });
      await app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Containers" }).click();
      await app.getByRole("button", { name: `Actions for ${name}` }).click();
      await expect(app.getByRole("menuitem", { name: `Destroy ${name}` })).toBeVisible();
      await expectNoViolations(app, "narrow list with its menu");
    });
  });
}

test("a container is made and destroyed without a mouse", async ({ app }) => {
  const name = "e2e-keyboard";
  await expect(app.getByText("No containers yet")).toBeVisible();
  await reach(app, "Create container");
  await app.keyboard.press("Enter");
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await expect(dialog.getByRole("textbox", { name: "Name" })).toBeFocused();
  await app.keyboard.press("ControlOrMeta+a");
  await app.keyboard.type(name);
  await app.keyboard.press("Enter");
  await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
  await reach(app, `Stop ${name}`);
  await app.keyboard.press("Enter");
  await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible({ timeout: 45_000 });
  await reach(app, `Destroy ${name}`);
  await app.keyboard.press("Enter");
  await expect(app.getByRole("dialog", { name: `Destroy ${name}?` }).getByRole("textbox")).toBeFocused();
  await app.keyboard.type(name);
  await app.keyboard.press("Enter");
  await expect.poll(() => exists(name)).toBe(false);
});

test("Escape closes a dialog and the focus is where it was", async ({ app }) => {
  const button = app.getByRole("button", { name: "Create container" });
  await button.focus();
  await app.keyboard.press("Enter");
  await expect(app.getByRole("dialog")).toBeVisible();
  await app.keyboard.press("Escape");
  await expect(app.getByRole("dialog")).toBeHidden();
  await expect(button).toBeFocused();
});

test("settings are kept", async ({ app }) => {
  await app.getByRole("link", { name: "Settings" }).click();
  await app.getByText("Dark", { exact: true }).click();
  await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await app.reload();
  await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await app.getByText("Like the system", { exact: true }).click();
  await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "light");
});

test("a narrow window keeps everything within reach", async ({ app }) => {
  await createContainer(app, "e2e-narrow", { start: false });
  await app.setViewportSize({ width: 480, height: 800 });
  await app.getByRole("button", { name: "Actions for e2e-narrow" }).click();
  await app.getByRole("menuitem", { name: "Destroy e2e-narrow" }).click();
  await confirmDestroy(app, "e2e-narrow");
  expect(await app.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});

/** Presses Tab until the button of this name has the focus. */
async function reach(app: Page, name: string) {
  const button = app.getByRole("button", { name, exact: true });
  for (let presses = 0; presses < 60; presses++) {
    await app.keyboard.press("Tab");
    if (await button.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${name} cannot be reached by keyboard`);
}
