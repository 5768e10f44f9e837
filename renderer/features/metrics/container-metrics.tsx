import { Button } from "@mantine/core";
import { IconChartLine } from "@tabler/icons-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { type HistorySubject, historyRanges } from "../../../privileged-helper/contract/history.ts";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useHistoryEvents } from "../../state/history.ts";
import { useMetrics, useMetricsWatch } from "../../state/metrics.ts";
import {
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
  throttledChart,
} from "../../ui/chart-definitions.ts";
import { MetricChart } from "../../ui/metric-chart.tsx";
import { comparePath } from "../../ui/paths.ts";
import { ChartPage, columnsOf } from "./chart-page.tsx";
import { EventList } from "./event-list.tsx";
import { InterfacesTable } from "./interfaces-table.tsx";
import { TotalsTable } from "./totals-table.tsx";
import { useChartView } from "./use-chart-view.ts";
import { useTimelines } from "./use-timelines.ts";

const definitions = [
  cpuChart,
  throttledChart,
  memoryChart,
  memoryUsedChart,
  swapChart,
  diskChart,
  diskOperationsChart,
  networkChart,
  packetsChart,
  processesChart,
  pressureChart,
] as const;
const figures = [...new Set(definitions.flatMap(({ lines }) => lines.map(({ figure }) => figure)))];

/** Everything that is counted of a container, now and before. */
export function ContainerMetrics({ container }: { container: Container }) {
  const { name, manageable, state, startedAt } = container;
  useMetricsWatch(name);
  const readings = useMetrics(name);
  const points = useMemo(() => ({ [name]: readings }), [name, readings]);
  const view = useChartView(points);
  const subjects = useMemo(
    () => [{ key: name, subject: manageable ? ({ type: "container", name } as HistorySubject) : undefined }],
    [name, manageable],
  );
  const timeline = useTimelines(subjects, figures, view).get(name);
  const tools = useMemo(
    () => (
      <Button component={Link} href={comparePath([name])} variant="default" size="xs" leftSection={<IconChartLine size={14} aria-hidden />}>
        Compare with others
      </Button>
    ),
    [name],
  );
  const since = useMemo(() => Date.now() - historyRanges["7 days"], []);
  const events = useHistoryEvents(since, name);
  const isRunning = state === "running" || state === "frozen";
  const sample = isRunning ? readings.at(-1)?.sample : undefined;
  if (!timeline) return null;
  const shown = definitions.filter((definition) => {
    if (definition === throttledChart) return timeline.lanes.cpuThrottledPercent !== undefined;
    if (definition === memoryChart) return timeline.lanes.memoryAnonymousBytes !== undefined;
    if (definition === memoryUsedChart) return timeline.lanes.memoryAnonymousBytes === undefined;
    return true;
  });
  return (
    <>
      <ChartPage
        title={name}
        view={view}
        timeline={timeline}
        columns={columnsOf([...new Set([...shown, memoryUsedChart])], timeline)}
        tools={tools}
      >
        {shown.map((definition) => (
          <MetricChart
            key={definition.name}
            definition={definition}
            timeline={timeline}
            points={readings}
            isRunning={isRunning}
            events={events}
            isMoving={view.isMoving}
            group={view.group}
          />
        ))}
      </ChartPage>
      <div className="metrics-tables">
        <TotalsTable name={name} sample={sample} startedAt={startedAt} />
        {sample?.interfaces && sample.interfaces.length > 0 && <InterfacesTable interfaces={sample.interfaces} />}
        <EventList events={events} />
      </div>
    </>
  );
}
