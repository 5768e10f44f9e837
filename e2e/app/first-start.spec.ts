import type { Page } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { expect, openTask, row, test } from "./fixtures.ts";
import { lxc, lxcLs } from "./lxc.ts";
import { run } from "./machine.ts";
import { userName } from "./test-user.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";
const keys = `~${userName}/.ssh`;

test.beforeEach(() => {
  run(
    "/bin/sh",
    "-c",
    `mkdir -p ${keys} && echo '${key}' >${keys}/id_ed25519.pub && echo secret >${keys}/id_ed25519 && chmod -R a+rX ${keys}`,
  );
});
test.afterEach(() => {
  run("/bin/sh", "-c", `rm -r ${keys}`);
});

/** The create dialog's second step, with what is done at the first start in sight. */
async function openFirstStart(app: Page, name: string) {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("button", { name: "First start: user, packages, command" }).click();
  return dialog;
}

test("a user, a key and a command are asked for, and what is wrong with them is said beside each", async ({ app }) => {
  const dialog = await openFirstStart(app, "e2e-first");
  const create = dialog.getByRole("button", { name: "Create", exact: true });
  const user = dialog.getByRole("textbox", { name: "User" });
  await user.fill("Me");
  await expect(dialog.getByText("A user's name has lower-case letters")).toBeVisible();
  await expect(create).toBeDisabled();
  await user.fill("me");
  await expect(create).toBeEnabled();
  // The person's own key is suggested.
  const choice = dialog.getByRole("combobox", { name: "SSH key" });
  await expect(choice).toHaveValue("id_ed25519.pub (me@here)");
  await choice.click();
  await expect(app.getByRole("option")).toHaveText(["id_ed25519.pub (me@here)", "Another one"]);
  await app.getByRole("option", { name: "Another one" }).click();
  const pasted = dialog.getByRole("textbox", { name: "Public key" });
  await pasted.fill("-----BEGIN OPENSSH PRIVATE KEY-----");
  await expect(dialog.getByText("This is a private key.")).toBeVisible();
  await expect(create).toBeDisabled();
  await pasted.fill(key);
  await expect(create).toBeEnabled();
  await expect(dialog.getByRole("textbox", { name: "Packages" })).toBeDisabled();
  await expect(dialog.getByText("Not available: BusyBox has no package manager.")).toBeVisible();
  await dialog.getByRole("textbox", { name: "Command" }).fill("echo one\necho two");
  await expectNoViolationsInBothThemes(app, "first start");
  await dialog.getByRole("button", { name: "Review" }).click();
  await expect(dialog.getByRole("row", { name: "First start" })).toContainText(
    "Makes the user me with an SSH key who may become root and runs a command (echo one …)",
  );
});

test("nothing of it is done to a container that is not started", async ({ app }) => {
  await app.getByRole("button", { name: "Create container" }).click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("switch", { name: "Start after creation" }).press("Space");
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("button", { name: "First start: user, packages, command" }).click();
  await expect(dialog.getByText("Switch on “Start after creation” for it.")).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "Command" })).toBeDisabled();
});

test("a command runs inside, and where it fails it alone is tried again", async ({ app }) => {
  const name = "e2e-command";
  const dialog = await openFirstStart(app, name);
  await dialog.getByRole("textbox", { name: "Command" }).fill("id -u\n[ -e /seen ] || { touch /seen; echo 'not yet'; exit 5; }\necho done");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  const alert = app.getByRole("alert").filter({ hasText: `${name} was made, but its command did not work` });
  await expect(alert).toContainText("failed with exit code 5");
  await expect(alert).toContainText("The container is kept and runs on.");
  await alert.getByRole("button", { name: "Show details" }).click();
  await expect(alert).toContainText("not yet");
  await expect(row(app, name).getByText("Running", { exact: true })).toBeVisible();
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(app.getByText(`${name} is set up.`)).toBeVisible();
  const details = await openTask(app, `Set up ${name}`);
  await expect(details).toContainText("lxc-attach");
  await expect(details.getByLabel(`Output of Set up ${name}`)).toContainText("done");
});

test("a command can be cancelled: it ends, its container runs on, and the task tells it", async ({ app }) => {
  const name = "e2e-cut-off";
  const dialog = await openFirstStart(app, name);
  await dialog.getByRole("textbox", { name: "Command" }).fill("echo begun; sleep 613");
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  const details = await openTask(app, `Create ${name}`);
  await expect(details.getByLabel(`Output of Create ${name}`)).toContainText("begun");
  const task = app.getByRole("row", { name: new RegExp(`Create ${name}`) });
  // Nobody knows how far it is.
  const bar = app.getByRole("progressbar", { name: `Progress of Create ${name}` });
  await expect(bar).toBeVisible();
  await expect(bar).not.toHaveAttribute("aria-valuenow");
  await app.getByRole("button", { name: `Cancel Create ${name}` }).click();
  await expect(task).toContainText("Cancelled");
  await expect(details).toContainText("Cancelled while the command ran. The container is kept, and runs on.");
  await expect(app.getByRole("button", { name: `Retry Create ${name}` })).toBeVisible();
  expect(lxcLs(name)?.state).toBe("RUNNING");
  expect(lxc("lxc-attach", "-n", name, "--", "/bin/sh", "-c", "ps")).not.toContain("sleep 613");
});
