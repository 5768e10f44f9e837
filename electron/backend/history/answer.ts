import { type History, type HistoryQuestion, type KeptFigure, keptFigures } from "../../../privileged-helper/contract/history.ts";
import { type Resolution, resolutions } from "./resolutions.ts";
import { mergeSteps, type Step, valueAt } from "./step.ts";

/** How a question is answered: from which files, in which steps. Numbers of steps are times divided by `stepMilliseconds`. */
export type Plan = { resolution: Resolution; stepMilliseconds: number; first: number; steps: number };

/**
 * The coarsest resolution that has steps as fine as are asked for and reaches back far enough; otherwise one that reaches back. Steps of
 * the answer are whole numbers of those in the files, at whole multiples of their length, so that two answers fit together.
 */
export function planAnswer({ from, to, maxSteps }: Pick<HistoryQuestion, "from" | "to" | "maxSteps">, now: number): Plan {
  const wanted = Math.max(0, to - from) / maxSteps;
  const reaching = resolutions.filter(({ keptMilliseconds }) => from >= now - keptMilliseconds);
  const fineEnough = reaching.findLast(({ stepMilliseconds }) => stepMilliseconds <= wanted);
  const resolution = fineEnough ?? reaching[0] ?? (resolutions.at(-1) as Resolution);
  const unit = resolution.stepMilliseconds;
  let stepMilliseconds = Math.max(1, Math.ceil(wanted / unit)) * unit;
  const range = () => [Math.floor(from / stepMilliseconds), Math.ceil(to / stepMilliseconds)] as const;
  let [first, end] = range();
  // A step that is cut off at the begin is left out sooner than all of them are made twice as long.
  while (end - first > maxSteps + 1) {
    stepMilliseconds += unit;
    [first, end] = range();
  }
  first = Math.max(first, end - maxSteps);
  return { resolution, stepMilliseconds, first, steps: Math.max(0, end - first) };
}

/** @param kept Steps of the plan's resolution by their number. */
export function makeAnswer(
  { resolution, stepMilliseconds, first, steps }: Plan,
  kept: ReadonlyMap<number, Step>,
  figures: readonly KeptFigure[],
): History {
  const perStep = stepMilliseconds / resolution.stepMilliseconds;
  const merged: (Step | undefined)[] = Array.from({ length: steps }, () => undefined);
  for (const [number, step] of kept) {
    const index = Math.floor(number / perStep) - first;
    if (index >= 0 && index < steps) merged[index] = mergeSteps(merged[index], step);
  }
  const answer: History = { from: first * stepMilliseconds, stepMilliseconds, steps, figures: {} };
  for (const figure of new Set(figures)) {
    const at = keptFigures.indexOf(figure);
    if (!merged.some((step) => step && !Number.isNaN(valueAt(step.average, at)))) continue;
    const series = (which: "average" | "minimum" | "maximum") => merged.map((step) => (step ? rounded(valueAt(step[which], at)) : null));
    answer.figures[figure] = { average: series("average"), minimum: series("minimum"), maximum: series("maximum") };
  }
  return answer;
}

/** More digits than anybody can see would only make the message long. */
function rounded(value: number): number | null {
  if (Number.isNaN(value)) return null;
  return Math.abs(value) < 1_000 ? Math.round(value * 1_000) / 1_000 : Math.round(value);
}
