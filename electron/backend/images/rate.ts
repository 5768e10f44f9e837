/** How fast a download is, measured over its last seconds, and what is left of it, as one line. */
export type Rate = { text(bytes: number, total: number | undefined, now: number): string };

const windowMilliseconds = 5_000;
/** Before that a rate would only be a guess. */
const settledMilliseconds = 500;
const mebibyte = 1024 * 1024;

export function createRate(): Rate {
  const readings: { time: number; bytes: number }[] = [];
  return {
    text(bytes, total, now) {
      readings.push({ time: now, bytes });
      while (readings.length > 2 && now - (readings[1]?.time ?? now) >= windowMilliseconds) readings.shift();
      const [first = { time: now, bytes }] = readings;
      const amount = total === undefined ? `${inMebibytes(bytes)} MiB` : `${inMebibytes(bytes)} of ${inMebibytes(total)} MiB`;
      const passed = now - first.time;
      if (passed < settledMilliseconds) return amount;
      const perSecond = ((bytes - first.bytes) * 1000) / passed;
      const left = total === undefined || perSecond <= 0 ? "" : `, ${inTime((total - bytes) / perSecond)} left`;
      return `${amount}, ${inMebibytes(perSecond)} MiB/s${left}`;
    },
  };
}

function inMebibytes(bytes: number): string {
  return (bytes / mebibyte).toFixed(1);
}

function inTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
