import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { expectNoViolationsInBothThemes } from "./axe.ts";
import { everyAction, expect, flip, row, test } from "./fixtures.ts";
import { lxcPath } from "./lxc.ts";
import { setRule } from "./test-user.ts";
import { startWebHost } from "./web-host.ts";

async function openDialog(app: Page): Promise<Locator> {
  await app.getByRole("button", { name: "Create container" }).first().click();
  const dialog = app.getByRole("dialog", { name: "Create container" });
  await expect(dialog.getByRole("combobox", { name: "Template" })).toBeEnabled();
  return dialog;
}

async function choose(dialog: Locator, template: string) {
  await dialog.getByRole("combobox", { name: "Template" }).click();
  await dialog.getByRole("option", { name: template, exact: true }).click();
}

/** The command that makes it, as the last step shows it; and back to the first one. */
async function reviewedCommand(dialog: Locator): Promise<string> {
  await dialog.getByRole("button", { name: "Review" }).click();
  const commands = dialog.getByRole("group", { name: "Commands of Create" });
  await expect(commands).toContainText("lxc-create");
  const lines = ((await commands.textContent()) ?? "").split("\n");
  await dialog.getByRole("button", { name: "Source" }).click();
  return lines.find((line) => line.startsWith("lxc-create")) ?? "";
}

test("each template has a form of its own, and what was typed into one is still there when one comes back to it", async ({ app }) => {
  const dialog = await openDialog(app);
  await choose(dialog, "Debian");
  const release = dialog.getByRole("combobox", { name: "Release" });
  await release.click();
  await expect(dialog.getByRole("option", { name: "trixie" })).toBeVisible();
  await dialog.getByRole("option", { name: "trixie" }).click();
  await dialog.getByRole("textbox", { name: "Extra packages" }).fill("curl, git");
  const more = dialog.getByRole("button", { name: "More options" });
  await expect(more).toHaveAttribute("aria-expanded", "false");
  await expect(dialog.getByRole("textbox", { name: "Security mirror" })).toBeHidden();
  await more.click();
  await dialog.getByRole("textbox", { name: "Security mirror" }).fill("http://mirror.example/security");
  await dialog.getByRole("switch", { name: "Non-free packages too" }).check();
  const debian =
    / -t debian .* -- --release=trixie --packages=curl,git .*--security-mirror=http:\/\/mirror\.example\/security --enable-non-free$/;
  expect(await reviewedCommand(dialog)).toMatch(debian);

  await choose(dialog, "Alpine");
  await expect(dialog.getByRole("switch", { name: "Non-free packages too" })).toHaveCount(0);
  await expect(dialog.getByRole("textbox", { name: "Extra packages" })).toHaveValue("");
  await dialog.getByRole("textbox", { name: "Extra packages" }).fill("nginx");
  await dialog.getByRole("combobox", { name: "Release" }).fill("v3.22");
  expect(await reviewedCommand(dialog)).toMatch(/ -t alpine .* -- --release=v3\.22 nginx$/);

  await choose(dialog, "Debian");
  await expect(release).toHaveValue("trixie");
  await expect(more).toHaveAttribute("aria-expanded", "false");
  expect(await reviewedCommand(dialog)).toMatch(debian);
});

test("a value that the template could not take is refused beside its field, before anything is sent", async ({ app }) => {
  const dialog = await openDialog(app);
  const create = dialog.getByRole("button", { name: "Create", exact: true });
  await choose(dialog, "Ubuntu");
  for (const [role, name, bad, reason] of [
    ["combobox", "Release", "../x", "Use letters, digits and . _ + - only"],
    ["textbox", "Extra packages", "curl, -y", '"-y" is no name'],
    ["textbox", "User", "Root", "lower-case letters"],
    ["textbox", "Password", "with blanks", "and no hyphen first"],
  ] as const) {
    const field = name === "Password" ? dialog.getByLabel(name, { exact: true }) : dialog.getByRole(role, { name });
    await field.fill(bad);
    await expect(dialog.getByText(reason)).toBeVisible();
    await expect(field).toHaveAttribute("aria-invalid", "true");
    await expect(create).toBeDisabled();
    await field.fill("");
    await expect(create).toBeEnabled();
  }
  await dialog.getByRole("button", { name: "More options" }).click();
  await dialog.getByRole("textbox", { name: "Mirror", exact: true }).fill("file:///etc");
  await expect(dialog.getByText("begins with http:// or https://")).toBeVisible();
  await expect(create).toBeDisabled();
  // What is wrong cannot be folded away.
  await dialog.getByRole("button", { name: "More options" }).click();
  await expect(dialog.getByText("begins with http:// or https://")).toBeVisible();
});

test("the command that is shown is the one that runs, and a password is not in it", async ({ app }) => {
  const dialog = await openDialog(app);
  await choose(dialog, "Ubuntu");
  await dialog.getByLabel("Password", { exact: true }).fill("hunter2");
  expect(await reviewedCommand(dialog)).toMatch(/ -- --password '\*{8}'$/);

  await choose(dialog, "BusyBox");
  await dialog.getByRole("textbox", { name: "Name" }).fill("e2e-shown");
  await dialog.getByRole("button", { name: "More options" }).click();
  const program = dialog.getByRole("combobox", { name: "BusyBox program" });
  await program.click();
  // What unfolds above it may have moved it out of sight, and its list with it.
  await program.scrollIntoViewIfNeeded();
  await dialog.getByRole("option", { name: "/busybox" }).first().click();
  const shown = await reviewedCommand(dialog);
  expect(shown).toMatch(
    /^lxc-create -n e2e-shown -P \/var\/lib\/lxc -t busybox -f \/var\/lib\/lxc\/e2e-shown\/config\.new -- --busybox-path \S+$/,
  );
  await flip(dialog.getByRole("switch", { name: "Start after creation" }));
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  await expect(row(app, "e2e-shown").getByText("Stopped", { exact: true })).toBeVisible();
  await expect(row(app, "e2e-shown").getByText(/^Creating/)).toBeHidden();
  const [, forTemplate = ""] = shown.split(" -- ");
  const config = readFileSync(join(lxcPath, "e2e-shown/config"), "utf8");
  expect(config).toContain(`# Parameters passed to the template: ${forTemplate}`);
});

test("a template whose programs are missing leads to the Host page's fix of them", async ({ chromium }, info) => {
  test.skip(info.project.name === "electron", "the fault is arranged before the web host starts");
  await setRule({ granted: [...everyAction, "host"] });
  const host = await startWebHost({ mount: "mount --bind /dev/null /usr/bin/rsync" });
  const context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    const app = await context.newPage();
    await app.goto(host.address);
    const dialog = await openDialog(app);
    await choose(dialog, "Debian");
    await expect(dialog.getByRole("alert")).toContainText("Debian needs rsync");
    await expect(dialog.getByRole("button", { name: "Create", exact: true })).toBeDisabled();
    await expectNoViolationsInBothThemes(app, "a template that lacks programs");
    await dialog.getByRole("button", { name: "Fix on the Host page" }).click();
    const fix = app.getByRole("dialog", { name: "Fix Templates" });
    await expect(fix.getByRole("group", { name: "Commands of Fix Templates" })).toContainText("rsync");
    await fix.getByRole("button", { name: "Cancel" }).click();
    await expect(app.getByRole("heading", { name: "Host", level: 1 })).toBeVisible();
  } finally {
    await context.close();
    await host.stop();
  }
});

test("axe finds nothing in a form with everything unfolded, wide and narrow, and nothing is cut off", async ({ app }) => {
  test.setTimeout(120_000);
  const dialog = await openDialog(app);
  await choose(dialog, "Ubuntu");
  await dialog.getByRole("button", { name: "More options" }).click();
  await dialog.getByLabel("Password", { exact: true }).fill("secret");
  await dialog.getByRole("switch", { name: "Download anew" }).check();
  await expectNoViolationsInBothThemes(app, "the form of Ubuntu");
  await dialog.getByRole("textbox", { name: "Mirror", exact: true }).fill("no");
  await expectNoViolationsInBothThemes(app, "a refused value");
  await app.setViewportSize({ width: 420, height: 800 });
  await expectNoViolationsInBothThemes(app, "the form of Ubuntu, narrow");
  expect(await app.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  expect(await dialog.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
});

test("the form is filled in and folded by keyboard alone", async ({ app }) => {
  const dialog = await openDialog(app);
  await choose(dialog, "Debian");
  await dialog.getByRole("combobox", { name: "Release" }).focus();
  await app.keyboard.press("ArrowDown");
  await app.keyboard.press("ArrowDown");
  await app.keyboard.press("Enter");
  // That chose a suggestion, and sent nothing.
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole("combobox", { name: "Release" })).not.toHaveValue("");
  await app.keyboard.press("Tab");
  await app.keyboard.press("Tab");
  await app.keyboard.type("curl");
  await expect(dialog.getByRole("textbox", { name: "Extra packages" })).toHaveValue("curl");
  await app.keyboard.press("Tab");
  await expect(dialog.getByRole("button", { name: "More options" })).toBeFocused();
  await app.keyboard.press("Enter");
  await expect(dialog.getByRole("textbox", { name: "Mirror", exact: true })).toBeVisible();
});
