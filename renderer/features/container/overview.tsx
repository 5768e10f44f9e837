import { ActionIcon, Anchor, CopyButton, Group, Paper, SimpleGrid, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import type { Container, MetricsSample } from "../../../privileged-helper/contract/model.ts";
import { useMetrics, useMetricsWatch } from "../../state/metrics.ts";
import { makeTimeline } from "../../state/timeline.ts";
import { cpuChart, diskChart, memoryUsedChart, networkChart } from "../../ui/chart-definitions.ts";
import { type ChartGroup, createCursor } from "../../ui/chart-group.ts";
import { type Fact, FactsTable } from "../../ui/facts-table.tsx";
import { formatDuration, formatPercent, unknownFigure } from "../../ui/format.ts";
import { MetricChart } from "../../ui/metric-chart.tsx";
import { containerPath } from "../../ui/paths.ts";
import { useNow } from "../../ui/use-now.ts";

/** As long as readings are kept. */
const shownMilliseconds = 120_000;
const charts = [cpuChart, memoryUsedChart, diskChart, networkChart] as const;
const figures = charts.flatMap(({ lines }) => lines.map(({ figure }) => figure));

/** What a container does now, and the facts about it. */
export function Overview({ container }: { container: Container }) {
  const isRunning = container.state === "running" || container.state === "frozen";
  return (
    <>
      {isRunning ? (
        <Charts name={container.name} />
      ) : (
        <Paper withBorder p="lg" mb="md" className="notice">
          <Text size="sm">
            {container.state === "stopped"
              ? `It does not run, so there is nothing to measure.${container.manageable ? " Start it with the button above." : ""}`
              : container.state === "error"
                ? "It cannot run as it is."
                : "Its figures appear as soon as it runs."}
          </Text>
        </Paper>
      )}
      <Facts container={container} isRunning={isRunning} />
    </>
  );
}

function Charts({ name }: { name: string }) {
  useMetricsWatch(name);
  const points = useMetrics(name);
  const [group] = useState<ChartGroup>(() => ({ useCursor: createCursor() }));
  const timeline = useMemo(() => {
    const to = points.at(-1)?.time ?? Date.now();
    return makeTimeline({ from: to - shownMilliseconds, to, stepMilliseconds: 0, figures, points });
  }, [points]);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} mb="md" spacing="md">
      {charts.map((definition) => (
        <MetricChart key={definition.name} definition={definition} timeline={timeline} points={points} isRunning isMoving group={group} />
      ))}
    </SimpleGrid>
  );
}

function Facts({ container, isRunning }: { container: Container; isRunning: boolean }) {
  const { ipv4, ipv6, startedAt, initPid, privileged, autostart, storage, clonedFrom, clones, image } = container;
  const sample = useMetrics(container.name).at(-1)?.sample;
  const facts: Fact[] = [
    ["Addresses", <Addresses key="addresses" addresses={[...ipv4, ...ipv6]} />],
    ["Uptime", startedAt === undefined ? unknownFigure : <Uptime key="uptime" startedAt={startedAt} />],
    ["Processes", (isRunning && sample?.processes) || unknownFigure],
    ...(isRunning && sample && hasPressure(sample) ? [["Pressure", describePressure(sample)] as Fact] : []),
    ["First process", initPid === undefined ? unknownFigure : `${initPid} on this computer`],
    ["Isolation", privileged ? "Privileged: root inside is root on this computer" : "Unprivileged: root inside is nobody on this computer"],
    ["Starts with the computer", autostart ? "Yes" : "No"],
    ["Storage", storage === "overlay" ? "Overlay: a layer over its base" : storage],
    ...(image === undefined ? [] : [["Made from the image", image.title] as Fact]),
    ...(clonedFrom === undefined ? [] : [["Cloned from", <ContainerLink key="base" name={clonedFrom} />] as Fact]),
    ...(clones.length === 0
      ? []
      : [
          [
            "Its clones",
            <Group key="clones" gap="xs">
              {clones.map((clone) => (
                <ContainerLink key={clone} name={clone} />
              ))}
            </Group>,
          ] as Fact,
        ]),
  ];
  return <FactsTable label={`About ${container.name}`} facts={facts} />;
}

/** Not on every host: the kernel has to count it. */
function hasPressure({ cpuPressurePercent, memoryPressurePercent, diskPressurePercent }: MetricsSample): boolean {
  return cpuPressurePercent !== undefined || memoryPressurePercent !== undefined || diskPressurePercent !== undefined;
}

function describePressure({ cpuPressurePercent, memoryPressurePercent, diskPressurePercent }: MetricsSample): string {
  const shares = [
    ["CPU", cpuPressurePercent],
    ["memory", memoryPressurePercent],
    ["disk", diskPressurePercent],
  ] as const;
  const known = shares.flatMap(([name, share]) => (share === undefined ? [] : [`${name} ${formatPercent(share)}`]));
  return `${known.join(", ")} of the time something waits for it`;
}

function ContainerLink({ name }: { name: string }) {
  return (
    <Anchor component={Link} href={containerPath(name)} size="sm">
      {name}
    </Anchor>
  );
}

function Addresses({ addresses }: { addresses: readonly string[] }) {
  if (addresses.length === 0) return unknownFigure;
  return (
    <Group gap="md">
      {addresses.map((address) => (
        <Group key={address} gap={2}>
          <span>{address}</span>
          <CopyButton value={address} timeout={1500}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? "Copied" : `Copy ${address}`}>
                <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Copy ${address}`} onClick={copy}>
                  {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
        </Group>
      ))}
    </Group>
  );
}

function Uptime({ startedAt }: { startedAt: number }) {
  const now = useNow(1_000);
  return <>{formatDuration(now - startedAt)}</>;
}
