import type { TasksChanged, TasksSnapshot } from "../../privileged-helper/contract/model.ts";
import { type HostTasks, isHostTask } from "./host-tasks.ts";

/**
 * The helper's tasks and the host's, as one list with one row of revisions. The page sees no difference, and without a helper it
 * sees the host's alone.
 */
export type TaskList = {
  /** Answers the methods of tasks; undefined where only the helper can. */
  answer(method: string, params: { task?: string }): Promise<unknown> | undefined;
  /** A `tasks.changed` of the helper's. */
  onHelperChanged(change: TasksChanged): void;
  /** The helper is gone, and its row of revisions with it. */
  forgetHelper(): void;
  /** Another page, or none: nobody watches. */
  forgetPage(): void;
};

export type TaskListOptions = {
  hostTasks: HostTasks;
  /** Asks the helper; undefined while there is none. */
  askHelper: () => ((method: string) => Promise<unknown>) | undefined;
  notify(event: "tasks.changed" | "tasks.output", params: unknown): void;
};

export function createTaskList({ hostTasks, askHelper, notify }: TaskListOptions): TaskList {
  let revision = 0;
  let isWatched = false;
  let helperRevision: number | undefined;
  /** What came of the helper before its answer to the newest `tasks.watch` did. */
  let early: TasksChanged[] | undefined;

  hostTasks.onChanged((change) => {
    if (isWatched) notify("tasks.changed", { ...change, revision: ++revision });
  });
  hostTasks.onOutput((output) => {
    if (isWatched) notify("tasks.output", output);
  });

  const onHelperChanged = (change: TasksChanged) => {
    if (early) {
      early.push(change);
      return;
    }
    if (!isWatched || helperRevision === undefined || change.revision <= helperRevision) return;
    // Of a gap in the helper's row there comes one in ours, and the page takes a new snapshot.
    revision += change.revision === helperRevision + 1 ? 1 : 2;
    helperRevision = change.revision;
    notify("tasks.changed", { ...change, revision });
  };

  const watch = async (): Promise<TasksSnapshot> => {
    const before: TasksChanged[] = [];
    early = before;
    isWatched = true;
    helperRevision = undefined;
    // A helper that is lost meanwhile, or does not let this person look, has no tasks for them.
    const theirs = (await askHelper()?.("tasks.watch").catch(() => undefined)) as TasksSnapshot | undefined;
    const snapshot = { revision: ++revision, tasks: [...hostTasks.list(), ...(theirs?.tasks ?? [])] };
    if (early === before) {
      early = undefined;
      helperRevision = theirs?.revision;
      // Their revisions are above the snapshot's, so the page applies them after it, whichever comes first.
      for (const change of before) onHelperChanged(change);
    }
    return snapshot;
  };

  const onHost = async (method: string, task: string) => {
    if (method === "tasks.log") return hostTasks.log(task);
    hostTasks.cancel(task);
  };

  const onBoth = async (method: string) => {
    if (method === "tasks.clear") hostTasks.clear();
    else isWatched = false;
    await askHelper()?.(method);
  };

  return {
    answer(method, { task }) {
      if (method === "tasks.watch") return watch();
      if (method === "tasks.clear" || method === "tasks.unwatch") return onBoth(method);
      if ((method === "tasks.log" || method === "tasks.cancel") && task !== undefined && isHostTask(task)) return onHost(method, task);
      return undefined;
    },
    onHelperChanged,
    forgetHelper() {
      helperRevision = undefined;
    },
    forgetPage() {
      isWatched = false;
      early = undefined;
      helperRevision = undefined;
    },
  };
}
