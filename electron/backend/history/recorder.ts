import type { MetricsFigures } from "../../../privileged-helper/contract/model.ts";
import { fine, minutes, type Resolution, tenMinutes } from "./resolutions.ts";
import { mergeSteps, type Step, stepOf } from "./step.ts";

/**
 * Makes steps out of one subject's readings, and has those that are not in its files yet. A reading counts for all of the time since
 * the one before, so that it makes no difference how often there is one; after a gap it counts for its own moment only.
 */
export type Recorder = {
  /**
   * @param time Milliseconds since the epoch.
   * @param before When the reading before was; undefined after a gap, or where there was none.
   */
  add(time: number, before: number | undefined, figures: MetricsFigures): void;
  /** What is not in the files, by resolution. Merged steps that are not complete may come again, with more. */
  unwritten(resolution: Resolution): ReadonlyMap<number, Step>;
  /** The steps before a start of ours of which the files may have a part: that is to be taken in before anything is written. */
  firstSteps(): readonly { resolution: Resolution; number: number }[];
  takeIn(resolution: Resolution, number: number, step: Step | undefined): void;
  /** What `unwritten` gave is in the files, as far as it has not changed since. */
  wrote(resolution: Resolution, steps: ReadonlyMap<number, Step>): void;
  /** The disk takes nothing: only the newest steps are kept for when it does. */
  forgetOldest(): void;
  lastTime(): number;
};

/** A reading never counts for longer than this, whatever is said of the one before. */
const longestReadingSteps = 24;
const mostUnwrittenSteps = 360;

export function createRecorder(): Recorder {
  const unwritten = new Map<Resolution, Map<number, Step>>([
    [fine, new Map()],
    [minutes, new Map()],
    [tenMinutes, new Map()],
  ]);
  const stepsOf = (resolution: Resolution) => unwritten.get(resolution) as Map<number, Step>;
  /** The merged step that is being made. */
  const open = new Map<Resolution, { number: number; step: Step }>();
  const first = new Map<Resolution, number>();
  let lastTime = 0;

  const merge = (resolution: Resolution, time: number, step: Step) => {
    const number = Math.floor(time / resolution.stepMilliseconds);
    const before = open.get(resolution);
    const merged = mergeSteps(before?.number === number ? before.step : undefined, step);
    if (!before) first.set(resolution, number);
    open.set(resolution, { number, step: merged });
    stepsOf(resolution).set(number, merged);
  };

  return {
    add(time, before, figures) {
      const step = stepOf(figures);
      const number = Math.floor(time / fine.stepMilliseconds);
      const isContinued = before !== undefined && before < time;
      const from = isContinued ? Math.max(Math.floor(before / fine.stepMilliseconds) + 1, number - longestReadingSteps + 1) : number;
      // Two readings within one step of time: of the step the later one is kept, and in what is merged both count.
      for (let each = Math.min(from, number); each <= number; each++) {
        stepsOf(fine).set(each, step);
        for (const resolution of [minutes, tenMinutes]) merge(resolution, each * fine.stepMilliseconds, step);
      }
      lastTime = time;
    },
    unwritten: stepsOf,
    firstSteps: () => [...first].map(([resolution, number]) => ({ resolution, number })),
    takeIn(resolution, number, step) {
      if (first.get(resolution) !== number) return;
      first.delete(resolution);
      if (!step) return;
      const own = stepsOf(resolution).get(number);
      if (own) stepsOf(resolution).set(number, mergeSteps(step, own));
      const current = open.get(resolution);
      if (current?.number === number) open.set(resolution, { number, step: mergeSteps(step, current.step) });
    },
    wrote(resolution, steps) {
      const own = stepsOf(resolution);
      for (const [number, step] of steps) if (own.get(number) === step) own.delete(number);
    },
    forgetOldest() {
      for (const steps of unwritten.values()) {
        for (const number of [...steps.keys()].slice(0, Math.max(0, steps.size - mostUnwrittenSteps))) steps.delete(number);
      }
    },
    lastTime: () => lastTime,
  };
}
