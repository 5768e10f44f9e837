import { useMemo } from "react";
import { type HistorySubject, historyRanges, type KeptFigure } from "../../../privileged-helper/contract/history.ts";
import { useHistoryEvents } from "../../state/history.ts";
import { allRunning, allTogether, useMetrics, useMetricsWatch, wholeComputer } from "../../state/metrics.ts";
import { sumLanes, type Timeline } from "../../state/timeline.ts";
import {
  type ChartDefinition,
  cpuChart,
  diskChart,
  diskOperationsChart,
  memoryChart,
  memoryUsedChart,
  networkChart,
  packetsChart,
  pressureChart,
  processesChart,
  swapChart,
} from "../../ui/chart-definitions.ts";
import type { ChartLine } from "../../ui/chart-paint.ts";
import { MetricChart } from "../../ui/metric-chart.tsx";
import { ChartPage, columnsOf } from "./chart-page.tsx";
import { EventList } from "./event-list.tsx";
import { TopTable } from "./top-table.tsx";
import { useChartView } from "./use-chart-view.ts";
import { useTimelines } from "./use-timelines.ts";

const definitions = [
  cpuChart,
  memoryChart,
  diskChart,
  networkChart,
  processesChart,
  pressureChart,
  swapChart,
  diskOperationsChart,
  packetsChart,
] as const;
const figures = [...new Set([...definitions, memoryUsedChart].flatMap(({ lines }) => lines.map(({ figure }) => figure)))];
/** What of all containers together is drawn into a chart: the sum of these figures. */
const together: ReadonlyMap<ChartDefinition, readonly KeptFigure[]> = new Map([
  [cpuChart, ["cpuPercent"]],
  [memoryChart, ["memoryBytes"]],
  [memoryUsedChart, ["memoryBytes"]],
  [diskChart, ["diskReadBytesPerSecond", "diskWriteBytesPerSecond"]],
  [networkChart, ["networkReceivedBytesPerSecond", "networkSentBytesPerSecond"]],
  [processesChart, ["processes"]],
]);
const colorOfContainers = "--chart-5";
const subjects = [{ key: wholeComputer, subject: { type: "host" } as HistorySubject }, { key: allTogether }];
/** The first of them are what people look for; the rest is below the table. */
const chartsAboveTable = 4;

/** What the computer does, how much of that its containers take, and which of them most. */
export function HostMetrics() {
  useMetricsWatch(wholeComputer);
  useMetricsWatch(allRunning);
  const host = useMetrics(wholeComputer);
  const sum = useMetrics(allTogether);
  const points = useMemo(() => ({ [wholeComputer]: host, [allTogether]: sum }), [host, sum]);
  const view = useChartView(points);
  const timelines = useTimelines(subjects, figures, view);
  const timeline = timelines.get(wholeComputer);
  const ofContainers = timelines.get(allTogether);
  const since = useMemo(() => Date.now() - historyRanges["7 days"], []);
  const events = useHistoryEvents(since);
  const moreOf = useMemo(
    () =>
      new Map(
        [...together].flatMap(([definition, summed]): [ChartDefinition, ChartLine[]][] => {
          const lane = ofContainers && sumLanes(summed.map((figure) => ofContainers.lanes[figure]));
          return lane ? [[definition, [{ label: "All containers", color: colorOfContainers, lane, times: ofContainers.times }]]] : [];
        }),
      ),
    [ofContainers],
  );
  if (!timeline) return null;
  const chart = (definition: ChartDefinition) => (
    <MetricChart
      key={definition.name}
      definition={definition}
      timeline={timeline}
      points={host}
      isRunning
      more={moreOf.get(definition)}
      events={events}
      isMoving={view.isMoving}
      group={view.group}
    />
  );
  return (
    <>
      <ChartPage title="This computer" view={view} timeline={timeline} columns={columns(timeline, ofContainers)}>
        {definitions.slice(0, chartsAboveTable).map(chart)}
        <TopTable />
        {definitions.slice(chartsAboveTable).map(chart)}
      </ChartPage>
      <EventList events={events} />
    </>
  );
}

function columns(timeline: Timeline, ofContainers: Timeline | undefined) {
  return [
    ...columnsOf([...definitions, memoryUsedChart], timeline),
    ...columnsOf([cpuChart, memoryUsedChart, diskChart, networkChart], ofContainers, "All containers, ").map((column) => ({
      ...column,
      times: ofContainers?.times,
    })),
  ];
}
