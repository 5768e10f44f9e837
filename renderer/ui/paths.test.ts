import fc from "fast-check";
import { expect, it } from "vitest";
import { containerPath, nameInPath } from "./paths.ts";

it("every name comes back from its address after the router has decoded it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
      const [, , part] = decodeURI(containerPath(name)).split("/");
      expect(nameInPath(part ?? "")).toBe(name);
    }),
  );
});

it("an ordinary name is seen as it is", () => {
  expect(containerPath("web-1", "logs")).toBe("/containers/web-1/logs");
});

it("an address that somebody typed wrong is taken as it is", () => {
  expect(nameInPath("100%")).toBe("100%");
});
