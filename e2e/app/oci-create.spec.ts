import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { type Registry, startRegistry } from "../../electron/backend/oci/testing/registry.ts";
import { makeUmociImage, saveForDocker } from "../../electron/backend/oci/testing/umoci-image.ts";
import { tarOf } from "../../privileged-helper/archive/testing/tar.ts";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { closeNews, confirmDestroy, expect, openTask, row, test } from "./fixtures.ts";
import { forgetAppFolders, forgetReadyImages } from "./images.ts";
import { lxc, lxcLs } from "./lxc.ts";
import { namesIn } from "./machine.ts";
import { readTestUser } from "./test-user.ts";

let folder: string;
let layout: string;
let registry: Registry;

function addPrograms(rootfs: string) {
  mkdirSync(join(rootfs, "bin"));
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
  for (const name of ["sh", "sleep", "id", "hostname"]) symlinkSync("busybox", join(rootfs, "bin", name));
}
function addUsers(rootfs: string) {
  mkdirSync(join(rootfs, "etc"));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\napp:x:1001:\nstaff:x:50:app\n");
}

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-e2e-oci-"));
  // The app is another user's.
  chmodSync(folder, 0o755);
  layout = join(folder, "layout");
  makeUmociImage(layout, "1", [addPrograms, addUsers], {
    entrypoint: ["sh", "-c"],
    cmd: ['echo "greeting: $GREETING"; exec sleep 1000'],
    env: ["GREETING=hello", 'ODD=it\'s "odd" $HOME'],
    user: "app",
    workingdir: "/srv",
    exposedports: ["80/tcp"],
    volume: ["/data"],
  });
  registry = await startRegistry(layout);
});
test.beforeEach(() => forgetAppFolders());
test.afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
  forgetAppFolders();
  forgetReadyImages();
});

async function openDialog(app: Page, reference: string) {
  await goTo(app, "Containers");
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("radio", { name: "OCI image" }).check();
  await dialog.getByRole("textbox", { name: "OCI reference" }).fill(reference);
  return dialog;
}

async function stopAndDestroy(app: Page, ...names: string[]) {
  await goTo(app, "Containers");
  for (const name of names) {
    await app.getByRole("button", { name: `Stop ${name}`, exact: true }).click();
    await expect(row(app, name).getByText("Stopped", { exact: true })).toBeVisible();
    await app.getByRole("button", { name: `Destroy ${name}`, exact: true }).click();
    await confirmDestroy(app, name);
    await expect(row(app, name)).toBeHidden();
  }
}

/** The application of a container: what its init has started, as the kernel sees it. Numbers are those inside. */
function applicationOf(name: string) {
  const init = lxc("lxc-info", "-n", name, "-p", "-H").trim();
  const pid = readFileSync(`/proc/${init}/task/${init}/children`, "utf8").trim();
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
  const first = Number(read("uid_map").trim().split(/\s+/)[1]);
  const numbers = (field: string) =>
    (new RegExp(`^${field}:(.*)$`, "m").exec(read("status"))?.[1] ?? "")
      .trim()
      .split(/\s+/)
      .map((number) => Number(number) - first);
  return {
    argv: read("cmdline").split("\0").slice(0, -1),
    environment: read("environ").split("\0").slice(0, -1),
    workingDirectory: readlinkSync(`/proc/${pid}/cwd`),
    uid: numbers("Uid")[0],
    gid: numbers("Gid")[0],
    groups: numbers("Groups"),
  };
}

/** What `docker save` of two images writes. */
function saveTwo(): string {
  const [one, two, unpacked] = ["one.tar", "two.tar", "saved"].map((name) => join(folder, name)) as [string, string, string];
  saveForDocker(layout, "1", one, "test/saved:1");
  mkdirSync(unpacked);
  execFileSync("tar", ["-xf", one, "-C", unpacked]);
  const [image] = JSON.parse(readFileSync(join(unpacked, "manifest.json"), "utf8"));
  writeFileSync(join(unpacked, "manifest.json"), JSON.stringify([image, { ...image, RepoTags: ["test/other:2"] }]));
  execFileSync("tar", ["-cf", two, "-C", unpacked, "."]);
  return two;
}

async function chooseFile(app: Page, dialog: Locator, path: string) {
  const chooser = app.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose a file…" }).click();
  await (await chooser).setFiles(path);
}

/** The copies that the app has of files that were chosen. */
const copies = () => namesIn(join(readTestUser().home, ".cache/lxc-desktop/chosen"));

const goTo = (app: Page, page: string) => app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: page }).click();

test("a container of an image in a registry runs its application, changed as a person wants it", async ({ app }) => {
  const create = async (name: string) => {
    const opened = await openDialog(app, `docker://${registry.host}/test/app:1`);
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
  await stopAndDestroy(app, "e2e-oci", "e2e-again");
});

test("an image that docker save has written runs as it says: words, environment, folder, user and groups", async ({ app }) => {
  const path = join(folder, "saved.tar");
  saveForDocker(layout, "1", path, "test/app:1");
  const dialog = await openDialog(app, `docker-archive:${path}`);
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-saved");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-saved").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  const wanted = { argv: ["sleep", "1000"], uid: 1000, gid: 1001, groups: [50, 1001], workingDirectory: "/srv" };
  // Its init comes first.
  await expect(() => expect(applicationOf("e2e-saved")).toMatchObject(wanted)).toPass({ timeout: 30_000 });
  const { environment } = applicationOf("e2e-saved");
  expect(environment).toEqual(expect.arrayContaining(["GREETING=hello", 'ODD=it\'s "odd" $HOME', "HOME=/home/app"]));
  await closeNews(app);
  await stopAndDestroy(app, "e2e-saved");
});

test("a container of an image in a file of the person's, which is looked into and leaves no copy", async ({ app }) => {
  const two = saveTwo();
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("radio", { name: "OCI image" }).check();
  const create = dialog.getByRole("button", { name: "Create", exact: true });

  await test.step("what is no such file says so", async () => {
    const other = join(folder, "other.tar");
    writeFileSync(other, tarOf({ name: "etc/hostname", data: "x" }));
    await chooseFile(app, dialog, other);
    await expect(dialog.getByRole("alert")).toContainText("It holds no image of Docker or OCI");
    await expect(create).toBeDisabled();
    await expectNoViolationsInBothThemes(app, "a file without images");
    await dialog.getByRole("button", { name: "Choose no file" }).click();
  });

  await test.step("copying is cancelled, and nothing of it is left", async () => {
    const large = join(folder, "large.tar");
    writeFileSync(large, "");
    truncateSync(large, 1024 ** 3);
    await chooseFile(app, dialog, large);
    await expect(dialog.getByText(/^Copying it: .* of 1\.0 GiB\.$/)).toBeVisible();
    await dialog.getByRole("button", { name: "Cancel copying" }).click();
    await expect(dialog.getByRole("progressbar")).toBeHidden();
    await expect.poll(copies).toEqual([]);
  });

  await chooseFile(app, dialog, two);
  await expect(dialog.getByRole("textbox", { name: "OCI reference" })).toHaveValue("two.tar");
  const which = dialog.getByRole("combobox", { name: "Image in the file" });
  await which.click();
  await expect(dialog.getByRole("option")).toHaveText(["test/saved:1", "test/other:2"]);
  await expect(create).toBeDisabled();
  await dialog.getByRole("option", { name: "test/other:2" }).click();
  await expect(dialog.getByText(/It listens on 80\/tcp/)).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "Name" })).toHaveValue("other-1");
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-in-file");
  await expectNoViolationsInBothThemes(app, "a file with two images");
  await dialog.getByRole("button", { name: "Review" }).click();
  await expect(dialog.getByRole("row", { name: "Made of" })).toContainText("An OCI image in two.tar");
  await create.click();
  await expect(row(app, "e2e-in-file").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(readFileSync("/var/lib/lxc/e2e-in-file/console.log", "utf8")).toContain("greeting: hello");
  await expect.poll(copies).toEqual([]);
});

test("what could not be downloaded is asked for again in the list of tasks, as it was asked for", async ({ app }) => {
  const dialog = await openDialog(app, `${registry.host}/test/app:late`);
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-late");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await app.getByRole("alert").getByRole("button", { name: "Close" }).click();
  execFileSync("umoci", ["tag", "--image", `${layout}:1`, "late"]);
  await openTask(app, /^Download .*late$/);
  await app.getByRole("button", { name: /^Retry Download .*late$/ }).click();
  await goTo(app, "Containers");
  await expect(row(app, "e2e-late").getByText("Running", { exact: true })).toBeVisible({ timeout: 60_000 });
});
