import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Everything axe knows to check, in what the page shows now; or some of its rules. */
export async function expectNoViolations(page: Page, where: string, rules?: string[]): Promise<void> {
  await animationsEnd(page);
  // It brings Playwright's types of its own; the page is the same.
  // There are no frames of other sites here, and another page for each check takes long.
  const axe = new AxeBuilder({ page: page as never }).setLegacyMode();
  if (rules) axe.withRules(rules);
  const { violations } = await axe.analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join(", ")}`,
  );
  expect(found, where).toEqual([]);
}

/** The same in both themes. The page follows the system's; only the colours change with it. */
export async function expectNoViolationsInBothThemes(page: Page, where: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
    await expectNoViolations(page, `${where}, ${colorScheme}`, colorScheme === "dark" ? ["color-contrast"] : undefined);
  }
}

/** What fades in has its colours only at the end. What turns for ever is left out. */
async function animationsEnd(page: Page) {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect, playState }) => playState === "running" && effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY)
        .map(({ finished }) => finished),
    ),
  );
}
