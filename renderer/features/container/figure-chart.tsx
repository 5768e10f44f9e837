import { Text } from "@mantine/core";
import { memo } from "react";
import { Area, AreaChart, CartesianGrid, ResponsiveContainer, XAxis, YAxis } from "recharts";
import { keptPoints, type MetricsPoint } from "../../state/metrics.ts";
import { notAvailable } from "../../ui/format.ts";
import { type FigureKey, newestValue, roundMax, toChartPoints } from "./series.ts";

export type Line = { key: FigureKey /** Said before its value where there are several. */; label?: string };

type Props = {
  name: string;
  lines: readonly Line[];
  points: readonly MetricsPoint[];
  format(value: number): string;
  /** The axis reaches at least this far. */
  atLeast: number;
  base: 10 | 1024;
  /** What the figure may reach at most, in words. */
  limit?: string;
};

const colors = ["var(--chart-1)", "var(--chart-2)"];
const axisIntervalMilliseconds = 1_000;

/** A live chart with its newest value in words beside its name. */
export const FigureChart = memo(function FigureChart({ name, lines, points, format, atLeast, base, limit }: Props) {
  const keys = lines.map(({ key }) => key);
  const newest = lines.map(({ key, label }) => ({ label, value: newestValue(points, key) }));
  const isAvailable = points.length === 0 || newest.some(({ value }) => value !== undefined);
  const data = toChartPoints(points, keys);
  const max = roundMax(
    data.flatMap(({ values }) => values),
    atLeast,
    base,
  );
  const end = points.at(-1)?.time ?? 0;
  return (
    <figure aria-label={name} className="figure-chart">
      <figcaption>
        <Text span fw={600} size="sm">
          {name}
        </Text>
        <span className="figure newest">
          {isAvailable
            ? newest.map(({ label, value }, index) => (
                <span key={label ?? name} className="newest-value">
                  {lines.length > 1 && <i className="swatch" style={{ background: colors[index] }} aria-hidden />}
                  {label ? `${label} ` : ""}
                  {value?.known ? format(value.value) : points.length === 0 || value ? "…" : notAvailable}
                </span>
              ))
            : notAvailable}
          {limit !== undefined && isAvailable && <span className="limit"> {limit}</span>}
        </span>
      </figcaption>
      {!isAvailable && <div className="chart-area chart-missing">The kernel of this computer does not count this for each container.</div>}
      {isAvailable && (
        <div className="chart-area" aria-hidden>
          <ResponsiveContainer width="100%" height="100%" debounce={50}>
            <AreaChart data={data} margin={{ top: 6, right: 4, bottom: 8, left: 0 }} accessibilityLayer={false}>
              <CartesianGrid vertical={false} stroke="var(--line)" />
              <XAxis dataKey="time" type="number" domain={[end - keptPoints * axisIntervalMilliseconds, end]} hide allowDataOverflow />
              <YAxis
                domain={[0, max]}
                ticks={[0, max / 2, max]}
                width={74}
                tickFormatter={format}
                tick={{ fontSize: 11, fill: "var(--muted)" }}
                axisLine={false}
                tickLine={false}
                interval={0}
              />
              {lines.map(({ key }, index) => (
                <Area
                  key={key}
                  dataKey={(point: { values: (number | undefined)[] }) => point.values[index]}
                  stroke={colors[index]}
                  fill={colors[index]}
                  fillOpacity={lines.length > 1 ? 0.08 : 0.14}
                  strokeWidth={1.5}
                  isAnimationActive={false}
                  dot={false}
                  activeDot={false}
                  connectNulls={false}
                />
              ))}
            </AreaChart>
          </ResponsiveContainer>
        </div>
      )}
    </figure>
  );
});
