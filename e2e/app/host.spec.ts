import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import AxeBuilder from "@axe-core/playwright";
import type { Browser, Page } from "@playwright/test";
import { everyAction, expect, openTask, test } from "./fixtures.ts";
import { setRule } from "./test-user.ts";
import { startWebHost, type WebHost } from "./web-host.ts";

/** Root's files as they are, to be changed in a mount namespace without the real ones noticing. */
const ownEtc =
  "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work && mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc";
const noIds = "rm -f /etc/subuid /etc/subgid";
const noTemplates = "mount -t tmpfs tmpfs /usr/share/lxc/templates";
const ids = "Ids for unprivileged containers";

const goToHost = async (app: Page) => {
  await app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Host" }).click();
  await expect(app.getByRole("heading", { name: "Host", level: 1 })).toBeVisible();
  await expect(list(app)).toBeVisible();
};
const list = (app: Page) => app.getByRole("list", { name: "Host checks" });
const item = (app: Page, name: string) => list(app).getByRole("listitem", { name, exact: true });

async function expectNoViolations(app: Page, where: string) {
  const { violations } = await new AxeBuilder({ page: app as never }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(", ")}`),
    where,
  ).toEqual([]);
}

test("says of every check how it is, by which facts and why it matters", async ({ app }) => {
  await goToHost(app);
  await expect(app.getByText("This computer is ready for containers")).toBeVisible();
  const items = list(app).locator("> li");
  expect(await items.count()).toBeGreaterThanOrEqual(18);
  for (const one of await items.all()) await expect(one).toContainText(/^(OK|Warning|Problem)/);
  const forwarding = item(app, "Forwarding");
  await expect(forwarding).toContainText("OK");
  await expect(forwarding.getByText("Between the bridge and the world")).toBeHidden();
  await forwarding.getByRole("button", { name: "Details of Forwarding" }).click();
  await expect(forwarding.getByText("Between the bridge and the world")).toBeVisible();
  const value = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim();
  await expect(forwarding.getByRole("list", { name: "Evidence for Forwarding" })).toHaveText(`/proc/sys/net/ipv4/ip_forward: ${value}`);
  await expect(app.getByRole("table", { name: "This computer" })).toContainText(release());
});

test("copies a report that tells neither who nor where this is", async ({ app, browserName: _ }, info) => {
  test.skip(info.project.name === "electron", "the clipboard of the test's X server is nobody's to read");
  await app.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await goToHost(app);
  await app.getByRole("button", { name: "Copy report" }).click();
  await expect(app.getByRole("button", { name: "Copied" })).toBeVisible();
  const report = await app.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain("[OK] LXC: LXC ");
  expect(report).toContain(`Kernel ${release()}`);
  expect(report).not.toMatch(/([0-9a-f]{2}:){5}[0-9a-f]{2}/i);
  const hostname = readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
  if (hostname.length > 1) expect(report.split(/[^\w.-]+/)).not.toContain(hostname);
});

test.describe("on a computer that is not ready", () => {
  test.beforeEach(({ browserName: _ }, info) => {
    test.skip(info.project.name === "electron", "the fault is arranged before the web host starts");
  });

  /** An app whose helper sees another /etc and no templates. */
  async function withBrokenComputer(chromium: Browser, colorScheme: "light" | "dark", look: (app: Page, host: WebHost) => Promise<void>) {
    const host = await startWebHost({ mount: `${ownEtc} && ${noIds} && ${noTemplates}` });
    const context = await chromium.newContext({ colorScheme, viewport: { width: 1280, height: 800 } });
    try {
      const app = await context.newPage();
      await app.goto(host.address);
      await look(app, host);
    } finally {
      await context.close();
      await host.stop();
    }
  }

  test("the empty list leads to the Host page, which shows the commands of a fix, runs them, and looks again", async ({ chromium }) => {
    await setRule({ granted: [...everyAction, "host"] });
    await withBrokenComputer(chromium, "light", async (app, host) => {
      await app.getByRole("link", { name: "See what it is, and mend it" }).click();
      await expect(app.getByRole("heading", { name: "Host", level: 1 })).toBeVisible();
      await expect(app.getByText("One thing keeps containers from starting")).toBeVisible();
      await expect(list(app).locator("> li").first()).toContainText("Problem");
      await expect(item(app, "Templates")).toContainText("Problem");
      await expect(item(app, ids)).toContainText("Warning");

      await item(app, ids)
        .getByRole("button", { name: `Fix ${ids}` })
        .click();
      const dialog = app.getByRole("dialog", { name: `Fix ${ids}` });
      await expect(dialog).toContainText("usermod --add-subuids 1048576-");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await expect(dialog).toBeHidden();
      expect(
        execFileSync("/usr/bin/nsenter", ["--target", String(host.pid), "--mount", "/bin/sh", "-c", "ls /etc/subuid || true"], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }),
      ).toBe("");

      await item(app, ids)
        .getByRole("button", { name: `Fix ${ids}` })
        .click();
      const shown = (await dialog.getByRole("group", { name: `Commands of Fix ${ids}` }).textContent()) ?? "";
      await dialog.getByRole("button", { name: "Run it" }).click();
      await expect(item(app, ids)).toContainText("OK");
      await expect(item(app, ids).getByRole("button", { name: `Fix ${ids}` })).toBeHidden();
      const details = await openTask(app, `Fix ${ids}`);
      await expect(details.getByRole("list", { name: `Commands of Fix ${ids}` }).getByRole("listitem")).toHaveText(shown.split("\n"));
    });
  });

  test("reads again when the person comes back", async ({ chromium }) => {
    await withBrokenComputer(chromium, "light", async (app, host) => {
      await goToHost(app);
      await expect(item(app, ids)).toContainText("Warning");
      const mend = "echo root:2000000:65536 | tee /etc/subuid > /etc/subgid";
      execFileSync("/usr/bin/nsenter", ["--target", String(host.pid), "--mount", "/bin/sh", "-c", mend]);
      await app.evaluate(() => window.dispatchEvent(new Event("focus")));
      await expect(item(app, ids)).toContainText("OK");
    });
  });

  test("whoever may not change the computer is told so, and nothing is run", async ({ chromium }) => {
    await setRule({ granted: everyAction, refused: ["host"] });
    await withBrokenComputer(chromium, "light", async (app) => {
      await goToHost(app);
      await app.getByRole("button", { name: `Fix ${ids}` }).click();
      await app.getByRole("dialog").getByRole("button", { name: "Run it" }).click();
      await expect(app.getByRole("alert")).toContainText("do not let you change this computer's settings");
      await expect(item(app, ids)).toContainText("Warning");
    });
  });

  test("a fix is reached and left by keyboard", async ({ chromium }) => {
    await withBrokenComputer(chromium, "light", async (app) => {
      await goToHost(app);
      const button = app.getByRole("button", { name: `Fix ${ids}` });
      for (let presses = 0; presses < 40 && !(await button.evaluate((one) => one === document.activeElement)); presses++)
        await app.keyboard.press("Tab");
      await expect(button).toBeFocused();
      await app.keyboard.press("Enter");
      const dialog = app.getByRole("dialog", { name: `Fix ${ids}` });
      await expect(dialog.getByRole("button", { name: "Run it" })).toBeFocused();
      await app.keyboard.press("Escape");
      await expect(dialog).toBeHidden();
      await expect(button).toBeFocused();
    });
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing, in ${colorScheme}`, async ({ chromium }) => {
      await withBrokenComputer(chromium, colorScheme, async (app) => {
        await expect(app.getByRole("link", { name: /^See what / })).toBeVisible();
        await expectNoViolations(app, "empty list");
        await goToHost(app);
        const closed = app.getByRole("button", { name: /^Details of/, expanded: false });
        while ((await closed.count()) > 0) await closed.first().click();
        await app.waitForTimeout(500);
        await expectNoViolations(app, "page with all details");
        await app.getByRole("button", { name: `Fix ${ids}` }).click();
        await expect(app.getByRole("dialog")).toBeVisible();
        await app.waitForTimeout(500);
        await expectNoViolations(app, "dialog");
        await app.keyboard.press("Escape");
        await app.setViewportSize({ width: 420, height: 800 });
        await app.waitForTimeout(500);
        await expectNoViolations(app, "narrow page");
        expect(await app.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
        expect(await app.locator("main").evaluate((main) => main.scrollWidth <= main.clientWidth)).toBe(true);
      });
    });
  }
});
