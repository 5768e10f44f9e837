import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { confirmDestroy, createContainer, expect, row, test } from "./fixtures.ts";
import { exists, lxcLs, lxcPath } from "./lxc.ts";
import { helperPids } from "./processes.ts";
import { startWebHost } from "./web-host.ts";

test("two apps at once show the same, and of two that want the same one gets a clear no", async ({ chromium }) => {
  const hosts = [await startWebHost(), await startWebHost()];
  const pages: Page[] = [];
  const crashes: Error[] = [];
  try {
    for (const { address } of hosts) {
      const page = await (await chromium.newContext()).newPage();
      page.on("pageerror", (error) => crashes.push(error));
      await page.goto(address);
      await expect(page.getByText("No containers yet")).toBeVisible();
      pages.push(page);
    }
    const [first, second] = pages as [Page, Page];
    await expect.poll(() => helperPids()).toHaveLength(2);
    const helpers = helperPids().sort();

    await test.step("what one makes, both list", async () => {
      await createContainer(first, "e2e-both", { start: false });
      await createContainer(second, "e2e-gone", { start: false });
      for (const page of pages) {
        for (const name of ["e2e-both", "e2e-gone"]) await expect(row(page, name).getByText("Stopped", { exact: true })).toBeVisible();
      }
    });

    await test.step("both start it", async () => {
      slowDown("e2e-both", "pre-start");
      await Promise.all(pages.map((page) => page.getByRole("button", { name: "Start e2e-both", exact: true }).dispatchEvent("click")));
      for (const page of pages) await expect(row(page, "e2e-both").getByText("Running", { exact: true })).toBeVisible();
      const refusals = (await Promise.all(pages.map((page) => page.getByRole("alert").allTextContents()))).flat();
      expect(refusals).toEqual([
        expect.stringContaining("e2e-both is busySomething else works on it now (start). Wait until that has ended."),
      ]);
      expect(lxcLs("e2e-both")?.state).toBe("RUNNING");
      for (const page of pages) await closeAlerts(page);
    });

    await test.step("one stops it, the other sees it", async () => {
      await first.getByRole("button", { name: "Force stop e2e-both" }).click();
      await first.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
      for (const page of pages) await expect(row(page, "e2e-both").getByText("Stopped", { exact: true })).toBeVisible();
    });

    await test.step("both destroy it", async () => {
      slowDown("e2e-both", "destroy");
      const button = (page: Page) => page.getByRole("dialog").getByRole("button", { name: "Destroy", exact: true });
      for (const page of pages) {
        await page.getByRole("button", { name: "Destroy e2e-both" }).click();
        await page.getByRole("dialog").getByRole("textbox").fill("e2e-both");
      }
      await Promise.all(pages.map((page) => button(page).dispatchEvent("click")));
      for (const page of pages) await expect(row(page, "e2e-both")).toBeHidden();
      const refusals = (await Promise.all(pages.map((page) => page.getByRole("alert").allTextContents()))).flat();
      expect(refusals).toEqual([expect.stringContaining("e2e-both is busySomething else works on it now (destroy).")]);
      expect(exists("e2e-both")).toBe(false);
      for (const page of pages) await closeAlerts(page);
    });

    await test.step("one destroys what the other is about to destroy", async () => {
      await second.getByRole("button", { name: "Destroy e2e-gone" }).click();
      await second.getByRole("dialog").getByRole("textbox").fill("e2e-gone");
      await first.getByRole("button", { name: "Destroy e2e-gone" }).click();
      await confirmDestroy(first, "e2e-gone");
      await expect(first.getByText("No containers yet")).toBeVisible();
      await second.getByRole("dialog").getByRole("button", { name: "Destroy", exact: true }).click();
      await expect(second.getByRole("alert")).toContainText("There is no e2e-gone");
      await expect(second.getByText("No containers yet")).toBeVisible();
    });
    expect(helperPids().sort()).toEqual(helpers);
    expect(crashes).toEqual([]);
  } finally {
    for (const page of pages) await page.context().close();
    for (const host of hosts) await host.stop();
  }
});

/** Makes one step of a container take long enough for two to meet in it. */
function slowDown(name: string, hook: "pre-start" | "destroy") {
  const script = join(lxcPath, name, `slow-${hook}`);
  const config = join(lxcPath, name, "config");
  writeFileSync(script, "#!/bin/sh\nsleep 2\n");
  chmodSync(script, 0o755);
  writeFileSync(config, `${readFileSync(config, "utf8")}lxc.hook.${hook} = ${script}\n`);
}

async function closeAlerts(page: Page) {
  for (const alert of await page.getByRole("alert").all()) await alert.getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
}
