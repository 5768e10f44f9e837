import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toProblem } from "./contract/problems.ts";
import { createLocks, type LockRequest } from "./locks.ts";
import { type Blocker, createQueue } from "./queue.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lxc-desktop-queue-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const never = new AbortController().signal;
const lock = (name: string, operation: string, more: Partial<LockRequest> = {}): LockRequest => ({
  lxcPath: "/lxc",
  name,
  operation,
  ...more,
});

/** A helper whose order of work is written down. */
function createHelper() {
  const queue = createQueue(createLocks(directory));
  const order: string[] = [];
  const blockers: Blocker[] = [];
  /** Waits for its turn, and is done when it is told. */
  const work = async (operation: string, locks: LockRequest[], signal = never) => {
    const place = queue.enter(locks);
    try {
      await place.turn(signal, (blocker) => blockers.push(blocker));
    } catch (thrown) {
      place.leave();
      throw thrown;
    }
    order.push(operation);
    return () => place.leave();
  };
  return { queue, order, blockers, work };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 80));

describe("the queue of a container", () => {
  it("is first come, first served, and nothing interleaves", async () => {
    const { work, order, blockers } = createHelper();
    const first = await work("stop", [lock("web", "stop")]);
    const start = work("start", [lock("web", "start")]);
    const destroy = work("destroy", [lock("web", "destroy")]);
    await settled();
    expect(order).toEqual(["stop"]);
    expect(blockers).toEqual([
      { name: "web", operation: "stop", target: "web" },
      { name: "web", operation: "start", target: "web" },
    ]);
    first();
    (await start)();
    (await destroy)();
    expect(order).toEqual(["stop", "start", "destroy"]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("does not hold up another container", async () => {
    const { work, order } = createHelper();
    const stop = await work("stop web", [lock("web", "stop")]);
    const start = work("start web", [lock("web", "start")]);
    (await work("start mail", [lock("mail", "start")]))();
    expect(order).toEqual(["stop web", "start mail"]);
    stop();
    (await start)();
  });

  it("lets those share it that change nothing, behind whoever came before them", async () => {
    const { work, order, blockers } = createHelper();
    const shared = (name: string) => [lock(name, "clone"), lock("base", "clone", { mode: "shared" })];
    const one = await work("clone one", shared("one"));
    const two = await work("clone two", shared("two"));
    const start = work("start base", [lock("base", "start")]);
    const three = work("clone three", shared("three"));
    await settled();
    expect(order).toEqual(["clone one", "clone two"]);
    expect(blockers).toContainEqual({ name: "base", operation: "clone", target: "one" });
    one();
    two();
    (await start)();
    (await three)();
    expect(order).toEqual(["clone one", "clone two", "start base", "clone three"]);
  });

  it("cannot be locked up by two that want each other's container", async () => {
    const { work } = createHelper();
    const ends = await work("stop", [lock("a", "stop")]);
    const one = work("one", [lock("a", "clone"), lock("b", "clone", { mode: "shared" })]);
    const two = work("two", [lock("b", "clone"), lock("a", "clone", { mode: "shared" })]);
    ends();
    (await one)();
    (await two)();
  });

  it("can be left by one that waits, and those behind it move up", async () => {
    const { work, order } = createHelper();
    const first = await work("stop", [lock("web", "stop")]);
    const leaving = new AbortController();
    const start = work("start", [lock("web", "start")], leaving.signal).then(undefined, toProblem);
    const destroy = work("destroy", [lock("web", "destroy")]);
    leaving.abort();
    expect(await start).toEqual({ code: "cancelled" });
    first();
    (await destroy)();
    expect(order).toEqual(["stop", "destroy"]);
  });

  it("waits for ending by force, which waits for nothing else", async () => {
    const { work, order } = createHelper();
    const stop = await work("stop", [lock("web", "stop")]);
    const start = work("start", [lock("web", "start")]);
    const force = await work("force-stop", [lock("web", "force-stop", { lane: "force" })]);
    stop();
    await settled();
    expect(order).toEqual(["stop", "force-stop"]);
    force();
    (await start)();
    expect(order).toEqual(["stop", "force-stop", "start"]);
  });

  it("waits for what another helper does, too, without keeping the computer busy", async () => {
    const one = createHelper();
    const two = createHelper();
    const ends = await one.work("stop", [lock("web", "stop")]);
    const starts = [two, createHelper()].map(({ work }) => work("start", [lock("web", "start")]));
    await settled();
    const before = two.blockers.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    // Looks again now and then, and is not woken up by others that look.
    expect(two.blockers.length - before).toBeLessThanOrEqual(2);
    expect(two.blockers.at(-1)).toEqual({ name: "web", operation: "stop" });
    ends();
    (await Promise.race(starts))();
    for (const start of starts) (await start)();
    await vi.waitFor(() => expect(readdirSync(directory)).toEqual([]));
  });
});
