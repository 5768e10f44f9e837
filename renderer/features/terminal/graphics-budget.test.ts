import { expect, it } from "vitest";
import { createGraphicsBudget } from "./graphics-budget.ts";

it("lets only so many terminals draw with the graphics processor, and the next one when one is hidden", () => {
  const budget = createGraphicsBudget(2);
  const may: Record<string, boolean> = {};
  for (const id of ["a", "b", "c"])
    budget.show(id, (allowed) => {
      may[id] = allowed;
    });
  expect(may).toEqual({ a: true, b: true });
  budget.hide("a");
  expect(may).toEqual({ a: false, b: true, c: true });
  budget.show("a", (allowed) => {
    may.a = allowed;
  });
  expect(may.a).toBe(false);
  budget.hide("c");
  budget.hide("c");
  expect(may).toEqual({ a: true, b: true, c: false });
});
