import { type UIEvent, useCallback, useState } from "react";

/** Rows beyond the edges that are there before they come into sight. */
const rowsBeyond = 4;

type RowsInSight = {
  first: number;
  /** Behind the last one. */
  end: number;
  onScroll(event: UIEvent<HTMLElement>): void;
};

/** Which of many rows of one height stand in a frame that scrolls: only these are drawn. */
export function useRowsInSight(count: number, rowPixels: number, framePixels: number): RowsInSight {
  const [top, setTop] = useState(0);
  const shown = Math.ceil(framePixels / rowPixels) + 2 * rowsBeyond;
  const first = Math.max(0, Math.min(Math.floor(top / rowPixels) - rowsBeyond, count - shown));
  const onScroll = useCallback((event: UIEvent<HTMLElement>) => setTop(event.currentTarget.scrollTop), []);
  return { first, end: Math.min(count, first + shown), onScroll };
}
