/** Lines of a chart take these in their order; they can be told apart in both themes. */
export const chartColors = [
  "--chart-1",
  "--chart-2",
  "--chart-3",
  "--chart-4",
  "--chart-5",
  "--chart-6",
  "--chart-7",
  "--chart-8",
] as const;

export function chartColor(index: number): string {
  return chartColors[index % chartColors.length] ?? chartColors[0];
}

let known = { scheme: "", colors: new Map<string, string>() };

/** A theme's colour as a canvas takes it. Asked for once a theme: each question has the styles of the whole page worked out. */
export function colorIn(scheme: string, name: string): string {
  if (known.scheme !== scheme) known = { scheme, colors: new Map() };
  const before = known.colors.get(name);
  if (before !== undefined) return before;
  const color = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  known.colors.set(name, color);
  return color;
}
