import { Text, Title } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { memo, useMemo, useState } from "react";
import { Link } from "wouter";
import { useContainers } from "../../state/containers.ts";
import { type MetricsPoint, useMetricsStore } from "../../state/metrics.ts";
import { unknownFigure } from "../../ui/format.ts";
import { containerPath } from "../../ui/paths.ts";
import { Sparkline, sparklinePicture } from "../../ui/sparkline.tsx";
import { sortTop, type TopKey, type TopSorting, topColumns } from "./top-rows.ts";

const sparklinePoints = 40;
const none: readonly MetricsPoint[] = [];

/** Which containers take most, now; in another order by a click on a column. */
export function TopTable() {
  const containers = useContainers();
  const points = useMetricsStore((state) => state.points);
  const [sorting, setSorting] = useState<TopSorting>({ key: "cpu", isDescending: true });
  const running = useMemo(
    () => [...(containers?.values() ?? [])].filter(({ state }) => state === "running" || state === "frozen").map(({ name }) => name),
    [containers],
  );
  const names = sortTop(running, sorting, points);
  const sortBy = (key: TopKey) =>
    setSorting((before) => ({ key, isDescending: before.key === key ? !before.isDescending : key !== "name" }));
  return (
    <section aria-labelledby="top-title" className="top-table-place">
      <Title order={2} size="h5" mb="xs" id="top-title">
        Containers that take most
      </Title>
      {names.length === 0 ? (
        <Text size="sm" c="dimmed">
          No container runs.
        </Text>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled can be reached by keyboard
        <section className="top-table-frame" tabIndex={0} aria-labelledby="top-title">
          <table aria-labelledby="top-title" className="data-table top-table">
            <thead>
              <tr>
                {topColumns.map(({ key, label }) => (
                  <th
                    key={key}
                    scope="col"
                    className={`top-${key}`}
                    aria-sort={sorting.key !== key ? "none" : sorting.isDescending ? "descending" : "ascending"}
                  >
                    <button type="button" className="sort-button" onClick={() => sortBy(key)}>
                      {label}
                      {sorting.key === key &&
                        (sorting.isDescending ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />)}
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <TopRow key={name} name={name} points={points[name] ?? none} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

/** Drawn again only when its own container was read. */
const TopRow = memo(function TopRow({ name, points }: { name: string; points: readonly MetricsPoint[] }) {
  const sample = points.at(-1)?.sample;
  return (
    <tr>
      {topColumns.map(({ key, value, format }) => {
        if (key === "name") {
          return (
            <th key={key} scope="row" className="top-name">
              <Link href={containerPath(name, "metrics")} className="container-link" title={name}>
                {name}
              </Link>
            </th>
          );
        }
        const figure = sample && value?.(sample);
        return (
          <td key={key} className={`figure top-${key}`}>
            <span className="with-icon">
              {key === "cpu" && <Sparkline picture={pictureOf(points)} capacity={sparklinePoints} />}
              <span className="steady">{figure === undefined ? unknownFigure : format?.(figure)}</span>
            </span>
          </td>
        );
      })}
    </tr>
  );
});

function pictureOf(points: readonly MetricsPoint[]): string {
  const shown = points.slice(-sparklinePoints);
  return sparklinePicture(
    shown.map(({ afterGap, sample }) => (afterGap ? undefined : sample.cpuPercent)),
    Math.max(100, ...shown.map(({ sample }) => sample.cpuPercent ?? 0)),
  );
}
