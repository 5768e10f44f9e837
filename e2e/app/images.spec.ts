import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { ownArchitecture } from "../../electron/backend/images/architecture.ts";
import { buildImage, offer, startImageServer, type TestImageServer } from "../../electron/backend/images/testing/image-server.ts";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, expect, flip, test } from "./fixtures.ts";
import { chooseImageServers, forgetAppFolders } from "./images.ts";
import { forgetImageServers, readTestUser } from "./test-user.ts";

/** A download that can be watched: so many bytes, and so many of them in a second. */
const padding = 2_000_000;
const slow = 500_000;
const image = buildImage(padding);
const architecture = ownArchitecture();

let server: TestImageServer;

test.beforeEach(async () => {
  forgetAppFolders();
  server = await startImageServer();
  offer(server, image, { architecture });
  offer(server, image, { architecture, distribution: "debian", release: "13" });
  offer(server, image, { architecture, distribution: "debian", release: "13", variant: "cloud" });
  offer(server, image, { architecture: "riscv64", distribution: "alpine", release: "3.22" });
});
test.afterEach(() => server.close());
test.afterAll(() => {
  forgetAppFolders();
  forgetImageServers();
});

const goTo = (app: Page, page: string) => app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: page }).click();
const table = (app: Page) => app.getByRole("table", { name: "Images" });
const rows = (app: Page) => table(app).locator("tbody").getByRole("row");
const rowWith = (app: Page, text: string): Locator => rows(app).filter({ hasText: text });
const imagesFolder = () => join(readTestUser().home, ".cache/lxc-desktop/images");

test("an image is found, downloaded with a bar that moves, and deleted", async ({ app }) => {
  await chooseImageServers(app, server.url);
  await goTo(app, "Images");
  await expect(rows(app)).toHaveCount(3);
  await expect(rowWith(app, "BusyBox")).toContainText(/1.*default.*1\.9 MiB.*23.*Available/);
  await expect(app.getByRole("heading", { name: "Templates" })).toBeVisible();

  const filter = app.getByRole("searchbox", { name: "Filter images" });
  await filter.fill("debian cloud");
  await expect(rows(app)).toHaveCount(1);
  await filter.fill("nothing like that");
  await expect(app.getByText("Nothing matches")).toBeVisible();
  await app.getByRole("button", { name: "Show all 3" }).click();
  await expect(rows(app)).toHaveCount(3);
  await flip(app.getByRole("switch", { name: "Every architecture" }));
  await expect(rowWith(app, "riscv64")).toContainText("Alpine");

  server.rate = slow;
  await app.getByRole("button", { name: "Download BusyBox 1" }).click();
  const bar = app.getByRole("progressbar", { name: "Progress of Download BusyBox 1" });
  const seen = new Set<number>();
  await expect
    .poll(async () => {
      const now = Number(await bar.getAttribute("aria-valuenow", { timeout: 1_000 }).catch(() => 100));
      if (now > 0 && now < 100) seen.add(now);
      return seen.size;
    })
    .toBeGreaterThan(2);
  expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
  await expect(rowWith(app, "BusyBox")).toContainText(/of 1\.9 MiB, 0\.\d MiB\/s, \d s left/);
  await goTo(app, "Tasks");
  await expect(app.getByText("Download BusyBox 1", { exact: true })).toBeVisible();
  await goTo(app, "Images");
  await expect(rowWith(app, "BusyBox")).toContainText(/Downloaded1\.9 MiB on diskNot signed/);
  await expect(app.getByText("BusyBox 1 is downloaded.")).toBeVisible();
  expect(readdirSync(join(imagesFolder(), readdirSync(imagesFolder())[0] ?? "")).sort()).toEqual([
    "image.json",
    "meta.tar.xz",
    "rootfs.tar.xz",
  ]);

  await app.getByRole("button", { name: "Delete BusyBox 1" }).click();
  const dialog = app.getByRole("dialog", { name: "Delete BusyBox 1?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(rowWith(app, "BusyBox")).toContainText("Downloaded");
  await app.getByRole("button", { name: "Delete BusyBox 1" }).click();
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(rowWith(app, "BusyBox")).toContainText("Available");
  expect(readdirSync(imagesFolder())).toEqual([]);
});

test("a long list is drawn in parts", async ({ app }) => {
  for (let release = 1; release <= 117; release++) offer(server, image, { architecture, distribution: "fedora", release: String(release) });
  await chooseImageServers(app, server.url);
  await goTo(app, "Images");
  await expect(rows(app)).toHaveCount(50);
  await expect(app.getByText("50 of 120 images")).toBeVisible();
  await app.getByRole("button", { name: "Show more" }).click();
  await app.getByRole("button", { name: "Show more" }).click();
  await expect(rows(app)).toHaveCount(120);
  await expect(app.getByRole("button", { name: "Show more" })).toHaveCount(0);
});

test("what was downloaded is there without its server, and a server that fails is told beside the others", async ({ app }) => {
  const other = await startImageServer();
  try {
    offer(other, image, { architecture, distribution: "fedora", release: "43" });
    await chooseImageServers(app, server.url, other.url);
    await goTo(app, "Images");
    await app.getByRole("button", { name: "Download Fedora 43" }).click();
    await expect(rowWith(app, "Fedora")).toContainText("Downloaded");
    await closeNews(app);
  } finally {
    await other.close();
  }
  await app.getByRole("button", { name: "Refresh" }).click();
  const alert = app.getByRole("alert").filter({ hasText: new URL(other.url).host });
  await expect(alert).toContainText("The image server cannot be reached");
  await expect(rowWith(app, "Fedora")).toContainText("Downloaded");
  await expect(rowWith(app, "BusyBox")).toContainText("Available");
});

test("a damaged download says so and offers to try again, by keyboard, and axe finds nothing in any state", async ({ app }) => {
  await chooseImageServers(app, server.url);
  await expectNoViolationsInBothThemes(app, "settings");
  await goTo(app, "Images");
  await expect(rowWith(app, "BusyBox")).toContainText("1.9 MiB");
  const path = [...server.files.keys()].find((name) => name.includes("busybox") && name.endsWith("rootfs.tar.xz")) ?? "";
  server.files.set(path, Buffer.alloc(1_000));
  await app.getByRole("button", { name: "Download BusyBox 1" }).focus();
  await app.keyboard.press("Enter");
  const failure = app.getByRole("alert").filter({ hasText: "The image is damaged" });
  await expect(failure).toContainText("does not match the server's checksum");
  await expect(rowWith(app, "BusyBox")).toContainText("Failed");
  server.rate = 50_000;
  await app.getByRole("button", { name: "Download Debian 13", exact: true }).click();
  await expect(app.getByRole("progressbar", { name: "Progress of Download Debian 13" })).toBeVisible();
  await expectNoViolationsInBothThemes(app, "failed and downloading");
  await app.getByRole("button", { name: "Cancel Download Debian 13" }).click();
  await expect(rowWith(app, "Debian").filter({ hasText: "default" })).toContainText("Available");
  server.rate = undefined;
  server.files.set(path, image.rootfs);
  await failure.getByRole("button", { name: "Try again" }).click();
  await expect(rowWith(app, "BusyBox")).toContainText("Downloaded");
  await app.getByRole("button", { name: "Delete BusyBox 1" }).click();
  await expectNoViolationsInBothThemes(app, "delete");
  await app.keyboard.press("Escape");
  await app.setViewportSize({ width: 480, height: 800 });
  await expectNoViolationsInBothThemes(app, "narrow");
  expect(await app.getByRole("main").evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)).toBe(true);
  await expect(app.getByRole("button", { name: "Delete BusyBox 1" })).toBeInViewport({ ratio: 1 });
});

test("an address or a keyring that cannot be used is refused in words", async ({ app }) => {
  await chooseImageServers(app);
  await expect(app.getByText("None: there is nothing to download.")).toBeVisible();
  const address = app.getByRole("textbox", { name: "Address of an image server" });
  for (const [text, reason] of [
    ["", "Type an address."],
    ["http://images.example.org", "Only a server on this computer may be reached by plain http."],
    ["https://a:b@images.example.org", "An address cannot carry a user name or a password."],
  ] as const) {
    await address.fill(text);
    await app.getByRole("button", { name: "Add server" }).click();
    await expect(app.getByText(reason)).toBeVisible();
  }
  const keyring = app.getByRole("textbox", { name: "Keyring for images" });
  await keyring.fill("images.gpg");
  await keyring.press("Enter");
  await expect(app.getByText("Type the whole path of the file, from / on.")).toBeVisible();
  await keyring.fill("/not/there.gpg");
  await keyring.press("Enter");
  await expect(app.getByText("There is no such file.")).toBeVisible();
  await goTo(app, "Images");
  await expect(app.getByText("No image servers")).toBeVisible();
  expect(existsSync(imagesFolder())).toBe(false);
});
