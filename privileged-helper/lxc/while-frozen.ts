import type { JournalRecord } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { freeze, unfreeze } from "./lifecycle.ts";
import { isActive } from "./list.ts";

/**
 * Does something while nothing runs in a container, and has it go on afterwards, whatever becomes of the work: where the helper is
 * killed, the next one does that. A container that is stopped or frozen already stays so.
 */
export async function whileFrozen(context: OperationContext, name: string, work: () => Promise<void>): Promise<void> {
  const { lxcPath, reader, journal, task } = context;
  const container = reader.readOne(name);
  if (container?.state !== "running") return work();
  const record = journal.begin({ lxcPath, name, kind: "freeze", ...(container.initPid !== undefined && { initPid: container.initPid }) });
  try {
    // LXC's monitor may go on freezing when the tool that asked for it is ended.
    await task.critical(() => freeze(context, name));
    await work();
  } finally {
    const signal = new AbortController().signal;
    await thaw({ ...context, task: { ...task, signal } }, name);
    record.finish();
  }
}

/** The same for what a helper has left that was killed. What was stopped meanwhile, or frozen anew, is left as it is. */
export async function thawAbandoned(context: OperationContext, record: JournalRecord): Promise<void> {
  const { name, initPid } = record;
  if (context.reader.readOne(name)?.initPid === initPid) {
    context.task.notice(`LXC Desktop ended while it had ${name} frozen for copying it. It goes on now.`);
    await thaw(context, name);
  }
  context.journal.remove(record);
}

/** Lets a container go on, also where it was frozen only half. It may have been killed meanwhile, or thawed by somebody else. */
export async function thaw(context: OperationContext, name: string): Promise<void> {
  if (isActive(context.reader.readOne(name))) await unfreeze(context, name);
}
