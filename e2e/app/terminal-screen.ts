import type { Locator, Page } from "@playwright/test";
import { closeNews, createContainer, expect } from "./fixtures.ts";

/** Makes a container and goes to its terminals. @returns What is around them. */
export async function openTerminals(app: Page, name: string): Promise<Locator> {
  await createContainer(app, name);
  await closeNews(app);
  await app.getByRole("link", { name, exact: true }).click();
  await app.getByRole("tab", { name: "Terminal" }).click();
  const terminals = app.getByRole("region", { name: `Terminal ${name}` });
  await expect(terminals).toContainText("/ #");
  return terminals;
}

/** The rows of a terminal as a screen reader has them, without what is empty at their ends. */
export async function screenOf(terminals: Locator, pane = 0): Promise<string[]> {
  const rows = await terminals.locator(".terminal-pane").nth(pane).locator(".xterm-accessibility-tree > *").allTextContents();
  return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd());
}

/** Types a command into the terminal that has the focus, and waits for what it answers. */
export async function run(app: Page, terminals: Locator, command: string, answer: string | RegExp): Promise<void> {
  await app.keyboard.type(`${command}\n`);
  await expect(terminals).toContainText(answer);
}

/** Where a container's own files are. */
export const filesOf = (name: string): string => `/var/lib/lxc/${name}/rootfs`;
