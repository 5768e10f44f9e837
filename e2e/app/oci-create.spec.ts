import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { createLayout } from "../../electron/backend/oci/testing/layout.ts";
import { type Registry, startRegistry } from "../../electron/backend/oci/testing/registry.ts";
import { tarOf, type Wanted } from "../../privileged-helper/archive/testing/tar.ts";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, confirmDestroy, expect, openTask, row, test } from "./fixtures.ts";
import { forgetAppFolders, forgetReadyImages } from "./images.ts";
import { lxcLs } from "./lxc.ts";

let folder: string;
let registry: Registry;

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-e2e-oci-"));
  const layout = createLayout(join(folder, "layout"));
  const program: Wanted = { name: "bin/busybox", data: readFileSync("/bin/busybox"), mode: 0o755 };
  const links = ["sh", "sleep", "id", "hostname"].map(
    (name): Wanted => ({ name: `bin/${name}`, type: "symbolic-link", target: "busybox" }),
  );
  const files: Wanted[] = [{ name: "etc/passwd", data: "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n" }];
  layout.addImage("1", [tarOf(program, ...links), tarOf(...files)], {
    Entrypoint: ["sh", "-c"],
    Cmd: ['echo "greeting: $GREETING"; exec sleep 1000'],
    Env: ["GREETING=hello"],
    User: "app",
    WorkingDir: "/srv",
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
  });
  registry = await startRegistry(layout.folder);
});
test.beforeEach(() => forgetAppFolders());
test.afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
  forgetAppFolders();
  forgetReadyImages();
});

const goTo = (app: Page, page: string) => app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: page }).click();

test("a container of an image in a registry runs its application, changed as a person wants it", async ({ app }) => {
  const create = async (name: string) => {
    await goTo(app, "Containers");
    await app.getByRole("button", { name: "Create container" }).click();
    const opened = app.getByRole("dialog", { name: "Create container" });
    await opened.getByRole("radio", { name: "OCI image" }).check();
    await opened.getByRole("textbox", { name: "OCI reference" }).fill(`docker://${registry.host}/test/app:1`);
    await expect(opened.getByRole("textbox", { name: "Name" })).toHaveValue("app-1");
    await opened.getByRole("textbox", { name: "Name" }).fill(name);
    return opened;
  };
  const dialog = await create("e2e-oci");
  await dialog.getByRole("textbox", { name: "OCI reference" }).fill("Not an image");
  await expect(dialog.getByText("The name of an image has no capital letters.")).toBeVisible();
  await dialog.getByRole("textbox", { name: "OCI reference" }).fill(`${registry.host}/test/app:none`);
  await dialog.getByRole("button", { name: "Show what it runs" }).click();
  await expect(dialog.getByText(`${registry.host} has no such image.`)).toBeVisible();
  await dialog.getByRole("textbox", { name: "OCI reference" }).fill(`${registry.host}/test/app:1`);
  await dialog.getByRole("button", { name: "Show what it runs" }).click();
  await expect(dialog.getByText(/It listens on 80\/tcp\. It keeps data in \/data\./)).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "Argument 1" })).toHaveValue("sh");
  await expect(dialog.getByRole("textbox", { name: "User" })).toHaveValue("app");
  await dialog.getByRole("textbox", { name: "Variable 1" }).fill("GREETING");
  await expect(dialog.getByText("This is not NAME=VALUE.")).toBeVisible();
  await dialog.getByRole("textbox", { name: "Variable 1" }).fill("GREETING=good 'evening'");
  await expectNoViolationsInBothThemes(app, "an OCI image");
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("button", { name: "Next" }).click();
  await expect(dialog).toContainText("lxc.init.cmd");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-oci").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(lxcLs("e2e-oci")).toMatchObject({ state: "RUNNING", unprivileged: "true" });
  expect(readFileSync("/var/lib/lxc/e2e-oci/console.log", "utf8")).toContain("greeting: good 'evening'");
  await closeNews(app);
  await expect(await openTask(app, /^Download /)).toContainText("skopeo");

  await goTo(app, "Containers");
  await row(app, "e2e-oci").getByRole("link", { name: "e2e-oci", exact: true }).click();
  await app.getByRole("tab", { name: "Terminal" }).click();
  const terminal = app.getByRole("region", { name: "Terminal e2e-oci" });
  await expect(terminal).toContainText("#");
  await terminal.getByRole("textbox").focus();
  await app.keyboard.type("hostname; id -u\n");
  await expect(terminal).toContainText("e2e-oci");

  const asked = registry.asked.length;
  await (await create("e2e-again")).getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-again").getByText("Running", { exact: true })).toBeVisible({ timeout: 30_000 });
  expect(readFileSync("/var/lib/lxc/e2e-again/console.log", "utf8")).toContain("greeting: hello");
  await closeNews(app);
  // Only what the image is was asked for: the ready image is here.
  expect(registry.asked.slice(asked).filter((line) => line.includes("/blobs/"))).toHaveLength(1);

  await goTo(app, "Images");
  const ready = app.getByRole("table", { name: "Ready images" }).getByRole("row").filter({ hasText: "test/app:1" });
  await expect(ready).toContainText(/An OCI image.*Unprivileged.*2 containers/);
  await goTo(app, "Containers");
  for (const name of ["e2e-oci", "e2e-again"]) {
    await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
    await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible();
    await app.getByRole("button", { name: `Destroy ${name}`, exact: true }).click();
    await confirmDestroy(app, name);
    await expect(row(app, name)).toBeHidden();
  }
});
