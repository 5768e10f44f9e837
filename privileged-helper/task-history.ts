import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { filledIn } from "./contract/methods.ts";
import { type Task, taskKinds } from "./contract/model.ts";
import { problem } from "./contract/problem-schema.ts";
import type { Problem } from "./contract/problems.ts";
import { startCause } from "./contract/start-causes.ts";
import { type Holder, isHeld, ownProcess } from "./holder.ts";
import { watchPath } from "./lxc/inotify.ts";

/**
 * What was done, kept on disk: it is shown after a restart, and to whoever uses another helper.
 *
 * A task is a file: `ID.PID.START.json` while its helper works on it, `ID.json` once it has ended. The name says who holds it,
 * so that what a killed helper left is told apart from what still runs; whoever reads that makes an ended task of it. Files are
 * written beside their place and renamed, so that nobody reads half of one. Ids begin with the time: the order of the names is that
 * of the tasks. History is no reason to fail: what cannot be written is told once and then left out.
 */
export type TaskHistory = {
  /** Writes a task of this helper down as it is now. */
  keep(task: Task, log: TaskLog): void;
  /** What has ended and is kept, of this helper and others. */
  readAll(): Task[];
  readLog(id: string): TaskLog | undefined;
  /** True of a task that was kept by this helper and that somebody has removed since. */
  wasRemoved(id: string): boolean;
  /** Forgets all that `readAll` gives. */
  clear(): void;
  /** Calls back when something may have ended, or was forgotten, until the function that it returns is called. */
  watch(onChange: () => void): () => void;
};

export type TaskLog = { text: string; truncated: boolean };

export type TaskHistoryOptions = {
  /** Tasks of another folder of containers are not shown: a name there is another container. */
  lxcPath: string;
  directory?: string;
  /** Told why the history is not complete, each reason once. */
  onTrouble?: (reason: string) => void;
};

const maxEnded = 200;
/** Of the output, its end. */
const maxLogCharacters = 64 * 1024;
/** More than a task can have; a longer file is none of ours. */
const maxFileBytes = 4 * 1024 * 1024;
const coalesceMilliseconds = 50;
/** A helper that is killed sends no event. */
const lookForKilledMilliseconds = 3_000;
const bootIdPath = "/proc/sys/kernel/random/boot_id";

const text = z.string();
const argv = z.array(text);
const storedTask = z.object({
  id: z.string().regex(/^[a-z0-9]{1,32}$/),
  kind: z.enum(taskKinds),
  target: text,
  state: z.enum(["waiting", "running", "succeeded", "failed", "cancelled"]),
  requestedBy: z.object({ uid: z.number(), user: text.optional() }).optional(),
  request: z.object({ method: text, params: z.record(z.string(), z.unknown()) }).optional(),
  form: filledIn.optional(),
  cancellable: z.boolean(),
  askedAt: z.number().optional(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  problem: problem.optional(),
  notices: z.array(text),
  commands: z.array(argv),
  endedAtOnce: z
    .object({ exitCode: z.number().optional(), signal: text.optional(), console: text, cause: startCause.optional() })
    .optional(),
}) satisfies z.ZodType<Task>;
const storedRecord = z.object({
  lxcPath: text,
  bootId: text,
  task: storedTask,
  log: z.object({ text, truncated: z.boolean() }),
});
type StoredRecord = z.infer<typeof storedRecord>;

/** What is remembered of a file while somebody watches; its output is read when it is asked for. */
type Known = { stamp: string; lxcPath: string; task: StoredRecord["task"] };
type FileName = { id: string; isTemporary: boolean /** Of one that has not ended. */; holder?: Holder };

export function createTaskHistory({ lxcPath, directory = "/var/lib/lxc-desktop/tasks", onTrouble }: TaskHistoryOptions): TaskHistory {
  const bootId = readFileSync(bootIdPath, "utf8").trim();
  const self = ownProcess();
  const kept = new Set<string>();
  const told = new Set<string>();
  const known = new Map<string, Known>();
  let isWatched = false;
  const ended = (id: string) => join(directory, `${id}.json`);
  const underWay = (id: string) => join(directory, `${id}.${self.pid}.${self.startTicks}.json`);

  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      // Its own path would make each task's reason another one.
      const code = (thrown as NodeJS.ErrnoException).code ?? reason;
      if (!told.has(code)) onTrouble?.(reason);
      told.add(code);
      return undefined;
    }
  };
  const write = (path: string, record: StoredRecord) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const beside = join(directory, `${record.task.id}.${self.pid}.${self.startTicks}.tmp`);
    writeFileSync(beside, JSON.stringify(record), { mode: 0o600 });
    renameSync(beside, path);
    return true;
  };
  const remove = (name: string) => attempt(() => rmSync(join(directory, name), { recursive: true, force: true }));

  /** The newest stay; names begin with the time. */
  const trim = () => {
    const names = namesIn(directory).filter(isEndedName).sort();
    for (const name of names.slice(0, Math.max(0, names.length - maxEnded))) remove(name);
  };

  /** What mends the computer is everybody's. */
  const isOurs = (record: { lxcPath: string; task: Pick<Task, "kind"> }) => record.lxcPath === lxcPath || record.task.kind === "fix";

  const readEndedFile = (name: string): Known | "broken" | "unreadable" => {
    const stamp = stampOf(join(directory, name));
    const before = known.get(name);
    if (before && before.stamp === stamp) return before;
    const record = readRecord(join(directory, name));
    if (record === "broken" || record === "unreadable") return record;
    if (`${record.task.id}.json` !== name) return "broken";
    const now = { stamp, lxcPath: record.lxcPath, task: record.task };
    if (isWatched) known.set(name, now);
    return now;
  };
  /** What a killed helper left becomes a task that has failed. */
  const endAbandoned = (name: string, { id, holder }: FileName) => {
    const path = join(directory, name);
    const record = readRecord(path);
    if (record === "unreadable") return;
    if (record !== "broken") {
      if (holder && isHeld(holder) && record.bootId === bootId) return;
      // Where it had ended, only this file was left over.
      if (record.task.id === id && !exists(ended(id))) {
        const task = interrupted(record.task, modifiedAt(path));
        if (!attempt(() => write(ended(id), { ...record, task }))) return;
      }
    }
    remove(name);
  };
  const readEnded = () => {
    // A file that another helper still writes is left to it.
    for (const name of namesIn(directory)) {
      const parsed = parseName(name);
      const isHeldNow = parsed?.holder !== undefined && isHeld(parsed.holder);
      if (!parsed || (parsed.isTemporary && !isHeldNow)) remove(name);
      else if (parsed.holder && !parsed.isTemporary && !isDeepStrictEqual(parsed.holder, self)) endAbandoned(name, parsed);
    }
    const names = namesIn(directory).filter(isEndedName);
    for (const name of known.keys()) if (!names.includes(name)) known.delete(name);
    return names.flatMap((name) => {
      const file = readEndedFile(name);
      if (file === "broken") remove(name);
      if (file === "broken" || file === "unreadable") return [];
      return isOurs(file) ? [file.task] : [];
    });
  };

  return {
    keep(task, log) {
      attempt(() => {
        const isOver = task.endedAt !== undefined;
        // What somebody has forgotten does not come back because it learns how its container ended.
        if (isOver && kept.has(task.id) && !exists(ended(task.id))) return;
        const { step: _, fraction: __, waitsFor: ___, ...lasting } = task;
        const record = { lxcPath, bootId, task: lasting, log: lastOf(log) };
        write(isOver ? ended(task.id) : underWay(task.id), record as StoredRecord);
        if (!isOver) return;
        kept.add(task.id);
        rmSync(underWay(task.id), { force: true });
        trim();
      });
    },
    readAll: () => attempt(readEnded) ?? [],
    readLog(id) {
      const record = readRecord(ended(id));
      return record === "broken" || record === "unreadable" || !isOurs(record) ? undefined : record.log;
    },
    wasRemoved: (id) => kept.has(id) && !exists(ended(id)),
    clear() {
      for (const { id } of attempt(readEnded) ?? []) remove(`${id}.json`);
    },
    watch(onChange) {
      isWatched = true;
      let soon: NodeJS.Timeout | undefined;
      const look = () => {
        soon ??= setTimeout(() => {
          soon = undefined;
          onChange();
        }, coalesceMilliseconds).unref();
      };
      const watched = attempt(() => {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const result = watchPath(directory, look);
        if (result.state === "refused") throw new Error(result.reason);
        return result;
      });
      const timer = setInterval(() => {
        const holders = namesIn(directory).flatMap((name) => parseName(name)?.holder ?? []);
        if (holders.some((holder) => !isHeld(holder))) look();
      }, lookForKilledMilliseconds).unref();
      return () => {
        clearTimeout(soon);
        clearInterval(timer);
        if (watched?.state === "watched") watched.close();
        isWatched = false;
        known.clear();
      };
    },
  };
}

/** ID.json, ID.PID.START.json, ID.PID.START.tmp; anything else is none of ours. */
function parseName(name: string): FileName | undefined {
  const match = /^([a-z0-9]{1,32})(?:\.(\d{1,10})\.(\d{1,20})\.(json|tmp)|\.json)$/.exec(name);
  if (!match) return undefined;
  const [, id = "", pid, startTicks, kind] = match;
  const holder = pid === undefined || startTicks === undefined ? undefined : { pid: Number(pid), startTicks };
  return { id, isTemporary: kind === "tmp", holder };
}

function isEndedName(name: string): boolean {
  const parsed = parseName(name);
  return parsed !== undefined && parsed.holder === undefined;
}

function interrupted(task: StoredRecord["task"], endedAt: number): StoredRecord["task"] {
  const problem: Problem = { code: "interrupted", hadBegun: task.state === "running" };
  return { ...task, state: "failed", problem, endedAt: Math.max(endedAt, task.startedAt), cancellable: false };
}

/** Only a plain file is read, never what a link leads to. What cannot be read just now is not broken for that. */
function readRecord(path: string): StoredRecord | "broken" | "unreadable" {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    // A link, a socket: open(2).
    const { code } = thrown as NodeJS.ErrnoException;
    return code === "ELOOP" || code === "ENXIO" ? "broken" : "unreadable";
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > maxFileBytes) return "broken";
    return storedRecord.safeParse(parseJson(readFileSync(file, "utf8"))).data ?? "broken";
  } catch {
    return "unreadable";
  } finally {
    closeSync(file);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Changes when a file is written anew. */
function stampOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : "";
}

function lastOf({ text, truncated }: TaskLog): TaskLog {
  return text.length <= maxLogCharacters ? { text, truncated } : { text: text.slice(-maxLogCharacters), truncated: true };
}

function modifiedAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
