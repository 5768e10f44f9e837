import { memo, useMemo } from "react";
import type { HistoryEvent, KeptFigure } from "../../privileged-helper/contract/history.ts";
import type { MetricsPoint } from "../state/metrics.ts";
import type { Timeline } from "../state/timeline.ts";
import { chartColor } from "./chart-colors.ts";
import type { ChartDefinition } from "./chart-definitions.ts";
import type { ChartGroup } from "./chart-group.ts";
import type { ChartLine } from "./chart-paint.ts";
import { TimeChart } from "./time-chart.tsx";

type Props = {
  definition: ChartDefinition;
  timeline: Timeline;
  /** The newest readings: what is said in words is of now, whatever the chart shows. */
  points: readonly MetricsPoint[];
  /** False where nothing is measured any more: then only what was recorded is shown. */
  isRunning: boolean;
  /** More lines, drawn above those of the definition. */
  more?: readonly ChartLine[];
  events?: readonly HistoryEvent[];
  isMoving: boolean;
  group: ChartGroup;
  height?: number;
};

const notCounted = "The kernel of this computer does not count this for each container.";
/** A rate needs two readings, and the first tick may come before them. */
const readingsUntilKnown = 3;

/** A chart of a container's figures, or the computer's. What cannot be had on this host says why. */
export const MetricChart = memo(function MetricChart(props: Props) {
  const { definition, timeline, points, isRunning, more, events, isMoving, group, height } = props;
  const { lines: wanted, headline, limit, limitText, subject } = definition;
  const sample = isRunning ? points.at(-1)?.sample : undefined;
  const lines = useMemo((): (ChartLine & { figure?: KeptFigure })[] => {
    const own = wanted.flatMap(({ figure, label, isBand }, index) => {
      const lane = timeline.lanes[figure];
      return lane || index === 0 ? [{ label, isBand, lane, color: chartColor(index), figure }] : [];
    });
    return more ? [...own, ...more] : own;
  }, [wanted, timeline, more]);
  const isDrawn = lines.some(({ lane }) => lane !== undefined);
  const isKnown = sample !== undefined && wanted.some(({ figure }) => sample[figure] !== undefined);
  const missing =
    isDrawn || isKnown || !sample || points.length < readingsUntilKnown ? undefined : (sample.missing?.[subject] ?? notCounted);
  return (
    <TimeChart
      name={definition.name}
      from={timeline.from}
      to={timeline.to}
      times={timeline.times}
      lines={lines}
      format={definition.format}
      atLeast={definition.atLeast}
      base={definition.base}
      newest={lines.map(({ figure }) => figure && sample?.[figure])}
      headline={sample ? ((isKnown ? headline(sample) : undefined) ?? "…") : isRunning ? "…" : "Does not run"}
      limit={sample && limit?.(sample)}
      limitText={sample && limitText?.(sample)}
      missing={missing}
      events={events}
      isMoving={isMoving}
      group={group}
      height={height}
    />
  );
});
