/** Everything is drawn, as where nobody thought of it. */
export function useIsInSight(): [reference: undefined, isInSight: boolean] {
  return [undefined, true];
}
