import { MultiSelect } from "@mantine/core";
import { IconChartLine } from "@tabler/icons-react";
import { memo, useMemo } from "react";
import { useLocation } from "wouter";
import { useShallow } from "zustand/react/shallow";
import type { HistorySubject, KeptFigure } from "../../../privileged-helper/contract/history.ts";
import type { MetricsSample } from "../../../privileged-helper/contract/model.ts";
import { useContainers } from "../../state/containers.ts";
import { type MetricsPoint, useMetricsStore, useMetricsWatchOf } from "../../state/metrics.ts";
import { sumLanes, type Timeline } from "../../state/timeline.ts";
import { chartColor, chartColors } from "../../ui/chart-colors.ts";
import { type ChartDefinition, cpuChart, diskChart, memoryUsedChart, networkChart, processesChart } from "../../ui/chart-definitions.ts";
import { EmptyState, Page } from "../../ui/page.tsx";
import { comparePath } from "../../ui/paths.ts";
import { TimeChart } from "../../ui/time-chart.tsx";
import { ChartPage } from "./chart-page.tsx";
import type { CsvColumn } from "./export-csv.ts";
import { type ChartView, useChartView } from "./use-chart-view.ts";
import { useTimelines } from "./use-timelines.ts";

/** One line a container: what it does in this respect is the sum of these figures. */
type Compared = { definition: ChartDefinition; figures: readonly KeptFigure[] };

const compared: readonly Compared[] = [
  { definition: cpuChart, figures: ["cpuPercent"] },
  { definition: memoryUsedChart, figures: ["memoryBytes"] },
  { definition: diskChart, figures: ["diskReadBytesPerSecond", "diskWriteBytesPerSecond"] },
  { definition: networkChart, figures: ["networkReceivedBytesPerSecond", "networkSentBytesPerSecond"] },
  { definition: processesChart, figures: ["processes"] },
];
const allFigures = compared.flatMap(({ figures }) => figures);
const none: readonly MetricsPoint[] = [];

/** Several containers in one chart each for CPU, memory, disk, network and processes. */
export function ComparePage({ names }: { names: readonly string[] }) {
  const [, go] = useLocation();
  const containers = useContainers();
  const choices = useMemo(() => [...new Set([...(containers?.keys() ?? []), ...names])].sort(), [containers, names]);
  return (
    <Page title="Compare">
      <MultiSelect
        mb="md"
        maw={720}
        label="Containers"
        description={`Up to ${chartColors.length}. Each has a line of its own colour.`}
        placeholder={names.length === 0 ? "Choose containers" : undefined}
        data={choices}
        value={[...names]}
        maxValues={chartColors.length}
        searchable
        hidePickedOptions
        nothingFoundMessage="No container is called that"
        onChange={(chosen) => go(comparePath(chosen), { replace: true })}
      />
      {names.length === 0 ? (
        <EmptyState icon={<IconChartLine size={48} stroke={1.2} />} title="Nothing to compare yet">
          Choose the containers above whose figures you want to see side by side.
        </EmptyState>
      ) : (
        <ComparedCharts names={names} />
      )}
    </Page>
  );
}

function ComparedCharts({ names }: { names: readonly string[] }) {
  const joined = names.join("/");
  useMetricsWatchOf(joined);
  const readings = useMetricsStore(useShallow(({ points }) => names.map((name) => points[name] ?? none)));
  const points = useMemo(
    () => Object.fromEntries(joined.split("/").map((name, index) => [name, readings[index] ?? none])),
    [joined, readings],
  );
  const view = useChartView(points);
  const subjects = useMemo(
    () => joined.split("/").map((name) => ({ key: name, subject: { type: "container", name } as HistorySubject })),
    [joined],
  );
  const timelines = useTimelines(subjects, allFigures, view);
  const first = timelines.get(names[0] ?? "");
  return (
    <ChartPage title={names.join(" and ")} view={view} timeline={first} columns={columnsFor(names, timelines)}>
      {compared.map((one) => (
        <ComparedChart key={one.definition.name} compared={one} names={names} timelines={timelines} points={points} view={view} />
      ))}
    </ChartPage>
  );
}

type ChartProps = {
  compared: Compared;
  names: readonly string[];
  timelines: ReadonlyMap<string, Timeline>;
  points: Readonly<Record<string, readonly MetricsPoint[]>>;
  view: ChartView;
};

const ComparedChart = memo(function ComparedChart({ compared: { definition, figures }, names, timelines, points, view }: ChartProps) {
  const times = timelines.get(names[0] ?? "")?.times ?? [];
  const lines = names.map((name, index) => {
    const timeline = timelines.get(name);
    return {
      label: name,
      color: chartColor(index),
      times: timeline?.times ?? [],
      lane: timeline && sumLanes(figures.map((figure) => timeline.lanes[figure])),
    };
  });
  const newest = names.map((name) => figureOf(points[name]?.at(-1)?.sample, figures));
  const all = sumOf(newest);
  return (
    <TimeChart
      name={definition.name}
      from={view.from}
      to={view.to}
      times={times}
      lines={lines}
      format={definition.format}
      atLeast={definition.atLeast}
      base={definition.base}
      newest={newest}
      headline={all === undefined ? "…" : `${definition.format(all)} together`}
      isMoving={view.isMoving}
      group={view.group}
      height={200}
    />
  );
});

function columnsFor(names: readonly string[], timelines: ReadonlyMap<string, Timeline>): CsvColumn[] {
  return names.flatMap((name) =>
    compared.map(({ definition: { name: title, unit }, figures }) => {
      const timeline = timelines.get(name);
      return {
        title: `${name}: ${title}`,
        unit,
        times: timeline?.times,
        lane: timeline && sumLanes(figures.map((figure) => timeline.lanes[figure])),
      };
    }),
  );
}

function figureOf(sample: MetricsSample | undefined, figures: readonly KeptFigure[]): number | undefined {
  return sample && sumOf(figures.map((figure) => sample[figure]));
}

function sumOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}
