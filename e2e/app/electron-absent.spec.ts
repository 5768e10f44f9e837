import { test } from "@playwright/test";

test("the app in Electron", () => {
  test.skip(true, "no Electron program is present (node_modules/electron/dist or ELECTRON_OVERRIDE_DIST_PATH)");
});
