import { createContainer, expect, test } from "../app/fixtures.ts";
import { lxc } from "../app/lxc.ts";

/** What after-restart.spec.ts looks for. Not by the tests' own names, so that nothing cleans it up. */
test("a container and a setting are made, to be there after a restart", async ({ app }) => {
  await createContainer(app, "kept");
  expect(lxc("lxc-attach", "-n", "kept", "--", "sh", "-c", "echo still here > /root/note; cat /root/note").trim()).toBe("still here");
  await app.getByRole("link", { name: "Settings" }).click();
  await app.getByText("Dark", { exact: true }).click();
  await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
});
