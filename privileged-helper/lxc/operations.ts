import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Application } from "../contract/application.ts";
import type { FirstStart } from "../contract/first-start.ts";
import type { ContainerSource, FilledIn, MethodName, NewContainer, ParamsInputOf, ParamsOf, TriedSource } from "../contract/methods.ts";
import type { Container, ContainerPreview, ContainerState, Task, TaskKind } from "../contract/model.ts";
import { isManageableName } from "../contract/names.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import type { SecurityFix } from "../contract/security.ts";
import type { StartCause, StartCauseId, StartFix } from "../contract/start-causes.ts";
import { secretOption } from "../contract/template-options.ts";
import { isAboutImage, type Journal, type JournalRecord } from "../journal.ts";
import type { LockRequest, Locks } from "../locks.ts";
import { type Blocker, createQueue } from "../queue.ts";
import type { Tasks } from "../tasks.ts";
import type { Uploads } from "../uploads.ts";
import { endAbandonedChange, hardenContainer, softenContainer } from "./audit/apply-fix.ts";
import { convertContainer, endAbandonedConversion } from "./audit/convert-container.ts";
import { weakens } from "./audit/fixes.ts";
import { cloneContainer } from "./clone.ts";
import { type Copy, isPrivileged, readCloneSource, requireClonable } from "./clone-source.ts";
import { usesHostNetwork } from "./container-network.ts";
import { checkContainerOptions } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { createFromTemplate } from "./create.ts";
import { createFromImage } from "./create-from-image.ts";
import { destroyContainer } from "./destroy.ts";
import { discardAbandoned } from "./discard.ts";
import { setUp } from "./first-start.ts";
import { deleteImage } from "./image-delete.ts";
import { importImage } from "./image-import.ts";
import { saveImage } from "./image-save.ts";
import { createImageStore, type ImageStore, newImageId, type StoredImage } from "./image-store.ts";
import { forceStop, freeze, requireState, restart, start, stop, unfreeze } from "./lifecycle.ts";
import { type ContainerReader, isActive } from "./list.ts";
import { makeUndoably, startNew } from "./make-undoably.ts";
import { previewContainer } from "./preview.ts";
import { endAbandonedFirstStart, removeAbandoned, removeAbandonedImage } from "./recover.ts";
import { outdated, repairContainer } from "./repair.ts";
import { type ClonedSource, createThrowAways, type MoreRights, requireRight, type ThrowAwayOperations } from "./throw-away-operations.ts";
import { endAbandonedUpdate, installUpdates, lookForUpdates } from "./updates.ts";
import { thaw, thawAbandoned } from "./while-frozen.ts";

/** Everything that changes containers and images. Each promise settles when the task has ended, and all that failed is undone. */
export type Operations = ThrowAwayOperations & {
  /** @param rights What whoever asks may have besides. */
  create(params: ParamsOf<"containers.create">, signal: AbortSignal, rights?: MoreRights): Promise<void>;
  /** Whether what is made of this would have this computer's own network. @throws ProblemError `not-found`. */
  wantsHostNetwork(source: ContainerSource | TriedSource, network?: NewContainer["network"]): boolean;
  /** What `create` would do; nothing of it is done. */
  preview(params: ParamsOf<"containers.preview">): Promise<ContainerPreview>;
  /**
   * Does in a container that runs what `create` does at its first start.
   * @throws ProblemError `auth-denied` where it has become a privileged one and must not be.
   */
  setUp(wanted: { name: string; firstStart: FirstStart; mayBePrivileged: boolean }, signal: AbortSignal): Promise<void>;
  destroy(name: string, signal: AbortSignal): Promise<void>;
  start(name: string, signal: AbortSignal): Promise<void>;
  stop(name: string, timeoutSeconds: number, signal: AbortSignal): Promise<void>;
  forceStop(name: string, signal: AbortSignal): Promise<void>;
  restart(name: string, timeoutSeconds: number, signal: AbortSignal): Promise<void>;
  freeze(name: string, signal: AbortSignal): Promise<void>;
  unfreeze(name: string, signal: AbortSignal): Promise<void>;
  /** Makes an image of archives. @returns Its id. */
  importImage(params: ParamsOf<"images.import">, uploads: Uploads, signal: AbortSignal): Promise<{ image: string }>;
  /** Makes an image of the files of a container. @returns Its id. */
  saveImage(name: string, title: string, signal: AbortSignal): Promise<{ image: string }>;
  deleteImage(id: string, signal: AbortSignal): Promise<void>;
  /** What the last failed start of a container offered. @throws ProblemError `not-supported` where that is not (or no longer) this. */
  offeredFix(name: string, cause: StartCauseId): Extract<StartFix, { kind: "container" }>;
  /** Does that. */
  repair(name: string, cause: StartCauseId, signal: AbortSignal): Promise<void>;
  /**
   * Does what `security.previewFix` tells.
   * @param wanted.mayWeaken Whether whoever asks may make it less isolated than it is.
   * @throws ProblemError `fix-taken-back` where it did not come up as it was.
   */
  harden(wanted: { name: string; fix: SecurityFix; mayWeaken: boolean }, signal: AbortSignal): Promise<void>;
  /** Takes back the last fix of a check. */
  soften(name: string, check: SecurityFix["check"], signal: AbortSignal): Promise<void>;
  /**
   * Asks a container's package manager what is to be updated.
   * @throws ProblemError `auth-denied` where it has become a privileged one and must not be.
   */
  lookForUpdates(wanted: Entered, signal: AbortSignal): Promise<void>;
  /** Has it install that. */
  installUpdates(wanted: Entered, signal: AbortSignal): Promise<void>;
  /** Removes what helpers that were killed left half made. */
  recover(): Promise<void>;
};

/** A container whose own programs are run, and whether whoever asks may do that in one without a user namespace. */
type Entered = { name: string; mayBePrivileged: boolean };

export type World = { lxcPath: string; reader: ContainerReader; tasks: Tasks; journal: Journal; locks: Locks; images?: ImageStore };

export type Job = {
  kind: TaskKind;
  /** A container, or the title of an image. */
  target: string;
  isAboutContainer?: boolean;
  /** False where nobody asked for it. Then it does not wait for its turn either. */
  isRequested?: boolean;
  /** Absent where it cannot be asked for again. */
  request?: Task["request"];
  form?: Task["form"];
  cancellable?: boolean;
  signal?: AbortSignal;
  lane?: "work" | "force";
  /** Containers that must stay as they are meanwhile, or that something is done with, too. */
  others?: { name: string; mode: "shared" | "exclusive" }[];
  /** The image that it is about, or that must stay meanwhile. */
  image?: { id: string; mode: "exclusive" | "shared" };
  /** The state that it leads to: where it has waited and that state has come by itself, there is nothing left to do. */
  leadsTo?: ContainerState;
  /** Refuses before there is a task, or when its turn has come; nothing changes between this and the work. */
  check(): void;
  work(context: OperationContext): Promise<void>;
};

/** What becomes of that at which helpers were killed. */
const recoverers: Record<JournalRecord["kind"], (context: OperationContext, record: JournalRecord) => Promise<void>> = {
  create: removeAbandoned,
  clone: removeAbandoned,
  import: removeAbandonedImage,
  "save-image": removeAbandonedImage,
  "delete-image": removeAbandonedImage,
  freeze: thawAbandoned,
  try: discardAbandoned,
  "first-start": endAbandonedFirstStart,
  harden: endAbandonedChange,
  update: endAbandonedUpdate,
  convert: endAbandonedConversion,
};

/** What locks of images are called, as no container can be. */
const imageLock = "image:";

export function createOperations(world: World): Operations {
  const { lxcPath, reader, tasks, journal, locks, images = createImageStore({ lxcPath }) } = world;
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
    const { kind, target, isAboutContainer = true, isRequested = true, request, form, cancellable = false, signal, check, work } = job;
    const needed = locksOf(job);
    const place = queue.enter(needed);
    try {
      const blocker = await place.attempt();
      if (blocker && (!isRequested || makesNoSenseAfter(needed, blocker))) {
        throw new ProblemError({ code: "busy", name: called(blocker.name), operation: blocker.operation });
      }
      if (!blocker) check();
      const turn = async (waiting: AbortSignal, tell: (waitsFor: Task["waitsFor"]) => void) => {
        if (blocker) tell(whatItWaitsFor(blocker));
        await place.turn(waiting, (next) => tell(whatItWaitsFor(next)));
      };
      const asTask = { kind, target, isAboutContainer, cancellable, signal, request, form, isRequested, turn: blocker && turn };
      await tasks.run(asTask, async (task) => {
        if (blocker && hasComeTrue(job)) return task.output(`${target} is ${job.leadsTo} already: there is nothing left to do.\n`);
        if (blocker) check();
        await work({ lxcPath, reader, journal, images, task });
      });
      if (isAboutContainer) diagnoses.delete(target);
    } catch (thrown) {
      const problem = toProblem(thrown);
      if (problem.code === "start-failed") diagnoses.set(target, problem);
      throw thrown;
    } finally {
      place.leave();
    }
  };
  /** The first is of what it is about. */
  const locksOf = ({ kind, target, isAboutContainer = true, lane, others = [], image }: Job): LockRequest[] => {
    const containers = [...(isAboutContainer ? [target] : []), ...others.map(({ name }) => name)];
    for (const name of containers) requireManageable(name);
    return [
      ...(isAboutContainer ? [{ lxcPath, name: target, operation: kind, lane }] : []),
      ...others.map((other) => ({ lxcPath, operation: kind, ...other })),
      ...(image ? [{ lxcPath, name: `${imageLock}${image.id}`, operation: kind, mode: image.mode }] : []),
    ];
  };
  /** What people call that of which there is a lock. */
  const called = (lock: string): string => {
    if (!lock.startsWith(imageLock)) return lock;
    return images.readAll().find(({ id }) => lock === `${imageLock}${id}`)?.title ?? "an image";
  };
  const hasComeTrue = ({ target, leadsTo }: Job) => leadsTo !== undefined && reader.readOne(target)?.state === leadsTo;
  /** An operation of another helper has no task here. */
  const whatItWaitsFor = ({ name, operation, target }: Blocker): Task["waitsFor"] => {
    const title = called(target ?? name);
    const isIt = (task: Task) => target !== undefined && task.target === title && task.kind === operation && task.endedAt === undefined;
    return { operation, name: title, task: tasks.snapshot().tasks.findLast(isIt)?.id };
  };

  /** What is made of a container that runs is made while it is frozen, and nobody else is to thaw it before that is done. */
  const lockOfBase = ({ from, snapshot }: ClonedSource, copy: Copy) => {
    const isFrozenMeanwhile = snapshot === undefined && copy === "full" && isActive(reader.readOne(from));
    return { name: from, mode: isFrozenMeanwhile ? ("exclusive" as const) : ("shared" as const) };
  };
  /** @returns Whether it is privileged. @throws ProblemError where it cannot be cloned as it is now. */
  const checkBase = ({ from, snapshot }: ClonedSource, copy: Copy): boolean => {
    const base = findFinished(from);
    const source = readCloneSource(lxcPath, from, snapshot);
    if (snapshot === undefined) requireClonable(base, source.storage, copy);
    return isPrivileged(source);
  };
  const wantsHostNetwork: Operations["wantsHostNetwork"] = (source, network) => {
    if (network) return network.type === "host";
    if (source.type !== "clone") return false;
    findFinished(source.from);
    return usesHostNetwork(readCloneSource(lxcPath, source.from, source.snapshot).entries);
  };
  /** Refuses what cannot be made. */
  const checkNew = (params: ParamsOf<"containers.preview">) => {
    const { source, name, unprivileged, firstStart } = params;
    if (exists(join(lxcPath, name))) throw new ProblemError({ code: "already-exists", name });
    const isPrivilegedBase = source.type === "clone" ? checkBase(source, source.copy) : undefined;
    if (firstStart) requireFitting(params, isPrivilegedBase);
    if (params.hardened && !unprivileged) throw invalid("hardened", "only an unprivileged container can be hardened");
    if (params.hardened && source.type === "clone") throw invalid("hardened", "a clone is what its base is");
    if (source.type === "image") requireSameKind(images.read(source.image), unprivileged, source.application);
    checkContainerOptions(params, isPrivilegedBase ?? !unprivileged);
  };
  const requireEntrance = ({ name, mayBePrivileged }: Entered) => {
    const container = findFinished(name);
    requireState(container, "enter");
    if (container.privileged && !mayBePrivileged) throw new ProblemError({ code: "auth-denied", action: "shell-privileged" });
  };
  const throwAways = createThrowAways({ ...world, images, perform, find, lockOfBase, checkBase, wantsHostNetwork });

  return {
    ...throwAways.operations,
    wantsHostNetwork,
    create(params, signal, rights) {
      const { source, start: startAfter, firstStart, ...wanted } = params;
      const { name } = wanted;
      const kind = source.type === "clone" ? "clone" : "create";
      const make = (context: OperationContext) => {
        if (source.type === "clone") return cloneContainer(context, { ...wanted, ...source });
        if (source.type === "image") {
          return createFromImage(context, { ...wanted, image: images.read(source.image), application: source.application });
        }
        return createFromTemplate(context, { ...wanted, template: source.template, options: source.options });
      };
      return perform({
        kind,
        target: name,
        request: holdsSecret(source) ? undefined : requestOf("containers.create", params),
        form: formWithoutPassword(params),
        cancellable: true,
        signal,
        others: source.type === "clone" && source.from !== name ? [lockOfBase(source, source.copy)] : [],
        image: source.type === "image" ? { id: source.image, mode: "shared" } : undefined,
        check() {
          checkNew(params);
          if (!wanted.network && wantsHostNetwork(source)) requireRight(rights);
        },
        async work(context) {
          const keep = await makeUndoably(context, { kind, name }, join(lxcPath, name), make);
          if (!startAfter) return;
          const keepRunning = await startNew(context, name, keep);
          if (!firstStart) return;
          keep();
          keepRunning();
          context.task.retryWith(requestOf("containers.firstStart", { name, firstStart }));
          await setUp(context, name, firstStart);
        },
      });
    },
    async preview(params) {
      checkNew(params);
      return previewContainer({ lxcPath, reader, images }, params);
    },
    setUp: ({ name, firstStart, mayBePrivileged }, signal) =>
      perform({
        kind: "first-start",
        target: name,
        request: requestOf("containers.firstStart", { name, firstStart }),
        cancellable: true,
        signal,
        check: () => requireEntrance({ name, mayBePrivileged }),
        work: (context) => setUp(context, name, firstStart),
      }),
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
        async work(context) {
          await destroyContainer(context, name);
          throwAways.forget(name);
        },
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
        async work(context) {
          await stop(context, name, timeoutSeconds);
          await throwAways.removeStopped(context, name);
        },
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
        async work(context) {
          await forceStop(context, name);
          await throwAways.removeStopped(context, name);
        },
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
        async work(context) {
          context.task.onUndo(() => thaw(context, name));
          await freeze(context, name);
        },
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
    async importImage(params, uploads, signal) {
      const { title, meta, sha256, request, form } = params;
      if ((meta === undefined) !== (sha256.meta === undefined)) throw invalid("sha256.meta", "goes with meta");
      const id = newImageId();
      await tasks.run(
        { kind: "import", target: title, request, form, isAboutContainer: false, cancellable: true, signal },
        async (task) => {
          const context = { lxcPath, reader, journal, images, task };
          await makeUndoably(context, { kind: "import", name: id, title }, images.partialOf(id), (undoable) =>
            importImage(undoable, uploads, id, params),
          );
        },
      );
      return { image: id };
    },
    async saveImage(name, title, signal) {
      const id = newImageId();
      await perform({
        kind: "save-image",
        target: name,
        request: requestOf("images.save", { name, title }),
        cancellable: true,
        signal,
        check: () => requireState(findFinished(name), "save"),
        async work(context) {
          await makeUndoably(context, { kind: "save-image", name: id, title }, images.partialOf(id), (undoable) =>
            saveImage(undoable, { id, title, container: find(name) }),
          );
        },
      });
      return { image: id };
    },
    async deleteImage(id, signal) {
      const { title } = images.read(id);
      await perform({
        kind: "delete-image",
        target: title,
        isAboutContainer: false,
        request: requestOf("images.delete", { image: id }),
        signal,
        image: { id, mode: "exclusive" },
        check() {
          images.read(id);
          const containers = reader.readClaims().ofImages.get(id) ?? [];
          if (containers.length > 0) throw new ProblemError({ code: "image-in-use", image: title, containers });
        },
        work: (context) => deleteImage(context, id, title),
      });
    },
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
    harden: ({ name, fix, mayWeaken }, signal) =>
      perform({
        kind: "harden",
        target: name,
        request: requestOf("security.fix", { name, fix }),
        cancellable: fix.check === "user-namespace",
        signal,
        check() {
          requireState(findFinished(name), "harden");
          if (!mayWeaken && weakens({ lxcPath, reader }, name, fix))
            throw new ProblemError({ code: "auth-denied", action: "configure-raw" });
        },
        work: (context) => (fix.check === "user-namespace" ? convertContainer(context, name, fix) : hardenContainer(context, name, fix)),
      }),
    soften: (name, check, signal) =>
      perform({
        kind: "soften",
        target: name,
        request: requestOf("security.undo", { name, check }),
        cancellable: check === "user-namespace",
        signal,
        check: () => requireState(findFinished(name), "harden"),
        work: (context) => softenContainer(context, name, check),
      }),
    lookForUpdates: (wanted, signal) =>
      perform({
        kind: "look-for-updates",
        target: wanted.name,
        request: requestOf("security.lookForUpdates", { name: wanted.name }),
        cancellable: true,
        signal,
        check: () => requireEntrance(wanted),
        async work(context) {
          await lookForUpdates(context, wanted.name);
        },
      }),
    installUpdates: (wanted, signal) =>
      perform({
        kind: "update",
        target: wanted.name,
        request: requestOf("security.installUpdates", { name: wanted.name }),
        cancellable: true,
        signal,
        check: () => requireEntrance(wanted),
        work: (context) => installUpdates(context, wanted.name),
      }),
    async recover() {
      for (const record of journal.abandoned(lxcPath)) {
        const isStillThere = () => journal.abandoned(lxcPath).some(({ id }) => id === record.id);
        try {
          await perform({
            kind: "recover",
            ...(isAboutImage(record)
              ? { target: record.title ?? "an image", isAboutContainer: false, image: { id: record.name, mode: "exclusive" } }
              : { target: record.name }),
            isRequested: false,
            check() {
              if (!isStillThere()) throw new ProblemError({ code: "cancelled" });
            },
            work: (context) => recoverers[record.kind](context, record),
          });
        } catch {
          // Another helper does it, or did; or the failed task tells why, and the next helper tries again.
        }
      }
    },
  };
}

/** What can be told before a container is there. Who asked was judged by whether it was to be unprivileged, so a clone must be that. */
function requireFitting(
  { start, firstStart, network, unprivileged }: ParamsOf<"containers.preview">,
  isPrivilegedBase: boolean | undefined,
) {
  if (!start) throw invalid("firstStart", "is done once it runs, so it has to be started");
  if (isPrivilegedBase === unprivileged) throw invalid("unprivileged", "a clone is what its base is");
  if (firstStart?.packages && network?.type === "none") throw invalid("firstStart.packages", "it has no network to fetch them from");
}

/** Tasks are kept and shown to others, and a password is nobody else's. */
/** An application's environment is where passwords are. */
function holdsSecret(source: ContainerSource): boolean {
  if (source.type === "image") return source.application !== undefined;
  return source.type === "template" && Object.keys(source.options).some((name) => secretOption.test(name));
}

/** With what the dialog is filled in again where the template was given a password, which is not kept. */
function formWithoutPassword({ name, source, ...choices }: ParamsOf<"containers.create">): FilledIn | undefined {
  if (source.type !== "template" || !holdsSecret(source)) return undefined;
  const options = Object.fromEntries(Object.entries(source.options).filter(([option]) => !secretOption.test(option)));
  return { names: [name], choices: { ...choices, source: { ...source, options } }, lacks: { what: "password" } };
}

function requestOf<M extends MethodName>(method: M, params: ParamsInputOf<M>): Task["request"] {
  return { method, params };
}

/** Doing the same once more, or ending by force what is just being ended by force: a click too many. */
function makesNoSenseAfter([wanted]: readonly LockRequest[], { name, operation }: Blocker): boolean {
  const makes = (operationKind: string) => operationKind === "create" || operationKind === "clone";
  return name === wanted?.name && (wanted.operation === operation || (makes(wanted.operation) && makes(operation)));
}

/** The files of an image have their owners already. */
function requireSameKind(image: StoredImage, unprivileged: boolean, application: Application | undefined) {
  if (application && !image.application) throw invalid("source.application", "the image is not one of an application");
  if (image.unprivileged === unprivileged) return;
  throw invalid("unprivileged", `the image is for ${image.unprivileged ? "unprivileged" : "privileged"} containers`);
}

function invalid(path: string, message: string): ProblemError {
  return new ProblemError({ code: "invalid-request", issues: [{ path, message }] });
}

/** Names were parsed before. They are here again, because after this nothing looks at them until root's shell does. */
function requireManageable(name: string) {
  if (!isManageableName(name)) throw invalid("name", "not a name that may be managed");
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
