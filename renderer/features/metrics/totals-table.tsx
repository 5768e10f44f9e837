import { Title } from "@mantine/core";
import { useCallback } from "react";
import type { MetricsSample } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { type Fact, FactsTable } from "../../ui/facts-table.tsx";
import { formatBytes, formatDuration, notAvailable, unknownFigure } from "../../ui/format.ts";
import { useNow } from "../../ui/use-now.ts";

type Props = { name: string; sample: MetricsSample | undefined; startedAt: number | undefined };

/** What is a number rather than a line: since when, how often, how much is stored. */
export function TotalsTable({ name, sample, startedAt }: Props) {
  const ask = useCallback((client: Client) => client.call("containers.diskUsage", { name }), [name]);
  const { answer: disk, problem } = useAnswer(ask);
  const facts: Fact[] = [
    ["Uptime", startedAt === undefined ? "Does not run" : <Uptime key="uptime" startedAt={startedAt} />],
    ["CPU time since it was started", duration(sample?.cpuNanoseconds)],
    ["Processes killed for lack of memory", counted(sample, "oomKills")],
    ["Times at its memory limit", counted(sample, "memoryLimitHits")],
    [
      disk?.sharesBase ? "Its own files, above its base" : "Its files",
      problem
        ? "Cannot be counted"
        : !disk
          ? "Being counted…"
          : disk.rootfsBytes === undefined
            ? `${notAvailable}${disk.missing === undefined ? "" : `: ${disk.missing}`}`
            : `${formatBytes(disk.rootfsBytes)}; ${formatBytes(disk.fileSystem.availableBytes)} of ${formatBytes(disk.fileSystem.totalBytes)} free there`,
    ],
    ...(disk?.snapshots ?? []).map(
      (snapshot): Fact => [`Snapshot ${snapshot.name}`, snapshot.bytes === undefined ? unknownFigure : formatBytes(snapshot.bytes)],
    ),
  ];
  return (
    <section aria-labelledby="totals-title">
      <Title order={2} size="h5" mb="xs" id="totals-title">
        In all
      </Title>
      <FactsTable label={`Totals of ${name}`} facts={facts} />
    </section>
  );
}

function counted(sample: MetricsSample | undefined, figure: "oomKills" | "memoryLimitHits") {
  if (!sample) return unknownFigure;
  const reason = sample.missing?.events;
  return sample[figure] ?? (reason === undefined ? notAvailable : `${notAvailable}: ${reason}`);
}

function duration(nanoseconds: number | undefined): string {
  return nanoseconds === undefined ? unknownFigure : formatDuration(nanoseconds / 1e6);
}

function Uptime({ startedAt }: { startedAt: number }) {
  return <>{formatDuration(useNow(1_000) - startedAt)}</>;
}
