import { useEffect, useState } from "react";
import { create } from "zustand";
import type { Task, TasksChanged, TasksSnapshot } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { useClient } from "./connection.ts";
import { followRevisions } from "./revisions.ts";

/** What the helper does and did, newest first. */
export const useTasksStore = create<{ tasks: readonly Task[] }>(() => ({ tasks: [] }));

const keptOutput = 256 * 1024;

/** Follows all tasks. @returns A function that ends it. */
export function startTasks(client: Client): () => void {
  const followed = followRevisions<TasksSnapshot, TasksChanged>({
    ask: () => client.call("tasks.watch", {}),
    replace: ({ tasks }) => useTasksStore.setState({ tasks: newestFirst(tasks) }),
    apply({ changed, removed }) {
      const gone = new Set([...removed, ...changed.map(({ id }) => id)]);
      useTasksStore.setState(({ tasks }) => ({ tasks: newestFirst([...tasks.filter(({ id }) => !gone.has(id)), ...changed]) }));
    },
  });
  const stopListening = client.on("tasks.changed", followed.onChange);
  void followed.start();
  return () => {
    stopListening();
    followed.stop();
  };
}

/** A task that ended before this page asked for the first time is news for so long. */
const newsMilliseconds = 10_000;

/** Calls back for each task that ends with something to tell. @returns A function that ends it. */
export function onNotices(listener: (task: Task) => void): () => void {
  return useTasksStore.subscribe(({ tasks: now }, { tasks: before }) => {
    for (const task of now) {
      if (task.notices.length === 0 || task.state === "running") continue;
      const known = before.find(({ id }) => id === task.id);
      const isNew = known ? known.state === "running" : Date.now() - (task.endedAt ?? 0) < newsMilliseconds;
      if (isNew) listener(task);
    }
  });
}

/** Calls back for each start after which the container ended at once. @returns A function that ends it. */
export function onEndedAtOnce(listener: (task: Task) => void): () => void {
  return useTasksStore.subscribe(({ tasks: now }, { tasks: before }) => {
    for (const task of now) {
      if (task.endedAtOnce === undefined) continue;
      const known = before.find(({ id }) => id === task.id);
      const isNew = known ? known.endedAtOnce === undefined : Date.now() - (task.endedAt ?? 0) < newsMilliseconds;
      if (isNew) listener(task);
    }
  });
}

/** The newest task of a container that has ended; what it left stays true until another one begins. */
export function useLastTask(name: string): Task | undefined {
  const newest = useTasksStore(({ tasks }) => tasks.find(({ kind, target }) => kind !== "fix" && target === name));
  return newest?.state === "running" ? undefined : newest;
}

/** A task's output: what there is, and then what comes. Undefined until it is known. */
export function useTaskOutput(id: string): string | undefined {
  const client = useClient();
  const [text, setText] = useState<string>();
  useEffect(() => {
    let isGone = false;
    let isKnown = false;
    const stopListening = client.on("tasks.output", (output) => {
      // What comes before the answer is part of it.
      if (output.task === id && isKnown) setText((before) => `${before ?? ""}${output.text}`.slice(-keptOutput));
    });
    client.call("tasks.log", { task: id }).then(
      (log) => {
        if (isGone) return;
        isKnown = true;
        setText(log.text);
      },
      () => setText(""),
    );
    return () => {
      isGone = true;
      stopListening();
    };
  }, [client, id]);
  return text;
}

function newestFirst(tasks: readonly Task[]): Task[] {
  return [...tasks].sort((a, b) => b.startedAt - a.startedAt || Number.parseInt(b.id, 36) - Number.parseInt(a.id, 36));
}
