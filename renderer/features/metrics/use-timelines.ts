import { useMemo } from "react";
import type { HistorySubject, KeptFigure } from "../../../privileged-helper/contract/history.ts";
import { historyKey, useHistories } from "../../state/history.ts";
import { makeTimeline, type Timeline } from "../../state/timeline.ts";
import type { ChartView } from "./use-chart-view.ts";

/** Readings are kept for two minutes; what is older has been recorded by then. */
const askAgainMilliseconds = 60_000;
/** More than are shown: a question reaches back a minute further. */
const askedSteps = 150;

/** @param subject Absent: of this no history is kept. */
export type TimelineSubject = { key: string; subject?: HistorySubject };

/**
 * What there is to draw of each subject, by its key.
 * @param subjects Have to stay the same array, as the figures have to.
 */
export function useTimelines(
  subjects: readonly TimelineSubject[],
  figures: readonly KeptFigure[],
  view: ChartView,
): ReadonlyMap<string, Timeline> {
  const { from, to, isMoving, points, stepMilliseconds, range } = view;
  // A moving chart asks a minute at a time: what comes in between is read while one looks.
  const until = isMoving ? Math.ceil(to / askAgainMilliseconds) * askAgainMilliseconds : to;
  const since = isMoving ? until - askAgainMilliseconds - (to - from) : from;
  const recorded = useMemo(() => subjects.filter(({ subject }) => subject !== undefined).map(({ key }) => key), [subjects]);
  const questions = subjects.flatMap(({ subject }) =>
    subject ? [{ subject, figures, from: Math.floor(since), to: Math.ceil(until), maxSteps: askedSteps }] : [],
  );
  const histories = useHistories(questions, historyKey(recorded.join(), isMoving ? `${range} ${until}` : `${from} ${to}`));
  return useMemo(() => {
    const historyOf = new Map(recorded.map((key, index) => [key, histories[index]]));
    return new Map(
      subjects.map(({ key }) => [
        key,
        makeTimeline({ from, to, stepMilliseconds, figures, history: historyOf.get(key), points: points[key] ?? [] }),
      ]),
    );
  }, [subjects, figures, recorded, histories, from, to, stepMilliseconds, points]);
}
