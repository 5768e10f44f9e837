import { createHash } from "node:crypto";
import { join } from "node:path";
import type { History, HistoryQuestion, HistorySubject } from "../../../privileged-helper/contract/history.ts";
import type { MetricsFigures } from "../../../privileged-helper/contract/model.ts";
import { makeAnswer, planAnswer } from "./answer.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { resolutions } from "./resolutions.ts";
import { createSegments } from "./segments.ts";
import { mergeSteps } from "./step.ts";

/** Figures of the past, in files of the person's. Whatever happens to those, the app goes on. */
export type FigureHistory = {
  /**
   * @param time Milliseconds since the epoch.
   * @param before When this subject was read before; undefined after a gap.
   */
  add(subject: HistorySubject, time: number, before: number | undefined, figures: MetricsFigures): void;
  get(question: HistoryQuestion): Promise<History>;
  /** Writes what is not written yet, and removes what is too old or too much. */
  flush(): Promise<void>;
  /** Flushes for the last time. */
  close(): Promise<void>;
};

export type FigureHistoryOptions = {
  folder: string;
  /** 0: nothing is kept, and what was is removed. */
  maxBytes(): number;
  clock?: () => number;
};

/** A write takes the disk pages of 4 KiB, whatever is in them: so much is gathered first. A power cut takes that. */
const flushEveryMilliseconds = 5 * 60_000;
/** Whoever has no readings any more needs no memory. */
const forgottenAfterMilliseconds = 15 * 60_000;

export function createFigureHistory({ folder, maxBytes, clock = Date.now }: FigureHistoryOptions): FigureHistory {
  let damage: string | undefined;
  let writeTrouble: string | undefined;
  const segments = createSegments({
    folder: join(folder, "figures"),
    onBroken: () => {
      damage = "A file of the history was damaged. It was put aside, and its time is missing here.";
    },
  });
  const recorders = new Map<string, Recorder>();
  let flushing: Promise<void> = Promise.resolve();

  const writeOne = async (subject: string, recorder: Recorder) => {
    for (const { resolution, number } of recorder.firstSteps()) {
      recorder.takeIn(resolution, number, (await segments.read(resolution, subject, number, number)).get(number));
    }
    for (const resolution of resolutions) {
      // What comes meanwhile is for the next time.
      const steps = new Map(recorder.unwritten(resolution));
      await segments.write(resolution, subject, steps);
      recorder.wrote(resolution, steps);
    }
  };

  const writeAll = async () => {
    const limit = maxBytes();
    const now = clock();
    let trouble: string | undefined;
    for (const [subject, recorder] of [...recorders]) {
      try {
        if (limit > 0) await writeOne(subject, recorder);
      } catch (error) {
        recorder.forgetOldest();
        trouble = explain(error);
      }
      if (now - recorder.lastTime() > forgottenAfterMilliseconds || limit === 0) recorders.delete(subject);
    }
    writeTrouble = trouble;
    await segments.trim(now, limit);
  };
  const flush = () => {
    flushing = flushing.then(writeAll);
    return flushing;
  };
  const timer = setInterval(() => void flush(), flushEveryMilliseconds).unref();

  return {
    add(subject, time, before, figures) {
      if (maxBytes() === 0) return;
      const name = fileNameOf(subject);
      let recorder = recorders.get(name);
      if (!recorder) {
        recorder = createRecorder();
        recorders.set(name, recorder);
      }
      recorder.add(time, before, figures);
    },
    async get(question) {
      const plan = planAnswer(question, clock());
      const { resolution } = plan;
      const perStep = plan.stepMilliseconds / resolution.stepMilliseconds;
      const name = fileNameOf(question.subject);
      // Half of what is being written must not be read.
      await flushing;
      const numberAt = (time: number) => Math.floor(time / resolution.stepMilliseconds);
      // There are files of a stretch of time only, however long one is asked for.
      const first = Math.max(plan.first * perStep, numberAt(clock() - 2 * resolution.keptMilliseconds));
      const last = Math.min((plan.first + plan.steps) * perStep - 1, numberAt(clock()) + 1);
      const kept = last < first ? new Map() : await segments.read(resolution, name, first, last);
      const recorder = recorders.get(name);
      const toTakeIn = recorder?.firstSteps().find((step) => step.resolution === resolution)?.number;
      for (const [number, step] of recorder?.unwritten(resolution) ?? []) {
        kept.set(number, number === toTakeIn ? mergeSteps(kept.get(number), step) : step);
      }
      const trouble = writeTrouble ?? damage;
      if (trouble === damage) damage = undefined;
      return { ...makeAnswer(plan, kept, question.figures), ...(trouble !== undefined && { trouble }) };
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

/** A container may be called what no file can be, so its name is in no path. */
export function fileNameOf(subject: HistorySubject): string {
  if (subject.type === "host") return "host";
  return createHash("sha256").update(subject.name).digest("hex").slice(0, 40);
}

function explain(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") return "The disk is full: the history of figures has a gap from now on.";
  return `The history of figures cannot be written (${code ?? String(error)}): it has a gap from now on.`;
}
