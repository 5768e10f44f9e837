import { useComputedColorScheme } from "@mantine/core";
import { type KeyboardEvent, memo, type PointerEvent, useLayoutEffect, useMemo, useRef } from "react";
import type { HistoryEvent } from "../../privileged-helper/contract/history.ts";
import { nearestIndex } from "../state/timeline.ts";
import { colorIn } from "./chart-colors.ts";
import { ChartFrame, plotMargins } from "./chart-frame.tsx";
import type { ChartGroup } from "./chart-group.ts";
import { type ChartLine, highestOf, paintLines } from "./chart-paint.ts";
import { formatInstant, roundMax, timeLabels } from "./chart-scale.ts";
import { eventText } from "./event-text.ts";
import { unknownFigure } from "./format.ts";
import { useIsInSight } from "./use-is-in-sight.ts";
import { useWidth } from "./use-width.ts";

export type TimeChartProps = {
  name: string;
  from: number;
  to: number;
  times: readonly number[];
  lines: readonly ChartLine[];
  format(value: number): string;
  /** The axis reaches at least this far. */
  atLeast: number;
  base: 10 | 1024;
  /** Each line's value now, where that is not the last that is drawn: several readings may be one entry. */
  newest?: readonly (number | undefined)[];
  /** The figure now, in words. */
  headline: string;
  /** What it may reach at most, in words. */
  limitText?: string;
  /** The same, drawn. */
  limit?: number;
  /** Why there is nothing to draw: a sentence. */
  missing?: string;
  events?: readonly HistoryEvent[];
  /** False where it stands still. */
  isMoving: boolean;
  group: ChartGroup;
  height?: number;
};

const usualHeight = 150;
/** A drag of fewer pixels is a click. */
const shortestDragPixels = 6;
const keyStepParts = 60;

/** A chart over time: its newest value in words beside its name, and below it each line with its value, at the cursor where there is one. */
export const TimeChart = memo(function TimeChart(props: TimeChartProps) {
  const { name, headline, limitText, missing, lines, times, format, group, from, to, isMoving, newest } = props;
  const [place, isInSight] = useIsInSight();
  // What is out of sight is not drawn again; its words are read by others than eyes, so they are always those of now.
  const drawn = useRef(props);
  if (isInSight) drawn.current = props;
  return (
    <figure aria-label={name} className="figure-chart" ref={place}>
      <figcaption>
        <span className="chart-name">{name}</span>
        <span className="figure newest">
          {missing === undefined ? headline : "Not available on this host"}
          {missing === undefined && limitText !== undefined && <span className="limit"> {limitText}</span>}
        </span>
      </figcaption>
      {missing === undefined ? <Drawing {...drawn.current} /> : <div className="chart-area chart-missing">{missing}</div>}
      {missing === undefined && lines.length > 1 && (
        <Legend {...{ times, lines, format, group, from, to, newest: isMoving ? newest : undefined }} />
      )}
    </figure>
  );
});

/** The lines with their axes, what happened meanwhile, and the cursor. */
const Drawing = memo(function Drawing(props: TimeChartProps) {
  const { name, from, to, times, lines, format, atLeast, base, limit, events = [], isMoving, group, height = usualHeight } = props;
  const [place, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useComputedColorScheme("light");
  const highest = useMemo(() => highestOf(lines), [lines]);
  // A limit that is near is drawn, one that is far away would press everything to the ground.
  const max = roundMax(limit !== undefined && limit <= highest * 2.5 ? Math.max(limit, highest) : highest, atLeast, base);
  const labels = timeLabels(from, to, isMoving).join("\n");
  const plotWidth = Math.max(0, width - plotMargins.left - plotMargins.right);
  const plotHeight = height - plotMargins.top - plotMargins.bottom;

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || plotWidth === 0) return;
    const scale = devicePixelRatio;
    if (element.width !== Math.round(plotWidth * scale) || element.height !== Math.round(plotHeight * scale)) {
      element.width = Math.round(plotWidth * scale);
      element.height = Math.round(plotHeight * scale);
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, plotWidth, plotHeight);
    paintLines(context, { width: plotWidth, height: plotHeight, from, to, max, times }, lines, (color) => colorIn(scheme, color));
  }, [lines, times, from, to, max, plotWidth, plotHeight, scheme]);

  return (
    <div className="chart-area" ref={place} style={{ height }}>
      {width > 0 && (
        <div aria-hidden>
          <ChartFrame width={width} height={height} max={max} format={format} labels={labels} limit={limit} />
        </div>
      )}
      <div className="chart-plot" style={{ left: plotMargins.left, top: plotMargins.top, width: plotWidth, height: plotHeight }}>
        <canvas ref={canvas} style={{ width: plotWidth, height: plotHeight }} aria-hidden />
        <EventMarks events={events} from={from} to={to} />
        <Cursor {...{ name, from, to, times, lines, format, group }} />
      </div>
    </div>
  );
});

function EventMarks({ events, from, to }: { events: readonly HistoryEvent[]; from: number; to: number }) {
  return events
    .filter(({ time }) => time >= from && time <= to)
    .map((event) => (
      <span
        key={`${event.time} ${event.container} ${event.kind}`}
        className="chart-event"
        data-kind={event.kind}
        style={{ left: `${((event.time - from) / (to - from)) * 100}%` }}
        title={`${formatInstant(event.time, to - from)} ${eventText(event)}`}
        aria-hidden
      />
    ));
}

type CursorProps = Pick<TimeChartProps, "name" | "from" | "to" | "times" | "lines" | "format" | "group">;

/** Follows the pointer, and the arrow keys; what is dragged over is zoomed into. */
function Cursor({ name, from, to, times, lines, format, group }: CursorProps) {
  const { time, anchor } = group.useCursor();
  const drag = useRef<{ x: number; time: number }>(undefined);
  const percent = (at: number) => `${Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100))}%`;
  const timeOf = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return from + Math.min(1, Math.max(0, (event.clientX - left) / width)) * (to - from);
  };
  const isShown = time !== undefined && time >= from && time <= to;
  const zoom = (one: number, other: number) => {
    group.useCursor.setState({ time: undefined, anchor: undefined });
    group.onZoomed?.(Math.min(one, other), Math.max(one, other));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = (to - from) / keyStepParts;
    const at = time ?? to;
    const moveTo = (next: number) =>
      group.useCursor.setState({
        time: Math.min(to, Math.max(from, next)),
        anchor: event.shiftKey && group.onZoomed ? (anchor ?? at) : undefined,
      });
    if (event.key === "ArrowLeft") moveTo(at - step);
    else if (event.key === "ArrowRight") moveTo(at + step);
    else if (event.key === "Home") moveTo(from);
    else if (event.key === "End") moveTo(to);
    else if (event.key === "Enter" && anchor !== undefined && anchor !== at) zoom(anchor, at);
    else if (event.key === "Escape" && anchor !== undefined) group.useCursor.setState({ anchor: undefined });
    else if (event.key === "Escape" && group.onZoomReset) group.onZoomReset();
    else return;
    event.preventDefault();
  };
  return (
    <div
      className="chart-cursor-area"
      role="slider"
      tabIndex={0}
      aria-label={`Time in the chart ${name}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((((isShown ? time : to) - from) / (to - from)) * 100)}
      aria-valuetext={describeAt(isShown ? time : to, { from, to, times, lines, format })}
      onPointerMove={(event) => group.useCursor.setState({ time: timeOf(event) })}
      onPointerLeave={() => {
        if (!drag.current) group.useCursor.setState({ time: undefined, anchor: undefined });
      }}
      onPointerDown={(event) => {
        if (!group.onZoomed || event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, time: timeOf(event) };
        group.useCursor.setState({ anchor: drag.current.time });
      }}
      onPointerUp={(event) => {
        const begin = drag.current;
        drag.current = undefined;
        if (begin && Math.abs(event.clientX - begin.x) >= shortestDragPixels) zoom(begin.time, timeOf(event));
        else group.useCursor.setState({ anchor: undefined });
      }}
      onPointerCancel={() => {
        drag.current = undefined;
        group.useCursor.setState({ time: undefined, anchor: undefined });
      }}
      onDoubleClick={() => group.onZoomReset?.()}
      onBlur={() => group.useCursor.setState({ time: undefined, anchor: undefined })}
      onKeyDown={onKeyDown}
    >
      {anchor !== undefined && time !== undefined && (
        <span
          className="chart-selection"
          style={{
            left: percent(Math.min(anchor, time)),
            width: `calc(${percent(Math.max(anchor, time))} - ${percent(Math.min(anchor, time))})`,
          }}
        />
      )}
      {isShown && <span className="chart-cursor" style={{ left: percent(time) }} data-time={formatInstant(time, to - from)} />}
      {isShown && lines.length === 1 && <CursorValue {...{ time, from, to, times, lines, format }} left={percent(time)} />}
    </div>
  );
}

/** Where there is no list of lines, the value stands at the cursor. */
function CursorValue({ time, from, to, times, lines, format, left }: Omit<CursorProps, "name" | "group"> & { time: number; left: string }) {
  const value = lines[0] && valueAt(lines[0], times, time);
  const isRight = (time - from) / (to - from) > 0.6;
  return (
    <span className="chart-cursor-value figure" data-right={isRight || undefined} style={{ left }}>
      {value === undefined ? unknownFigure : format(value)}
    </span>
  );
}

function describeAt(time: number, { from, to, times, lines, format }: Omit<CursorProps, "name" | "group">): string {
  const values = lines.map((line) => {
    const value = valueAt(line, times, time);
    return `${line.label} ${value === undefined ? "not known" : format(value)}`;
  });
  return `${formatInstant(time, to - from)}: ${values.join(", ")}`;
}

function valueAt({ lane, times }: ChartLine, timesOfChart: readonly number[], time: number): number | undefined {
  const index = nearestIndex(times ?? timesOfChart, time);
  return index === undefined ? undefined : lane?.average[index];
}

/** Each line's colour, name and value: the newest, or the one at the cursor. */
function Legend({ times, lines, format, group, from, to, newest }: Omit<CursorProps, "name"> & Pick<TimeChartProps, "newest">) {
  const time = group.useCursor((state) => state.time);
  const isAtCursor = time !== undefined && time >= from && time <= to;
  return (
    <div className="chart-legend figure">
      {lines.map((line, index) => {
        const { label, color } = line;
        const value = isAtCursor ? valueAt(line, times, time) : (newest?.[index] ?? valueAt(line, times, Number.POSITIVE_INFINITY));
        return (
          <span key={label} className="legend-entry">
            <i className="swatch" style={{ background: `var(${color})` }} aria-hidden />
            {label}&nbsp;
            <span className="legend-value">{value === undefined ? unknownFigure : format(value)}</span>
          </span>
        );
      })}
      {isAtCursor && <span className="chart-legend-time">{formatInstant(time, to - from)}</span>}
    </div>
  );
}
