import { randomBytes } from "node:crypto";
import type { Task, TaskKind, TasksChanged, TasksSnapshot } from "./contract/model.ts";
import { type Problem, ProblemError, toProblem } from "./contract/problems.ts";
import type { ContainerTaskContext } from "./lxc/context.ts";
import { freeBytes } from "./lxc/folder.ts";
import { toPlainText } from "./lxc/plain-text.ts";
import type { TaskHistory, TaskLog } from "./task-history.ts";

/**
 * Everything that changes a container runs as a task: people see what it does, which commands it ran and what those
 * printed, and may cancel it. A task that fails or is cancelled first takes back what it did.
 */
export type TaskRequest = {
  kind: TaskKind;
  /** The container that it works on; of a fix, what it mends; of an image, its title. */
  target: string;
  /** False for what is over sooner than anyone could cancel it, and for what cannot be taken back. */
  cancellable: boolean;
  /** Aborts when whoever asked for the task no longer wants it. */
  signal?: AbortSignal;
  /** What was asked for, or with what the dialog is filled in again. */
  request?: Task["request"];
  form?: Task["form"];
  /** False where the target is no container: an image, or the computer itself. */
  isAboutContainer?: boolean;
  /** False where nobody asked: the helper does it by itself. */
  isRequested?: boolean;
  /** Resolves when its turn has come; until then the task waits, and may be cancelled whatever it is. */
  turn?(signal: AbortSignal, tell: (waitsFor: Task["waitsFor"]) => void): Promise<void>;
};

export type TasksOptions = {
  /** Who uses this helper. */
  requestedBy?: Task["requestedBy"];
  history?: Pick<TaskHistory, "keep">;
  /** Where what tasks write lies: of a write that finds no room, unlike of any other failure, no path is told. */
  folder?: string;
};

export type Tasks = {
  /**
   * Runs work as a task.
   * @returns What the work returns, once the task has ended.
   * @throws What the work throws, once all it did is undone; `cancelled` where that is the reason.
   */
  run<T>(request: TaskRequest, work: (task: ContainerTaskContext) => Promise<T>): Promise<T>;
  snapshot(): TasksSnapshot;
  /** @throws ProblemError `not-found`. */
  get(id: string): Task;
  /** What a task has printed; the last 256 KiB of it. */
  log(id: string): TaskLog;
  /** Asks a task to end; it does so after undoing its work. @throws ProblemError `not-supported` where it cannot be cancelled. */
  cancel(id: string): void;
  /** Forgets those of these tasks that have ended. */
  forget(ids: readonly string[]): void;
  /** What runs now, by container; what is done to images or the computer itself is not among it. */
  operations(): Map<string, { task: string; kind: TaskKind }>;
  onChanged(listener: (change: TasksChanged) => void): () => void;
  onOutput(listener: (output: { task: string; text: string }) => void): () => void;
  /** Cancels what can be cancelled, and refuses new tasks: the helper is about to end. */
  abortAll(): void;
  /** Settles when no task runs or waits. */
  idle(): Promise<void>;
};

/** A step that shows for less than this was not worth a message. */
const batchMilliseconds = 50;
const maxLogCharacters = 256 * 1024;
const maxFinishedTasks = 200;
/** So often a task that goes on is written down, for the case that its helper is killed. */
const keepMilliseconds = 2_000;
const maxCommands = 100;
const maxNotices = 20;

type Entry = {
  task: Task;
  isAboutContainer: boolean;
  log: string;
  truncated: boolean;
  unsentOutput: string;
  cancel(): void;
};

export function createTasks({ requestedBy, history, folder = "/" }: TasksOptions = {}): Tasks {
  const entries = new Map<string, Entry>();
  const changedListeners = new Set<(change: TasksChanged) => void>();
  const outputListeners = new Set<(output: { task: string; text: string }) => void>();
  const changed = new Set<string>();
  const removed = new Set<string>();
  let waitingForIdle: (() => void)[] = [];
  let revision = 0;
  let count = 0;
  let ending = false;
  let batch: NodeJS.Timeout | undefined;
  const unkept = new Set<string>();
  let keeping: NodeJS.Timeout | undefined;

  const keep = ({ task, log, truncated }: Entry) => {
    unkept.delete(task.id);
    history?.keep(task, { text: log, truncated });
  };
  const keepSoon = (id: string) => {
    unkept.add(id);
    if (keeping) return;
    keeping = setTimeout(() => {
      keeping = undefined;
      for (const id of unkept) {
        const entry = entries.get(id);
        if (entry) keep(entry);
      }
      unkept.clear();
    }, keepMilliseconds).unref();
  };
  const flush = () => {
    clearTimeout(batch);
    batch = undefined;
    for (const [id, entry] of entries) {
      if (entry.unsentOutput === "") continue;
      const text = entry.unsentOutput;
      entry.unsentOutput = "";
      for (const listener of outputListeners) listener({ task: id, text });
    }
    if (changed.size === 0 && removed.size === 0) return;
    const change = {
      revision: ++revision,
      changed: [...changed].flatMap((id) => entries.get(id)?.task ?? []).map(copy),
      removed: [...removed],
    };
    changed.clear();
    removed.clear();
    for (const listener of changedListeners) listener(change);
  };
  const flushSoon = () => {
    batch ??= setTimeout(flush, batchMilliseconds);
  };
  const change = (id: string) => {
    changed.add(id);
    flushSoon();
    if (history) keepSoon(id);
  };
  const remove = (id: string) => {
    entries.delete(id);
    changed.delete(id);
    removed.add(id);
  };
  const find = (id: string) => {
    const entry = entries.get(id);
    if (!entry) throw new ProblemError({ code: "not-found", what: `task ${id}` });
    return entry;
  };
  const active = () => [...entries.values()].filter(({ task }) => task.endedAt === undefined);

  function end(entry: Entry, state: "succeeded" | "failed" | "cancelled", problem?: Problem) {
    const { task } = entry;
    task.state = state;
    task.endedAt = Date.now();
    task.problem = problem;
    task.step = undefined;
    task.waitsFor = undefined;
    task.cancellable = false;
    changed.add(task.id);
    const finished = [...entries.values()].filter((other) => other.task.endedAt !== undefined);
    for (const { task: old } of finished.slice(0, Math.max(0, finished.length - maxFinishedTasks))) remove(old.id);
    flush();
    keep(entry);
    if (active().length > 0) return;
    for (const resolve of waitingForIdle) resolve();
    waitingForIdle = [];
  }

  return {
    async run(
      { kind, target, cancellable, signal: callersSignal, request, form, isAboutContainer = true, isRequested = true, turn },
      work,
    ) {
      if (ending || ((cancellable || turn) && callersSignal?.aborted)) throw new ProblemError({ code: "cancelled" });
      const controller = new AbortController();
      const never = new AbortController().signal;
      const undoStack: (() => void | Promise<void>)[] = [];
      let criticalDepth = 0;
      let cancelled = false;
      let undoing = false;

      const entry: Entry = {
        task: {
          id: newId(++count),
          kind,
          target,
          state: turn ? "waiting" : "running",
          requestedBy: isRequested && requestedBy ? { ...requestedBy } : undefined,
          request,
          form,
          cancellable: cancellable || turn !== undefined,
          startedAt: Date.now(),
          notices: [],
          commands: [],
        },
        isAboutContainer,
        log: "",
        truncated: false,
        unsentOutput: "",
        cancel() {
          if (!entry.task.cancellable || undoing) return;
          cancelled = true;
          if (criticalDepth === 0) controller.abort();
        },
      };
      const { task } = entry;

      const context: ContainerTaskContext = {
        get signal() {
          return undoing ? never : controller.signal;
        },
        step(text, fraction) {
          task.step = text;
          task.fraction = fraction;
          change(task.id);
        },
        output(text) {
          const plain = toPlainText(text);
          entry.log += plain;
          if (entry.log.length > maxLogCharacters) {
            entry.log = entry.log.slice(-maxLogCharacters);
            entry.truncated = true;
          }
          entry.unsentOutput = (entry.unsentOutput + plain).slice(-maxLogCharacters);
          flushSoon();
          if (history) keepSoon(task.id);
        },
        notice(sentence) {
          context.output(`${sentence}\n`);
          if (task.notices.length >= maxNotices) return;
          task.notices.push(toPlainText(sentence));
          change(task.id);
        },
        command(argv) {
          if (task.commands.length >= maxCommands) return;
          task.commands.push([...argv]);
          change(task.id);
        },
        retryWith(request) {
          task.request = request;
          task.form = undefined;
          changed.add(task.id);
          flushSoon();
          keep(entry);
        },
        endedAtOnce(how) {
          // One that waits has not changed anything yet.
          const newest = [...entries.values()].filter((other) => other.task.target === target && other.task.state !== "waiting").at(-1);
          if (newest !== entry) return;
          task.endedAtOnce = how;
          change(task.id);
        },
        onUndo(undo) {
          undoStack.push(undo);
        },
        async critical(criticalWork) {
          criticalDepth++;
          try {
            return await criticalWork();
          } finally {
            criticalDepth--;
            if (criticalDepth === 0 && cancelled) controller.abort();
          }
        },
      };

      const waitForTurn = async (turnComes: NonNullable<TaskRequest["turn"]>) => {
        await turnComes(controller.signal, (waitsFor) => {
          task.waitsFor = waitsFor;
          change(task.id);
        });
        if (cancelled) throw new ProblemError({ code: "cancelled" });
        task.askedAt = task.startedAt;
        task.startedAt = Date.now();
        task.state = "running";
        task.waitsFor = undefined;
        task.cancellable = cancellable;
        changed.add(task.id);
        flush();
        keep(entry);
      };

      const undoAll = async () => {
        undoing = true;
        if (undoStack.length > 0) context.step("Undoing what was done");
        for (const undo of undoStack.reverse()) {
          try {
            await undo();
          } catch (thrown) {
            context.output(`This could not be undone: ${inWords(toProblem(thrown))}\n`);
          }
        }
      };

      entries.set(task.id, entry);
      callersSignal?.addEventListener("abort", entry.cancel, { once: true });
      changed.add(task.id);
      flush();
      keep(entry);
      try {
        if (turn) await waitForTurn(turn);
        const result = await work(context);
        end(entry, "succeeded");
        return result;
      } catch (thrown) {
        const problem: Problem = cancelled ? { code: "cancelled" } : problemOf(thrown, folder);
        await undoAll();
        end(entry, problem.code === "cancelled" ? "cancelled" : "failed", problem);
        throw new ProblemError(problem);
      } finally {
        callersSignal?.removeEventListener("abort", entry.cancel);
      }
    },
    snapshot: () => ({ revision, tasks: [...entries.values()].map(({ task }) => copy(task)) }),
    get: (id) => copy(find(id).task),
    log(id) {
      const { log, truncated } = find(id);
      return { text: log, truncated };
    },
    cancel(id) {
      const { task, cancel } = find(id);
      if (task.endedAt !== undefined) return;
      if (!task.cancellable)
        throw new ProblemError({ code: "not-supported", what: "This cannot be cancelled: it would leave things half done." });
      cancel();
    },
    forget(ids) {
      for (const id of ids) if (entries.get(id)?.task.endedAt !== undefined) remove(id);
      flush();
    },
    operations: () =>
      new Map(
        active().flatMap(({ task: { id, kind, target, state }, isAboutContainer }) =>
          isAboutContainer && state !== "waiting" ? [[target, { task: id, kind }] as const] : [],
        ),
      ),
    onChanged: (listener) => subscribe(changedListeners, listener),
    onOutput: (listener) => subscribe(outputListeners, listener),
    abortAll() {
      ending = true;
      for (const { cancel } of active()) cancel();
    },
    idle: () => new Promise((resolve) => (active().length === 0 ? resolve() : waitingForIdle.push(resolve))),
  };
}

/** Ids of all helpers sort by time; no two have the same. */
function newId(count: number): string {
  const inMillisecond = (count % 36 ** 3).toString(36).padStart(3, "0");
  return `t${Date.now().toString(36).padStart(9, "0")}${inMillisecond}${randomBytes(4).toString("hex")}`;
}

/** What goes on changing must not change in a message that waits to be sent. */
function copy(task: Task): Task {
  return { ...task, notices: [...task.notices], commands: [...task.commands] };
}

function subscribe<T>(listeners: Set<(event: T) => void>, listener: (event: T) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A full disk is a problem of its own; it comes out of any file operation. @param folder Where it is taken to be, if no path is told. */
function problemOf(thrown: unknown, folder: string): Problem {
  const { code, path = folder } = (thrown ?? {}) as NodeJS.ErrnoException;
  if ((code === "ENOSPC" || code === "EDQUOT") && path.startsWith("/"))
    return { code: "no-space", path, availableBytes: freeBytes(path), neededBytes: 0 };
  return toProblem(thrown);
}

function inWords(problem: Problem): string {
  if (problem.code === "command-failed") return problem.summary;
  if (problem.code === "internal") return problem.detail;
  return problem.code;
}
