import type { Task, TasksChanged } from "../../privileged-helper/contract/model.ts";
import { type Problem, ProblemError, toProblem } from "../../privileged-helper/contract/problems.ts";

/** Long operations of the host's own, shown among the helper's. None of them needs a right. */
export type HostTasks = {
  /**
   * Runs work as a task that can be cancelled.
   * @param again What was asked for, so that it can be asked for again.
   * @throws What the work throws; `cancelled` where that is the reason.
   */
  run<T>(kind: "download" | "load", target: string, again: TaskAgain | undefined, work: (task: HostTaskContext) => Promise<T>): Promise<T>;
  list(): Task[];
  /** What a task has printed. @throws ProblemError `not-found`. */
  log(id: string): { text: string; truncated: boolean };
  cancel(id: string): void;
  /** Forgets tasks that have ended. */
  clear(): void;
  /** Changes come without a revision: whoever joins them with the helper's counts. */
  onChanged(listener: (change: Omit<TasksChanged, "revision">) => void): void;
  onOutput(listener: (output: { task: string; text: string }) => void): void;
  /** Cancels all, because the app ends. */
  abortAll(): void;
};

/** How a person asks for a task again. */
export type TaskAgain = Pick<Task, "request" | "form">;

export type HostTaskContext = {
  id: string;
  signal: AbortSignal;
  /** True when the app ends: then a person did not want it undone. */
  isEnding(): boolean;
  step(text: string, fraction?: number): void;
  output(text: string): void;
  command(argv: readonly string[]): void;
  /** How it is asked for again, where that is not known at its start. */
  retryWith(again: TaskAgain): void;
};

/** Longer than the helper's numbers ever get, so that no two tasks are taken for each other. */
const idDigits = 15;
const batchMilliseconds = 100;
const maxLogCharacters = 256 * 1024;
const maxFinishedTasks = 100;

type Entry = { task: Task; log: string; truncated: boolean; unsentOutput: string; controller: AbortController };

/** True for the ids that this module gives. */
export function isHostTask(id: string): boolean {
  return id.startsWith("h") && id.length === 1 + idDigits;
}

export function createHostTasks(): HostTasks {
  const entries = new Map<string, Entry>();
  const changed = new Set<string>();
  const removed = new Set<string>();
  let onChanged: (change: Omit<TasksChanged, "revision">) => void = () => {};
  let onOutput: (output: { task: string; text: string }) => void = () => {};
  let count = 0;
  let ending = false;
  let batch: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(batch);
    batch = undefined;
    for (const [task, entry] of entries) {
      if (entry.unsentOutput === "") continue;
      const text = entry.unsentOutput;
      entry.unsentOutput = "";
      onOutput({ task, text });
    }
    if (changed.size === 0 && removed.size === 0) return;
    const change = { changed: [...changed].flatMap((id) => entries.get(id)?.task ?? []).map(copy), removed: [...removed] };
    changed.clear();
    removed.clear();
    onChanged(change);
  };
  const flushSoon = () => {
    batch ??= setTimeout(flush, batchMilliseconds);
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
  const end = ({ task }: Entry, state: Task["state"], problem?: Problem) => {
    Object.assign(task, { state, problem, endedAt: Date.now(), step: undefined, cancellable: false } satisfies Partial<Task>);
    changed.add(task.id);
    const finished = [...entries.values()].filter((entry) => entry.task.state !== "running");
    for (const old of finished.slice(0, Math.max(0, finished.length - maxFinishedTasks))) remove(old.task.id);
    flush();
  };

  return {
    async run(kind, target, again, work) {
      if (ending) throw new ProblemError({ code: "cancelled" });
      const id = `h${(++count).toString(36).padStart(idDigits, "0")}`;
      const startedAt = Date.now();
      const task: Task = { id, kind, target, ...again, state: "running", cancellable: true, startedAt, notices: [], commands: [] };
      const entry: Entry = { task, log: "", truncated: false, unsentOutput: "", controller: new AbortController() };
      const { signal } = entry.controller;
      entries.set(id, entry);
      changed.add(id);
      flush();
      try {
        const result = await work({
          id,
          signal,
          isEnding: () => ending,
          step(text, fraction) {
            task.step = text;
            task.fraction = fraction;
            changed.add(id);
            flushSoon();
          },
          output(text) {
            entry.log += text;
            if (entry.log.length > maxLogCharacters) {
              entry.log = entry.log.slice(-maxLogCharacters);
              entry.truncated = true;
            }
            entry.unsentOutput = (entry.unsentOutput + text).slice(-maxLogCharacters);
            flushSoon();
          },
          command(argv) {
            task.commands.push([...argv]);
            changed.add(id);
            flushSoon();
          },
          retryWith(next) {
            Object.assign(task, next);
            changed.add(id);
            flushSoon();
          },
        });
        end(entry, "succeeded");
        return result;
      } catch (thrown) {
        const problem: Problem = signal.aborted ? { code: "cancelled" } : toProblem(thrown);
        end(entry, problem.code === "cancelled" ? "cancelled" : "failed", problem);
        throw new ProblemError(problem);
      }
    },
    list: () => [...entries.values()].map(({ task }) => copy(task)),
    log(id) {
      const { log, truncated } = find(id);
      return { text: log, truncated };
    },
    cancel(id) {
      find(id).controller.abort();
    },
    clear() {
      for (const { task } of entries.values()) if (task.state !== "running") remove(task.id);
      flush();
    },
    onChanged(listener) {
      onChanged = listener;
    },
    onOutput(listener) {
      onOutput = listener;
    },
    abortAll() {
      ending = true;
      for (const { controller } of entries.values()) controller.abort();
    },
  };
}

/** What goes on changing must not change in a message that waits to be sent. */
function copy(task: Task): Task {
  return { ...task, notices: [...task.notices], commands: [...task.commands] };
}
