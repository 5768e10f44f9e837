import type { Browser } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { expect, flip, row, test } from "./fixtures.ts";
import { run } from "./machine.ts";
import { startWebHost } from "./web-host.ts";

/** The app, started for this and ended after it. */
async function inApp(chromium: Browser, work: (app: import("@playwright/test").Page) => Promise<void>) {
  const host = await startWebHost();
  const context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    const app = await context.newPage();
    await app.goto(host.address);
    await work(app);
  } finally {
    await context.close();
    await host.stop();
  }
}

const removeBridge = () => run("/bin/sh", "-c", "ip link delete e2ebr7 2>/dev/null || true");
test.afterEach(removeBridge);

test("a choice is saved as a profile, and used, replaced and deleted after the app was started anew", async ({ chromium }) => {
  test.setTimeout(180_000);
  run("/sbin/ip", "link", "add", "e2ebr7", "type", "bridge");
  await inApp(chromium, async (app) => {
    await app.getByRole("button", { name: "Create container" }).click();
    const dialog = app.getByRole("dialog", { name: "Create container" });
    await expect(dialog.getByRole("combobox", { name: "Template" })).toBeVisible();
    await expect(dialog.getByRole("combobox", { name: "Profile" })).toBeHidden();
    await flip(dialog.getByRole("switch", { name: "Start after creation" }));
    await dialog.getByRole("button", { name: "Next" }).click();
    await dialog.getByRole("textbox", { name: "Memory" }).fill("128");
    await dialog.getByRole("combobox", { name: "Network" }).click();
    await app.getByRole("option", { name: "Bridge e2ebr7" }).click();
    await flip(dialog.getByRole("switch", { name: "Start when this computer starts" }));
    await dialog.getByRole("button", { name: "Next" }).click();
    await dialog.getByRole("button", { name: "Save as profile" }).click();
    const name = dialog.getByRole("textbox", { name: "Name of the profile" });
    await expect(dialog.getByRole("button", { name: "Save profile" })).toBeDisabled();
    await name.fill("Small");
    await expectNoViolationsInBothThemes(app, "the name of a profile");
    // Enter saves it, and makes no container.
    await name.press("Enter");
    await expect(dialog.getByText("The profile Small is saved.")).toBeVisible();
    await app.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  });
  removeBridge();
  await inApp(chromium, async (app) => {
    await app.getByRole("button", { name: "Create container" }).click();
    const dialog = app.getByRole("dialog", { name: "Create container" });
    await dialog.getByRole("combobox", { name: "Profile" }).click();
    await app.getByRole("option", { name: "Small" }).click();
    await expect(dialog.getByRole("textbox", { name: "Name", exact: true })).toHaveValue("small-1");
    await expect(dialog.getByRole("switch", { name: "Start after creation" })).not.toBeChecked();
    await expectNoViolationsInBothThemes(app, "a profile that is chosen");
    // Its bridge is gone: Create leads to where another one is chosen.
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    const network = dialog.getByRole("combobox", { name: "Network" });
    await expect(network).toBeFocused();
    await expect(network).toHaveValue("Bridge e2ebr7 (not on this computer)");
    await expect(dialog.getByText("There is no bridge e2ebr7 on this computer. Choose another network.")).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Next" })).toBeDisabled();
    await expectNoViolationsInBothThemes(app, "a bridge that is gone");
    await network.press("ArrowDown");
    await app.getByRole("option", { name: "As usual on this computer" }).click();
    await expect(dialog.getByRole("textbox", { name: "Memory" })).toHaveValue("128");
    await expect(dialog.getByRole("switch", { name: "Start when this computer starts" })).toBeChecked();
    await dialog.getByRole("textbox", { name: "Memory" }).fill("96");
    await dialog.getByRole("button", { name: "Next" }).click();
    await dialog.getByRole("button", { name: "Save as profile" }).click();
    await expect(dialog.getByRole("textbox", { name: "Name of the profile" })).toHaveValue("Small");
    await expect(dialog.getByText("There is a profile Small: it is replaced.")).toBeVisible();
    await dialog.getByRole("button", { name: "Replace profile" }).click();
    await expect(dialog.getByText("The profile Small is replaced.")).toBeVisible();
    await dialog.getByRole("button", { name: "Source" }).click();
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("e2e-small");
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    await expect(row(app, "e2e-small").getByText("Stopped", { exact: true })).toBeVisible();

    await app.getByRole("button", { name: "Create container" }).click();
    await dialog.getByRole("combobox", { name: "Profile" }).click();
    await app.getByRole("option", { name: "Small" }).click();
    await dialog.getByRole("button", { name: "Delete profile Small" }).click();
    await expect(dialog.getByRole("combobox", { name: "Profile" })).toBeHidden();
    await app.getByRole("button", { name: "Undo" }).click();
    await dialog.getByRole("combobox", { name: "Profile" }).click();
    await app.getByRole("option", { name: "Small" }).click();
    await dialog.getByRole("button", { name: "Next" }).click();
    await expect(dialog.getByRole("textbox", { name: "Memory" })).toHaveValue("96");
    await dialog.getByRole("button", { name: "Back" }).click();
    await dialog.getByRole("button", { name: "Delete profile Small" }).click();
    await expect(dialog.getByRole("combobox", { name: "Profile" })).toBeHidden();
  });
});
