import type { JournalRecord } from "../journal.ts";
import type { OperationContext } from "./context.ts";
import { destroyContainer } from "./destroy.ts";
import { forceStop } from "./lifecycle.ts";
import { isActive } from "./list.ts";

/** Ends a container, where it runs, and removes it. */
export async function discardContainer(context: OperationContext, name: string): Promise<void> {
  if (isActive(context.reader.readOne(name))) await forceStop(context, name);
  await destroyContainer(context, name);
}

/** The same for a throw-away container whose helper was killed. One that was kept has no mark any more. */
export async function discardAbandoned(context: OperationContext, record: JournalRecord): Promise<void> {
  const { reader, journal, task } = context;
  if (reader.readOne(record.name)?.throwAway) {
    task.notice(`LXC Desktop ended while ${record.name} was tried. Nobody kept it, so it is removed.`);
    await discardContainer(context, record.name);
  }
  journal.remove(record);
}
