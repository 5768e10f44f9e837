import { expect, it } from "vitest";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { sampleContainer } from "../../../privileged-helper/contract/testing/sample-container.ts";
import { copyOf, reasonAgainstInstant } from "./clone-values.ts";

const base = (more: Partial<Container> = {}) => sampleContainer("base", more);
const instant = { copy: "instant", snapshot: "" } as const;

it("a clone is instant where nothing changes below it, and otherwise a full copy", () => {
  expect(copyOf(instant, undefined)).toBe("instant");
  expect(copyOf(instant, base())).toBe("instant");
  expect(copyOf({ ...instant, copy: "full" }, base())).toBe("full");
  for (const state of ["running", "frozen"] as const) {
    expect(copyOf(instant, base({ state }))).toBe("full");
    expect(reasonAgainstInstant(base({ state }), "")).toContain(`base is ${state}`);
    // Neither a snapshot nor what the storage itself copies changes.
    expect(copyOf({ ...instant, snapshot: "snap0" }, base({ state }))).toBe("instant");
    expect(copyOf(instant, base({ state, storage: "btrfs" }))).toBe("instant");
  }
});
