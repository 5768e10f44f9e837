import { Anchor, Group, Table, Text, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconShield, IconShieldOff } from "@tabler/icons-react";
import { memo } from "react";
import { Link } from "wouter";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { useMetrics } from "../../state/metrics.ts";
import { formatBytes, formatDuration, formatPercent, unknownFigure } from "../../ui/format.ts";
import { containerPath } from "../../ui/paths.ts";
import { Sparkline } from "../../ui/sparkline.tsx";
import { StateLabel } from "../../ui/state-label.tsx";
import { useNow } from "../../ui/use-now.ts";
import { operationText } from "./actions.ts";
import { ContainerActions } from "./container-actions.tsx";
import type { Sorting, SortKey } from "./rows.ts";

/** Readings of the last minute or so. */
const sparklinePoints = 40;

const columns: { key: SortKey; label: string; className?: string }[] = [
  { key: "name", label: "Name" },
  { key: "state", label: "State" },
  { key: "address", label: "IPv4 / IPv6", className: "column-address" },
  { key: "cpu", label: "CPU", className: "column-cpu" },
  { key: "memory", label: "Memory", className: "column-memory" },
  { key: "processes", label: "Processes", className: "column-processes" },
  { key: "uptime", label: "Uptime", className: "column-uptime" },
  { key: "autostart", label: "Autostart", className: "column-autostart" },
  { key: "type", label: "Type", className: "column-type" },
];

type Props = { containers: readonly Container[]; sorting: Sorting; onSort(key: SortKey): void };

export function ContainersTable({ containers, sorting, onSort }: Props) {
  return (
    <div className="table-frame">
      <Table aria-label="Containers" highlightOnHover verticalSpacing={6} className="containers-table">
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ key, label, className }) => (
              <Table.Th
                key={key}
                className={className}
                aria-sort={sorting.key !== key ? "none" : sorting.isDescending ? "descending" : "ascending"}
                scope="col"
              >
                <UnstyledButton className="sort-button" onClick={() => onSort(key)}>
                  <Group gap={4} wrap="nowrap">
                    {label}
                    {sorting.key === key &&
                      (sorting.isDescending ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />)}
                  </Group>
                </UnstyledButton>
              </Table.Th>
            ))}
            <Table.Th scope="col" className="column-actions">
              <span className="visually-hidden">Actions</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {containers.map((container) => (
            <ContainerRow key={container.name} container={container} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** Drawn again only when its own container changes; the figures are cells of their own. */
const ContainerRow = memo(function ContainerRow({ container }: { container: Container }) {
  const { name, ipv4, ipv6, autostart, privileged, operation, clonedFrom } = container;
  const isRunning = container.state === "running" || container.state === "frozen";
  return (
    <Table.Tr>
      <Table.Th scope="row" className="column-name">
        <Anchor component={Link} href={containerPath(name)} className="container-link">
          {name}
        </Anchor>
        {clonedFrom !== undefined && (
          <Text size="xs" c="dimmed">
            Clone of {clonedFrom}
          </Text>
        )}
      </Table.Th>
      <Table.Td>
        <StateLabel container={container} />
        {operation && (
          <Text size="xs" c="dimmed">
            {operationText(operation.kind)}…
          </Text>
        )}
      </Table.Td>
      <Table.Td className="column-address">
        {[...ipv4, ...ipv6].map((address) => (
          <Text key={address} size="sm" className="figure">
            {address}
          </Text>
        ))}
      </Table.Td>
      <MetricsCells name={name} isRunning={isRunning} />
      <Table.Td className="column-uptime figure">
        {container.startedAt !== undefined && <Uptime startedAt={container.startedAt} />}
      </Table.Td>
      <Table.Td className="column-autostart">{autostart ? "Yes" : "No"}</Table.Td>
      <Table.Td className="column-type">
        <Group gap={4} wrap="nowrap">
          {privileged ? <IconShieldOff size={14} aria-hidden className="warning" /> : <IconShield size={14} aria-hidden className="safe" />}
          <Text size="sm">{privileged ? "Privileged" : "Unprivileged"}</Text>
        </Group>
      </Table.Td>
      <Table.Td className="column-actions">
        <div className="wide-only">
          <ContainerActions container={container} layout="row" />
        </div>
        <div className="narrow-only">
          <ContainerActions container={container} layout="menu" />
        </div>
      </Table.Td>
    </Table.Tr>
  );
});

function MetricsCells({ name, isRunning }: { name: string; isRunning: boolean }) {
  const points = useMetrics(name);
  const sample = isRunning ? points.at(-1)?.sample : undefined;
  const cpu = isRunning ? points.slice(-sparklinePoints) : [];
  return (
    <>
      <Table.Td className="column-cpu">
        {sample && (
          <Group gap={8} wrap="nowrap">
            <Sparkline
              values={cpu.map((point) => (point.afterGap ? undefined : point.sample.cpuPercent))}
              capacity={sparklinePoints}
              max={Math.max(100, ...cpu.map((point) => point.sample.cpuPercent ?? 0))}
            />
            <span className="figure">{sample.cpuPercent === undefined ? unknownFigure : formatPercent(sample.cpuPercent)}</span>
          </Group>
        )}
      </Table.Td>
      <Table.Td className="column-memory figure">
        {sample?.memoryBytes !== undefined &&
          `${formatBytes(sample.memoryBytes)}${sample.memoryLimitBytes === undefined ? "" : ` of ${formatBytes(sample.memoryLimitBytes)}`}`}
      </Table.Td>
      <Table.Td className="column-processes figure">{sample?.processes}</Table.Td>
    </>
  );
}

function Uptime({ startedAt }: { startedAt: number }) {
  const now = useNow(Date.now() - startedAt < 120_000 ? 1_000 : 10_000);
  return <>{formatDuration(now - startedAt)}</>;
}
