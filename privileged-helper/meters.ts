import type { MissingFigures } from "./contract/model.ts";
import type { CounterReader, Depth } from "./lxc/counters.ts";
import type { Reading } from "./metrics-sample.ts";

/** Reads the counters of one container, or of this computer, for everybody who wants them. */
export type Meter = {
  /** Undefined once what it counts is gone. What somebody else has read within the same moment is not read again. */
  read(depth: Depth): Reading | undefined;
  missing: MissingFigures;
  /** Its files are closed when the last one lets go. */
  release(): void;
};

export type Meters = {
  /**
   * @param key The same for what is the same, also over time: a container that was started again is another one.
   * @param open Undefined where it is gone.
   */
  acquire(key: string, open: () => CounterReader | undefined): Meter | undefined;
};

/** As old as this, a reading is of the same moment. */
const sameMomentMilliseconds = 50;
const order: Record<Depth, number> = { glance: 0, full: 1, close: 2 };

/** @param clock Milliseconds that only ever grow. */
export function createMeters(clock: () => number): Meters {
  const shared = new Map<string, { reader: CounterReader; users: number; last?: Reading; depth: Depth }>();

  return {
    acquire(key, open) {
      let entry = shared.get(key);
      if (!entry) {
        const reader = open();
        if (!reader) return undefined;
        entry = { reader, users: 0, depth: "glance" };
        shared.set(key, entry);
      }
      const one = entry;
      one.users += 1;
      let isHeld = true;
      return {
        missing: one.reader.missing,
        read(depth) {
          const at = clock();
          if (one.last && at - one.last.at < sameMomentMilliseconds && order[depth] <= order[one.depth]) return one.last;
          const counters = one.reader.read(depth);
          if (!counters) return undefined;
          const readAt = one.last?.counters === counters && !one.reader.isFresh() ? one.last.readAt : at;
          one.last = { at, readAt, counters };
          one.depth = depth;
          return one.last;
        },
        release() {
          if (!isHeld) return;
          isHeld = false;
          one.users -= 1;
          if (one.users > 0) return;
          one.reader.close();
          shared.delete(key);
        },
      };
    },
  };
}
