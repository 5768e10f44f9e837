import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { ContainerSource, NewContainer, TriedSource } from "../contract/methods.ts";
import type { Container } from "../contract/model.ts";
import type { ContainerName } from "../contract/names.ts";
import { ProblemError, toProblem } from "../contract/problems.ts";
import type { Journal } from "../journal.ts";
import { cloneContainer } from "./clone.ts";
import type { Copy } from "./clone-source.ts";
import type { OperationContext } from "./context.ts";
import { createFromImage } from "./create-from-image.ts";
import { destroyContainer } from "./destroy.ts";
import { discardContainer } from "./discard.ts";
import type { ImageStore } from "./image-store.ts";
import { forceStop, start, stop } from "./lifecycle.ts";
import { isActive } from "./list.ts";
import { makeUndoably } from "./make-undoably.ts";
import type { Job } from "./operations.ts";
import { throwAwayName, unmarkThrowAway } from "./throw-away.ts";

/** Containers that are only tried out: they go when they are stopped, unless somebody keeps them. */
export type ThrowAwayOperations = {
  /** Makes one and starts it. @param rights What whoever asks may have besides. @returns Its name. */
  tryOut(source: TriedSource, signal: AbortSignal, rights?: MoreRights): Promise<{ name: string }>;
  /** Makes it stay, under another name where that is wanted. */
  keep(name: string, as: ContainerName, signal: AbortSignal): Promise<void>;
  /** Ends and removes it; that it has gone already is no mistake. @throws ProblemError `not-supported` for any other container. */
  discard(name: string): Promise<void>;
  /** Those that this helper has made and that are still there. */
  triedOut(): string[];
};

export type MoreRights = { hostNetwork?: boolean };
export type ClonedSource = Pick<Extract<ContainerSource, { type: "clone" }>, "from" | "snapshot">;

type World = {
  lxcPath: string;
  journal: Journal;
  images: ImageStore;
  perform(job: Job): Promise<void>;
  find(name: string): Container;
  lockOfBase(source: ClonedSource, copy: Copy): NonNullable<Job["others"]>[number];
  checkBase(source: ClonedSource, copy: Copy): boolean;
  wantsHostNetwork(source: ContainerSource | TriedSource, network?: NewContainer["network"]): boolean;
};

/** How long one that is kept under another name may take to shut down. */
const stopTimeoutSeconds = 10;

/** @throws ProblemError `auth-denied` where it would get this computer's own network and nobody may have allowed that. */
export function requireRight(rights: MoreRights | undefined): void {
  if (!rights?.hostNetwork) throw new ProblemError({ code: "auth-denied", action: "configure-raw" });
}

export function createThrowAways({ lxcPath, journal, images, perform, find, lockOfBase, checkBase, wantsHostNetwork }: World) {
  /** Records of those that are there; what is on record when we are killed, the next helper removes. */
  const records = new Map<string, { finish(): void }>();
  const isTaken = (name: string) => lstatSync(join(lxcPath, name), { throwIfNoEntry: false }) !== undefined;
  const forget = (name: string) => {
    records.get(name)?.finish();
    records.delete(name);
  };
  const requireThrowAway = (name: string): Container => {
    const container = find(name);
    if (!container.throwAway) throw new ProblemError({ code: "not-supported", what: `${name} is no throw-away container.` });
    return container;
  };
  const make = (context: OperationContext, source: TriedSource, name: ContainerName) => {
    const options = { name, address: "static" as const, throwAway: true };
    if (source.type === "image") return createFromImage(context, { ...options, image: images.read(source.image) });
    return cloneContainer(context, { ...options, ...source, copy: "instant" });
  };
  const keepAs = async (context: OperationContext, name: string, as: ContainerName) => {
    const wasActive = isActive(context.reader.readOne(name));
    if (wasActive) {
      await stop(context, name, stopTimeoutSeconds).catch(async (thrown) => {
        if (toProblem(thrown).code !== "timed-out") throw thrown;
        await forceStop(context, name);
      });
    }
    const keep = await makeUndoably(context, { kind: "clone", name: as }, join(lxcPath, as), (undoable) =>
      cloneContainer(undoable, { name: as, from: name, address: "static", copy: "instant" }),
    );
    if (wasActive) await start(context, as);
    keep();
    await destroyContainer(context, name);
  };

  const operations: ThrowAwayOperations = {
    async tryOut(source, signal, rights) {
      const tried = source.type === "image" ? images.read(source.image).title : source.from;
      const name = throwAwayName(tried, isTaken);
      await perform({
        kind: "try",
        target: name,
        request: { method: "containers.try", params: { source } },
        cancellable: true,
        signal,
        others: source.type === "clone" ? [lockOfBase(source, "instant")] : [],
        image: source.type === "image" ? { id: source.image, mode: "shared" } : undefined,
        check() {
          if (wantsHostNetwork(source)) requireRight(rights);
          if (source.type === "clone") checkBase(source, "instant");
          else images.read(source.image);
        },
        async work(context) {
          const record = journal.begin({ lxcPath, name, kind: "try" });
          // Runs last; what could not be removed stays on record.
          context.task.onUndo(() => {
            if (!isTaken(name)) record.finish();
          });
          await makeUndoably(context, { kind: "clone", name }, join(lxcPath, name), (undoable) => make(undoable, source, name));
          await start(context, name);
          records.set(name, record);
        },
      });
      return { name };
    },
    keep: (name, as, signal) =>
      perform({
        kind: "keep",
        target: name,
        request: { method: "containers.keep", params: { name, as } },
        cancellable: as !== name,
        signal,
        others: as === name ? [] : [{ name: as, mode: "exclusive" }],
        check() {
          requireThrowAway(name);
          if (as !== name && isTaken(as)) throw new ProblemError({ code: "already-exists", name: as });
        },
        async work(context) {
          // First of all: whatever fails now, nothing is lost, and its terminal may close.
          unmarkThrowAway(lxcPath, name);
          forget(name);
          if (as === name) return;
          context.task.onUndo(() => context.task.notice(`It is kept as ${name}.`));
          await keepAs(context, name, as);
        },
      }),
    async discard(name) {
      try {
        await perform({
          kind: "discard",
          target: name,
          request: undefined,
          check: () => void requireThrowAway(name),
          work: (context) => discardContainer(context, name),
        });
      } catch (thrown) {
        const problem = toProblem(thrown);
        // It has gone, or somebody is about it.
        const isGone = problem.code === "not-found" && problem.what === name;
        if (!isGone && !(problem.code === "busy" && problem.operation === "discard")) throw thrown;
      }
      if (!isTaken(name)) forget(name);
    },
    triedOut: () => [...records.keys()],
  };

  return {
    operations,
    /** It is gone. */
    forget,
    /** What is only tried out goes when it is stopped. */
    async removeStopped(context: OperationContext, name: string) {
      if (!context.reader.readOne(name)?.throwAway) return;
      await destroyContainer(context, name);
      forget(name);
    },
  };
}
