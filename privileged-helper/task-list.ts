import { isDeepStrictEqual } from "node:util";
import type { Task, TasksChanged, TasksSnapshot } from "./contract/model.ts";
import { ProblemError } from "./contract/problems.ts";
import type { TaskHistory, TaskLog } from "./task-history.ts";
import type { Tasks } from "./tasks.ts";

/** All tasks as people see them: what this helper does and did, and what others have done before or beside it. */
export type TaskList = {
  /** All tasks as they are now. Changes reported later count on from its revision. */
  snapshot(): TasksSnapshot;
  /** Reports every difference. What others do is looked for while somebody listens. */
  onChanged(listener: (change: TasksChanged) => void): () => void;
  /** What a task has printed. @throws ProblemError `not-found`. */
  log(id: string): TaskLog;
  /** Forgets what has ended, here and on disk. */
  clear(): void;
};

export function createTaskList({ tasks, history }: { tasks: Tasks; history: TaskHistory }): TaskList {
  const listeners = new Set<(change: TasksChanged) => void>();
  let others = new Map<string, Task>();
  let revision = 0;
  let stop: (() => void) | undefined;

  const tell = (change: Omit<TasksChanged, "revision">) => {
    if (change.changed.length === 0 && change.removed.length === 0) return;
    revision += 1;
    for (const listener of [...listeners]) listener({ revision, ...change });
  };
  const readOthers = () => {
    const own = new Set(tasks.snapshot().tasks.map(({ id }) => id));
    const tasksOfOthers = history.readAll().filter(({ id }) => !own.has(id));
    return new Map(tasksOfOthers.map((task) => [task.id, { ...task, isOfAnotherHelper: true }]));
  };
  /** Whoever clears the list clears it for all. */
  const forgetRemoved = () => {
    const gone = tasks.snapshot().tasks.filter(({ id }) => history.wasRemoved(id));
    if (gone.length > 0) tasks.forget(gone.map(({ id }) => id));
  };
  const look = () => {
    forgetRemoved();
    const before = others;
    others = readOthers();
    tell({
      changed: [...others.values()].filter((task) => !isDeepStrictEqual(before.get(task.id), task)),
      removed: [...before.keys()].filter((id) => !others.has(id)),
    });
  };

  const start = () => {
    // Watching begins before reading: what happens in between is then seen twice rather than never.
    const stopWatching = history.watch(look);
    const stopListening = tasks.onChanged(({ changed, removed }) => tell({ changed, removed }));
    forgetRemoved();
    others = readOthers();
    stop = () => {
      stopWatching();
      stopListening();
      others = new Map();
      stop = undefined;
    };
  };

  return {
    snapshot: () => ({ revision, tasks: [...(stop ? others : readOthers()).values(), ...tasks.snapshot().tasks] }),
    onChanged(listener) {
      const entry = (change: TasksChanged) => listener(change);
      if (!stop) start();
      listeners.add(entry);
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) stop?.();
      };
    },
    log(id) {
      const isOwn = tasks.snapshot().tasks.some((task) => task.id === id);
      const log = isOwn ? tasks.log(id) : history.readLog(id);
      if (!log) throw new ProblemError({ code: "not-found", what: `task ${id}` });
      return log;
    },
    clear() {
      history.clear();
      const ended = tasks.snapshot().tasks.filter(({ endedAt }) => endedAt !== undefined);
      tasks.forget(ended.map(({ id }) => id));
      if (stop) look();
    },
  };
}
