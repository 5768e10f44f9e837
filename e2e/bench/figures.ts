/** One line of the bench's table: ours beside theirs, and how they have to compare. */
export type Figure = {
  name: string;
  ours: string;
  theirs: string;
  result: string;
  bar: string;
  met: boolean;
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Milliseconds of wall clock that some work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

export function printFigures(figures: readonly Figure[]): void {
  const header = { name: "Figure", ours: "Ours", theirs: "Theirs", result: "Result", bar: "Bar", met: "" };
  const rows = [header, ...figures.map((figure) => ({ ...figure, met: figure.met ? "met" : "MISSED" }))];
  const columns = ["name", "ours", "theirs", "result", "bar", "met"] as const;
  const widths = columns.map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) console.log(columns.map((column, index) => row[column].padEnd(widths[index] ?? 0)).join("  "));
}
