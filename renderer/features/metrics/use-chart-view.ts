import { useCallback, useMemo, useRef, useState } from "react";
import { type HistoryRange, historyRanges } from "../../../privileged-helper/contract/history.ts";
import type { MetricsPoint } from "../../state/metrics.ts";
import { type ChartGroup, createCursor } from "../../ui/chart-group.ts";
import { useNow } from "../../ui/use-now.ts";

type Points = Readonly<Record<string, readonly MetricsPoint[]>>;

/** What all charts of a page show of time. */
export type ChartView = {
  range: HistoryRange;
  from: number;
  to: number;
  /** False while it is paused, or zoomed into. */
  isMoving: boolean;
  isZoomed: boolean;
  /** The readings: those of now, or those of when it was stopped. */
  points: Points;
  stepMilliseconds: number;
  group: ChartGroup;
  setRange(range: HistoryRange): void;
  pause(): void;
  /** Also out of a zoom. */
  goOn(): void;
};

/** So many entries of a lane fill a chart. */
export const chartSteps = 120;
/** The charts of long ranges move on when there is something to see of it. */
const movesPerStep = 2;
const shortestMoveMilliseconds = 1_000;
/** Where nothing is read, time goes on all the same. */
const clockMilliseconds = 5_000;
/** A drag over less than this shows nothing. */
const shortestZoomMilliseconds = 5_000;
/** So old a reading is none of now. */
const freshMilliseconds = 10_000;

type Still = { from: number; to: number; points: Points; isZoomed: boolean };

/** @param points The newest readings of what is shown. It is the same object until there is a new one. */
export function useChartView(points: Points): ChartView {
  const [range, setRange] = useState<HistoryRange>("10 min");
  const [still, setStill] = useState<Still>();
  const now = useNow(clockMilliseconds);
  const length = historyRanges[range];
  const newest = Math.max(0, ...Object.values(points).map((readings) => readings.at(-1)?.time ?? 0));
  const move = Math.max(shortestMoveMilliseconds, length / chartSteps / movesPerStep);
  const end = now - newest < freshMilliseconds ? newest : now;
  const movingTo = move > shortestMoveMilliseconds ? Math.ceil(end / move) * move : end;
  const movingPoints = useSteady(points, movingTo, move > shortestMoveMilliseconds);
  const to = still?.to ?? movingTo;
  const from = still?.from ?? to - length;
  const shown = useRef({ from, to, points: movingPoints });
  shown.current = { from, to, points: still?.points ?? movingPoints };

  const zoom = useCallback((begin: number, finish: number) => {
    const middle = (begin + finish) / 2;
    const half = Math.max(finish - begin, shortestZoomMilliseconds) / 2;
    setStill({ from: middle - half, to: middle + half, points: shown.current.points, isZoomed: true });
  }, []);
  const goOn = useCallback(() => setStill(undefined), []);
  const pause = useCallback(() => setStill({ ...shown.current, isZoomed: false }), []);
  const chooseRange = useCallback((next: HistoryRange) => {
    setRange(next);
    setStill(undefined);
  }, []);
  const useCursor = useState(createCursor)[0];
  const group = useMemo(() => ({ useCursor, onZoomed: zoom, onZoomReset: goOn }), [useCursor, zoom, goOn]);
  return {
    range,
    from,
    to,
    isMoving: still === undefined,
    isZoomed: still?.isZoomed ?? false,
    points: still?.points ?? movingPoints,
    stepMilliseconds: (to - from) / chartSteps,
    group,
    setRange: chooseRange,
    pause,
    goOn,
  };
}

/** The value of when the key was another one last, so that nothing is drawn where nothing can be seen. */
function useSteady<T>(value: T, key: number, isSteady: boolean): T {
  const kept = useRef({ value, key });
  if (!isSteady || kept.current.key !== key) kept.current = { value, key };
  return kept.current.value;
}
