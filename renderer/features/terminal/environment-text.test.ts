import { expect, it } from "vitest";
import { parseEnvironment } from "./environment-text.ts";

it("takes one variable a line, the last of each name, with whatever is in its value", () => {
  expect(parseEnvironment("A=1\n\n  B_2=x = y \nA=\n")).toEqual({ values: { A: "", B_2: "x = y" } });
});

it("says which line is none", () => {
  for (const line of ["A", "_A=x", "1A=x", "A B=c", "=x"])
    expect(parseEnvironment(`OK=1\n${line}`)).toEqual({ reason: `“${line}” is not like NAME=value.` });
  expect(parseEnvironment(Array.from({ length: 33 }, (_, index) => `A${index}=`).join("\n"))).toHaveProperty("reason");
});
