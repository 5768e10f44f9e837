/**
 * Flow control of one terminal. The receiver reports how many bytes it has parsed since the terminal opened; the sender
 * stops reading the PTY while too much is under way. Reports are cumulative, so a lost or doubled one does no harm.
 */
export const pauseAboveBytes = 256 * 1024;
export const resumeBelowBytes = 64 * 1024;
/** How often the receiver reports: a quarter of the way from empty to resume, so that the sender never stalls on a report. */
export const reportEveryBytes = 32 * 1024;

export type Credit = {
  /** Call with every piece that is sent. */
  sent(bytes: number): void;
  /** Call with every report. One that is lower than an earlier one, or above what was sent, changes nothing. */
  parsed(totalBytes: number): void;
  outstandingBytes(): number;
};

/** The sender's side: calls `pause` and `resume` in turn, beginning with `pause`. */
export function createCredit(pause: () => void, resume: () => void): Credit {
  let sentTotal = 0;
  let parsedTotal = 0;
  let paused = false;
  return {
    sent(bytes) {
      sentTotal += bytes;
      if (!paused && sentTotal - parsedTotal > pauseAboveBytes) {
        paused = true;
        pause();
      }
    },
    parsed(totalBytes) {
      if (!Number.isSafeInteger(totalBytes) || totalBytes <= parsedTotal || totalBytes > sentTotal) return;
      parsedTotal = totalBytes;
      if (paused && sentTotal - parsedTotal < resumeBelowBytes) {
        paused = false;
        resume();
      }
    },
    outstandingBytes: () => sentTotal - parsedTotal,
  };
}

/**
 * The receiver's side: call it with every parsed piece; `report` gets the running total at most every 32 KiB.
 * @param start Bytes that came before and need not be parsed any more.
 */
export function createParsedCounter(report: (totalBytes: number) => void, start = 0): (bytes: number) => void {
  let total = start;
  let reported = start;
  return (bytes) => {
    total += bytes;
    if (total - reported >= reportEveryBytes) {
      reported = total;
      report(total);
    }
  };
}
