import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { createContainer, expect, flip, openTask, row, test } from "./fixtures.ts";
import { lxcPath } from "./lxc.ts";

test("the review tells what runs and how the configuration differs, and so it is then", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-reviewed");
  await flip(dialog.getByRole("switch", { name: "Unprivileged" }));
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("textbox", { name: "Processes" }).fill("77");
  await dialog.getByRole("button", { name: "Next" }).click();
  const configuration = dialog.getByRole("group", { name: "Configuration" });
  await expect(configuration.getByRole("insertion").filter({ hasText: /^lxc\.cgroup2?\.pids\.max = 77$/ })).toBeVisible();
  await expect(configuration.getByRole("deletion").filter({ hasText: /^lxc\.idmap = u 0 / })).toHaveCount(1);
  await expect(configuration.getByRole("listitem").filter({ hasText: /Added: lxc\.cgroup2?\.pids\.max = 77/ })).toHaveCount(1);
  await expect(dialog.getByText(/^Compared with one where nothing was chosen: 1 line more, \d fewer\.$/)).toBeVisible();
  await expectNoViolationsInBothThemes(app, "the review");
  const told = await dialog.getByRole("group", { name: "Commands of Create" }).textContent();
  const lines = await configuration
    .getByRole("listitem")
    .filter({ hasNot: app.getByRole("deletion") })
    .allTextContents();
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-reviewed").getByText("Running", { exact: true })).toBeVisible();
  const made = readFileSync(join(lxcPath, "e2e-reviewed/config"), "utf8");
  for (const line of lines.map((text) => text.replace(/^[ +](Added: )?/, ""))) {
    // Another program may have taken the address meanwhile.
    if (!/^(# Here come the lines|lxc\.net\.0\.(hwaddr|ipv4))/.test(line)) expect(made).toContain(`${line}\n`);
  }
  const details = await openTask(app, "Create e2e-reviewed");
  expect(told?.split("\n").at(-1)).toContain("lxc-start -n e2e-reviewed ");
  for (const command of told?.split("\n") ?? []) await expect(details).toContainText(command);
});

test("the review of a clone tells what its base's configuration becomes, and why something cannot be made", async ({ app }) => {
  await createContainer(app, "e2e-reviewed-base", { start: false });
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-cloned");
  await dialog.getByRole("radio", { name: "Clone" }).check();
  await dialog.getByRole("combobox", { name: "Clone from" }).click();
  await app.getByRole("option", { name: "e2e-reviewed-base" }).click();
  // Somebody else takes the name meanwhile, in a way that the list does not show.
  mkdirSync(join(lxcPath, "e2e-cloned"));
  await dialog.getByRole("button", { name: "Review" }).click();
  await expect(dialog.getByRole("alert").getByText("e2e-cloned exists already")).toBeVisible();
  rmSync(join(lxcPath, "e2e-cloned"), { recursive: true });
  await dialog.getByRole("button", { name: "Back" }).click();
  await dialog.getByRole("button", { name: "Next" }).click();
  await expect(dialog.getByRole("group", { name: "Configuration" })).toContainText(
    `overlay:${lxcPath}/e2e-reviewed-base/rootfs:${lxcPath}/e2e-cloned/overlay/delta`,
  );
  await expect(dialog.getByRole("group", { name: "Commands of Create" })).toContainText("lxc-copy -n e2e-reviewed-base -N e2e-cloned");
  await expect(dialog.getByText("Compared with one where nothing was chosen: no line differs.")).toBeVisible();
});
