import { IconArrowDown, IconArrowUp, IconShield, IconShieldOff } from "@tabler/icons-react";
import { memo, useState } from "react";
import { Link } from "wouter";
import { useShallow } from "zustand/react/shallow";
import type { Container, MetricsSample } from "../../../privileged-helper/contract/model.ts";
import { type MetricsPoint, useMetricsStore } from "../../state/metrics.ts";
import { useTasksStore } from "../../state/tasks.ts";
import { formatBytes, formatDuration, formatPercent, unknownFigure } from "../../ui/format.ts";
import { HintArea } from "../../ui/hints.tsx";
import { containerPath } from "../../ui/paths.ts";
import { Sparkline, sparklinePicture } from "../../ui/sparkline.tsx";
import { StateLabel } from "../../ui/state-label.tsx";
import { useIsNarrow } from "../../ui/use-is-narrow.ts";
import { minute, useMinutesSince } from "../../ui/use-now.ts";
import { operationText } from "./actions.ts";
import { AlertMark } from "./alert-mark.tsx";
import { ContainerActions } from "./container-actions.tsx";
import type { Sorting, SortKey } from "./rows.ts";

/** Readings of the last minute or so. */
const sparklinePoints = 40;
/** A limit so many times above what is used would press it to the ground. */
const farLimit = 20;
/** Below this there is room for a menu only. The columns that go before that are in styles.css. */
const menuBelowPixels = 1025;

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

/** Made of plain elements: there may be hundreds of rows, and a component library's cost adds up. */
export function ContainersTable({ containers, sorting, onSort }: Props) {
  const [place, isNarrow] = useIsNarrow(menuBelowPixels);
  return (
    <div ref={place}>
      <HintArea>
        <div className="table-frame">
          <table aria-label="Containers" className="data-table containers-table">
            <thead>
              <tr>
                {columns.map(({ key, label, className }) => (
                  <th
                    key={key}
                    className={className}
                    aria-sort={sorting.key !== key ? "none" : sorting.isDescending ? "descending" : "ascending"}
                    scope="col"
                  >
                    <button type="button" className="sort-button" onClick={() => onSort(key)}>
                      {label}
                      {sorting.key === key &&
                        (sorting.isDescending ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />)}
                    </button>
                  </th>
                ))}
                <th scope="col" className="column-actions">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {containers.map((container) => (
                <ContainerRow key={container.name} container={container} isNarrow={isNarrow} />
              ))}
            </tbody>
          </table>
        </div>
      </HintArea>
    </div>
  );
}

/** Drawn again only when its own container changes; the figures are cells of their own. */
const ContainerRow = memo(function ContainerRow({ container, isNarrow }: { container: Container; isNarrow: boolean }) {
  const { name, state, note, ipv4, ipv6, autostart, privileged, clonedFrom, image, throwAway } = container;
  const isRunning = state === "running" || state === "frozen";
  // What it will be is not known before it is finished.
  const isBeingMade =
    !isRunning && (container.operation?.kind === "create" || container.operation?.kind === "clone" || container.operation?.kind === "try");
  // What it is made of counts for an image only where it is all that there is to say.
  const origin = clonedFrom ?? (throwAway ? (image?.title ?? "a container") : undefined);
  return (
    <tr>
      <th scope="row" className="column-name">
        <div className="name-and-mark">
          <Link href={containerPath(name)} className="container-link" title={name}>
            {name}
          </Link>
          <AlertMark name={name} />
        </div>
        {state === "error" && note !== undefined ? (
          <div className="second-line dangerous" title={note}>
            {note}
          </div>
        ) : (
          origin !== undefined && (
            <div className="second-line">
              {throwAway && <span className="throw-away">Throw-away</span>}
              {throwAway ? ` copy of ${origin}` : `Clone of ${origin}`}
            </div>
          )
        )}
      </th>
      <td>
        {!isBeingMade && <StateLabel container={container} />}
        {container.operation && <Operation container={container} {...container.operation} />}
      </td>
      <td className="column-address figure">
        {[...ipv4, ...ipv6].map((address) => (
          <div key={address} className="address" title={address}>
            {address}
          </div>
        ))}
      </td>
      <MetricsCells name={name} isRunning={isRunning} />
      <td className="column-uptime figure">{container.startedAt !== undefined && <Uptime startedAt={container.startedAt} />}</td>
      <td className="column-autostart">{isBeingMade ? "" : autostart ? "Yes" : "No"}</td>
      <td className="column-type">
        {!isBeingMade && (
          <span className="with-icon">
            {privileged ? (
              <IconShieldOff size={14} aria-hidden className="warning" />
            ) : (
              <IconShield size={14} aria-hidden className="safe" />
            )}
            {privileged ? "Privileged" : "Unprivileged"}
          </span>
        )}
      </td>
      <td className="column-actions">
        <ContainerActions container={container} layout={isNarrow ? "menu" : "row"} />
      </td>
    </tr>
  );
});

/** What is being done, where the state does not say it, and how far it is. */
function Operation({ container: { state }, task, kind }: { container: Container } & NonNullable<Container["operation"]>) {
  const fraction = useTasksStore(({ tasks }) => tasks.find(({ id }) => id === task)?.fraction);
  const isSaid = state === "starting" || state === "stopping";
  if (isSaid && kind !== "restart" && fraction === undefined) return null;
  return (
    <div className="second-line">
      {operationText(kind)}…{fraction !== undefined && ` ${formatPercent(Math.round(fraction * 100))}`}
    </div>
  );
}

/** Most of the time most of the texts and pictures stay the same: then nothing is drawn again. */
function MetricsCells({ name, isRunning }: { name: string; isRunning: boolean }) {
  const [shownOf] = useState(createShown);
  const { picture, memoryPicture, cpu, memory, memoryLimit, processes } = useMetricsStore(
    useShallow(({ points }) => (isRunning ? shownOf(points[name] ?? []) : nothingShown)),
  );
  return (
    <>
      <td className="column-cpu">
        {cpu !== "" && (
          <span className="cpu-figure">
            <Sparkline picture={picture} capacity={sparklinePoints} />
            <span className="steady figure">{cpu}</span>
          </span>
        )}
      </td>
      <td className="column-memory figure">
        {memory !== "" && (
          <span className="cpu-figure">
            <Sparkline picture={memoryPicture} capacity={sparklinePoints} />
            <span className="steady">{memory}</span>
          </span>
        )}
        {memoryLimit !== "" && <div className="second-line">{memoryLimit}</div>}
      </td>
      <td className="column-processes figure">{processes}</td>
    </>
  );
}

const nothingShown = { picture: "", memoryPicture: "", cpu: "", memory: "", memoryLimit: "", processes: "" };

/** What the cells of one container show. Where there is nothing to be seen of its past, the same reading once more changes nothing. */
function createShown(): (points: readonly MetricsPoint[]) => typeof nothingShown {
  let last: { sample: MetricsSample; shown: typeof nothingShown } | undefined;
  return (points) => {
    const sample = points.at(-1)?.sample;
    if (!sample) return nothingShown;
    if (last?.sample === sample && last.shown.picture === "") return last.shown;
    const { cpuPercent, memoryBytes, memoryLimitBytes, processes } = sample;
    const shown = {
      picture: pictureOf(points),
      memoryPicture: memoryPictureOf(points),
      cpu: orUnknown(cpuPercent, formatPercent),
      memory: orUnknown(memoryBytes, formatBytes),
      memoryLimit: memoryLimitBytes === undefined ? "" : `of ${formatBytes(memoryLimitBytes)}`,
      processes: orUnknown(processes, String),
    };
    last = { sample, shown };
    return shown;
  };
}

function pictureOf(points: readonly MetricsPoint[]): string {
  const shown = points.slice(-sparklinePoints);
  return sparklinePicture(
    shown.map(({ afterGap, sample }) => (afterGap ? undefined : sample.cpuPercent)),
    Math.max(100, ...shown.map(({ sample }) => sample.cpuPercent ?? 0)),
  );
}

/** Against the limit where there is one; without one, against twice the most that was seen: what is held steadily is a line in the middle. */
function memoryPictureOf(points: readonly MetricsPoint[]): string {
  const shown = points.slice(-sparklinePoints);
  const limit = shown.at(-1)?.sample.memoryLimitBytes;
  const most = Math.max(1, ...shown.map(({ sample }) => sample.memoryBytes ?? 0));
  return sparklinePicture(
    shown.map(({ afterGap, sample }) => (afterGap ? undefined : sample.memoryBytes)),
    limit !== undefined && limit < most * farLimit ? Math.max(limit, most) : 2 ** Math.ceil(Math.log2(most * 1.5)),
  );
}

function orUnknown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? unknownFigure : format(value);
}

/** By the minute: hundreds of rows that count seconds would keep a processor busy. The container's own page counts them. */
function Uptime({ startedAt }: { startedAt: number }) {
  const minutes = useMinutesSince(startedAt);
  return <span className="steady">{minutes === 0 ? "under 1 min" : formatDuration(minutes * minute)}</span>;
}
