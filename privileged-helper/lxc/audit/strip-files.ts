import { closeSync, fchmodSync, fchownSync, fstatSync } from "node:fs";
import { ProblemError } from "../../contract/problems.ts";
import type { SecurityFix, SecurityFixPreview } from "../../contract/security.ts";
import type { OperationContext, TaskContext } from "../context.ts";
import { openInside } from "../open-inside.ts";
import { run } from "../run.ts";
import { type AuditFacts, readAuditFacts } from "./audit-facts.ts";
import { readSecurityRecord, type StrippedFile, writeSecurityRecord } from "./security-record.ts";
import { findPrivilegedFiles, idOf, type PrivilegedFile, rightsOf, shownPath } from "./suid-files.ts";
import { explainUnchangeable } from "./unchangeable.ts";

/**
 * Takes marks that give more rights (SUID, SGID, capabilities) off files of a container, and puts them back. A file is opened from the
 * container's own folder without following a link, is the one that was found, and whatever is done is done to what is open. Its mode and
 * its attribute are written down first, where root alone writes.
 */
type StripFix = Extract<SecurityFix, { check: "suid-files" }>;
type World = Pick<OperationContext, "lxcPath" | "reader">;

const attribute = "security.capability";
const toolTimeoutSeconds = 10;
const markBits = 0o6000;

/** What taking the marks off would change; nothing of it is done. @throws ProblemError `not-found`, `not-supported`. */
export async function previewStripping(world: World, name: string, fix: StripFix): Promise<SecurityFixPreview> {
  const files = await findChosen(world, name, fix);
  return {
    changes: "files",
    summary: "These files keep what is in them, and give whoever runs them no more rights than they have.",
    mayBreak: "What ordinary users of the container do with these programs. An update of a program's package may mark it again.",
    removes: files.map((file) => `${modeText(file.mode)} ${shownPath(file)} (${rightsOf(file)})`),
    adds: files.map((file) => `${modeText(file.mode & ~markBits)} ${shownPath(file)}`),
    files: [],
    needsRestart: false,
  };
}

/** Does that. @throws ProblemError As `previewStripping`; `tool-missing` where capabilities could not be put back later. */
export async function stripFiles(context: OperationContext, name: string, fix: StripFix): Promise<void> {
  const { lxcPath, task } = context;
  const files = await findChosen(context, name, fix);
  const [layer = ""] = readAuditFacts(context, name, new Map()).layers;
  const at = Date.now();
  const done: StrippedFile[] = [];
  const remember = () => {
    const record = readSecurityRecord(lxcPath, name);
    writeSecurityRecord(lxcPath, name, { ...record, stripped: [...record.stripped.filter((one) => one.at !== at), { at, files: done }] });
  };
  task.step("Taking the marks off");
  await task.critical(async () => {
    const seen = new Set<string>();
    for (const file of files) {
      if (seen.has(file.inode)) continue;
      seen.add(file.inode);
      const open = openInside(layer, file.path);
      if (open === undefined) throw changedMeanwhile(file);
      try {
        const before = fstatSync(open, { bigint: true });
        if (`${before.dev}:${before.ino}` !== file.inode) throw changedMeanwhile(file);
        const value = file.capabilities === undefined ? undefined : await readAttribute(open);
        const entry: StrippedFile = {
          path: file.path,
          inode: String(before.ino),
          mode: Number(before.mode) & 0o7777,
          uid: Number(before.uid),
          gid: Number(before.gid),
          size: Number(before.size),
          modifiedNs: String(before.mtimeNs),
          ...(value !== undefined && { capabilities: value }),
        };
        done.push(entry);
        remember();
        // Capabilities go whenever a file is given to somebody, and be it to whom it belongs (chown(2)).
        fchownSync(open, entry.uid, entry.gid);
        fchmodSync(open, entry.mode & ~markBits);
        entry.changedNs = String(fstatSync(open, { bigint: true }).ctimeNs);
        remember();
        task.output(`${modeText(entry.mode)} -> ${modeText(entry.mode & ~markBits)} ${shownPath(file)} (${rightsOf(file)})\n`);
      } finally {
        closeSync(open);
      }
    }
  });
  const left = await findPrivilegedFiles(readAuditFacts(context, name, new Map()).layers);
  const isLeft = left.find((file) => fix.files.includes(idOf(file)));
  if (isLeft)
    throw new ProblemError({
      code: "not-supported",
      what: `${shownPath(isLeft)} was marked again at once: something in the container does that.`,
    });
}

/**
 * Puts back what the last such fix took, on files that are still the same and that nobody has changed since.
 * @throws ProblemError `not-found` where there is none, `not-supported` where no file is as it was left.
 */
export async function restoreFiles(context: OperationContext, name: string): Promise<void> {
  const { lxcPath, task } = context;
  const last = readSecurityRecord(lxcPath, name).stripped.at(-1);
  if (!last) throw new ProblemError({ code: "not-found", what: "a fix of suid-files" });
  const facts = readAuditFacts(context, name, new Map());
  requireChangeable(facts);
  const [layer = ""] = facts.layers;
  const changed: StrippedFile[] = [];
  task.step("Putting the marks back");
  await task.critical(async () => {
    for (const file of last.files) {
      if (!(await restore(task, layer, file))) changed.push(file);
    }
    if (changed.length === last.files.length) {
      throw new ProblemError({
        code: "not-supported",
        what: `Nothing was put back: ${changed.slice(0, 3).map(shownPath).join(", ")} ${changed.length === 1 ? "is" : "are"} not as the fix left ${changed.length === 1 ? "it" : "them"}.`,
      });
    }
    for (const file of changed) task.notice(`${shownPath(file)} is not as the fix left it, and has got nothing back.`);
    const record = readSecurityRecord(lxcPath, name);
    writeSecurityRecord(lxcPath, name, { ...record, stripped: record.stripped.filter(({ at }) => at !== last.at) });
  });
}

/** @returns False where it is another file, or somebody has changed it. */
async function restore(task: TaskContext, layer: string, file: StrippedFile): Promise<boolean> {
  const open = openInside(layer, file.path);
  if (open === undefined) return false;
  try {
    const now = fstatSync(open, { bigint: true });
    const isSame =
      String(now.ino) === file.inode &&
      Number(now.uid) === file.uid &&
      Number(now.gid) === file.gid &&
      Number(now.size) === file.size &&
      String(now.mtimeNs) === file.modifiedNs &&
      // Without it we were killed in between: then it may have its marks yet.
      (file.changedNs === undefined || String(now.ctimeNs) === file.changedNs);
    if (!isSame) return false;
    if (file.capabilities !== undefined) await writeAttribute(open, file.capabilities);
    fchmodSync(open, file.mode);
    task.output(`${modeText(Number(now.mode) & 0o7777)} -> ${modeText(file.mode)} ${shownPath(file)}\n`);
    return true;
  } finally {
    closeSync(open);
  }
}

/** The files that are meant, as they are now: a request names none that we did not find. */
async function findChosen(world: World, name: string, { files: ids }: StripFix): Promise<(PrivilegedFile & { mode: number })[]> {
  const facts = readAuditFacts(world, name, new Map());
  requireChangeable(facts);
  const found = (await findPrivilegedFiles(facts.layers)).filter((file) => ids.includes(idOf(file)));
  const [layer = ""] = facts.layers;
  const own = found.flatMap((file) => {
    const open = openInside(layer, file.path);
    if (open === undefined) return [];
    try {
      return [{ ...file, mode: fstatSync(open).mode & 0o7777 }];
    } finally {
      closeSync(open);
    }
  });
  if (own.length < ids.length) {
    throw new ProblemError({
      code: "not-supported",
      what: "One of these files is not there any more, has no marks any more, or is none of the container's own. Look again.",
    });
  }
  return own;
}

function requireChangeable(facts: AuditFacts) {
  const what = explainUnchangeable(facts);
  if (what !== undefined) throw new ProblemError({ code: "not-supported", what });
}

/** @returns In hexadecimal, as getfattr(1) has it. */
async function readAttribute(open: number): Promise<string | undefined> {
  const { output } = await run("getfattr", ["--absolute-names", "-e", "hex", "-n", attribute, "--", throughOurs(open)], {
    timeoutSeconds: toolTimeoutSeconds,
  });
  return /^security\.capability=(0x[0-9a-f]+)$/m.exec(output)?.[1];
}

async function writeAttribute(open: number, value: string): Promise<void> {
  await run("setfattr", ["-n", attribute, "-v", value, "--", throughOurs(open)], { timeoutSeconds: toolTimeoutSeconds });
}

/** What we have open, for a program that we start: the kernel leads to that very file, whatever its name leads to by now. */
function throughOurs(open: number): string {
  return `/proc/${process.pid}/fd/${open}`;
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function changedMeanwhile(file: PrivilegedFile): ProblemError {
  return new ProblemError({ code: "not-supported", what: `${shownPath(file)} was changed just now. Look again.` });
}
