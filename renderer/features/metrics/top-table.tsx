import { Text, Title } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { memo, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useContainers } from "../../state/containers.ts";
import { type MetricsPoint, useMetricsStore } from "../../state/metrics.ts";
import { unknownFigure } from "../../ui/format.ts";
import { containerPath } from "../../ui/paths.ts";
import { Sparkline, sparklinePicture } from "../../ui/sparkline.tsx";
import { useIsInSight } from "../../ui/use-is-in-sight.ts";
import { sortTop, type TopKey, type TopSorting, topColumns } from "./top-rows.ts";
import { useRowsInSight } from "./use-rows-in-sight.ts";

const sparklinePoints = 40;
/** As in styles.css. */
const rowPixels = 42;
const framePixels = 430;
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
  const { first, end, onScroll } = useRowsInSight(names.length, rowPixels, framePixels);
  const sortBy = (key: TopKey) =>
    setSorting((before) => ({ key, isDescending: before.key === key ? !before.isDescending : key !== "name" }));
  return (
    <div className="top-table-place">
      <Title order={2} size="h5" mb="xs" id="top-title">
        Containers that take most
      </Title>
      {names.length === 0 ? (
        <Text size="sm" c="dimmed">
          No container runs.
        </Text>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled can be reached by keyboard
        <section className="top-table-frame" tabIndex={0} aria-labelledby="top-title" onScroll={onScroll}>
          <table aria-labelledby="top-title" className="data-table top-table" aria-rowcount={names.length + 1}>
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
              {first > 0 && <tr aria-hidden style={{ height: first * rowPixels }} />}
              {/* Each place keeps its row: with every tick others stand there. */}
              {names.slice(first, end).map((name, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above
                <TopRow key={index} place={first + index} name={name} points={points[name] ?? none} />
              ))}
              {end < names.length && <tr aria-hidden style={{ height: (names.length - end) * rowPixels }} />}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

type RowProps = { place: number; name: string; points: readonly MetricsPoint[] };

/** A row that nobody sees stays as it was. */
function TopRow({ place, ...props }: RowProps) {
  const [row, isInSight] = useIsInSight();
  const shown = useRef(props);
  if (isInSight) shown.current = props;
  return (
    <tr aria-rowindex={place + 2} ref={row}>
      <TopCells {...shown.current} />
    </tr>
  );
}

const TopCells = memo(function TopCells({ name, points }: Omit<RowProps, "place">) {
  const sample = points.at(-1)?.sample;
  return (
    <>
      {topColumns.map(({ key, value, format }) => {
        if (key === "name") {
          return (
            <th key={key} scope="row" className="top-name">
              <Link href={containerPath(name, "metrics")} className="container-link steady" title={name}>
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
    </>
  );
});

function pictureOf(points: readonly MetricsPoint[]): string {
  const shown = points.slice(-sparklinePoints);
  return sparklinePicture(
    shown.map(({ afterGap, sample }) => (afterGap ? undefined : sample.cpuPercent)),
    Math.max(100, ...shown.map(({ sample }) => sample.cpuPercent ?? 0)),
  );
}
