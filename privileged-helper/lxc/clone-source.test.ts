import { expect, it } from "vitest";
import type { Container } from "../contract/model.ts";
import type { ProblemError } from "../contract/problems.ts";
import { sampleContainer } from "../contract/testing/sample-container.ts";
import { requireClonable } from "./clone-source.ts";

const base = (state: Container["state"]) => sampleContainer("base", { state });

it.each([
  ["stopped", "dir", "instant", undefined],
  ["stopped", "lvm", "full", undefined],
  ["running", "dir", "full", undefined],
  ["frozen", "overlay", "full", undefined],
  ["running", "btrfs", "instant", undefined],
  ["running", "btrfs", "full", undefined],
  ["running", "dir", "instant", /make a full copy/],
  ["frozen", "overlay", "instant", /make a full copy/],
  ["running", "zfs", "instant", /its storage \(zfs\)/],
  ["running", "loop", "full", /its storage \(loop\)/],
  ["starting", "btrfs", "full", /Wait until/],
  ["stopping", "dir", "full", /Wait until/],
  ["error", "dir", "full", /cannot be read/],
] as const)("what is %s on %s can be copied (%s), or says why not", (state, storage, copy, needed) => {
  const clone = () => requireClonable(base(state), storage, copy);
  if (needed === undefined) return expect(clone).not.toThrow();
  let problem: unknown;
  try {
    clone();
  } catch (thrown) {
    problem = (thrown as ProblemError).problem;
  }
  expect(problem).toMatchObject({ code: "wrong-state", name: "base", state, needed: expect.stringMatching(needed) });
});
