/** `npm run screenshots`: the pictures in the README, taken from the real app with real containers. As root; needs a build. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { chromium, type Page } from "@playwright/test";
import { burnCpu, lxc } from "./app/lxc.ts";
import { addressOf } from "./app/web-host.ts";

const folder = "assets/screenshots";
const base = "alpha";
const clones = ["build", "database", "proxy", "website"];
const names = [...clones, base];
/** So many readings that the charts tell something. */
const watchMilliseconds = 75_000;

if (process.getuid?.() !== 0) throw new Error("The pictures are of real containers: run this as root.");
mkdirSync(folder, { recursive: true });
const host = await addressOf(spawn(process.execPath, ["dist/web/main.mjs", "--no-open"], { stdio: ["ignore", "pipe", "pipe"] }));
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const stopBurning: (() => void)[] = [];
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme: "light" });
  await page.goto(host.address);
  await create(page, base);
  for (const clone of clones) await create(page, clone, base);
  stopBurning.push(burnCpu("build"));
  await page.getByRole("link", { name: "build", exact: true }).click();
  await page.waitForTimeout(watchMilliseconds);
  await takeInBothThemes(page, "container");
  await page.getByRole("link", { name: "Containers", exact: true }).click();
  await page.waitForTimeout(watchMilliseconds);
  await takeInBothThemes(page, "containers");
} finally {
  for (const stop of stopBurning) stop();
  await browser.close();
  await host.stop();
  for (const name of names) {
    for (const [tool, ...args] of [
      ["lxc-stop", "-k", "-n", name],
      ["lxc-destroy", "-n", name],
    ] as const) {
      try {
        lxc(tool, ...args);
      } catch {
        // It was not made, or does not run.
      }
    }
  }
}

async function create(page: Page, name: string, cloneFrom?: string) {
  await page.getByRole("button", { name: "Create container" }).click();
  const dialog = page.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  if (cloneFrom === undefined) {
    await dialog.getByRole("switch", { name: "Start after creation" }).press("Space");
  } else {
    await dialog.getByRole("radio", { name: "Clone" }).check();
    await dialog.getByRole("combobox", { name: "Clone from" }).click();
    await page.getByRole("option", { name: cloneFrom }).click();
  }
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await page
    .getByRole("row")
    .filter({ has: page.getByRole("link", { name, exact: true }) })
    .getByText(cloneFrom === undefined ? "Stopped" : "Running", { exact: true })
    .waitFor();
}

async function takeInBothThemes(page: Page, name: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.mouse.move(0, 0);
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  }
}
