import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { helperNodeOptions } from "./node-options.ts";

it("the installed launcher runs the helper with the same options of Node's", () => {
  const command = readFileSync("assets/launch", "utf8")
    .split("\n")
    .find((line) => line.includes('"$program" -'));
  expect(command).toContain(`"$program" ${helperNodeOptions.join(" ")} "$home/helper/main.cjs"`);
});
