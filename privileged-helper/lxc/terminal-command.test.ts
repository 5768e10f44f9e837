import { expect, it } from "vitest";
import { versionAddsReturns } from "./terminal-command.ts";

it.each([
  ["4.0.9", false],
  ["4.0.10", true],
  ["4.0.12", true],
  ["5.0.2", true],
  ["6.0.3-1.el9", true],
  ["7.0.0", true],
  ["10.1", true],
  ["3.1.0", false],
  ["", false],
  [undefined, false],
])("LXC %s has its terminal add a CR to each LF: %s", (version, adds) => {
  expect(versionAddsReturns(version)).toBe(adds);
});
