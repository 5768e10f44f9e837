/**
 * How finely the past is kept: the younger, the finer. A file holds one segment of time of one subject, and old segments are removed as
 * a whole, so nothing is ever rewritten to make room.
 */
export type Resolution = {
  name: string;
  stepMilliseconds: number;
  /** Steps of one file. */
  segmentSteps: number;
  /** What is older is removed. */
  keptMilliseconds: number;
  /** True where a step is made of finer ones: it has their smallest and their greatest value, too. */
  isMerged: boolean;
};

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The longest that a chart shows at each: an hour, a day, seven days, and what makes the first of their steps whole. */
export const fine: Resolution = {
  name: "5s",
  stepMilliseconds: 5 * second,
  segmentSteps: 360,
  keptMilliseconds: hour + 10 * minute,
  isMerged: false,
};
export const minutes: Resolution = {
  name: "1min",
  stepMilliseconds: minute,
  segmentSteps: 360,
  keptMilliseconds: day + hour,
  isMerged: true,
};
export const tenMinutes: Resolution = {
  name: "10min",
  stepMilliseconds: 10 * minute,
  segmentSteps: 144,
  keptMilliseconds: 7 * day + 2 * hour,
  isMerged: true,
};
/** The finest first. */
export const resolutions: readonly Resolution[] = [fine, minutes, tenMinutes];

/** What is older than this is nowhere. */
export const longestKeptMilliseconds = tenMinutes.keptMilliseconds;
