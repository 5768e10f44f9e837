import { Button, Group, Menu, SegmentedControl } from "@mantine/core";
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconZoomReset } from "@tabler/icons-react";
import { memo, type ReactNode } from "react";
import { type HistoryRange, historyRanges } from "../../../privileged-helper/contract/history.ts";
import { showProblem } from "../../ui/toasts.tsx";
import type { ChartView } from "./use-chart-view.ts";

const ranges = Object.keys(historyRanges) as HistoryRange[];

type Props = Pick<ChartView, "range" | "isMoving" | "isZoomed" | "setRange" | "pause" | "goOn"> & {
  onExportPng(): Promise<void>;
  onExportCsv(): void;
  children?: ReactNode;
};

/** How much of time the charts show, and taking them along. */
export const ChartToolbar = memo(function ChartToolbar(props: Props) {
  const { range, isMoving, isZoomed, setRange, pause, goOn, onExportPng, onExportCsv, children } = props;
  return (
    <Group gap="xs" mb="sm" className="chart-toolbar">
      <SegmentedControl
        aria-label="Time range"
        size="xs"
        value={range}
        onChange={(next) => setRange(next as HistoryRange)}
        data={ranges.map((value) => ({ value, label: value }))}
      />
      <Button
        variant="default"
        size="xs"
        leftSection={isMoving ? <IconPlayerPause size={14} aria-hidden /> : <IconPlayerPlay size={14} aria-hidden />}
        onClick={isMoving ? pause : goOn}
      >
        {isMoving ? "Pause" : "Go on"}
      </Button>
      {isZoomed && (
        <Button variant="default" size="xs" leftSection={<IconZoomReset size={14} aria-hidden />} onClick={goOn}>
          Reset zoom
        </Button>
      )}
      <Menu position="bottom-start">
        <Menu.Target>
          <Button variant="default" size="xs" leftSection={<IconDownload size={14} aria-hidden />}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => void onExportPng().catch(showProblem)}>As a picture (PNG)</Menu.Item>
          <Menu.Item onClick={onExportCsv}>As a table (CSV)</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {children}
    </Group>
  );
});
