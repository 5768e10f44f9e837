import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { createTaskHistory } from "../../privileged-helper/task-history.ts";
import { expectNoViolations, expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, createContainer, expect, openTask, row, test } from "./fixtures.ts";
import { exists, lxcLs, lxcPath } from "./lxc.ts";
import { userName } from "./test-user.ts";
import { startWebHost } from "./web-host.ts";

const table = (app: Page) => app.getByRole("table", { name: "Tasks" });
const taskRow = (app: Page, title: string): Locator =>
  table(app)
    .getByRole("row")
    .filter({ has: app.getByRole("button", { name: title, exact: true }) });
const details = (app: Page) => app.getByRole("region", { name: "Task log" });
const goToTasks = (app: Page) =>
  app
    .getByRole("navigation", { name: "Main" })
    .getByRole("link", { name: /^Tasks/ })
    .click();

test("what was done is in a table: how it went, by whom, when, its commands and output; and it is there after a restart", async ({
  app,
  chromium,
}, info) => {
  await createContainer(app, "e2e-listed", { start: false });
  await closeNews(app);
  await goToTasks(app);
  const created = taskRow(app, "Create e2e-listed");
  await expect(created).toContainText("Done");
  await expect(created).toContainText(userName);
  await expect(created).toContainText(/\d+ (ms|s)/);
  await expect(created.getByRole("rowheader", { name: "Create e2e-listed" })).toBeVisible();
  await expect(created.locator("time")).toHaveAttribute("title", new RegExp(`${new Date().getFullYear()} at \\d\\d:\\d\\d:\\d\\d$`));
  await expect(details(app)).toBeHidden();

  await test.step("a click anywhere on its row opens its details, and the keyboard closes them", async () => {
    await created.getByText("Done").click();
    const commands = details(app).getByRole("list", { name: "Commands of Create e2e-listed" });
    await expect(commands.getByRole("listitem").filter({ hasText: "lxc-create -n e2e-listed" })).toBeVisible();
    await expect(commands.getByRole("button", { name: /^Copy command lxc-create -n e2e-listed/ })).toBeVisible();
    await expect(details(app).getByRole("button", { name: "Copy all commands" })).toBeVisible();
    await expect(details(app).getByRole("log", { name: "Output of Create e2e-listed" })).toContainText(/\S/);
    await expect(details(app)).toContainText(`Started by ${userName}:`);
    await expectNoViolationsInBothThemes(app, "details of a task");
    const header = created.getByRole("button", { name: "Create e2e-listed", exact: true });
    await expect(header).toHaveAttribute("aria-expanded", "true");
    await header.focus();
    await app.keyboard.press("Enter");
    await expect(details(app)).toBeHidden();
    await app.keyboard.press("Enter");
    await expect(details(app)).toBeVisible();
  });

  await test.step("its container is one click away as long as it is there", async () => {
    await created.getByRole("link", { name: "e2e-listed" }).click();
    await expect(app.getByRole("heading", { name: "e2e-listed", level: 1 })).toBeVisible();
  });

  test.skip(info.project.name === "electron", "a second host is started");
  await test.step("another helper shows it, too", async () => {
    const host = await startWebHost();
    const page = await (await chromium.newContext()).newPage();
    try {
      await page.goto(host.address);
      await openTask(page, "Create e2e-listed");
      await expect(taskRow(page, "Create e2e-listed")).toContainText(userName);
      await expect(details(page)).toContainText("lxc-create -n e2e-listed");
      await page.getByRole("button", { name: "Clear finished" }).click();
      await expect(page.getByText("Nothing done yet")).toBeVisible();
      await goToTasks(app);
      await expect(app.getByText("Nothing done yet")).toBeVisible();
    } finally {
      await page.context().close();
      await host.stop();
    }
  });
});

test("what is asked of a container that is just stopping waits, can be cancelled, and tried again", async ({ app }) => {
  const name = "e2e-queued";
  await createContainer(app, name, { start: false });
  makeStubborn(name);
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
  await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
  await expect(row(app, name).getByText("Stopping", { exact: true })).toBeVisible();

  await destroyAfterStopping(app, name);
  await goToTasks(app);
  const destroying = taskRow(app, `Destroy ${name}`);
  await expect(destroying).toContainText("Waiting");
  await expect(destroying).toContainText(`Waits for Stop ${name}`);
  await expect(taskRow(app, `Stop ${name}`)).toContainText("Running");
  await expectNoViolations(app, "a task that waits");
  await destroying.getByRole("button", { name: `Cancel Destroy ${name}` }).click();
  await expect(destroying).toContainText("Cancelled");
  expect(exists(name)).toBe(true);

  await test.step("trying again asks again, and by then it has its turn", async () => {
    await destroying.getByRole("button", { name: `Retry Destroy ${name}` }).click();
    const dialog = app.getByRole("dialog", { name: `Destroy ${name}?` });
    await expect(dialog).toContainText(`${name} is being stopped, and is destroyed after that.`);
    await dialog.getByRole("textbox").fill(name);
    await dialog.getByRole("button", { name: "Destroy", exact: true }).click();
    await expect(destroying.filter({ hasText: "Waiting" })).toBeVisible();
    await app.getByRole("link", { name: "Containers", exact: true }).click();
    // Goes first, and ends what waits for the container to shut down.
    await app.getByRole("button", { name: `Force stop ${name}` }).click();
    await app.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
    await expect(app.getByText("No containers yet")).toBeVisible();
    expect(exists(name)).toBe(false);
    await goToTasks(app);
    await expect(taskRow(app, `Stop ${name}`)).toContainText("Cancelled");
    await expect(destroying.filter({ hasText: "Done" })).toBeVisible();
    await expect(destroying.getByRole("link", { name })).toHaveCount(0);
  });
});

test("what failed says why in its row, and is tried again with what was asked for then", async ({ app }) => {
  const name = "e2e-again";
  await createContainer(app, name, { start: false });
  const config = join(lxcPath, name, "config");
  const good = readFileSync(config, "utf8");
  writeFileSync(config, good.replace(/^lxc\.net\.0\.link.*$/m, "lxc.net.0.link = e2ebr9"));
  await app.getByRole("button", { name: `Start ${name}`, exact: true }).click();
  await app.getByRole("alert").getByRole("button", { name: "Close" }).click();
  await openTask(app, `Start ${name}`);
  const failed = taskRow(app, `Start ${name}`);
  await expect(failed.first()).toContainText("Failed");
  await expect(failed.first()).toContainText(`${name} did not start`);
  await expect(details(app)).toContainText("The network bridge e2ebr9 is not there.");
  await expect(details(app).getByRole("button", { name: "Fix and start" })).toBeVisible();
  await expect(details(app).getByRole("button", { name: "Try again" })).toBeVisible();
  writeFileSync(config, good);
  await failed.getByRole("button", { name: `Retry Start ${name}` }).click();
  await expect(failed.filter({ hasText: "Done" })).toBeVisible();
  expect(lxcLs(name)?.state).toBe("RUNNING");
  await expect(failed).toHaveCount(2);
});

test("two hundred tasks are found by state and by words, in any window", async ({ app }) => {
  await expect(app.getByText("No containers yet")).toBeVisible();
  const history = createTaskHistory({ lxcPath });
  for (let count = 0; count < 200; count++) {
    const startedAt = Date.now() - (200 - count) * 60_000;
    history.keep(
      {
        id: `t${String(count).padStart(4, "0")}`,
        kind: count % 2 ? "stop" : "start",
        target: `e2e-many-${count}`,
        state: count % 10 === 0 ? "failed" : "succeeded",
        requestedBy: { uid: 0, user: "root" },
        request: { method: "containers.start", params: { name: `e2e-many-${count}` } },
        cancellable: false,
        startedAt,
        endedAt: startedAt + 1_000,
        problem: count % 10 === 0 ? { code: "timed-out", what: "lxc-start", seconds: 1 } : undefined,
        notices: [],
        commands: [],
      },
      { text: "", truncated: false },
    );
  }
  await goToTasks(app);
  const rows = table(app).getByRole("rowheader");
  await expect(rows).toHaveCount(200);
  await expect(rows.first()).toHaveText("Stop e2e-many-199");
  await app.getByRole("combobox", { name: "Show tasks" }).selectOption("Failed");
  await expect(rows).toHaveCount(20);
  await app.getByRole("searchbox", { name: "Filter tasks" }).fill("start many-190");
  await expect(rows).toHaveText([/Start e2e-many-190/]);
  await app.getByRole("searchbox", { name: "Filter tasks" }).fill("nothing is called that");
  await expect(app.getByText("Nothing matches")).toBeVisible();
  await expectNoViolations(app, "no task matches");
  await app.getByRole("button", { name: "Show all 200" }).click();
  await expect(rows).toHaveCount(200);
  for (const width of [900, 620, 400]) {
    await app.setViewportSize({ width, height: 700 });
    const overflow = await app.locator("#main").evaluate((main) => main.scrollWidth - main.clientWidth);
    expect(overflow, `${width} pixels`).toBe(0);
    await expect(taskRow(app, "Start e2e-many-190").getByRole("button", { name: "Retry Start e2e-many-190" })).toBeVisible();
  }
});

/** Its init does not care for the signal that asks it to end. */
function makeStubborn(name: string) {
  const folder = join(lxcPath, name, "rootfs/opt");
  const script = join(folder, "stubborn");
  mkdirSync(folder, { recursive: true });
  writeFileSync(script, "#!/bin/sh\ntrap '' USR1 PWR TERM INT\nwhile :; do sleep 1; done\n");
  chmodSync(folder, 0o755);
  chmodSync(script, 0o755);
  const config = join(lxcPath, name, "config");
  writeFileSync(config, `${readFileSync(config, "utf8")}lxc.init.cmd = /opt/stubborn\n`);
}

async function destroyAfterStopping(app: Page, name: string) {
  await app.getByRole("button", { name: `Destroy ${name}` }).click();
  const dialog = app.getByRole("dialog", { name: `Destroy ${name}?` });
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: "Destroy", exact: true }).click();
  await expect(dialog).toBeHidden();
}
