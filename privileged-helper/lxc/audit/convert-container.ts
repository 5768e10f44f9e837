import { fstatSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isManageableName } from "../../contract/names.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ConversionFix } from "../../contract/security.ts";
import type { JournalRecord } from "../../journal.ts";
import { editConfig, parseConfig, readConfigurationText, writeConfig } from "../config.ts";
import { letRootThrough } from "../container-config.ts";
import type { OperationContext } from "../context.ts";
import { convertFiles } from "../convert-files.ts";
import { allocateIds, findFreeBlock, takeChosenIds } from "../idmap.ts";
import { forceStop, stop } from "../lifecycle.ts";
import { isActive } from "../list.ts";
import { withFileInside } from "../open-inside.ts";
import { findProgram } from "../programs.ts";
import { killMarked } from "../recover.ts";
import { writeToDisk } from "../replace-file.ts";
import { isPrivilegedNow, readAuditFacts } from "./audit-facts.ts";
import { changedByOthers, startAgain, stopTimeoutSeconds, systemState, tryConfiguration, withoutUndo } from "./come-up.ts";
import { planUndo, rememberFix } from "./fixes.ts";
import { foldersOfFiles, planConversion } from "./plan-conversion.ts";
import { type DoneFix, idRange, readSecurityRecord, writeSecurityRecord } from "./security-record.ts";

/**
 * A conversion that is under way lies in the container's own folder, where root alone writes, so that the next helper takes back what a killed
 * one has left: which lines, which ids, and, once files are touched, a manifest of what a change of owners takes from them.
 */
const conversionFile = "lxc-desktop-conversion.json";
const manifestFile = "lxc-desktop-conversion-files.json";
const maxBytes = 1024 * 1024;

const conversion = z.object({
  to: z.enum(["unprivileged", "privileged"]),
  before: z.string(),
  after: z.string(),
  shift: z.object({ folders: z.array(z.object({ path: z.string(), inside: z.string() })), from: idRange, to: idRange }).optional(),
  wasRunning: z.boolean(),
});
type Conversion = z.infer<typeof conversion>;

/**
 * Makes a container an unprivileged or a privileged one. One that runs is restarted, and the kernel is asked whether it is that; where not, or
 * where it does not come up as it was, all of it is taken back, and so it is when the task is cancelled or the helper is killed.
 * @throws ProblemError `not-supported`, `has-clones`, `fix-taken-back`, `tool-missing`, `timed-out`, `cancelled`.
 */
export async function convertContainer(context: OperationContext, name: string, fix: ConversionFix): Promise<void> {
  const { task } = context;
  const ids =
    fix.to === "privileged"
      ? { range: { first: 0, count: 0 }, release() {} }
      : fix.firstId === undefined
        ? await allocateIds(context)
        : await takeChosenIds(context, fix.firstId);
  try {
    const { to, before, after, shift } = await planConversion(context, name, fix, ids.range, task.signal);
    await carryOut(context, name, { to, before, after, ...(shift && { shift }) });
    remember(context, name, { before, after, shift });
  } finally {
    ids.release();
  }
}

/**
 * Takes a conversion back: the lines of its configuration, and the owners of its files.
 * @throws ProblemError as `convertContainer`; `not-supported` where another container has got its ids since.
 */
export async function revertConversion(context: OperationContext, name: string, done: DoneFix): Promise<void> {
  const { lxcPath, reader } = context;
  const { text } = readConfigurationText(lxcPath, name);
  const after = planUndo(text, done);
  const to = hasIdmap(after) ? "unprivileged" : "privileged";
  const target = done.shift?.from;
  if (to === "unprivileged" && target && findFreeBlock([target], reader.readClaims().idRanges) === undefined) {
    throw new ProblemError({ code: "not-supported", what: "Another container has got its ids since. Make it unprivileged anew." });
  }
  // Where it keeps its files may have changed since.
  const folders = foldersOfFiles(lxcPath, name, parseConfig(text));
  const shift = done.shift && { folders, from: done.shift.to, to: done.shift.from };
  await carryOut(context, name, { to, before: text, after, ...(shift && { shift }) });
}

function hasIdmap(text: string): boolean {
  return /^\s*lxc\.idmap\s*=\s*\S/m.test(text);
}

function remember({ lxcPath }: OperationContext, name: string, { before, after, shift }: Pick<Conversion, "before" | "after" | "shift">) {
  const record = readSecurityRecord(lxcPath, name);
  const ranges = shift && { shift: { from: shift.from, to: shift.to } };
  const fix: DoneFix = { check: "user-namespace", at: Date.now(), ...rememberFix(before, after), ...ranges };
  writeSecurityRecord(lxcPath, name, { ...record, fixes: [...record.fixes, fix] });
}

async function carryOut(outer: OperationContext, name: string, wanted: Omit<Conversion, "wasRunning">): Promise<void> {
  const { lxcPath, reader, journal, task } = outer;
  const { path } = readConfigurationText(lxcPath, name);
  const { to, before, after, shift } = wanted;
  const wasRunning = isActive(reader.readOne(name));
  const stateBefore = wasRunning ? await systemState(outer, name) : undefined;
  const record = journal.begin({ lxcPath, name, kind: "convert" });
  let isOver = false;
  // Where the task fails or is cancelled. What could not be taken back stays on record, for the next helper.
  task.onUndo(async () => {
    if (!isOver) await takeBack(context, name, { ...wanted, wasRunning });
    record.finish();
  });
  const environment = record.environment;
  const marked = Object.create(task, { environment: { value: environment } }) as OperationContext["task"];
  const context = withoutUndo({ ...outer, task: marked });
  writeConversion(lxcPath, name, { ...wanted, wasRunning });
  if (wasRunning) await stop(context, name, stopTimeoutSeconds);
  if (readConfigurationText(lxcPath, name).text !== before) throw changedByOthers();
  if (shift) {
    // Half of its files are then somebody else's: nobody is to start it like that, whatever becomes of us.
    writeConfig(path, sealed(before));
    await convertFiles(marked, { ...shift, mode: "convert", manifest: join(lxcPath, name, manifestFile) });
  }
  await task.critical(async () => {
    const failure = await tryConfiguration(context, name, {
      ...{ path, before, after, wasRunning, stateBefore },
      prepare() {
        if (to === "unprivileged") letRootThrough(context, join(lxcPath, name));
      },
      async hasWorked() {
        const facts = readAuditFacts(context, name, new Map());
        return isPrivilegedNow(facts) === (to === "privileged") ? undefined : (facts.running?.uidMap ?? "lxc.idmap");
      },
    });
    if (failure) {
      const runsAgain = await takeBack(context, name, { ...wanted, wasRunning });
      isOver = true;
      throw new ProblemError({ code: "fix-taken-back", name, runsAgain, ...failure });
    }
    isOver = true;
    forget(lxcPath, name);
    record.finish();
  });
}

/** @returns Whether it is again as it was. @throws Where its files could not be given back. */
async function takeBack(context: OperationContext, name: string, { before, after, shift, wasRunning }: Conversion): Promise<boolean> {
  const { lxcPath, reader, task } = context;
  const { path, text } = readConfigurationText(lxcPath, name);
  const hasChanged = text !== before || (shift !== undefined && hasManifest(lxcPath, name));
  task.step("Taking it back");
  if (hasChanged && isActive(reader.readOne(name))) await forceStop(context, name);
  if (shift) {
    const { folders, from, to } = shift;
    await convertFiles(task, { folders, from: to, to: from, mode: "return", manifest: join(lxcPath, name, manifestFile) });
  }
  if (text !== before) writeConfig(path, isSealed(text) ? unsealed(text) : planUndo(text, rememberFix(before, after)));
  forget(lxcPath, name);
  task.output("It is again as it was.\n");
  return !wasRunning || isActive(reader.readOne(name)) || startAgain(context, name);
}

/** What a helper has left that was killed: taken back, or kept where it had come so far that the container runs with it. */
export async function endAbandonedConversion(context: OperationContext, record: JournalRecord): Promise<void> {
  const { lxcPath, reader, journal, task } = context;
  const { name } = record;
  if (!isManageableName(name) || !reader.readOne(name)) return journal.remove(record);
  task.step("Ending what still works on it");
  await killMarked(record.id);
  const left = readConversion(lxcPath, name);
  if (left) {
    const { text } = readConfigurationText(lxcPath, name);
    if (isActive(reader.readOne(name)) && text === left.after) {
      task.notice(`LXC Desktop ended while it converted ${name}. It was done, and runs as it is to.`);
      remember(context, name, left);
      forget(lxcPath, name);
    } else {
      task.notice(`LXC Desktop ended while it converted ${name}. That is taken back.`);
      await takeBack(withoutUndo(context), name, left);
    }
  }
  forget(lxcPath, name);
  journal.remove(record);
}

/** A hook that fails keeps LXC from starting it; the comment tells whoever looks why. */
const sealComment =
  "# LXC Desktop is giving the files of this container to other ids. Where it was ended meanwhile, open it: it takes that back.";

function sealLine(): readonly [string, string] {
  return ["lxc.hook.pre-start", findProgram("false") ?? "/bin/false"];
}

function sealed(text: string): string {
  return editConfig(`${text.replace(/\n?$/, "\n")}${sealComment}\n`, { add: [sealLine()] });
}

function isSealed(text: string): boolean {
  return text.includes(sealComment);
}

function unsealed(text: string): string {
  const line = sealLine().join(" = ");
  const lines = text.split("\n").filter((one) => one !== sealComment);
  const at = lines.lastIndexOf(line);
  return lines.filter((_, index) => index !== at).join("\n");
}

function hasManifest(lxcPath: string, name: string): boolean {
  return withFileInside(join(lxcPath, name), manifestFile, () => true) ?? false;
}

function readConversion(lxcPath: string, name: string): Conversion | undefined {
  const text = withFileInside(join(lxcPath, name), conversionFile, (file) =>
    fstatSync(file).size > maxBytes ? undefined : readFileSync(file, "utf8"),
  );
  return text === undefined ? undefined : conversion.parse(JSON.parse(text));
}

/** In one step. */
function writeConversion(lxcPath: string, name: string, value: Conversion) {
  forget(lxcPath, name);
  const staged = join(lxcPath, name, `${conversionFile}.new`);
  writeToDisk(staged, JSON.stringify(value), 0o600);
  renameSync(staged, join(lxcPath, name, conversionFile));
}

/** The manifest last: without it nothing would be taken back. */
function forget(lxcPath: string, name: string) {
  for (const file of [conversionFile, `${conversionFile}.new`, manifestFile, `${manifestFile}.new`])
    rmSync(join(lxcPath, name, file), { force: true });
}
