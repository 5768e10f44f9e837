import { type ReactNode, useCallback, useRef } from "react";
import type { Timeline } from "../../state/timeline.ts";
import type { ChartDefinition } from "../../ui/chart-definitions.ts";
import { exportName, saveFile } from "../../ui/save-file.ts";
import { ChartToolbar } from "./chart-toolbar.tsx";
import { type CsvColumn, toCsv } from "./export-csv.ts";
import { chartsToPng } from "./export-png.ts";
import type { ChartView } from "./use-chart-view.ts";

type Props = {
  /** What the files are called by. */
  title: string;
  view: ChartView;
  /** Whose times the rows of a table have. */
  timeline: Timeline | undefined;
  columns: readonly CsvColumn[];
  tools?: ReactNode;
  children: ReactNode;
};

/** Charts that share their time, with what can be done to all of them. */
export function ChartPage({ title, view, timeline, columns, tools, children }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef({ title, timeline, columns });
  shown.current = { title, timeline, columns };
  const exportPng = useCallback(async () => {
    const { title } = shown.current;
    const figures = [...(place.current?.querySelectorAll<HTMLElement>("figure") ?? [])];
    saveFile(exportName(title, new Date(), "png"), await chartsToPng(title, figures));
  }, []);
  const exportCsv = useCallback(() => {
    const { title, timeline, columns } = shown.current;
    if (timeline) saveFile(exportName(title, new Date(), "csv"), new Blob([toCsv(timeline, columns)], { type: "text/csv" }));
  }, []);
  const { range, isMoving, isZoomed, setRange, pause, goOn } = view;
  return (
    <>
      <ChartToolbar {...{ range, isMoving, isZoomed, setRange, pause, goOn }} onExportPng={exportPng} onExportCsv={exportCsv}>
        {tools}
      </ChartToolbar>
      <div className="chart-grid" ref={place}>
        {children}
      </div>
    </>
  );
}

/** A column for each line of these charts. @param whose Said before each, where there are several. */
export function columnsOf(definitions: readonly ChartDefinition[], timeline: Timeline | undefined, whose = ""): CsvColumn[] {
  return definitions.flatMap(({ name, unit, lines }) =>
    lines.map(({ figure, label }) => ({ title: `${whose}${name}: ${label}`, unit, lane: timeline?.lanes[figure] })),
  );
}
