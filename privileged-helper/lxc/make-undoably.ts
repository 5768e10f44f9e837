import { lstatSync } from "node:fs";
import { toProblem } from "../contract/problems.ts";
import type { JournalRecord } from "../journal.ts";
import type { OperationContext } from "./context.ts";
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
  const making = make({
    ...context,
    task: {
      get signal() {
        return task.signal;
      },
      environment: record.environment,
      step: task.step,
      output: task.output,
      notice: task.notice,
      command: task.command,
      endedAtOnce: task.endedAtOnce,
      onUndo: (undo) => task.onUndo(() => (kept ? undefined : undo())),
      critical: task.critical,
    },
  });
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

/** Starts what was just made. Where it does not start it is kept, so that its log can be read; cancelling removes it. */
export async function startNew(context: OperationContext, name: string, keep: () => void) {
  try {
    await start(context, name);
  } catch (thrown) {
    if (!context.task.signal.aborted && toProblem(thrown).code !== "cancelled") keep();
    throw thrown;
  }
}
