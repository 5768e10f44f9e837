import { expect, it } from "vitest";
import { createRememberedRights } from "./remembered-rights.ts";

it("remembers an answer for one action and one container, for five minutes, or until it is given back", () => {
  let time = 0;
  const rights = createRememberedRights(() => time);
  rights.add("shell-privileged", "web");
  rights.add("host", undefined);
  expect(rights.has("shell-privileged", "web")).toBe(true);
  expect(rights.has("shell-privileged", "db")).toBe(false);
  expect(rights.has("configure-raw", "web")).toBe(false);
  expect(rights.list().map(({ action, container }) => [action, container])).toEqual([
    ["shell-privileged", "web"],
    ["host", undefined],
  ]);
  time = 5 * 60_000;
  expect(rights.has("shell-privileged", "web")).toBe(false);
  expect(rights.list()).toEqual([]);
  rights.add("host", undefined);
  rights.forget();
  expect(rights.has("host", undefined)).toBe(false);
});
