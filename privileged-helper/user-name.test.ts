import { expect, it } from "vitest";
import { userNameOf } from "./user-name.ts";

it("knows the users of this computer by name, and no others", async () => {
  expect(await userNameOf(0)).toBe("root");
  expect(await userNameOf(2 ** 31 - 3)).toBeUndefined();
});
