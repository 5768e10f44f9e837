import { describe, expect, it } from "vitest";
import { loadPatiently } from "./later.ts";

describe("what is loaded later", () => {
  it("is asked for again where it does not come at once", async () => {
    let asked = 0;
    const load = async () => {
      asked += 1;
      if (asked < 8) throw new TypeError("Failed to fetch dynamically imported module");
      return "it";
    };
    expect(await loadPatiently(load, 1)).toBe("it");
    expect(asked).toBe(8);
  });

  it("is given up where it never comes, with the reason", async () => {
    let asked = 0;
    const load = async () => {
      asked += 1;
      throw new TypeError(`${asked}`);
    };
    await expect(loadPatiently(load, 1)).rejects.toThrow("8");
    expect(asked).toBe(8);
  });
});
