import * as z from "zod";
import { containerName } from "./names.ts";

/** What an alert is about. */
export const alertConditions = ["memory", "cpu", "disk", "stopped-unexpectedly", "oom-kill"] as const;
export type AlertCondition = (typeof alertConditions)[number];

/**
 * A person is told when this is so. `memory`: per cent of the memory limit, or of the computer's memory where there is none. `cpu`: per cent of the CPU
 * limit. `disk`: per cent of the file system that the container's files lie on. The other two have no threshold.
 */
export const alertRule = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{1,32}$/),
  /** Absent: all containers. */
  container: containerName.optional(),
  condition: z.enum(alertConditions),
  abovePercent: z.number().min(1).max(100).optional(),
  /** How long it has to be so, seconds. */
  forSeconds: z.int().min(0).max(86_400).optional(),
  enabled: z.boolean(),
});
export type AlertRule = z.infer<typeof alertRule>;
export const maxAlertRules = 100;

/** Something that is so now, or was and nobody has seen yet. */
export type Alert = {
  id: string;
  rule: string;
  container: string;
  condition: AlertCondition;
  /** Milliseconds since the epoch. */
  since: number;
  /** Absent while it is so. */
  until?: number;
  /** The figure in per cent when it began. */
  percent?: number;
};
