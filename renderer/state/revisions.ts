/**
 * Keeps a copy of a list in step: a snapshot first, then changes whose revisions count on from it. A gap, or changes that come
 * before the snapshot, mean that something is missing: then a new snapshot is asked for.
 */
export type Followed<Snapshot extends { revision: number }, Change extends { revision: number }> = {
  ask(): Promise<Snapshot>;
  replace(snapshot: Snapshot): void;
  apply(change: Change): void;
};

/** @returns Takes each change; call it after `start`. */
export function followRevisions<Snapshot extends { revision: number }, Change extends { revision: number }>({
  ask,
  replace,
  apply,
}: Followed<Snapshot, Change>): { start(): Promise<void>; onChange(change: Change): void; stop(): void } {
  let revision: number | undefined;
  let early: Change[] = [];
  let isAsking = false;
  let isStopped = false;

  const start = async () => {
    if (isAsking || isStopped) return;
    isAsking = true;
    revision = undefined;
    early = [];
    const snapshot = await ask().catch(() => undefined);
    isAsking = false;
    // Without a helper there is nothing to follow; the next one starts this anew.
    if (isStopped || !snapshot) return;
    revision = snapshot.revision;
    replace(snapshot);
    for (const change of early) if (change.revision > snapshot.revision) onChange(change);
  };

  const onChange = (change: Change) => {
    if (isStopped) return;
    if (isAsking) {
      early.push(change);
      return;
    }
    if (revision === undefined || change.revision !== revision + 1) {
      void start();
      return;
    }
    revision = change.revision;
    apply(change);
  };

  return {
    start,
    onChange,
    stop() {
      isStopped = true;
    },
  };
}
