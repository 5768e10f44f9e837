import { create, type StoreApi, type UseBoundStore } from "zustand";

/** What charts that stand together share: the cursor, and where it is dragged to. */
export type ChartGroup = {
  useCursor: UseBoundStore<
    StoreApi<{ /** Milliseconds since the epoch. */ time?: number /** Where the selection began. */; anchor?: number }>
  >;
  /** Shows this stretch of time only; absent where there is no zooming. */
  onZoomed?(from: number, to: number): void;
  onZoomReset?(): void;
};

export function createCursor(): ChartGroup["useCursor"] {
  return create(() => ({}));
}
