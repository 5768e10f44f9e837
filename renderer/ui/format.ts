/** Figures as people read them. A figure that is not known is never shown as 0. */
export const notAvailable = "Not available on this host";
export const unknownFigure = "–";

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 -> "1.5 KiB" */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** Per cent of one core: 250 -> "250 %". */
export function formatPercent(percent: number): string {
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** The two largest units: 93784 s -> "1 d 2 h". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** How long something took: 850 -> "850 ms". */
export function formatTook(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.max(0, Math.round(milliseconds))} ms` : formatDuration(milliseconds);
}

/** Made when the first date is shown: the browser takes more than a megabyte for it. */
function dateFormat(options: Intl.DateTimeFormatOptions): (time: number) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (time) => {
    made ??= new Intl.DateTimeFormat("en-GB", options);
    return made.format(time);
  };
}
const timeOfDay = dateFormat({ hour: "2-digit", minute: "2-digit" });
const dayAndTime = dateFormat({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const fullDate = dateFormat({ dateStyle: "full", timeStyle: "medium" });

/** "14:03", or "24 Nov, 14:03" where that was not today. */
export function formatMoment(time: number, now: number): string {
  const isToday = new Date(time).toDateString() === new Date(now).toDateString();
  return (isToday ? timeOfDay : dayAndTime)(time);
}

/** "Tuesday 24 November 2026 at 14:03:12" */
export function formatDate(time: number): string {
  return fullDate(time);
}

/** An argv as it can be pasted into a shell. */
export function formatCommand(argv: readonly string[]): string {
  return argv.map((item) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(item) ? item : `'${item.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** "a", "a and b", "a, b and c". */
export function formatList(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
