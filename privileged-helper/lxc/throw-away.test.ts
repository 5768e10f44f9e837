import fc from "fast-check";
import { expect, it } from "vitest";
import { explainNewName } from "../contract/names.ts";
import { parseConfig } from "./config.ts";
import { isThrowAway, throwAwayMark, throwAwayName } from "./throw-away.ts";

it("its name tells what is tried", () => {
  expect(throwAwayName("web", () => false)).toMatch(/^web-try-[a-z0-9]{4}$/);
  expect(throwAwayName("BusyBox 1.36 (edge)", () => false)).toMatch(/^busybox-1-36-edge-try-[a-z0-9]{4}$/);
  expect(throwAwayName("Ωmega…", () => false)).toMatch(/^mega-try-[a-z0-9]{4}$/);
  expect(throwAwayName("…", () => false)).toMatch(/^image-try-[a-z0-9]{4}$/);
});

it("its name is a host name, whatever is tried", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (tried) => {
      expect(explainNewName(throwAwayName(tried, () => false))).toBeUndefined();
    }),
  );
});

it("its name is free", () => {
  let asked = 0;
  const name = throwAwayName("web", () => ++asked < 3);
  expect(asked).toBe(3);
  expect(name).toMatch(/^web-try-/);
});

it("it is known by its mark, among groups of the administrator's", () => {
  const [key, value] = throwAwayMark;
  expect(isThrowAway(parseConfig(`${key} = onboot\n${key} = ${value}\n`))).toBe(true);
  expect(isThrowAway(parseConfig(`${key} = ${value}\n${key} =\n`))).toBe(false);
  expect(isThrowAway(parseConfig(`${key} = onboot\n# ${key} = ${value}\n`))).toBe(false);
});
