import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { run } from "./machine.ts";
import { readTestUser } from "./test-user.ts";

/** Takes the servers that are there out, as a person does, and adds these. */
export async function chooseImageServers(app: Page, ...urls: string[]): Promise<void> {
  await app.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
  const servers = app.getByRole("list", { name: "Image servers" });
  await servers.getByRole("button", { name: "Remove https://images.linuxcontainers.org" }).click();
  for (const url of urls) {
    await app.getByRole("textbox", { name: "Address of an image server" }).fill(url);
    await app.keyboard.press("Enter");
    await expect(servers.getByText(url, { exact: true })).toBeVisible();
  }
}

/** Where the app keeps what is the test user's own, images and settings; only once the app has ended, which writes there until then. */
export function forgetAppFolders(): void {
  for (const folder of [".cache/lxc-desktop", ".config/lxc-desktop"])
    rmSync(join(readTestUser().home, folder), { recursive: true, force: true });
}

/** No container of theirs may be there any more. */
export function forgetReadyImages(): void {
  run("/bin/rm", "-rf", "/var/lib/lxc-desktop/images");
}
