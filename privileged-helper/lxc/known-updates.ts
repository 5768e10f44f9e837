import { fstatSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { packageManagerNames } from "../contract/security.ts";
import { withFileInside } from "./open-inside.ts";
import { maxPendingUpdates } from "./package-updates.ts";
import { replaceFile } from "./replace-file.ts";

/**
 * What a container's package manager said when somebody last looked. It lies in the container's own folder, where root alone writes; a
 * clone begins without.
 */
const file = "lxc-desktop-updates.json";
const maxBytes = 4 * 1024 * 1024;

const text = z
  .string()
  .max(200)
  .regex(/^[\x21-\x7e]*$/);
const knownUpdates = z.strictObject({
  manager: z.enum(packageManagerNames),
  /** Milliseconds since the epoch. */
  at: z.number(),
  pending: z.array(z.strictObject({ name: text, from: text.optional(), to: text, isSecurity: z.boolean() })).max(maxPendingUpdates),
});
export type KnownUpdates = z.infer<typeof knownUpdates>;

/** @returns Undefined where nobody has looked yet, or there is no such file of ours. */
export function readKnownUpdates(lxcPath: string, name: string): KnownUpdates | undefined {
  try {
    const content = withFileInside(join(lxcPath, name), file, (descriptor) =>
      fstatSync(descriptor).size > maxBytes ? undefined : readFileSync(descriptor, "utf8"),
    );
    return content === undefined ? undefined : knownUpdates.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}

/** Replaces it in one step. */
export function writeKnownUpdates(lxcPath: string, name: string, known: KnownUpdates): void {
  replaceFile(join(lxcPath, name, file), `${JSON.stringify(known)}\n`, 0o600);
}

/** Nobody knows any more: what was known is being changed. */
export function forgetKnownUpdates(lxcPath: string, name: string): void {
  rmSync(join(lxcPath, name, file), { force: true });
}
