import type { FigureSeries, History, KeptFigure } from "../../privileged-helper/contract/history.ts";
import type { MetricsPoint } from "./metrics.ts";

/** One figure along a timeline. Undefined where nothing was measured; minimum and maximum keep spikes that an average hides. */
export type Lane = { average: (number | undefined)[]; minimum: (number | undefined)[]; maximum: (number | undefined)[] };

/** Figures over a stretch of time: what was recorded, and after it what has been read since. */
export type Timeline = {
  from: number;
  to: number;
  /** Milliseconds since the epoch, of each entry of a lane, in order. */
  times: number[];
  /** How much time one entry stands for; 0 where each is one reading. */
  stepMilliseconds: number;
  lanes: { [figure in KeptFigure]?: Lane };
};

type Sources = {
  from: number;
  to: number;
  /** Time that is merged to one entry; at most a second or so leaves each reading as it is. */
  stepMilliseconds: number;
  figures: readonly KeptFigure[];
  history?: History;
  points: readonly MetricsPoint[];
};

/** Readings that come every second need no merging below this. */
const shortestStepMilliseconds = 2_000;

/** Joins what was recorded with the newest readings. Where both tell of the same time the readings do, if they tell of all of it. */
export function makeTimeline(sources: Sources): Timeline {
  return sources.stepMilliseconds < shortestStepMilliseconds ? everyReading(sources) : mergedReadings(sources);
}

function everyReading({ from, to, figures, history, points }: Sources): Timeline {
  const shown = points.filter(({ time }) => time >= from - shortestStepMilliseconds && time <= to);
  const before = shown[0]?.time ?? to;
  const recorded: number[] = [];
  if (history) {
    for (let step = 0; step < history.steps; step++) {
      const time = history.from + (step + 0.5) * history.stepMilliseconds;
      if (time >= from - history.stepMilliseconds && time + history.stepMilliseconds / 2 <= before) recorded.push(step);
    }
  }
  const times = recorded.map((step) => (history ? history.from + (step + 0.5) * history.stepMilliseconds : 0));
  for (const { time, afterGap } of shown) {
    if (afterGap) times.push(time - 1);
    times.push(time);
  }
  const lanes: Timeline["lanes"] = {};
  for (const figure of figures) {
    const series = history?.figures[figure];
    const lane: Lane = { average: [], minimum: [], maximum: [] };
    for (const step of recorded) {
      lane.average.push(series?.average[step] ?? undefined);
      lane.minimum.push(series?.minimum[step] ?? undefined);
      lane.maximum.push(series?.maximum[step] ?? undefined);
    }
    for (const { afterGap, sample } of shown) {
      for (const value of afterGap ? [undefined, sample[figure]] : [sample[figure]]) {
        lane.average.push(value);
        lane.minimum.push(value);
        lane.maximum.push(value);
      }
    }
    if (hasAny(lane)) lanes[figure] = lane;
  }
  return { from, to, times, stepMilliseconds: 0, lanes };
}

function mergedReadings({ from, to, stepMilliseconds, figures, history, points }: Sources): Timeline {
  const step = history?.stepMilliseconds ?? stepMilliseconds;
  const start = history?.from ?? Math.floor(from / step) * step;
  const count = Math.max(0, Math.ceil((to - start) / step));
  const times = Array.from({ length: count }, (_, index) => Math.min(to, start + (index + 0.5) * step));
  const firstReading = points[0]?.time ?? Number.POSITIVE_INFINITY;
  const lanes: Timeline["lanes"] = {};
  for (const figure of figures) {
    const series = history?.figures[figure];
    const read = mergePoints(points, figure, start, step, count);
    const lane: Lane = { average: [], minimum: [], maximum: [] };
    for (let index = 0; index < count; index++) {
      const isAllRead = firstReading <= start + index * step && read.average[index] !== undefined;
      const source: Lane | FigureSeries | undefined = !isAllRead && series?.average[index] != null ? series : read;
      lane.average.push(source.average[index] ?? undefined);
      lane.minimum.push(source.minimum[index] ?? undefined);
      lane.maximum.push(source.maximum[index] ?? undefined);
    }
    if (hasAny(lane)) lanes[figure] = lane;
  }
  return { from, to, times, stepMilliseconds: step, lanes };
}

function mergePoints(points: readonly MetricsPoint[], figure: KeptFigure, start: number, step: number, count: number): Lane {
  const lane: Lane = { average: new Array(count), minimum: new Array(count), maximum: new Array(count) };
  const counts = new Uint32Array(count);
  for (const { time, sample } of points) {
    const value = sample[figure];
    const index = Math.floor((time - start) / step);
    if (value === undefined || index < 0 || index >= count) continue;
    const before = counts[index] ?? 0;
    lane.average[index] = ((lane.average[index] ?? 0) * before + value) / (before + 1);
    lane.minimum[index] = Math.min(lane.minimum[index] ?? value, value);
    lane.maximum[index] = Math.max(lane.maximum[index] ?? value, value);
    counts[index] = before + 1;
  }
  return lane;
}

function hasAny({ average }: Lane): boolean {
  return average.some((value) => value !== undefined);
}

/** Several figures as one: what is received and sent together. Known where all of them are. */
export function sumLanes(lanes: readonly (Lane | undefined)[]): Lane | undefined {
  const known = lanes.filter((lane) => lane !== undefined);
  const [first, ...rest] = known;
  if (!first || known.length < lanes.length) return undefined;
  const sum = (of: keyof Lane) =>
    first[of].map((value, index) =>
      rest.reduce<number | undefined>((total, lane) => {
        const more = lane[of][index];
        return total === undefined || more === undefined ? undefined : total + more;
      }, value),
    );
  return { average: sum("average"), minimum: sum("minimum"), maximum: sum("maximum") };
}

/** The entry nearest to a time; undefined where there is none. */
export function nearestIndex(times: readonly number[], time: number): number | undefined {
  if (times.length === 0) return undefined;
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [times[low - 1], times[low] ?? 0];
  return before !== undefined && time - before < after - time ? low - 1 : low;
}
