import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { createContainer, expect, flip, row, test } from "./fixtures.ts";
import { exists, lxcLs, lxcPath } from "./lxc.ts";
import { beginCreatingDebian, startSilentMirror } from "./silent-mirror.ts";

test("a bad name is refused while it is typed", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  const name = dialog.getByRole("textbox", { name: "Name" });
  const create = dialog.getByRole("button", { name: "Create", exact: true });
  for (const [bad, reason] of [
    ["", "Type a name."],
    ["Web", "Use lower-case letters only."],
    ["web server", "Use only lower-case letters, digits and hyphens."],
    ["-web", "A name cannot begin or end with a hyphen."],
    ["web-", "A name cannot begin or end with a hyphen."],
    ["123", "A name needs at least one letter."],
    ["../etc", "Use only lower-case letters, digits and hyphens."],
    ["a".repeat(64), "A name has at most 63 characters."],
  ] as const) {
    await name.fill(bad);
    await expect(dialog.getByText(reason)).toBeVisible();
    await expect(create).toBeDisabled();
  }
  await name.fill("e2e-good");
  await expect(create).toBeEnabled();
});

test("a name that exists is refused while it is typed", async ({ app }) => {
  await createContainer(app, "e2e-taken", { start: false });
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-taken");
  await expect(dialog.getByText("There is a container e2e-taken already.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Create", exact: true })).toBeDisabled();
});

test("a privileged container is made only after a warning", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  const unprivileged = dialog.getByRole("switch", { name: "Unprivileged" });
  await expect(unprivileged).toBeChecked();
  await flip(unprivileged);
  await expect(dialog.getByText("Root inside will be root on this computer")).toBeVisible();
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-privileged");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-privileged").getByText("Running", { exact: true })).toBeVisible();
  expect(lxcLs("e2e-privileged")?.unprivileged).toBe("false");
});

test("several are made at once, with limits, and one of them that cannot be made does not keep the others", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  const count = dialog.getByRole("textbox", { name: "How many" });
  await count.fill("51");
  await expect(dialog.getByText("From 1 to 50.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Create", exact: true })).toBeDisabled();
  await count.fill("3");
  await expect(dialog.getByRole("textbox", { name: "Name" })).toHaveValue("container");
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-many");
  await expect(dialog.getByText("They are called e2e-many-1 to e2e-many-3.")).toBeVisible();
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("textbox", { name: "Processes" }).fill("99");
  // Somebody else takes one of the names meanwhile, in a way that the list does not show.
  mkdirSync(join(lxcPath, "e2e-many-2"));
  try {
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    for (const name of ["e2e-many-1", "e2e-many-3"]) await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
    await expect(app.getByRole("alert").filter({ hasText: "e2e-many-2" })).toBeVisible();
    await expect(app.getByText("2 containers are running: e2e-many-1 to e2e-many-3.")).toBeVisible();
    expect(readFileSync(join(lxcPath, "e2e-many-1/config"), "utf8")).toMatch(/^lxc\.cgroup2?\.pids\.max = 99$/m);

    await test.step("what is said of that lies over no button of a dialog, in no window", async () => {
      for (const [width, height] of smallWindows) {
        await app.setViewportSize({ width, height });
        await app.getByRole("button", { name: "Create container" }).click();
        await expect(app.getByRole("alert").filter({ hasText: "e2e-many-2" })).toBeVisible();
        await expect.poll(() => hiddenButtons(dialog), `${width} x ${height}`).toEqual([]);
        await app.keyboard.press("Escape");
        await app
          .getByRole("button", { name: "Force stop e2e-many-1" })
          .or(app.getByRole("button", { name: "Actions for e2e-many-1" }))
          .first()
          .click();
        await app.getByRole("menuitem", { name: "Force stop e2e-many-1" }).or(app.getByRole("dialog")).first().click();
        const small = app.getByRole("dialog", { name: "Stop e2e-many-1 by force?" });
        await expect(small).toBeVisible();
        await expect.poll(() => hiddenButtons(small), `small, ${width} x ${height}`).toEqual([]);
        await small.getByRole("button", { name: "Cancel" }).click();
      }
    });
  } finally {
    rmSync(join(lxcPath, "e2e-many-2"), { recursive: true });
  }
});

test("three steps are walked by keyboard, and what is refused on another one is shown there", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-steps");
  await dialog.getByRole("button", { name: "Next" }).press("Enter");
  await expect(dialog.getByRole("heading", { name: "Step 2 of 3: Settings" })).toBeFocused();
  await expectNoViolationsInBothThemes(app, "a step of the create dialog");
  await dialog.getByRole("textbox", { name: "Processes" }).fill("1");
  await expect(dialog.getByRole("button", { name: "Next" })).toBeDisabled();
  await dialog.getByRole("button", { name: "Back" }).press("Enter");
  await expect(dialog.getByRole("textbox", { name: "Name" })).toHaveValue("e2e-steps");
  await expect(dialog.getByRole("button", { name: "Review" })).toBeDisabled();
  await dialog.getByRole("textbox", { name: "Name" }).press("Enter");
  await expect(dialog.getByText("Type at least 8, or nothing.")).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "Processes" })).toBeFocused();
  await app.keyboard.press("ControlOrMeta+a");
  await app.keyboard.type("64");
  await dialog.getByRole("button", { name: "Review" }).click();
  const review = dialog.getByRole("table", { name: "What will be made" });
  await expect(review.getByRole("row", { name: "Name" })).toContainText("e2e-steps");
  await expect(review.getByRole("row", { name: "Limits" })).toContainText("64 processes");
  await expectNoViolationsInBothThemes(app, "a step of the create dialog");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-steps").getByText("Running", { exact: true })).toBeVisible();
});

test("its buttons are in sight in a small window, on every step, and what is below is within reach", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await expect(dialog.getByRole("combobox", { name: "Template" })).toBeEnabled();
  for (const step of ["Source", "Settings", "Review"]) {
    await dialog.getByRole("button", { name: step, exact: true }).click();
    for (const [width, height] of smallWindows) {
      await app.setViewportSize({ width, height });
      await expect.poll(() => hiddenButtons(dialog), `${step}, ${width} x ${height}`).toEqual([]);
    }
  }
  await dialog.getByRole("button", { name: "Source", exact: true }).click();
  // The keyboard leads to what is below, and then it is in sight.
  await app.setViewportSize({ width: 800, height: 600 });
  const start = dialog.getByRole("switch", { name: "Start after creation" });
  await expect(start).not.toBeInViewport();
  await expect(dialog.locator("[data-more-below]")).toHaveCount(1);
  await start.focus();
  await expect(start).toBeInViewport();

  await start.evaluate((element) => element.closest(".dialog-content")?.scrollTo({ top: 10_000 }));
  await expect(dialog.locator("[data-more-below]")).toHaveCount(0);
});

test("creating can be cancelled, and nothing of it is left", async ({ app }) => {
  const mirror = await startSilentMirror();
  try {
    await beginCreatingDebian(app, "e2e-cancelled", mirror);
    await app.getByRole("button", { name: "Cancel Create e2e-cancelled" }).click();
    await expect(app.getByRole("row", { name: /Create e2e-cancelled/ })).toContainText("Cancelled", { timeout: 60_000 });
    expect(exists("e2e-cancelled")).toBe(false);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("e2e-cancelled");
  } finally {
    await mirror.close();
  }
});

test("a container that does not stop by itself is stopped by force only when asked for", async ({ app }) => {
  await app.getByRole("link", { name: "Settings" }).click();
  const timeout = app.getByRole("textbox", { name: "Time to shut down" });
  await timeout.fill("2");
  await timeout.press("Enter");
  await app.getByRole("link", { name: "Containers", exact: true }).click();
  const name = "e2e-stubborn";
  await createContainer(app, name, { start: false });
  // An init that does not care for the signal that asks it to end.
  const config = join(lxcPath, name, "config");
  mkdirSync(join(lxcPath, name, "rootfs/opt"), { recursive: true });
  const script = join(lxcPath, name, "rootfs/opt/stubborn");
  writeFileSync(script, "#!/bin/sh\ntrap '' USR1 PWR TERM INT\nwhile :; do sleep 1; done\n");
  chmodSync(join(lxcPath, name, "rootfs/opt"), 0o755);
  chmodSync(script, 0o755);
  writeFileSync(config, `${readFileSync(config, "utf8")}lxc.init.cmd = /opt/stubborn\n`);
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
  await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
  const dialog = app.getByRole("dialog", { name: `${name} is still running` });
  await expect(dialog).toContainText("did not stop within 2 seconds");
  expect(lxcLs(name)?.state).toBe("RUNNING");
  await dialog.getByRole("button", { name: "Force stop" }).click();
  await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible();
});

const smallWindows = [
  [420, 700],
  [800, 600],
  [1280, 720],
] as const;

/** The buttons below a dialog's content that something lies over, or that are outside of the window. */
async function hiddenButtons(dialog: Locator): Promise<string[]> {
  const names = ["Cancel", "Back", "Next", "Create", "Force stop"];
  const buttons = await dialog.getByRole("button").all();
  const hidden: string[] = [];
  for (const button of buttons) {
    const name = (await button.textContent()) ?? "";
    if (!names.includes(name)) continue;
    const isFree = await button.evaluate((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return [
        [left + 3, top + 3],
        [right - 3, bottom - 3],
      ].every(([x = 0, y = 0]) => element.contains(document.elementFromPoint(x, y)));
    });
    if (!isFree) hidden.push(name);
  }
  return hidden;
}
