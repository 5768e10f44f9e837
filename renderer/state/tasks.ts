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
  return [...tasks].sort((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id));
}
