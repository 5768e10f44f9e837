import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProblemError } from "./contract/problems.ts";
import { isHeld, ownProcess } from "./holder.ts";
import { watchPath } from "./lxc/inotify.ts";

/**
 * One operation per container, across all helpers of this computer (two people may each have one).
 *
 * A lock is an empty file whose name says it all: container, lane, mode, operation, and the process that holds it. A
 * helper first puts its file there and then looks for others. Of two that come at the same moment at least one sees the
 * other and steps back, so there are never two holders; and because no file's name is ever used twice, what a killed helper
 * left may be removed by anybody, without a race about who takes over.
 */
export type LockRequest = {
  lxcPath: string;
  name: string;
  /** What a refused one is told: the running operation. */
  operation: string;
  /** `shared` ones do not exclude each other: several clones of one base. */
  mode?: "exclusive" | "shared";
  /** Ending by force must be possible while something else hangs, so it waits for no work; work begins only once it is over. */
  lane?: Lane;
};

type Lane = "work" | "force";
/** Whose locks are in the way of one of a lane. */
const lanesInTheWay: Record<Lane, readonly Lane[]> = { work: ["work", "force"], force: ["force"] };

export type Locks = {
  /**
   * Takes a lock, at once or never.
   * @returns The function that gives it back.
   * @throws ProblemError `busy`, with the operation that holds it.
   */
  acquire(request: LockRequest): Promise<() => void>;
  /** Calls back when a lock of any helper may have been given back, until the function that it returns is called. */
  onReleased(listener: () => void): () => void;
};

/** Two that stepped back from each other try again; three times is enough unless someone really holds it. */
const attempts = 3;
const stepBackMilliseconds = 20;
const lookAgainMilliseconds = 500;

/** Of the whole process, so that no two files of it ever have one name. */
let count = 0;

export function createLocks(directory = "/run/lxc-desktop/locks"): Locks {
  return {
    async acquire({ lxcPath, name, operation, mode = "exclusive", lane = "work" }) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const self = ownProcess();
      const folder = createHash("sha256").update(lxcPath).digest("hex").slice(0, 16);
      const inTheWay = lanesInTheWay[lane].map((other) => `${folder}.${other}.`);
      const findOther = (own?: string) =>
        readdirSync(directory)
          .filter((entry) => entry !== own && entry.endsWith(`.${name}`) && inTheWay.some((start) => entry.startsWith(start)))
          .map(parse)
          .find((lock) => lock?.name === name && (mode === "exclusive" || lock.mode === "exclusive") && isLive(lock));
      for (let attempt = 1; ; attempt++) {
        // Those that wait look without leaving a trace, which would wake each other up.
        let other = findOther();
        if (!other) {
          const file = `${folder}.${lane}.${mode}.${operation}.${self.pid}.${self.startTicks}.${++count}.${name}`;
          const path = join(directory, file);
          writeFileSync(path, "", { flag: "wx", mode: 0o600 });
          other = findOther(file);
          if (!other) return () => rmSync(path, { force: true });
          rmSync(path, { force: true });
        }
        if (other.pid === self.pid || attempt === attempts) {
          throw new ProblemError({ code: "busy", name, operation: other.operation });
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * stepBackMilliseconds));
      }
    },
    onReleased(listener) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const watched = watchPath(directory, listener);
      // A holder that was killed takes nothing away, and the kernel may have no watch left.
      const timer = setInterval(listener, lookAgainMilliseconds);
      return () => {
        if (watched.state === "watched") watched.close();
        clearInterval(timer);
      };
    },
  };

  function isLive(lock: ParsedLock): boolean {
    if (isHeld(lock)) return true;
    rmSync(join(directory, lock.file), { force: true });
    return false;
  }
}

type ParsedLock = { file: string; name: string; mode: string; operation: string; pid: number; startTicks: string };

/** HASH.LANE.MODE.OPERATION.PID.START.COUNT.NAME; only the name may hold more dots. */
function parse(file: string): ParsedLock | undefined {
  const [, , mode = "", operation = "", pid = "", startTicks = "", count, ...name] = file.split(".");
  return count === undefined ? undefined : { file, name: name.join("."), mode, operation, pid: Number(pid), startTicks };
}
