import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, createContainer, expect, row, test } from "./fixtures.ts";
import { exists, lxc, lxcLs, lxcPath } from "./lxc.ts";

const goToContainers = (app: Page) => app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Containers" }).click();

/** Opens a throw-away copy, from the container's own page or from its row. @returns Its dialog and its name. */
async function tryOut(app: Page, base: string, from: "page" | "row" = "page") {
  if (from === "page") await row(app, base).getByRole("link", { name: base, exact: true }).click();
  await app.getByRole("button", { name: `Try ${base}`, exact: true }).click();
  const dialog = app.getByRole("dialog", { name: new RegExp(`^${base}-try-[a-z0-9]{4}$`) });
  await expect(dialog).toBeVisible({ timeout: 30_000 });
  const terminal = dialog.getByRole("region", { name: /^Terminal / });
  await expect(terminal).toContainText("#");
  const name = (await terminal.getAttribute("aria-label"))?.replace("Terminal ", "") ?? "";
  const type = async (command: string, answer: string) => {
    await terminal.getByRole("textbox").focus();
    await app.keyboard.type(`${command}\n`);
    await expect(terminal).toContainText(answer);
  };
  return { dialog, name, type };
}

test("a container is tried, and what was tried is gone with its dialog or its shell, also when the window was loaded anew meanwhile", async ({
  app,
}) => {
  await createContainer(app, "e2e-base", { start: false });
  const first = await tryOut(app, "e2e-base");
  await first.type("echo ha''lf > /root/mark; cat /root/mark", "half");
  await expectNoViolationsInBothThemes(app, "a throw-away container");
  // It may be meant for what runs in the terminal.
  await app.keyboard.press("Escape");
  await expect(first.dialog).toBeVisible();
  expect(lxcLs(first.name)).toMatchObject({ state: "RUNNING", unprivileged: "true" });
  await first.dialog.getByRole("button", { name: "Throw away" }).click();
  await expect(first.dialog).toBeHidden();
  await goToContainers(app);
  await expect(row(app, first.name)).toBeHidden();
  expect(exists(first.name)).toBe(false);

  const second = await tryOut(app, "e2e-base");
  await second.type("ls /root | wc -l", "0");
  await app.keyboard.type("exit\n");
  await expect(second.dialog).toBeHidden();
  await expect.poll(() => exists(second.name)).toBe(false);

  await goToContainers(app);
  await expect(row(app, "e2e-base").getByRole("button", { name: "Try e2e-base" })).toBeHidden();
  await app.setViewportSize({ width: 1600, height: 800 });
  const third = await tryOut(app, "e2e-base", "row");
  expect(exists(third.name)).toBe(true);
  await app.reload();
  await expect(app.getByRole("button", { name: "Try e2e-base", exact: true })).toBeVisible();
  // Its shell goes on, so it does, too.
  await app.getByRole("link", { name: "Terminals", exact: true }).click();
  expect(exists(third.name)).toBe(true);
  await app.getByRole("button", { name: new RegExp(`^Close .* of ${third.name}$`) }).click();
  await expect.poll(() => exists(third.name)).toBe(false);
});

test("what is tried can be kept: as it is, or under another name", async ({ app }) => {
  await createContainer(app, "e2e-base", { start: false });
  const first = await tryOut(app, "e2e-base");
  await first.type("echo ke''pt > /root/mark; cat /root/mark", "kept");
  await first.dialog.getByRole("button", { name: "Keep" }).click();
  const name = first.dialog.getByRole("textbox", { name: "Keep as" });
  await expect(name).toHaveValue(first.name);
  await name.fill("e2e-base");
  await expect(first.dialog.getByText("There is a container e2e-base already.")).toBeVisible();
  await name.fill(first.name);
  await first.dialog.getByRole("button", { name: "Keep" }).click();
  await expect(first.dialog).toContainText("is there to stay");
  await first.type("echo still-he''re", "still-here");
  await first.dialog.getByRole("button", { name: "Close" }).last().click();
  await goToContainers(app);
  await expect(row(app, first.name)).toContainText("Clone of e2e-base");
  expect(lxcLs(first.name)?.state).toBe("RUNNING");

  const second = await tryOut(app, "e2e-base");
  await second.type("echo mo''ved > /root/mark; cat /root/mark", "moved");
  await second.dialog.getByRole("button", { name: "Keep" }).click();
  await second.dialog.getByRole("textbox", { name: "Keep as" }).fill("e2e-kept");
  await expect(second.dialog.getByText("it is shut down and started again")).toBeVisible();
  await second.dialog.getByRole("button", { name: "Keep" }).click();
  await expect(second.dialog).toBeHidden({ timeout: 60_000 });
  await expect(app.getByRole("heading", { name: "e2e-kept" })).toBeVisible();
  expect(lxc("lxc-attach", "-n", "e2e-kept", "--", "cat", "/root/mark")).toBe("moved\n");
  await goToContainers(app);
  await expect(row(app, second.name)).toBeHidden();
});

test("what runs is cloned as a full copy, and an old state of it at once", async ({ app }) => {
  await createContainer(app, "e2e-base", { start: false });
  lxc("lxc-snapshot", "-n", "e2e-base");
  writeFileSync(join(lxcPath, "e2e-base/rootfs/new"), "");
  await app.getByRole("button", { name: "Start e2e-base", exact: true }).click();
  await expect(row(app, "e2e-base").getByText("Running", { exact: true })).toBeVisible();
  const choose = async (name: string) => {
    await row(app, "e2e-base").getByRole("link", { name: "e2e-base", exact: true }).click();
    await app.getByRole("button", { name: "Clone e2e-base", exact: true }).click();
    const dialog = app.getByRole("dialog", { name: "Create container" });
    await dialog.getByRole("textbox", { name: "Name" }).fill(name);
    return dialog;
  };
  const dialog = await choose("e2e-full");
  await expect(dialog.getByRole("radio", { name: "Instant" })).toBeDisabled();
  await expect(dialog.getByRole("radio", { name: "Full copy" })).toBeChecked();
  await expect(dialog.getByRole("button", { name: "Stop e2e-base" })).toBeVisible();
  await expectNoViolationsInBothThemes(app, "cloning what runs");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await goToContainers(app);
  await expect(row(app, "e2e-full").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(row(app, "e2e-full")).not.toContainText("Clone of");
  await expect(row(app, "e2e-base").getByText("Running", { exact: true })).toBeVisible();
  await closeNews(app);

  await choose("e2e-old");
  await dialog.getByRole("combobox", { name: "State" }).click();
  await app.getByRole("option", { name: /snap0/ }).click();
  await expect(dialog.getByRole("radio", { name: "Instant" })).toBeChecked();
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await goToContainers(app);
  await expect(row(app, "e2e-old").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(lxc("lxc-attach", "-n", "e2e-old", "--", "ls", "/")).not.toMatch(/^new$/m);
  expect(lxc("lxc-attach", "-n", "e2e-full", "--", "ls", "/")).toMatch(/^new$/m);
});
