import { ProblemError, toProblem } from "./contract/problems.ts";
import type { LockRequest, Locks } from "./locks.ts";

/**
 * Who works on a container next. Within this helper it is first come, first served; what another helper does is waited for, and of
 * two helpers that wait the quicker one is next. Whoever waits holds nothing, so that no two wait for each other.
 */
export type Queue = {
  /**
   * Takes a place behind all that came before and want one of the same containers.
   * @param locks All that is needed at once; the first is of the container that the operation is about.
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

/** An operation that comes first. */
export type Blocker = {
  /** The container that both want. */
  name: string;
  operation: string;
  /** The container that the operation is about; absent where it is another helper's. */
  target?: string;
};

export function createQueue(locks: Locks): Queue {
  /** In the order in which they came, without those whose turn has come. */
  const line: (readonly LockRequest[])[] = [];
  /** What those have taken whose turn has come. */
  const taken = new Set<readonly LockRequest[]>();
  const sleepers = new Set<() => void>();
  let changes = 0;
  let endWatching: (() => void) | undefined;

  const wake = () => {
    changes += 1;
    for (const resolve of [...sleepers]) resolve();
  };
  const takeOut = (requests: readonly LockRequest[]) => {
    const index = line.indexOf(requests);
    if (index >= 0) line.splice(index, 1);
  };
  /** Of this helper, whoever came last. */
  const findBlocker = (requests: readonly LockRequest[]): Blocker | undefined => {
    for (const others of [...line.slice(0, line.indexOf(requests)).reverse(), ...taken]) {
      const theirs = others.find((other) => requests.some((request) => isInTheWay(other, request)));
      if (theirs) return { name: theirs.name, operation: theirs.operation, target: others[0]?.name };
    }
    return undefined;
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
    enter(locksNeeded) {
      // A place is told from others by its own list.
      const requests = [...locksNeeded];
      line.push(requests);
      let releases: (() => void)[] = [];

      const attempt = async (): Promise<Blocker | undefined> => {
        const blocker = findBlocker(requests);
        if (blocker) return blocker;
        const acquired: (() => void)[] = [];
        try {
          for (const request of requests) acquired.unshift(await locks.acquire(request));
        } catch (thrown) {
          for (const release of acquired) release();
          const problem = toProblem(thrown);
          if (problem.code === "busy") return { name: problem.name, operation: problem.operation };
          throw thrown;
        }
        releases = acquired;
        taken.add(requests);
        takeOut(requests);
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
          takeOut(requests);
          taken.delete(requests);
          for (const release of releases) release();
          releases = [];
          wake();
        },
      };
    },
  };
}

function isInTheWay(theirs: LockRequest, ours: LockRequest): boolean {
  const isSame = theirs.lxcPath === ours.lxcPath && theirs.name === ours.name;
  const isShared = theirs.mode === "shared" && ours.mode === "shared";
  // Ending by force waits for no work, and is waited for.
  const goesFirst = ours.lane === "force" && theirs.lane !== "force";
  return isSame && !isShared && !goesFirst;
}
