/** A round number above all values, so that the axis does not jump with every tick: 1, 2 or 5 times a power of the base. */
export function roundMax(highest: number, atLeast: number, base: 10 | 1024): number {
  const reached = Math.max(atLeast, highest);
  const steps = base === 10 ? [1, 2, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const magnitude = base ** Math.floor(Math.log(reached) / Math.log(base));
  return (steps.find((step) => step * magnitude >= reached) ?? base) * magnitude;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const spanUnits = [
  [day, "d"],
  [hour, "h"],
  [minute, "min"],
  [1_000, "s"],
] as const;
/** So many parts of the time axis are labelled. */
const axisParts = 4;

const withSeconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const withMinutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const withDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/**
 * What stands below a chart, from its begin to its end. Of a chart that moves on that is how long ago it was, which stays the same
 * with every tick; of one that stands still, when it was.
 */
export function timeLabels(from: number, to: number, isMoving: boolean): string[] {
  return Array.from({ length: axisParts + 1 }, (_, index) => {
    const time = from + ((to - from) * index) / axisParts;
    if (!isMoving) return formatInstant(time, to - from);
    return index === axisParts ? "now" : `−${formatSpan(Math.round((to - time) / 1_000) * 1_000)}`;
  });
}

/** 90 s -> "1.5 min" */
function formatSpan(milliseconds: number): string {
  const [length, unit] = spanUnits.find(([size]) => milliseconds >= size) ?? [1_000, "s"];
  return `${Number((milliseconds / length).toFixed(1))} ${unit}`;
}

/** A moment of a stretch of time, as exact as that can be seen. @param span Milliseconds. */
export function formatInstant(time: number, span: number): string {
  return (span > day ? withDay : span > hour ? withMinutes : withSeconds).format(time);
}
