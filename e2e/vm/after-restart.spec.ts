import { expect, row, test } from "../app/fixtures.ts";
import { lxc, lxcLs } from "../app/lxc.ts";

test("containers and settings are there after the machine was started anew", async ({ app }) => {
  await expect(row(app, "kept").getByText("Stopped", { exact: true })).toBeVisible();
  await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await app.getByRole("button", { name: "Start kept", exact: true }).click();
  await expect(row(app, "kept").getByText("Running", { exact: true })).toBeVisible();
  expect(lxc("lxc-attach", "-n", "kept", "--", "cat", "/root/note").trim()).toBe("still here");
  // The address that was reserved for it is its address still.
  const address = lxc("lxc-info", "-n", "kept", "-c", "lxc.net.0.ipv4.address").split("=")[1]?.trim().split("/")[0];
  await expect.poll(() => lxcLs("kept")?.ipv4).toBe(address);
});
