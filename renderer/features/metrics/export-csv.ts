import type { Lane, Timeline } from "../../state/timeline.ts";

export type CsvColumn = {
  title: string;
  unit: string;
  lane: Lane | undefined /** Where they are not those of the timeline. */;
  times?: readonly number[];
};

/**
 * The entries of a timeline as a table (RFC 4180), a row each, with times of ISO 8601. Where an entry stands for several readings, the
 * lowest and the highest of them are columns of their own. What was not measured is empty.
 */
export function toCsv({ times, stepMilliseconds, from, to }: Timeline, columns: readonly CsvColumn[]): string {
  const parts: readonly [string, keyof Lane][] =
    stepMilliseconds === 0
      ? [["", "average"]]
      : [
          [", average", "average"],
          [", minimum", "minimum"],
          [", maximum", "maximum"],
        ];
  const known = columns.flatMap(({ title, unit, lane, times: own = times }) =>
    lane
      ? parts.map(([suffix, part]) => ({
          head: `${title}${suffix} (${unit})`,
          valueAt: new Map(own.map((time, index) => [time, lane[part][index]])),
        }))
      : [],
  );
  const moments = [...new Set([times, ...columns.map((column) => column.times ?? [])].flat())].sort((one, other) => one - other);
  const rows = moments.flatMap((time) => {
    const values = known.map(({ valueAt }) => valueAt.get(time));
    if (time < from || time > to || values.every((value) => value === undefined)) return [];
    return [[new Date(time).toISOString(), ...values.map((value) => (value === undefined ? "" : String(Number(value.toFixed(3)))))]];
  });
  return [["time (UTC)", ...known.map(({ head }) => head)], ...rows]
    .map((row) => row.map(quoted).join(","))
    .join("\r\n")
    .concat("\r\n");
}

/** A program that reads tables takes what begins like a formula for one; a number below zero is none. */
function quoted(cell: string): string {
  const text = /^([=+@\t\r\n]|-(?![\d.]+$))/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
