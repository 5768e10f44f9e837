import type { Lane } from "../state/timeline.ts";

/** A line of a chart; `isBand`: those bands lie one upon the other, and what they fill together is their sum. */
export type ChartLine = {
  label: string;
  /** A custom property of the style sheet: `--chart-1`. */
  color: string;
  lane: Lane | undefined;
  isBand?: boolean;
  /** Where they are not those of the chart: each container is read at its own times. */
  times?: readonly number[];
};

export type Plot = { width: number; height: number; from: number; to: number; max: number; times: readonly number[] };

/**
 * Draws lines and bands. With every tick all of a chart changes, and a canvas is what costs least then: the frame around it stays.
 * Where an entry stands for several readings, a pale stripe goes from the lowest to the highest.
 */
export function paintLines(context: CanvasRenderingContext2D, plot: Plot, lines: readonly ChartLine[], colorOf: (color: string) => string) {
  const { width, height, from, to, max } = plot;
  const x = (time: number) => ((time - from) / (to - from)) * width;
  const y = (value: number) => height - (Math.min(value, max * 1.05) / max) * height;
  context.lineJoin = "round";
  context.lineCap = "round";
  const ground: number[] = [];
  for (const { lane, color, isBand = false, times = plot.times } of lines) {
    if (!lane) continue;
    const paint = colorOf(color);
    context.fillStyle = paint;
    context.strokeStyle = paint;
    for (const [first, last] of runs(lane.average)) {
      const top = (index: number) => (lane.average[index] ?? 0) + (isBand ? (ground[index] ?? 0) : 0);
      const line = new Path2D();
      for (let index = first; index <= last; index++) line.lineTo(x(times[index] ?? 0), y(top(index)));
      if (!isBand && hasRange(lane, first, last)) fillBetween(context, first, last, (index) => x(times[index] ?? 0), y, lane);
      if (first === last) {
        context.fillRect(x(times[first] ?? 0) - 1, y(top(first)) - 1, 2, 2);
      } else if (isBand) {
        const area = new Path2D(line);
        for (let index = last; index >= first; index--) area.lineTo(x(times[index] ?? 0), y(ground[index] ?? 0));
        context.globalAlpha = 0.5;
        context.fill(area);
        context.globalAlpha = 1;
        context.lineWidth = 1;
        context.stroke(line);
      } else {
        context.lineWidth = 1.5;
        context.stroke(line);
      }
      if (isBand) for (let index = first; index <= last; index++) ground[index] = top(index);
    }
  }
}

function fillBetween(
  context: CanvasRenderingContext2D,
  first: number,
  last: number,
  x: (index: number) => number,
  y: (value: number) => number,
  { average, minimum, maximum }: Lane,
) {
  const stripe = new Path2D();
  for (let index = first; index <= last; index++) stripe.lineTo(x(index), y(maximum[index] ?? average[index] ?? 0));
  for (let index = last; index >= first; index--) stripe.lineTo(x(index), y(minimum[index] ?? average[index] ?? 0));
  context.globalAlpha = 0.2;
  context.fill(stripe);
  context.globalAlpha = 1;
}

function hasRange({ average, maximum }: Lane, first: number, last: number): boolean {
  for (let index = first; index <= last; index++) if (maximum[index] !== average[index]) return true;
  return false;
}

/** Begin and end of each stretch without a gap. */
export function runs(values: readonly (number | undefined)[]): [first: number, last: number][] {
  const found: [number, number][] = [];
  let first: number | undefined;
  for (let index = 0; index <= values.length; index++) {
    if (values[index] !== undefined) first ??= index;
    else if (first !== undefined) {
      found.push([first, index - 1]);
      first = undefined;
    }
  }
  return found;
}

/** The highest that is drawn: of bands their sum, of lines the top of their stripe. */
export function highestOf(lines: readonly ChartLine[]): number {
  let highest = 0;
  const sums: number[] = [];
  for (const { lane, isBand } of lines) {
    lane?.average.forEach((value, index) => {
      if (value === undefined) return;
      const top = isBand ? (sums[index] ?? 0) + value : Math.max(value, lane.maximum[index] ?? value);
      if (isBand) sums[index] = top;
      if (top > highest) highest = top;
    });
  }
  return highest;
}
