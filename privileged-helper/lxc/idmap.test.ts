import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLocks } from "../locks.ts";
import type { TaskContext } from "./context.ts";
import {
  allocateIds,
  findFreeBlock,
  foreseeIds,
  type IdRange,
  idmapEntries,
  idsPerContainer,
  parseIdmaps,
  parseSubordinateIds,
} from "./idmap.ts";
import type { ContainerReader } from "./list.ts";

describe("id maps of a configuration", () => {
  it("give the host's ids of users, whatever the blanks", () => {
    expect(parseIdmaps(["u 0 100000 65536", "g 0 100000 65536", " u  65536\t1000 1 "])).toEqual([
      { first: 100_000, count: 65_536 },
      { first: 1000, count: 1 },
    ]);
  });

  it("count for users where they are for both", () => {
    expect(parseIdmaps(["b 0 231072 65536"])).toEqual([{ first: 231_072, count: 65_536 }]);
  });

  it("are left out where they cannot be read", () => {
    expect(parseIdmaps(["", "u 0 x 65536", "u 0 -5 65536", "x 0 1 2", "u 0 1"])).toEqual([]);
  });

  it("are written so that they are read back", () => {
    const range = { first: 1_048_576, count: idsPerContainer };
    const entries = idmapEntries(range);
    expect(entries).toEqual([
      ["lxc.idmap", "u 0 1048576 65536"],
      ["lxc.idmap", "g 0 1048576 65536"],
    ]);
    expect(parseIdmaps(entries.map(([, value]) => value))).toEqual([range]);
  });
});

describe("/etc/subuid", () => {
  const text = "alice:100000:65536\nroot:1000000:131072\n\n0:5000000:65536\nbroken\nroot:x:1\nbob:165536:65536";

  it("tells root's ranges, by name or by number", () => {
    expect(parseSubordinateIds(text, true)).toEqual([
      { first: 1_000_000, count: 131_072 },
      { first: 5_000_000, count: 65_536 },
    ]);
  });

  it("tells everybody's ranges", () => {
    expect(parseSubordinateIds(text, false).map(({ first }) => first)).toEqual([100_000, 1_000_000, 5_000_000, 165_536]);
  });
});

describe("a free block", () => {
  const range = { first: 1_000_000, count: 3 * idsPerContainer };

  it("is the first one of an unused range", () => {
    expect(findFreeBlock([range], [])).toBe(1_000_000);
  });

  it("is the next one after those that are taken", () => {
    expect(findFreeBlock([range], [{ first: 1_000_000, count: idsPerContainer }])).toBe(1_000_000 + idsPerContainer);
  });

  it("does not touch a container that has only a few ids, in the middle of a block", () => {
    expect(findFreeBlock([range], [{ first: 1_000_100, count: 1 }])).toBe(1_000_000 + idsPerContainer);
  });

  it("is one that was given back", () => {
    const taken = [0, 2].map((index) => ({ first: 1_000_000 + index * idsPerContainer, count: idsPerContainer }));
    expect(findFreeBlock([range], taken)).toBe(1_000_000 + idsPerContainer);
  });

  it("comes from the next range where the first is used up", () => {
    expect(findFreeBlock([range, { first: 9_000_000, count: idsPerContainer }], [range])).toBe(9_000_000);
  });

  it("is not there where all is taken, or a range is too small", () => {
    expect(findFreeBlock([range], [{ first: 0, count: 10_000_000 }])).toBeUndefined();
    expect(findFreeBlock([{ first: 1_000_000, count: idsPerContainer - 1 }], [])).toBeUndefined();
    expect(findFreeBlock([], [])).toBeUndefined();
  });

  it("lies within a range and touches nothing that is taken, whatever that is", () => {
    const ranges = fc.array(fc.record({ first: fc.integer({ min: 0, max: 2_000_000 }), count: fc.integer({ min: 1, max: 400_000 }) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(ranges, ranges, (available, taken) => {
        const first = findFreeBlock(available, taken);
        if (first === undefined) return;
        const last = first + idsPerContainer;
        expect(available.some((one) => one.first <= first && last <= one.first + one.count)).toBe(true);
        expect(taken.some((one) => one.first < last && first < one.first + one.count)).toBe(false);
      }),
    );
  });
});

describe("ids for a new container", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lxc-desktop-ids-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const claimed: IdRange[] = [];
  const reader = { readClaims: () => ({ ipv4: new Set<string>(), idRanges: claimed }) } as unknown as ContainerReader;
  const task = { notice: vi.fn() } as unknown as TaskContext;
  const allocate = () =>
    allocateIds({ reader, task }, { locks: createLocks(directory), readRanges: () => [{ first: 1_000_000, count: 8 * idsPerContainer }] });
  const blocksOverlap = (one: IdRange, other: IdRange) => one.first < other.first + other.count && other.first < one.first + one.count;

  it("are not given to another one, also by another helper, before its configuration names them", async () => {
    const all = await Promise.all([allocate(), allocate(), allocate()]);
    const [one, two, three] = all.map(({ range }) => range);
    if (!one || !two || !three) throw new Error("three were asked for");
    expect([blocksOverlap(one, two), blocksOverlap(two, three), blocksOverlap(one, three)]).toEqual([false, false, false]);
    for (const { release } of all) release();
  });

  it("are foreseen as they are given then, and what root is given before, and nothing is taken", async () => {
    const foreseen = { commands: [], notices: [] };
    const readRanges = () => [{ first: 1_000_000, count: 8 * idsPerContainer }];
    const ids = foreseeIds({ reader }, foreseen, readRanges);
    expect(foreseen).toEqual({ commands: [], notices: [] });
    const { range, release } = await allocate();
    expect(range).toEqual(ids);
    release();
    const { first } = foreseeIds({ reader }, foreseen, () => []);
    expect(foreseen.commands).toEqual([
      ["usermod", "--add-subuids", expect.stringMatching(`^${first}-`), "--add-subgids", expect.stringMatching(`^${first}-`), "root"],
    ]);
  });

  it("are free again where the container was not made", async () => {
    const first = await allocate();
    first.release();
    const second = await allocate();
    expect(second.range).toEqual(first.range);
    second.release();
  });

  it("stay taken once a configuration names them", async () => {
    const first = await allocate();
    claimed.push(first.range);
    first.release();
    const second = await allocate();
    expect(blocksOverlap(first.range, second.range)).toBe(false);
    second.release();
    claimed.pop();
  });

  it("are shared, and that is said, where all are taken", async () => {
    claimed.push({ first: 0, count: 2 ** 32 });
    const { range } = await allocate();
    expect(range.count).toBe(idsPerContainer);
    expect(task.notice).toHaveBeenCalledWith(expect.stringContaining("shares the ids of another one"));
    const foreseen = { commands: [], notices: [] as string[] };
    foreseeIds({ reader }, foreseen, () => [{ first: 1_000_000, count: 8 * idsPerContainer }]);
    expect(foreseen.notices).toEqual([expect.stringContaining("shares the ids of another one")]);
    claimed.pop();
  });
});
