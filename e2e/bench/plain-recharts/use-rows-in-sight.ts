/** All rows are there, as where nobody thought of it. */
export function useRowsInSight(count: number): { first: number; end: number; onScroll(): void } {
  return { first: 0, end: count, onScroll() {} };
}
