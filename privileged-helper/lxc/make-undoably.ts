import { lstatSync } from "node:fs";
import { toProblem } from "../contract/problems.ts";
import type { JournalRecord } from "../journal.ts";
import type { ContainerTaskContext, OperationContext } from "./context.ts";
import { start } from "./lifecycle.ts";

/**
 * Makes a container or an image so that nothing is left of it where that fails, is cancelled, or the helper is killed.
 * @param place The folder that it is made in; while that is there, it is not undone yet.
 * @returns A function after which it is not undone any more, whatever becomes of the task.
 */
export async function makeUndoably(
  context: OperationContext,
  work: Pick<JournalRecord, "kind" | "name" | "title">,
  place: string,
  make: (context: OperationContext) => Promise<void>,
): Promise<() => void> {
  const { lxcPath, journal, task } = context;
  const record = journal.begin({ lxcPath, ...work });
  let kept = false;
  // Runs last. What could not be removed stays on record, for the next helper.
  task.onUndo(() => {
    if (kept || !lstatSync(place, { throwIfNoEntry: false })) record.finish();
  });
  const making = make({ ...context, task: undoneUnless(() => kept, task, record.environment) });
  await making.catch((thrown: unknown) => {
    // Somebody else made one of that name after all: it is not ours to remove, now or by the next helper.
    if (toProblem(thrown).code === "already-exists") record.finish();
    throw thrown;
  });
  // Complete from here on: a helper that is killed now leaves something good.
  record.finish();
  return () => {
    kept = true;
  };
}

/** The same task, which takes back what is done with it only where that is not kept. */
function undoneUnless(
  isKept: () => boolean,
  task: ContainerTaskContext,
  environment: ContainerTaskContext["environment"] = task.environment,
): ContainerTaskContext {
  return {
    ...task,
    get signal() {
      return task.signal;
    },
    environment,
    onUndo: (undo) => task.onUndo(() => (isKept() ? undefined : undo())),
  };
}

/**
 * Starts what was just made. Where it does not start it is kept, so that its log can be read; cancelling removes it.
 * @returns A function after which it goes on running, whatever becomes of the task.
 */
export async function startNew(context: OperationContext, name: string, keep: () => void): Promise<() => void> {
  let keptRunning = false;
  try {
    await start({ ...context, task: undoneUnless(() => keptRunning, context.task) }, name);
  } catch (thrown) {
    if (!context.task.signal.aborted && toProblem(thrown).code !== "cancelled") keep();
    throw thrown;
  }
  return () => {
    keptRunning = true;
  };
}
