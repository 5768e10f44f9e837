import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { ContainerSource, MethodName, ParamsInputOf, ParamsOf } from "../contract/methods.ts";
import type { Container, ContainerState, Task, TaskKind } from "../contract/model.ts";
import { isManageableName } from "../contract/names.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import type { StartCause, StartCauseId, StartFix } from "../contract/start-causes.ts";
import { secretOption } from "../contract/template-options.ts";
import type { Journal } from "../journal.ts";
import type { Locks } from "../locks.ts";
import { type Blocker, createQueue } from "../queue.ts";
import type { Tasks } from "../tasks.ts";
import { cloneContainer } from "./clone.ts";
import { checkContainerOptions } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { createFromTemplate } from "./create.ts";
import { destroyContainer } from "./destroy.ts";
import { forceStop, freeze, requireState, restart, start, stop, unfreeze } from "./lifecycle.ts";
import type { ContainerReader } from "./list.ts";
import { removeAbandoned } from "./recover.ts";
import { outdated, repairContainer } from "./repair.ts";

/** Everything that changes containers. Each promise settles when the task has ended, and all that failed is undone. */
export type Operations = {
  create(params: ParamsOf<"containers.create">, signal: AbortSignal): Promise<void>;
  destroy(name: string, signal: AbortSignal): Promise<void>;
  start(name: string, signal: AbortSignal): Promise<void>;
  stop(name: string, timeoutSeconds: number, signal: AbortSignal): Promise<void>;
  forceStop(name: string, signal: AbortSignal): Promise<void>;
  restart(name: string, timeoutSeconds: number, signal: AbortSignal): Promise<void>;
  freeze(name: string, signal: AbortSignal): Promise<void>;
  unfreeze(name: string, signal: AbortSignal): Promise<void>;
  /** What the last failed start of a container offered. @throws ProblemError `not-supported` where that is not (or no longer) this. */
  offeredFix(name: string, cause: StartCauseId): Extract<StartFix, { kind: "container" }>;
  /** Does that. */
  repair(name: string, cause: StartCauseId, signal: AbortSignal): Promise<void>;
  /** Removes what helpers that were killed left half made. */
  recover(): Promise<void>;
};

type World = { lxcPath: string; reader: ContainerReader; tasks: Tasks; journal: Journal; locks: Locks };

type Job = {
  kind: TaskKind;
  target: string;
  /** False where nobody asked for it. Then it does not wait for its turn either. */
  isRequested?: boolean;
  /** Absent where it cannot be asked for again. */
  request?: Task["request"];
  cancellable?: boolean;
  signal?: AbortSignal;
  lane?: "work" | "force";
  /** Containers that must stay as they are meanwhile. */
  keepStill?: string[];
  /** The state that it leads to: where it has waited and that state has come by itself, there is nothing left to do. */
  leadsTo?: ContainerState;
  /** Refuses before there is a task, or when its turn has come; nothing changes between this and the work. */
  check(): void;
  work(context: OperationContext): Promise<void>;
};

export function createOperations({ lxcPath, reader, tasks, journal, locks }: World): Operations {
  const find = (name: string): Container => {
    const container = reader.readOne(name);
    if (!container) throw new ProblemError({ code: "not-found", what: name });
    return container;
  };
  /** A container that is half made has no right owners and no network yet: it can be removed, nothing else. */
  const findFinished = (name: string): Container => {
    const container = find(name);
    if (journal.unfinished(lxcPath).has(name)) throw new ProblemError({ code: "busy", name, operation: "create" });
    return container;
  };

  /** Why containers did not start, so that nobody but us says what a repair does. */
  const diagnoses = new Map<string, { cause: StartCause; fix: StartFix }>();
  const diagnosisOf = (name: string, id: StartCauseId) => {
    const { cause, fix } = diagnoses.get(name) ?? {};
    if (cause?.id !== id || fix?.kind !== "container") throw outdated();
    return { cause, fix };
  };

  const queue = createQueue(locks);

  const perform = async (job: Job) => {
    const { kind, target, isRequested = true, request, cancellable = false, signal, lane, keepStill = [], check, work } = job;
    for (const name of [target, ...keepStill]) requireManageable(name);
    const place = queue.enter([
      { lxcPath, name: target, operation: kind, lane },
      ...keepStill.map((name) => ({ lxcPath, name, operation: kind, mode: "shared" as const })),
    ]);
    try {
      const blocker = await place.attempt();
      if (blocker && (!isRequested || makesNoSenseAfter(job, blocker))) {
        throw new ProblemError({ code: "busy", name: blocker.name, operation: blocker.operation });
      }
      if (!blocker) check();
      const turn = async (waiting: AbortSignal, tell: (waitsFor: Task["waitsFor"]) => void) => {
        if (blocker) tell(whatItWaitsFor(blocker));
        await place.turn(waiting, (next) => tell(whatItWaitsFor(next)));
      };
      await tasks.run({ kind, target, cancellable, signal, request, isRequested, turn: blocker && turn }, async (task) => {
        if (blocker && hasComeTrue(job)) return task.output(`${target} is ${job.leadsTo} already: there is nothing left to do.\n`);
        if (blocker) check();
        await work({ lxcPath, reader, journal, task });
      });
      diagnoses.delete(target);
    } catch (thrown) {
      const problem = toProblem(thrown);
      if (problem.code === "start-failed") diagnoses.set(target, problem);
      throw thrown;
    } finally {
      place.leave();
    }
  };
  const hasComeTrue = ({ target, leadsTo }: Job) => leadsTo !== undefined && reader.readOne(target)?.state === leadsTo;
  /** An operation of another helper has no task here. */
  const whatItWaitsFor = ({ name, operation, target }: Blocker): Task["waitsFor"] => {
    const isIt = (task: Task) => task.target === target && task.kind === operation && task.endedAt === undefined;
    return { operation, name: target ?? name, task: tasks.snapshot().tasks.findLast(isIt)?.id };
  };

  return {
    create(params, signal) {
      const { source, start: startAfter, ...wanted } = params;
      const { name, unprivileged } = wanted;
      const kind = source.type === "clone" ? "clone" : "create";
      const make = (context: OperationContext) =>
        source.type === "clone"
          ? cloneContainer(context, { ...wanted, from: source.from })
          : createFromTemplate(context, { ...wanted, template: source.template, options: source.options });
      return perform({
        kind,
        target: name,
        request: holdsSecret(source) ? undefined : requestOf("containers.create", params),
        cancellable: true,
        signal,
        keepStill: source.type === "clone" && source.from !== name ? [source.from] : [],
        check() {
          if (exists(join(lxcPath, name))) throw new ProblemError({ code: "already-exists", name });
          const base = source.type === "clone" ? findFinished(source.from) : undefined;
          if (base) requireState(base, "clone");
          checkContainerOptions(wanted, base?.privileged ?? !unprivileged);
        },
        async work(context) {
          const keep = await makeUndoably(context, name, kind, make);
          if (startAfter) await startNew(context, name, keep);
        },
      });
    },
    destroy: (name, signal) =>
      perform({
        kind: "destroy",
        target: name,
        request: requestOf("containers.destroy", { name }),
        signal,
        check() {
          const container = find(name);
          requireState(container, "destroy");
          if (container.clones.length > 0) throw new ProblemError({ code: "has-clones", name, clones: container.clones });
        },
        work: (context) => destroyContainer(context, name),
      }),
    start: (name, signal) =>
      perform({
        kind: "start",
        target: name,
        request: requestOf("containers.start", { name }),
        leadsTo: "running",
        cancellable: true,
        signal,
        check: () => requireState(findFinished(name), "start"),
        work: (context) => start(context, name),
      }),
    stop: (name, timeoutSeconds, signal) =>
      perform({
        kind: "stop",
        target: name,
        request: requestOf("containers.stop", { name, timeoutSeconds }),
        leadsTo: "stopped",
        cancellable: true,
        signal,
        check: () => requireState(find(name), "stop"),
        work: (context) => stop(context, name, timeoutSeconds),
      }),
    forceStop: (name, signal) =>
      perform({
        kind: "force-stop",
        target: name,
        request: requestOf("containers.forceStop", { name }),
        signal,
        lane: "force",
        check() {
          requireState(find(name), "forceStop");
          // Whoever waits for it to shut down waits no longer, and must not start it again; nor must one whose turn is still to come.
          for (const { id, kind, target, endedAt } of tasks.snapshot().tasks) {
            if (target === name && endedAt === undefined && (kind === "stop" || kind === "restart")) tasks.cancel(id);
          }
        },
        work: (context) => forceStop(context, name),
      }),
    restart: (name, timeoutSeconds, signal) =>
      perform({
        kind: "restart",
        target: name,
        request: requestOf("containers.restart", { name, timeoutSeconds }),
        cancellable: true,
        signal,
        check: () => requireState(findFinished(name), "stop"),
        work: (context) => restart(context, name, timeoutSeconds),
      }),
    freeze: (name, signal) =>
      perform({
        kind: "freeze",
        target: name,
        request: requestOf("containers.freeze", { name }),
        leadsTo: "frozen",
        signal,
        check: () => requireState(find(name), "freeze"),
        work: (context) => freeze(context, name),
      }),
    unfreeze: (name, signal) =>
      perform({
        kind: "unfreeze",
        target: name,
        request: requestOf("containers.unfreeze", { name }),
        leadsTo: "running",
        signal,
        check: () => requireState(find(name), "unfreeze"),
        work: (context) => unfreeze(context, name),
      }),
    offeredFix: (name, cause) => diagnosisOf(name, cause).fix,
    repair: (name, cause, signal) =>
      perform({
        kind: "repair",
        target: name,
        request: requestOf("containers.repair", { name, cause }),
        signal,
        check: () => requireState(findFinished(name), "repair"),
        work(context) {
          const diagnosis = diagnosisOf(name, cause);
          return repairContainer(context, name, diagnosis.cause, diagnosis.fix);
        },
      }),
    async recover() {
      for (const record of journal.abandoned(lxcPath)) {
        const isStillThere = () => journal.abandoned(lxcPath).some(({ id }) => id === record.id);
        try {
          await perform({
            kind: "recover",
            target: record.name,
            isRequested: false,
            check() {
              if (!isStillThere()) throw new ProblemError({ code: "cancelled" });
            },
            work: (context) => removeAbandoned(context, record),
          });
        } catch {
          // Another helper does it, or did; or the failed task tells why, and the next helper tries again.
        }
      }
    },
  };
}

/**
 * Makes a container so that nothing is left of it where that fails, is cancelled, or the helper is killed.
 * @returns A function after which it is not undone any more, whatever becomes of the task.
 */
async function makeUndoably(
  context: OperationContext,
  name: string,
  kind: "create" | "clone",
  make: (context: OperationContext) => Promise<void>,
): Promise<() => void> {
  const { lxcPath, journal, task } = context;
  const record = journal.begin({ lxcPath, name, kind });
  let kept = false;
  // Runs last. What could not be removed stays on record, for the next helper.
  task.onUndo(() => {
    if (kept || !exists(join(lxcPath, name))) record.finish();
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
  // Complete from here on: a helper that is killed now leaves a good container.
  record.finish();
  return () => {
    kept = true;
  };
}

/** Starts what was just made. Where it does not start it is kept, so that its log can be read; cancelling removes it. */
async function startNew(context: OperationContext, name: string, keep: () => void) {
  try {
    await start(context, name);
  } catch (thrown) {
    if (!context.task.signal.aborted && toProblem(thrown).code !== "cancelled") keep();
    throw thrown;
  }
}

/** Tasks are kept and shown to others, and a password is nobody else's. */
function holdsSecret(source: ContainerSource): boolean {
  return source.type === "template" && Object.keys(source.options).some((name) => secretOption.test(name));
}

function requestOf<M extends MethodName>(method: M, params: ParamsInputOf<M>): Task["request"] {
  return { method, params };
}

/** Doing the same once more, or ending by force what is just being ended by force: a click too many. */
function makesNoSenseAfter({ kind, target }: Job, { name, operation }: Blocker): boolean {
  const makes = (operationKind: string) => operationKind === "create" || operationKind === "clone";
  return name === target && (kind === operation || (makes(kind) && makes(operation)));
}

/** Names were parsed before. They are here again, because after this nothing looks at them until root's shell does. */
function requireManageable(name: string) {
  if (isManageableName(name)) return;
  throw new ProblemError({ code: "invalid-request", issues: [{ path: "name", message: "not a name that may be managed" }] });
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
