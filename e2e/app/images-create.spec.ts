import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { ownArchitecture } from "../../electron/backend/images/architecture.ts";
import { buildImage, offer, startImageServer, type TestImageServer } from "../../electron/backend/images/testing/image-server.ts";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, confirmDestroy, createContainer, expect, openTask, row, test } from "./fixtures.ts";
import { chooseImageServers, forgetAppFolders, forgetReadyImages } from "./images.ts";
import { lxcLs } from "./lxc.ts";
import { forgetImageServers } from "./test-user.ts";

let server: TestImageServer;
let folder: string;
/** A system that boots: what LXC's own template for BusyBox makes. */
let rootfs: string;

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-e2e-images-"));
  execFileSync("/usr/bin/lxc-create", ["-P", folder, "-n", "made", "-t", "busybox"], { stdio: "ignore" });
  rootfs = join(folder, "made/rootfs");
  execFileSync("/usr/bin/tar", ["-cJf", join(folder, "busybox.tar.xz"), "--exclude=./dev/*", "-C", rootfs, "."]);
});
test.beforeEach(async () => {
  forgetAppFolders();
  server = await startImageServer();
  const image = { meta: buildImage().meta, rootfs: readFileSync(join(folder, "busybox.tar.xz")) };
  offer(server, image, { architecture: ownArchitecture() });
});
test.afterEach(() => server.close());
test.afterAll(() => {
  forgetAppFolders();
  forgetImageServers();
  forgetReadyImages();
  rmSync(folder, { recursive: true, force: true });
});

const goTo = (app: Page, page: string) => app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: page }).click();
const dialogOf = (app: Page) => app.getByRole("dialog", { name: "Create container" });

async function inTerminal(app: Page, name: string, command: string, answer: string) {
  await goTo(app, "Containers");
  await row(app, name).getByRole("link", { name, exact: true }).click();
  await app.getByRole("tab", { name: "Terminal" }).click();
  const terminal = app.getByRole("region", { name: `Terminal ${name}` });
  await expect(terminal).toContainText("#");
  await terminal.getByRole("textbox").focus();
  await app.keyboard.type(`${command}\n`);
  await expect(terminal).toContainText(answer);
}

test("a container is made of a server's image, with a bar that moves, and the next one is there at once", async ({ app }) => {
  await chooseImageServers(app, server.url);
  server.rate = 100_000;
  await goTo(app, "Images");
  await app.getByRole("button", { name: "Create container from BusyBox 1" }).click();
  const dialog = dialogOf(app);
  await expect(dialog.getByRole("radio", { name: "Image", exact: true })).toBeChecked();
  await expect(dialog.getByRole("combobox", { name: "Image" })).toHaveValue(/BusyBox 1/);
  await expect(dialog.getByRole("textbox", { name: "Name" })).toHaveValue("busybox-1");
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-image");
  await expectNoViolationsInBothThemes(app, "image chosen");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  const bar = app.getByRole("progressbar", { name: "Progress of Download BusyBox 1" });
  const value = async () => Number(await bar.getAttribute("aria-valuenow"));
  // It has no value while it is not known yet how much there is.
  await expect.poll(async () => (await value()) > 0 && (await value()) < 100).toBe(true);
  const before = await value();
  await expect.poll(value).toBeGreaterThan(before);
  server.rate = undefined;
  await goTo(app, "Containers");
  await expect(row(app, "e2e-image").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(lxcLs("e2e-image")).toMatchObject({ state: "RUNNING", unprivileged: "true" });
  await closeNews(app);

  const details = await openTask(app, "Add image BusyBox 1");
  await expect(details).toContainText("tar --extract");
  await inTerminal(app, "e2e-image", "id -u; hostname", "e2e-image");

  const asked = server.requests.length;
  await goTo(app, "Containers");
  await app.getByRole("button", { name: "Create container" }).click();
  await dialog.getByRole("radio", { name: "Image", exact: true }).check();
  await dialog.getByRole("combobox", { name: "Image" }).click();
  await app.getByRole("group", { name: "Ready on this computer" }).getByRole("option", { name: "BusyBox 1" }).click();
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-second");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-second").getByText("Running", { exact: true })).toBeVisible();
  expect(server.requests.slice(asked).filter((request) => request.includes("rootfs.tar.xz") && !request.startsWith("HEAD"))).toEqual([]);
  await closeNews(app);

  await goTo(app, "Images");
  const ready = app.getByRole("table", { name: "Ready images" }).getByRole("row").filter({ hasText: "BusyBox 1" });
  await expect(ready).toContainText(/An image server.*Unprivileged.*2 containers/);
  await expectNoViolationsInBothThemes(app, "a ready image");
  await app.getByRole("button", { name: "Delete image BusyBox 1" }).click();
  await expect(app.getByRole("dialog", { name: "BusyBox 1 is still needed" })).toContainText("e2e-image and e2e-second");
  await app.keyboard.press("Escape");
  await goTo(app, "Containers");
  for (const name of ["e2e-image", "e2e-second"]) {
    await app.getByRole("button", { name: `Force stop ${name}` }).click();
    await app.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
    await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible();
    await app.getByRole("button", { name: `Destroy ${name}` }).click();
    await confirmDestroy(app, name);
    await expect(row(app, name)).toBeHidden();
  }
  await closeNews(app);
  await goTo(app, "Images");
  await app.getByRole("button", { name: "Delete image BusyBox 1" }).click();
  await app.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(app.getByRole("table", { name: "Ready images" })).toBeHidden();
});

test("containers are made of a file, which is sent once, and of one that would lead out of it nothing is", async ({ app }) => {
  const choose = async (path: string, name: string, count = 1) => {
    await app.getByRole("button", { name: "Create container" }).click();
    const dialog = dialogOf(app);
    await dialog.getByRole("radio", { name: "Archive" }).check();
    await expect(dialog.getByRole("button", { name: "Create", exact: true })).toBeDisabled();
    const chooser = app.waitForEvent("filechooser");
    await dialog.getByRole("button", { name: "Archive" }).click();
    await (await chooser).setFiles(path);
    await dialog.getByRole("textbox", { name: "Name" }).fill(name);
    await dialog.getByRole("textbox", { name: "How many" }).fill(String(count));
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
  };
  await choose(join(folder, "busybox.tar.xz"), "e2e-archive", 2);
  for (const name of ["e2e-archive-1", "e2e-archive-2"]) {
    await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  }
  await expect(app.getByText("2 containers are running: e2e-archive-1 to e2e-archive-2.")).toBeVisible();
  await closeNews(app);
  await goTo(app, "Tasks");
  await expect(app.getByRole("row", { name: /Add image busybox/ })).toHaveCount(1);
  await goTo(app, "Containers");
  const hostile = join(folder, "hostile.tar");
  execFileSync("/usr/bin/tar", ["-cPf", hostile, "--transform=s,.*/hostname,../../escaped,", "-C", rootfs, "etc", "/etc/hostname"]);
  await choose(hostile, "e2e-hostile");
  const alert = app.getByRole("alert").filter({ hasText: "../../escaped" });
  await expect(alert).toBeVisible();
  await expect(row(app, "e2e-hostile")).toBeHidden();
  await openTask(app, "Add image hostile");
  await expect(app.getByRole("row", { name: /Add image hostile/ })).toContainText("Failed");

  // Nobody has kept the file: the dialog is as it was filled in, and asks for it.
  await app.getByRole("button", { name: "Retry Add image hostile" }).click();
  const again = dialogOf(app);
  await expect(again.getByRole("alert")).toContainText("Choose hostile again");
  await expect(again.getByRole("radio", { name: "Archive" })).toBeChecked();
  await expect(again.getByRole("textbox", { name: "Name" })).toHaveValue("e2e-hostile");
  await expectNoViolationsInBothThemes(app, "a file that is chosen again");
  const chooser = app.waitForEvent("filechooser");
  await again.getByRole("button", { name: "Archive" }).click();
  await (await chooser).setFiles(join(folder, "busybox.tar.xz"));
  await again.getByRole("button", { name: "Create", exact: true }).click();
  await goTo(app, "Containers");
  await expect(row(app, "e2e-hostile").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
});

test("a container is saved as an image, and others begin with what it has", async ({ app }) => {
  await createContainer(app, "e2e-golden");
  await inTerminal(app, "e2e-golden", "echo golden >/root/mark; sync; echo do''ne", "done");
  await app.getByRole("button", { name: "Force stop e2e-golden" }).click();
  await app.getByRole("dialog").getByRole("button", { name: "Force stop" }).click();
  await app.getByRole("button", { name: "Save e2e-golden as image" }).click();
  const dialog = app.getByRole("dialog", { name: "Save e2e-golden as image" });
  await dialog.getByRole("textbox", { name: "Title" }).fill("Golden");
  await expectNoViolationsInBothThemes(app, "save as image");
  await dialog.getByRole("button", { name: "Save" }).click();
  await goTo(app, "Images");
  await app.getByRole("button", { name: "Create container from Golden" }).click();
  const create = dialogOf(app);
  await expect(create.getByRole("switch", { name: "Unprivileged" })).toBeDisabled();
  await expect(create.getByRole("textbox", { name: "Name" })).toHaveValue("golden-1");
  await create.getByRole("textbox", { name: "Name" }).fill("e2e-of-golden");
  await create.getByRole("button", { name: "Create", exact: true }).click();
  await goTo(app, "Containers");
  await expect(row(app, "e2e-of-golden").getByText("Running", { exact: true })).toBeVisible();
  await inTerminal(app, "e2e-of-golden", "cat /root/mark", "golden");
});
