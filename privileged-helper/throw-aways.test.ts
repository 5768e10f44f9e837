import { beforeEach, expect, it, vi } from "vitest";
import type { ContainerName } from "./contract/names.ts";
import { createThrowAways } from "./throw-aways.ts";

let there: Set<string>;
const discarded = vi.fn();
const discard = async (name: string) => {
  discarded(name);
  there.delete(name);
};
const signal = new AbortController().signal;
const source = { type: "clone" as const, from: "web" as ContainerName };
const make = () => createThrowAways({ triedOut: () => [...there], discard, tryOut: async () => ({ name: "web-try-1" }) });

beforeEach(() => {
  there = new Set(["web-try-1", "web-try-2"]);
  discarded.mockReset();
});

it("one goes with its last terminal, and no other container does", () => {
  const throwAways = make();
  throwAways.opened(1, "web-try-1");
  throwAways.opened(2, "web-try-1");
  throwAways.opened(3, "web");
  throwAways.closed(1);
  throwAways.closed(1);
  throwAways.closed(3);
  throwAways.closed(99);
  expect(discarded).not.toHaveBeenCalled();
  throwAways.closed(2);
  expect(discarded.mock.calls).toEqual([["web-try-1"]]);
});

it("all go with the page, also one that is only being made then", async () => {
  let made: (answer: { name: string }) => void = () => {};
  const tryOut = () =>
    new Promise<{ name: string }>((resolve) => {
      made = resolve;
    });
  const throwAways = createThrowAways({ triedOut: () => [...there], discard, tryOut });
  const trying = throwAways.tryOut(source, signal);
  throwAways.abandoned();
  expect(discarded.mock.calls).toEqual([["web-try-1"], ["web-try-2"]]);
  there.add("web-try-3");
  made({ name: "web-try-3" });
  await trying;
  expect(discarded).toHaveBeenLastCalledWith("web-try-3");
  // One that the next page asks for stays.
  there.add("web-try-1");
  discarded.mockReset();
  const next = throwAways.tryOut(source, signal);
  made({ name: "web-try-1" });
  await next;
  expect(discarded).not.toHaveBeenCalled();
});

it("one that has a terminal outlives its page, and goes when no other comes", async () => {
  const throwAways = make();
  throwAways.opened(1, "web-try-1");
  throwAways.pageGone();
  expect(discarded.mock.calls).toEqual([["web-try-2"]]);
  throwAways.abandoned();
  expect(discarded).toHaveBeenLastCalledWith("web-try-1");
});

it("whoever ends waits until they are removed, also where that fails", async () => {
  let fail: (error: Error) => void = () => {};
  const failing = () =>
    new Promise<void>((_, reject) => {
      fail = reject;
    });
  const throwAways = createThrowAways({ triedOut: () => ["web-try-1"], discard: failing, tryOut: async () => ({ name: "" }) });
  throwAways.abandoned();
  let isSettled = false;
  const settled = throwAways.settled().then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isSettled).toBe(false);
  fail(new Error("the disk is away"));
  await settled;
  expect(isSettled).toBe(true);
});
