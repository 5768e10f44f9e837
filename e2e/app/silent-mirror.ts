import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { expect, openTask } from "./fixtures.ts";

/** A mirror of Debian on loopback that tells its releases, and answers no other question: debootstrap waits for it. */
export type SilentMirror = { address: string; close(): Promise<void> };

export async function startSilentMirror(): Promise<SilentMirror> {
  const server = createServer((request, response) => {
    // The template asks for these before anything else, and prints nothing meanwhile.
    if (request.url?.endsWith("/Release")) response.end("Suite: testing\nCodename: testing\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Begins to create a Debian container through the dialog, and comes back when debootstrap waits for the mirror. */
export async function beginCreatingDebian(page: Page, name: string, mirror: SilentMirror): Promise<void> {
  await page.getByRole("button", { name: "Create container" }).click();
  const dialog = page.getByRole("dialog", { name: "Create container" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("combobox", { name: "Template" }).click();
  await page.getByRole("option", { name: "Debian" }).click();
  await dialog.getByRole("combobox", { name: "Release" }).fill("trixie");
  const address = dialog.getByRole("textbox", { name: "Mirror", exact: true });
  if (!(await address.isVisible())) await dialog.getByRole("button", { name: "More options" }).click();
  await address.fill(mirror.address);
  await dialog.getByRole("button", { name: "Create", exact: true }).click();
  const details = await openTask(page, `Create ${name}`);
  await expect(details.getByRole("log", { name: `Output of Create ${name}` })).toContainText("I: Retrieving InRelease", {
    timeout: 60_000,
  });
}
