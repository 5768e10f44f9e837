import { ProblemError, toProblem } from "./contract/problems.ts";
import type { LockRequest, Locks } from "./locks.ts";

/**
 * Who works on a container next. Within this helper it is first come, first served; what another helper does is waited for, and of
 * two helpers that wait the quicker one is next. Whoever waits holds nothing, so that no two wait for each other.
 */
export type Queue = {
  /**
   * Takes a place behind all that came before and want one of the same containers.
   * @param locks All that is needed at once.
   */
  enter(locks: readonly LockRequest[]): Place;
};

export type Place = {
  /** Takes what is needed, if nothing is in the way. @returns What is. */
  attempt(): Promise<Blocker | undefined>;
  /**
   * Waits until it could be taken.
   * @param onBlocked Told what is in the way now.
   * @throws ProblemError `cancelled` when the signal aborts.
   */
  turn(signal: AbortSignal, onBlocked: (blocker: Blocker) => void): Promise<void>;
  /** Gives back what was taken, or the place. */
  leave(): void;
};

/** An operation on a container that comes first. */
export type Blocker = { name: string; operation: string };

type Waiting = { locks: readonly LockRequest[] };

export function createQueue(locks: Locks): Queue {
  /** In the order in which they came, without those whose turn has come. */
  const line: Waiting[] = [];
  const sleepers = new Set<() => void>();
  let changes = 0;
  let endWatching: (() => void) | undefined;

  const wake = () => {
    changes += 1;
    for (const resolve of [...sleepers]) resolve();
  };
  const takeOut = (waiting: Waiting) => {
    const index = line.indexOf(waiting);
    if (index >= 0) line.splice(index, 1);
  };
  /** Until something changes; locks of other helpers are watched while somebody waits. */
  const sleep = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const end = () => {
        sleepers.delete(end);
        signal.removeEventListener("abort", end);
        if (sleepers.size === 0) {
          endWatching?.();
          endWatching = undefined;
        }
        resolve();
      };
      sleepers.add(end);
      signal.addEventListener("abort", end, { once: true });
      endWatching ??= locks.onReleased(wake);
    });

  return {
    enter(requests) {
      const waiting: Waiting = { locks: requests };
      line.push(waiting);
      let releases: (() => void)[] = [];

      const attempt = async (): Promise<Blocker | undefined> => {
        const ahead = line.slice(0, line.indexOf(waiting)).reverse();
        for (const other of ahead) {
          const blocker = other.locks.find((theirs) => requests.some((ours) => excludeEachOther(theirs, ours)));
          if (blocker) return { name: blocker.name, operation: blocker.operation };
        }
        const taken: (() => void)[] = [];
        try {
          for (const request of requests) taken.push(await locks.acquire(request));
        } catch (thrown) {
          for (const release of taken.reverse()) release();
          const problem = toProblem(thrown);
          if (problem.code === "busy") return { name: problem.name, operation: problem.operation };
          throw thrown;
        }
        releases = taken.reverse();
        takeOut(waiting);
        return undefined;
      };

      return {
        attempt,
        async turn(signal, onBlocked) {
          for (;;) {
            const seen = changes;
            const blocker = await attempt();
            if (signal.aborted) throw new ProblemError({ code: "cancelled" });
            if (!blocker) return;
            onBlocked(blocker);
            if (seen === changes) await sleep(signal);
            if (signal.aborted) throw new ProblemError({ code: "cancelled" });
          }
        },
        leave() {
          takeOut(waiting);
          for (const release of releases) release();
          releases = [];
          wake();
        },
      };
    },
  };
}

function excludeEachOther(a: LockRequest, b: LockRequest): boolean {
  const isShared = a.mode === "shared" && b.mode === "shared";
  return a.lxcPath === b.lxcPath && a.name === b.name && (a.lane ?? "work") === (b.lane ?? "work") && !isShared;
}
