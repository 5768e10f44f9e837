import * as z from "zod";
import type { MetricsFigure } from "./model.ts";
import { containerName } from "./names.ts";

/** Whose figures are kept: a container's, or this computer's. */
export const historySubject = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("container"), name: containerName }),
  z.strictObject({ type: z.literal("host") }),
]);
export type HistorySubject = z.infer<typeof historySubject>;

/** The ranges that a chart offers, milliseconds. */
export const historyRanges = {
  "1 min": 60_000,
  "10 min": 600_000,
  "1 h": 3_600_000,
  "24 h": 86_400_000,
  "7 days": 604_800_000,
} as const;
export type HistoryRange = keyof typeof historyRanges;

/** Figures that are kept. Counters and limits are not, but those that an event or a chart is made of. */
export const keptFigures = [
  "cpuPercent",
  "cpuUserPercent",
  "cpuSystemPercent",
  "cpuThrottledPercent",
  "memoryBytes",
  "memoryAnonymousBytes",
  "memoryKernelBytes",
  "memoryActiveFileBytes",
  "memoryInactiveFileBytes",
  "swapBytes",
  "diskReadBytesPerSecond",
  "diskWriteBytesPerSecond",
  "diskReadsPerSecond",
  "diskWritesPerSecond",
  "networkReceivedBytesPerSecond",
  "networkSentBytesPerSecond",
  "networkReceivedPacketsPerSecond",
  "networkSentPacketsPerSecond",
  "networkDropsPerSecond",
  "processes",
  "threads",
  "cpuPressurePercent",
  "memoryPressurePercent",
  "diskPressurePercent",
] as const satisfies readonly MetricsFigure[];
export type KeptFigure = (typeof keptFigures)[number];

/** One figure over equal steps of time. Null where nothing was measured: a gap, or a figure that this host does not have. */
export type FigureSeries = { average: (number | null)[]; minimum: (number | null)[]; maximum: (number | null)[] };

export type History = {
  /** Milliseconds since the epoch, of the begin of the first step, and how long each step is. */
  from: number;
  stepMilliseconds: number;
  steps: number;
  /** Only figures of which there is anything. */
  figures: { [figure in KeptFigure]?: FigureSeries };
  /** Why something of it is missing or cannot be kept, as a sentence: a full disk as long as it is full, a damaged file once. */
  trouble?: string;
};

/** What happened to a container, to be marked in its charts. */
export const historyEventKinds = ["started", "stopped", "oom-kill", "snapshot", "limit-changed", "frozen", "unfrozen"] as const;
export type HistoryEvent = {
  time: number;
  container: string;
  kind: (typeof historyEventKinds)[number] /** More of it, for people. */;
  detail?: string;
};

/** Parameters of `history.get`: at most 2,000 steps. */
export const historyQuestion = z.strictObject({
  subject: historySubject,
  figures: z.array(z.enum(keptFigures)).min(1).max(keptFigures.length),
  /** Milliseconds since the epoch. */
  from: z.int().min(0),
  to: z.int().min(0),
  /** What is kept in finer steps is merged. */
  maxSteps: z.int().min(10).max(2_000),
});
export type HistoryQuestion = z.infer<typeof historyQuestion>;
