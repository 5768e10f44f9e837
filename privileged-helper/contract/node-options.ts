/**
 * Options of the Node that runs the helper, as `assets/launch` has them, too. It makes little garbage and rests nearly always: a small
 * space for new objects and no threads beside it for collecting and compiling keep its memory small, and wake nobody.
 */
export const helperNodeOptions = ["--max-semi-space-size=1", "--single-threaded"] as const;
