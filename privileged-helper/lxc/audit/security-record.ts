import { fstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type AcceptedRisk, fixableChecks, riskNote, type SecurityCheckId, securityCheckIds } from "../../contract/security.ts";
import { withFileInside } from "../open-inside.ts";
import { replaceFile } from "../replace-file.ts";

/**
 * What people have decided about a container: risks that they accept, and fixes that can be taken back. It lies in the container's own folder,
 * where root alone writes, so that it goes and is renamed with it; a clone begins without.
 */
const file = "lxc-desktop-security.json";
const maxBytes = 4 * 1024 * 1024;
const maxFixes = 50;
/** No real configuration is longer; of one that is, only the lines are known. */
export const maxKeptCharacters = 64 * 1024;

const line = z.string().max(4096);
export const idRange = z.object({ first: z.int().min(0), count: z.int().min(1) });
const record = z.object({
  accepted: z.partialRecord(z.enum(securityCheckIds), z.object({ note: riskNote, uid: z.int(), at: z.number() })),
  /** In the order in which they were done. */
  fixes: z
    .array(
      z.object({
        check: z.enum(fixableChecks).exclude(["suid-files", "disk"]),
        at: z.number(),
        removes: z.array(line),
        adds: z.array(line),
        /** The configuration as it was, and the SHA-256 of what it became. */ before: z.string().max(maxKeptCharacters).optional(),
        after: z.string(),
        /** Its files were given from these ids to those. */
        shift: z.object({ from: idRange, to: idRange }).optional(),
      }),
    )
    .max(maxFixes),
  /** Files that marks were taken off, in the order in which that was done. */
  stripped: z
    .array(
      z.object({
        at: z.number(),
        files: z.array(
          z.object({
            /** Below the uppermost layer. */ path: line,
            inode: z.string(),
            mode: z.int(),
            uid: z.int(),
            gid: z.int(),
            size: z.int(),
            modifiedNs: z.string(),
            /** When its inode was changed last, by us; absent where we did not get so far. */ changedNs: z.string().optional(),
            /** `security.capability`, in hexadecimal. */
            capabilities: z
              .string()
              .regex(/^0x[0-9a-f]{1,128}$/)
              .optional(),
          }),
        ),
      }),
    )
    .max(maxFixes)
    .default([]),
  /** What it could store before a fix and after it, in bytes; absent: as much as there is. In the order in which that was done. */
  diskLimits: z
    .array(z.object({ at: z.number(), before: z.int().optional(), after: z.int().optional() }))
    .max(maxFixes)
    .default([]),
});
export type SecurityRecord = z.infer<typeof record>;
export type DoneFix = SecurityRecord["fixes"][number];
export type StrippedFile = SecurityRecord["stripped"][number]["files"][number];

/** @returns Nothing decided where there is no such file, or it is none of ours. */
export function readSecurityRecord(lxcPath: string, name: string): SecurityRecord {
  try {
    const text = withFileInside(join(lxcPath, name), file, (descriptor) =>
      fstatSync(descriptor).size > maxBytes ? undefined : readFileSync(descriptor, "utf8"),
    );
    if (text !== undefined) return record.parse(JSON.parse(text));
  } catch {
    // Whatever it is, nothing is believed of it.
  }
  return { accepted: {}, fixes: [], stripped: [], diskLimits: [] };
}

/** Replaces it in one step. */
export function writeSecurityRecord(lxcPath: string, name: string, { accepted, fixes, stripped, diskLimits }: SecurityRecord): void {
  const kept = { accepted, fixes: fixes.slice(-maxFixes), stripped: stripped.slice(-maxFixes), diskLimits: diskLimits.slice(-maxFixes) };
  replaceFile(join(lxcPath, name, file), `${JSON.stringify(kept)}\n`, 0o600);
}

/** @param risk Nothing where it is no longer accepted. */
export function acceptRisk(lxcPath: string, name: string, check: SecurityCheckId, risk: AcceptedRisk | undefined): void {
  const record = readSecurityRecord(lxcPath, name);
  const { [check]: _, ...others } = record.accepted;
  writeSecurityRecord(lxcPath, name, { ...record, accepted: risk ? { ...others, [check]: risk } : others });
}
