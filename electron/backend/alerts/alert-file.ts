import * as z from "zod";
import { alertConditions } from "../../../privileged-helper/contract/alerts.ts";
import { containerName } from "../../../privileged-helper/contract/names.ts";
import { readJsonFile, writeJsonFile } from "../json-file.ts";
import type { KeptAlert } from "./alert-engine.ts";

/** Alerts that outlive the app, in a file of the person's: one that is still so when the app is started again is no news. */
export type AlertFile = {
  /** Empty where there is none, or one that is not understood. */
  read(): KeptAlert[];
  write(alerts: readonly KeptAlert[]): void;
};

const maxFileBytes = 1024 * 1024;
const time = z.number().min(0);
const keptAlerts = z.array(
  z.strictObject({
    id: z.string().regex(/^[0-9a-f]{1,32}$/),
    rule: z.string(),
    container: containerName,
    condition: z.enum(alertConditions),
    since: time,
    until: time.optional(),
    percent: z.number().optional(),
    end: z.strictObject({ byLxc: z.literal(true).optional(), exitCode: z.number().optional(), signal: z.string().optional() }).optional(),
    isDismissed: z.boolean(),
  }),
);

export function createAlertFile(path: string): AlertFile {
  return {
    read: () => readJsonFile(path, maxFileBytes, (content) => keptAlerts.parse(content)) ?? [],
    write(alerts) {
      try {
        writeJsonFile(path, alerts);
      } catch {
        // A disk that is full, of which there may just be an alert: then it is told once more after the next start of the app.
      }
    },
  };
}
