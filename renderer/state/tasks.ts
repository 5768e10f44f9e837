import { useEffect, useState } from "react";
import { create } from "zustand";
import type { Task, TasksChanged, TasksSnapshot } from "../../privileged-helper/contract/model.ts";
import type { Client } from "../backend/client.ts";
import { useClient } from "./connection.ts";
import { followRevisions } from "./revisions.ts";

/** What is done and was done, newest first: by this helper, by others, and by the host. */
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
      if (task.notices.length === 0 || task.endedAt === undefined || task.isOfAnotherHelper) continue;
      const known = before.find(({ id }) => id === task.id);
      const isNew = known ? known.endedAt === undefined : Date.now() - (task.endedAt ?? 0) < newsMilliseconds;
      if (isNew) listener(task);
    }
  });
}

/** Calls back for each start after which the container ended at once. @returns A function that ends it. */
export function onEndedAtOnce(listener: (task: Task) => void): () => void {
  return useTasksStore.subscribe(({ tasks: now }, { tasks: before }) => {
    for (const task of now) {
      if (task.endedAtOnce === undefined || task.isOfAnotherHelper) continue;
      const known = before.find(({ id }) => id === task.id);
      const isNew = known ? known.endedAtOnce === undefined : Date.now() - (task.endedAt ?? 0) < newsMilliseconds;
      if (isNew) listener(task);
    }
  });
}

/** The newest task of a container that has ended; what it left stays true until another one begins. What others did is theirs. */
export function useLastTask(name: string): Task | undefined {
  const newest = useTasksStore(({ tasks }) =>
    tasks.find(
      ({ kind, target, state, isOfAnotherHelper }) => kind !== "fix" && target === name && state !== "waiting" && !isOfAnotherHelper,
    ),
  );
  return newest?.endedAt === undefined ? undefined : newest;
}

export type TaskOutput = { text: string /** Earlier lines were left out. */; truncated: boolean };

/** A task's output: what there is, and then what comes. Undefined until it is known. */
export function useTaskOutput(id: string): TaskOutput | undefined {
  const client = useClient();
  const [output, setOutput] = useState<TaskOutput>();
  useEffect(() => {
    let isGone = false;
    let isKnown = false;
    const stopListening = client.on("tasks.output", (more) => {
      // What comes before the answer is part of it.
      if (more.task !== id || !isKnown) return;
      setOutput((before) => {
        const text = `${before?.text ?? ""}${more.text}`;
        return { text: text.slice(-keptOutput), truncated: before?.truncated === true || text.length > keptOutput };
      });
    });
    client.call("tasks.log", { task: id }).then(
      (log) => {
        if (isGone) return;
        isKnown = true;
        setOutput(log);
      },
      () => {
        if (!isGone) setOutput({ text: "", truncated: false });
      },
    );
    return () => {
      isGone = true;
      stopListening();
    };
  }, [client, id]);
  return output;
}

/** By when they were asked for. Ids of different origin say nothing about each other; those of helpers sort by time. */
function newestFirst(tasks: readonly Task[]): Task[] {
  const time = ({ askedAt, startedAt }: Task) => askedAt ?? startedAt;
  return [...tasks].sort((a, b) => time(b) - time(a) || (a.id < b.id ? 1 : -1));
}
