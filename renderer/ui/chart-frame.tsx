import { memo } from "react";
import { CartesianGrid, ComposedChart, Line, ReferenceLine, XAxis, YAxis } from "recharts";

/** Around the plot, pixels. */
export const plotMargins = { left: 74, right: 12, top: 6, bottom: 22 } as const;

type Props = {
  width: number;
  height: number;
  max: number;
  format(value: number): string;
  /** From begin to end, joined by line breaks, so that the same ones are the same. */
  labels: string;
  /** Where the figure cannot go further. */
  limit?: number;
};

const frameData = [{ place: 0 }, { place: 1 }];
const tick = { fontSize: 11, fill: "var(--muted)" };
const margin = { top: plotMargins.top, right: plotMargins.right, bottom: 0, left: 0 };

/** A chart's axes and grid. They stay while what is inside changes with every tick. */
export const ChartFrame = memo(function ChartFrame({ width, height, max, format, labels, limit }: Props) {
  const texts = labels.split("\n");
  const places = texts.map((_, index) => index / (texts.length - 1));
  return (
    <ComposedChart width={width} height={height} data={frameData} margin={margin} accessibilityLayer={false}>
      <CartesianGrid vertical={false} stroke="var(--line)" />
      <XAxis
        dataKey="place"
        type="number"
        domain={[0, 1]}
        ticks={places}
        tickFormatter={(place: number) => texts[Math.round(place * (texts.length - 1))] ?? ""}
        height={plotMargins.bottom}
        tick={tick}
        axisLine={false}
        tickLine={false}
        interval="equidistantPreserveStart"
      />
      <YAxis
        domain={[0, max]}
        ticks={[0, max / 2, max]}
        width={plotMargins.left}
        // In one line: recharts breaks a text at its blanks.
        tickFormatter={(value: number) => format(value).replaceAll(" ", "\u00a0")}
        tick={tick}
        axisLine={false}
        tickLine={false}
        interval={0}
        allowDataOverflow
      />
      {/* Without anything to draw there is no scale. */}
      <Line dataKey="nothing" isAnimationActive={false} dot={false} activeDot={false} />
      {limit !== undefined && limit <= max && <ReferenceLine y={limit} stroke="var(--danger)" strokeDasharray="5 4" />}
    </ComposedChart>
  );
});
