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
  let asking = false;
  let stopped = false;

  const start = async () => {
    if (asking) return;
    asking = true;
    revision = undefined;
    try {
      const snapshot = await ask();
      if (stopped) return;
      revision = snapshot.revision;
      replace(snapshot);
      const waiting = early;
      early = [];
      asking = false;
      for (const change of waiting) if (revision !== undefined && change.revision > revision) onChange(change);
    } catch {
      // Without a helper there is nothing to follow; the next one starts this anew.
      early = [];
    } finally {
      asking = false;
    }
  };

  const onChange = (change: Change) => {
    if (stopped) return;
    if (revision === undefined) {
      early.push(change);
      return;
    }
    if (change.revision !== revision + 1) {
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
      stopped = true;
    },
  };
}
