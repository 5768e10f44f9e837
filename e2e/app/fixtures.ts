import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { _electron, type Browser, test as base, chromium, expect, type Locator, type Page } from "@playwright/test";
import { reservationsOf } from "../../privileged-helper/testing/reservations.ts";
import { forgetTasks, lxcPath, removeContainers } from "./lxc.ts";
import { guest, slowness } from "./machine.ts";
import { asTestUser, forgetImageServers, setRule, testUserEnvironment } from "./test-user.ts";
import { buildFolder, startWebHost, type WebHost } from "./web-host.ts";

export const everyAction = ["full", "limited", "view", "manage", "create", "configure", "shell", "shell-privileged"] as const;
/** Root's browser cannot have Chromium's sandbox; the app's own window never runs as root. */
export const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

type Fixtures = {
  /** Granted everything, unless a test has set another rule before. */
  rights: undefined;
  host: WebHost;
  /** The app, opened and connected. */
  app: Page;
  cleanUp: undefined;
};
type WorkerFixtures = { chromium: Browser };

/** One test user, one host and one page per test; the page is Chromium's or Electron's, by project. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  chromium: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the first parameter
    async ({}, use) => {
      const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments });
      await use(browser);
      await browser.close();
    },
    { scope: "worker" },
  ],
  cleanUp: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      forgetTasks();
      // What a test before this one has set, and perhaps did not come to set back.
      if (!guest) forgetImageServers();
      await use(undefined);
      removeContainers();
      forgetTasks();
      releaseReservations();
    },
    { auto: true },
  ],
  rights: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      await setRule({ granted: everyAction });
      await use(undefined);
    },
    { auto: true },
  ],
  host: async ({ rights: _ }, use) => {
    const host = await startWebHost();
    await use(host);
    await host.stop();
  },
  app: async ({ chromium: browser, colorScheme }, use, info) => {
    if (info.project.name === "electron") {
      const app = await _electron.launch({
        executablePath: electronAsTestUser(),
        args: [buildFolder()],
        env: environmentOfElectron(),
        colorScheme,
      });
      await use(await app.firstWindow());
      await app.close();
      return;
    }
    const host = await startWebHost();
    const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.goto(host.address);
    await use(page);
    await context.close();
    await host.stop();
  },
});

export { expect };

export function findChromium(): string {
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!found) throw new Error("no Chromium is installed");
  return found;
}

/** A program that starts Electron as the test user; Playwright itself starts what it drives as root. */
function electronAsTestUser(): string {
  const electron = resolve(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? "node_modules/electron/dist", "electron");
  const [file, args] = asTestUser(electron, []);
  const path = join(mkdtempSync(join(buildFolder(), "electron-")), "electron");
  writeFileSync(path, `#!/bin/sh\nexec ${[file, ...args].join(" ")} "$@"\n`, { mode: 0o755 });
  return path;
}

function environmentOfElectron(): Record<string, string> {
  const environment = { ...testUserEnvironment(), DISPLAY: process.env.DISPLAY };
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Containers that a test removed with LXC's own tools leave the address that the app had reserved for them. */
function releaseReservations() {
  const folder = "/var/lib/lxc-desktop/dhcp-hosts";
  // A virtual machine goes away with all that is on it.
  if (guest || !existsSync(folder)) return;
  const used = readdirSync(lxcPath)
    .map((name) => join(lxcPath, name, "config"))
    .filter(existsSync)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  for (const address of reservationsOf(lxcPath)) if (!used.includes(address)) rmSync(join(folder, address), { force: true });
}

/** By the keyboard: a click may miss what moves while a dialog opens or its template's form arrives. */
export async function flip(toggle: Locator): Promise<void> {
  const checked = await toggle.isChecked();
  await toggle.press("Space");
  await expect(toggle).toBeChecked({ checked: !checked });
}

export const row = (app: Page, name: string): Locator =>
  app
    .getByRole("table", { name: "Containers" })
    .getByRole("row")
    .filter({ has: app.getByRole("link", { name, exact: true }) });

/** Fills in the dialog and waits until the container is there. */
export async function createContainer(
  app: Page,
  name: string,
  options: { start?: boolean; cloneFrom?: string; privileged?: boolean } = {},
): Promise<void> {
  const { start = true, cloneFrom, privileged = false } = options;
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  if (cloneFrom !== undefined) {
    await dialog.getByRole("radio", { name: "Clone" }).check();
    await dialog.getByRole("combobox", { name: "Clone from" }).click();
    await app.getByRole("option", { name: cloneFrom }).click();
  }
  if (privileged) await flip(dialog.getByRole("switch", { name: "Unprivileged" }));
  if (!start) await flip(dialog.getByRole("switch", { name: "Start after creation" }));
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(row(app, name).getByText(start ? "Running" : "Stopped", { exact: true })).toBeVisible({ timeout: 30_000 * slowness });
  // It is there before it is finished: until then nothing can be done with it.
  await expect(row(app, name).getByText(/^(Creating|Cloning)/)).toBeHidden();
}

/** Goes to the tasks and opens the one of that title, or the newest whose title is like that. @returns Its details. */
export async function openTask(app: Page, title: string | RegExp): Promise<Locator> {
  await app
    .getByRole("navigation", { name: "Main" })
    .getByRole("link", { name: /^Tasks/ })
    .click();
  await app
    .getByRole("table", { name: "Tasks" })
    .getByRole("rowheader")
    .getByRole("button", { name: title, exact: typeof title === "string" })
    .first()
    .click();
  return app.getByRole("region", { name: "Task log" });
}

/** Closes what says for a moment that something was done. */
export async function closeNews(app: Page): Promise<void> {
  const news = app.getByRole("status").filter({ has: app.getByRole("button", { name: "Close" }) });
  // Some go by themselves just then.
  await expect(async () => {
    const close = news.first().getByRole("button", { name: "Close" });
    if (await close.isVisible()) await close.click({ timeout: 1_000 });
    expect(await news.count()).toBe(0);
  }).toPass();
}

/** Types the name into the dialog that asks for it. */
export async function confirmDestroy(app: Page, name: string): Promise<void> {
  const dialog = app.getByRole("dialog", { name: `Destroy ${name}?` });
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: "Destroy", exact: true }).click();
  await expect(dialog).toBeHidden();
}
