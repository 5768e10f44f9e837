import { Area, CartesianGrid, ComposedChart, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { TimeChartProps } from "../../../renderer/ui/time-chart.tsx";

/** The same of the large chart: as recharts' own examples have it, with all that the app's chart shows but the events. */
export function TimeChart({ name, times, lines, format, headline, height = 150 }: TimeChartProps) {
  const data = times.map((time, index) => ({
    time,
    ...Object.fromEntries(lines.map(({ label, lane }) => [label, lane?.average[index]])),
  }));
  return (
    <figure aria-label={name} className="figure-chart">
      <figcaption>
        {name} {headline}
      </figcaption>
      <div style={{ height }}>
        <ResponsiveContainer width="100%" height="100%">
          <ComposedChart data={data}>
            <CartesianGrid vertical={false} />
            <XAxis
              dataKey="time"
              type="number"
              domain={["dataMin", "dataMax"]}
              tickFormatter={(time: number) => new Date(time).toLocaleTimeString()}
            />
            <YAxis tickFormatter={format} width={74} />
            <Tooltip />
            <Legend />
            {lines.map(({ label, color, isBand }) => (
              <Area key={label} dataKey={label} stackId={isBand ? "bands" : undefined} stroke={`var(${color})`} fill={`var(${color})`} />
            ))}
          </ComposedChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}
