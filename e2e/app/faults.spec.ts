import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expectNoViolationsInBothThemes as expectNoViolations } from "./axe.ts";
import { createContainer, everyAction, expect, row, test } from "./fixtures.ts";
import { lxcLs } from "./lxc.ts";
import { helperPids } from "./processes.ts";
import { setRule } from "./test-user.ts";
import { startWebHost } from "./web-host.ts";

const installed = "/usr/lib/lxc-desktop";

/** Opens a host of its own, for what has to be arranged before it starts. */
async function withHost(page: Page, options: Parameters<typeof startWebHost>[0], look: () => Promise<void>) {
  const host = await startWebHost(options);
  try {
    await page.goto(host.address);
    await look();
  } finally {
    await host.stop();
  }
}

test.describe("screens", () => {
  test.beforeEach(({ browserName: _ }, info) => {
    test.skip(info.project.name === "electron", "the fault is arranged before the web host starts");
  });

  test("the helper is not installed", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    renameSync(installed, `${installed}.away`);
    try {
      await withHost(page, {}, async () => {
        await expect(page.getByRole("heading", { name: "The helper is not installed" })).toBeVisible();
        // Settings and the way around stay, and after the installation one click is enough.
        await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
        await expectNoViolations(page, "helper not installed");
        renameSync(`${installed}.away`, installed);
        await page.getByRole("button", { name: "Try again" }).click();
        await expect(page.getByText("No containers yet")).toBeVisible();
      });
    } finally {
      execFileSync("/bin/sh", ["-c", `if [ -d ${installed}.away ]; then rm -rf ${installed}; mv ${installed}.away ${installed}; fi`]);
      await page.context().close();
    }
  });

  test("the helper is of another version", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    const manifest = `${installed}/manifest.json`;
    const before = readFileSync(manifest, "utf8");
    writeFileSync(manifest, JSON.stringify({ ...JSON.parse(before), version: "0.0.1" }));
    try {
      await withHost(page, {}, async () => {
        await expect(page.getByRole("heading", { name: "The helper is of another version" })).toBeVisible();
        await expect(page.getByText("version 0.0.1")).toBeVisible();
        await expectNoViolations(page, "helper of another version");
        expect(helperPids()).toEqual([]);
      });
    } finally {
      writeFileSync(manifest, before);
      await page.context().close();
    }
  });

  test("the helper says that it is of another version than it was installed as", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    const program = `${installed}/helper/main.cjs`;
    const before = readFileSync(program, "utf8");
    const { version } = JSON.parse(readFileSync(`${installed}/manifest.json`, "utf8"));
    writeFileSync(program, before.replaceAll(JSON.stringify(version), '"0.0.1"'));
    try {
      await withHost(page, {}, async () => {
        await expect(page.getByRole("heading", { name: "The helper is of another version" })).toBeVisible();
        await expect(page.getByText("version 0.0.1")).toBeVisible();
        await expect.poll(helperPids).toEqual([]);
        writeFileSync(program, before);
        await page.getByRole("button", { name: "Try again" }).click();
        await expect(page.getByText("No containers yet")).toBeVisible();
      });
    } finally {
      writeFileSync(program, before);
      await page.context().close();
    }
  });

  test("the helper could be changed by others", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    execFileSync("/usr/bin/chmod", ["g+w", `${installed}/helper/main.cjs`]);
    try {
      await withHost(page, {}, async () => {
        await expect(page.getByRole("heading", { name: "The helper refused to start" })).toBeVisible();
        await page.getByRole("button", { name: "Show details" }).click();
        await expect(page.getByText("helper/main.cjs")).toBeVisible();
        await expectNoViolations(page, "helper refused, with details");
        expect(helperPids()).toEqual([]);
      });
    } finally {
      execFileSync("/usr/bin/chmod", ["g-w", `${installed}/helper/main.cjs`]);
      await page.context().close();
    }
  });

  test("a rule denies it", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    await setRule({ refused: everyAction });
    await withHost(page, {}, async () => {
      await expect(page.getByRole("heading", { name: "You may not do this" })).toBeVisible();
      await expectNoViolations(page, "denied");
      expect(helperPids()).toEqual([]);
      await setRule({ granted: everyAction });
      await page.getByRole("button", { name: "Try again" }).click();
      await expect(page.getByText("No containers yet")).toBeVisible();
    });
    await page.context().close();
  });

  test("nothing can ask for the password", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    await setRule({});
    await withHost(page, {}, async () => {
      await expect(page.getByRole("heading", { name: "Nothing here can ask for your password" })).toBeVisible();
      await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
      await expectNoViolations(page, "no agent");
      expect(helperPids()).toEqual([]);
    });
    await page.context().close();
  });

  test("LXC is not installed", async ({ chromium }) => {
    const page = await (await chromium.newContext()).newPage();
    // In a mount namespace of the host and its helper alone, lxc-start is no program any more.
    await withHost(page, { mount: "mount --bind /dev/null /usr/bin/lxc-start" }, async () => {
      await expect(page.getByText("LXC is not installed")).toBeVisible();
      await expect(page.getByText("sudo apt-get install lxc lxc-templates uidmap")).toBeVisible();
      await expectNoViolations(page, "no LXC");
    });
    await page.context().close();
  });

  test("rights are given back and taken again", async ({ app }) => {
    await expect(app.getByText("No containers yet")).toBeVisible();
    await app.getByRole("button", { name: "Lock" }).click();
    await expect(app.getByRole("heading", { name: "Locked" })).toBeVisible();
    await expectNoViolations(app, "locked");
    await expect.poll(helperPids).toEqual([]);
    await app.getByRole("button", { name: "Unlock" }).click();
    await expect(app.getByText("No containers yet")).toBeVisible();
  });
});

test("a group that may only look and start gets no more than that", async ({ chromium }, info) => {
  test.skip(info.project.name === "electron", "the rule is set before the web host starts");
  await setRule({ granted: ["limited", "view", "manage"], refused: ["create", "shell"] });
  const page = await (await chromium.newContext()).newPage();
  await withHost(page, {}, async () => {
    await page.getByRole("button", { name: "Create container" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("e2e-denied");
    await page.getByRole("dialog").getByRole("button", { name: "Create", exact: true }).click();
    await expect(page.getByRole("alert")).toContainText("do not let you create and destroy containers");
    await expectNoViolations(page, "one thing denied");
    expect(lxcLs("e2e-denied")).toBeUndefined();
  });
  await page.context().close();
});

test("a killed helper is started again, and the page goes on without being loaded again", async ({ app }) => {
  await createContainer(app, "e2e-survivor");
  await app.getByRole("link", { name: "e2e-survivor", exact: true }).click();
  await app.getByRole("tab", { name: "Terminal" }).click();
  const terminal = app.getByRole("region", { name: "Terminal e2e-survivor" });
  await expect(terminal).toContainText("/ #");
  await app.evaluate(() => {
    (window as unknown as { mark: string }).mark = "not loaded again";
  });
  // A helper that lived for a moment only is not started again by itself: it would only die again.
  await app.waitForTimeout(10_500);
  const [pid] = helperPids();
  process.kill(pid ?? 0, "SIGKILL");
  await expect(terminal).toContainText("The helper has ended, and the shell with it");
  await expect.poll(helperPids).not.toEqual([pid]);
  await expect.poll(() => helperPids().length).toBe(1);
  expect(lxcLs("e2e-survivor")?.state).toBe("RUNNING");
  await expectNoViolations(app, "terminal of a helper that has ended");
  await terminal.getByRole("button", { name: "Open again" }).click();
  await expect(terminal).toContainText("/ #");
  await app.getByRole("link", { name: "Containers", exact: true }).click();
  await expect(row(app, "e2e-survivor")).toContainText(/\d %/);
  await app.getByRole("button", { name: "Force stop e2e-survivor" }).click();
  await app.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
  await expect(row(app, "e2e-survivor").getByText("Stopped", { exact: true })).toBeVisible();
  expect(await app.evaluate(() => (window as unknown as { mark: string }).mark)).toBe("not loaded again");
});

test("a helper that dies at once is not started in circles, and one click starts it", async ({ app }) => {
  await expect(app.getByText("No containers yet")).toBeVisible();
  const [pid] = helperPids();
  process.kill(pid ?? 0, "SIGKILL");
  await expect(app.getByRole("heading", { name: "The helper has ended" })).toBeVisible();
  await expectNoViolations(app, "helper ended");
  await app.getByRole("button", { name: "Start it again", exact: true }).click();
  await expect(app.getByText("No containers yet")).toBeVisible();
});

test("a failure says what, why and what to do, with the details one click away", async ({ app }) => {
  await createContainer(app, "e2e-broken", { start: false });
  rmSync("/var/lib/lxc/e2e-broken/rootfs/sbin/init", { force: true });
  await app.getByRole("button", { name: "Start e2e-broken", exact: true }).click();
  const toast = app.getByRole("alert");
  await expect(toast).toContainText("e2e-broken did not start");
  await expect(toast).toContainText("There is no program /sbin/init in it that could be started first.");
  await toast.getByRole("button", { name: "Show details" }).click();
  await expect(toast).toContainText("lxc-start -n e2e-broken");
  await expect(toast).toContainText(/Exit code \d+/);
});
