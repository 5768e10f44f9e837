import * as z from "zod";
import { alertConditions } from "./alerts.ts";
import { containerName } from "./names.ts";

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
