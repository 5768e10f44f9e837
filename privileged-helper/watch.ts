import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Container, ContainersChanged, ContainersSnapshot, RunEnd, TaskKind } from "./contract/model.ts";
import { type ContainerCgroups, lxcCgroupRoots } from "./lxc/cgroup.ts";
import { type PathWatch, watchPath } from "./lxc/inotify.ts";
import type { ContainerReader } from "./lxc/list.ts";
import { payloadCgroups } from "./lxc/payload.ts";
import { readRunEnd } from "./lxc/run-end.ts";

/**
 * Notices what happens to containers, whoever does it: this app, or someone with `lxc-start` in a shell. The kernel tells
 * where something changed (inotify); the container that it concerns is then read anew. Nothing is watched while nobody listens.
 */
export type ContainerWatch = {
  /** All containers as they are now. Changes reported later count on from its revision. */
  snapshot(): ContainersSnapshot;
  /** Reports every real difference. The first listener starts the watching, the last one to go ends it. */
  onChanged(listener: (change: ContainersChanged) => void): () => void;
  /** To be called when what `operations()` gives may have changed. */
  operationsChanged(): void;
};

type Operations = ReadonlyMap<string, { task: string; kind: TaskKind }>;

export type ContainerWatchOptions = {
  reader: Pick<ContainerReader, "readAll" | "readOne">;
  lxcPath: string;
  /** Our own operations that run now, by container. */
  operations(): Operations;
  /** Folders in which LXC makes the cgroups of containers. */
  cgroupRoots?: () => readonly string[];
  /** The cgroups of a container, by its init process. */
  cgroups?: (name: string, initPid: number) => Pick<ContainerCgroups, "unified" | "freezer"> | undefined;
  /** What is known of how a run has ended, when it is over, by its init. */
  readEnd?: (name: string, initPid: number) => RunEnd;
  /** Told, once each, why changes are noticed late: the kernel refuses to watch, or the folder of containers cannot be read. */
  onDegraded?: (reason: string) => void;
};

/** A start makes a dozen events within a millisecond or two: one reading answers them all. */
const coalesceMilliseconds = 3;
/** An event that names no container that is known: maybe one with a cgroup name of its own, likely one of another folder. */
const unknownEventMilliseconds = 100;
/** Where such events come again and again and mean nothing to us, all is read anew for their sake ever more rarely, up to this. */
const longestUnknownEventMilliseconds = 3_200;
/** Everything is read at times, for what sends no event: addresses that change inside, a queue of events that overflowed. */
const sweepEveryMilliseconds = 10_000;
/** While nothing happens at all, it is done ever more rarely, up to this. */
const longestSweepMilliseconds = 40_000;
const blindSweepEveryMilliseconds = 1_000;
/** Some changes end after their event (a freezer at work, an address by DHCP), so the container is read again at growing intervals. */
const firstFollowUpMilliseconds = 10;
const certainFollowUpsUpToMilliseconds = 320;
const longestFollowUpMilliseconds = 2_000;
const followForMilliseconds = 60_000;
/** LXC thaws what it has just killed; under load that, the end of init, and the monitor's, are seen so far from each other. */
const thawBeforeEndMilliseconds = 2_000;
/** What the list depends on within a container's folder. Logs are written there as well, and often. */
const relevantEntries = new Set(["config", "rootfs", "partial", "lxc_snapshots", "lxc_rdepends"]);

export function createContainerWatch(options: ContainerWatchOptions): ContainerWatch {
  const { reader, operations, lxcPath } = options;
  const readEnd = options.readEnd ?? ((name, initPid) => readRunEnd(lxcPath, name, initPid));
  const listeners = new Set<(change: ContainersChanged) => void>();
  let known: Map<string, Container> | undefined;
  let revision = 0;

  const dirty = new Set<string>();
  let sweepIsDue = false;
  let flushTimer: NodeJS.Timeout | undefined;
  let unknownTimer: NodeJS.Timeout | undefined;
  let unknownPause = unknownEventMilliseconds;
  let sweepTimer: NodeJS.Timeout | undefined;
  let sweepPause = sweepEveryMilliseconds;
  const followUps = new Map<string, { timer: NodeJS.Timeout; delay: number; endsAt: number }>();
  const runs = new Map<string, Run>();
  const ends = new Map<string, RunEnd>();

  const lookAndFollow = (name: string) => {
    dirty.add(name);
    flushTimer ??= setTimeout(flush, coalesceMilliseconds).unref();
    followUp(name, firstFollowUpMilliseconds, performance.now() + followForMilliseconds);
  };
  const lookAtAll = () => {
    unknownTimer ??= setTimeout(() => {
      // Before the sweep: what it finds begins anew.
      unknownPause = Math.min(2 * unknownPause, longestUnknownEventMilliseconds);
      sweepIsDue = true;
      flush();
    }, unknownPause).unref();
  };

  const eyes = createEyes(options, {
    onContainerEvent: (name) => lookAndFollow(name),
    onFreezerEvent(name) {
      const run = runs.get(name);
      if (run) run.freezerWrittenAt = performance.now();
      lookAndFollow(name);
    },
    /** A cgroup may carry a number after the name of its container, so two containers can be meant; or one with a cgroup name of its own. */
    onCgroupEvent(names) {
      const meant = names.filter((name) => known?.has(name));
      for (const name of meant) lookAndFollow(name);
      if (meant.length === 0) lookAtAll();
    },
    onUnknownEvent: () => lookAtAll(),
  });

  const followUp = (name: string, delay: number, endsAt: number) => {
    const before = followUps.get(name);
    if (before) clearTimeout(before.timer);
    const timer = setTimeout(() => {
      followUps.delete(name);
      dirty.add(name);
      flush();
      const container = known?.get(name);
      const next = Math.min(delay * 2, longestFollowUpMilliseconds);
      const isOver = delay >= certainFollowUpsUpToMilliseconds && (!isUnsettled(container) || performance.now() >= endsAt);
      if (container && !isOver && !followUps.has(name)) followUp(name, next, endsAt);
    }, delay).unref();
    followUps.set(name, { timer, delay, endsAt });
  };

  /**
   * Follows a container's run to its end. What the kernel had to tell of it lies in its queue when the monitor is gone, and is read before the
   * end is told: so that how it ended does not depend on who was faster.
   * @returns False where it is to be looked at once more before that.
   */
  const isToBeTaken = (name: string, read: Container | undefined): boolean => {
    const run = runs.get(name);
    if (read?.initPid !== undefined) {
      if (run?.initPid !== read.initPid) runs.set(name, { initPid: read.initPid });
      ends.delete(name);
      return true;
    }
    if (!read) {
      runs.delete(name);
      ends.delete(name);
    }
    if (!read || !run) return true;
    run.endSeenAt ??= performance.now();
    if (read.state !== "stopped" && read.state !== "error") return true;
    if (!run.areEventsRead) {
      afterPendingEvents(() => {
        if (runs.get(name) !== run) return;
        run.areEventsRead = true;
        dirty.add(name);
        flush();
      });
      return false;
    }
    const isByLxc = run.freezerWrittenAt !== undefined && run.freezerWrittenAt > run.endSeenAt - thawBeforeEndMilliseconds;
    ends.set(name, { ...(isByLxc && { byLxc: true }), ...readEnd(name, run.initPid) });
    runs.delete(name);
    return true;
  };

  /** Reads what may have changed, and reports what has. */
  function flush() {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    if (!known) return;
    const running = operations();
    const changed = new Map<string, Container>();
    const removed = new Set<string>();

    const take = (name: string, read: Container | undefined) => {
      const before = known?.get(name);
      if (!isToBeTaken(name, read)) return;
      const end = ends.get(name);
      const now = read && withOperation(afterwards(before, end ? { ...read, ended: end } : read), running);
      eyes.attend(name, now);
      if (isDeepStrictEqual(before, now)) return;
      // The base of a clone tells who its clones are, so it is read as well when one comes or goes.
      if (before?.clonedFrom !== now?.clonedFrom) {
        for (const base of [before?.clonedFrom, now?.clonedFrom]) if (base !== undefined) dirty.add(base);
      }
      if (now) {
        known?.set(name, now);
        changed.set(name, now);
        removed.delete(name);
        if (isUnsettled(now) && !followUps.has(name)) {
          followUp(name, firstFollowUpMilliseconds, performance.now() + followForMilliseconds);
        }
      } else {
        known?.delete(name);
        changed.delete(name);
        removed.add(name);
      }
    };

    try {
      if (sweepIsDue) {
        clearTimeout(unknownTimer);
        unknownTimer = undefined;
        eyes.open();
        const all = new Map(reader.readAll().map((container) => [container.name, container]));
        for (const name of new Set([...known.keys(), ...all.keys()])) take(name, all.get(name));
        // What a sweep has read is up to date already.
        dirty.clear();
        sweepIsDue = false;
      }
      for (const name of dirty) {
        dirty.delete(name);
        take(name, reader.readOne(name));
      }
    } catch (thrown) {
      // The folder of containers itself cannot be read just now, as on a file server that is away: the next sweep tries again.
      sweepIsDue = true;
      eyes.tell(thrown instanceof Error ? thrown.message : String(thrown));
    }
    if (changed.size === 0 && removed.size === 0) return;
    unknownPause = unknownEventMilliseconds;
    if (sweepPause > sweepEveryMilliseconds) keepSweeping();
    revision += 1;
    const change = { revision, changed: [...changed.values()], removed: [...removed] };
    for (const listener of [...listeners]) listener(change);
  }

  /** From now on, at first often. */
  function keepSweeping() {
    sweepPause = sweepEveryMilliseconds;
    sweepAfterPause();
  }

  function sweepAfterPause() {
    clearTimeout(sweepTimer);
    sweepTimer = setTimeout(
      () => {
        // Before the sweep: what it finds begins anew.
        sweepPause = Math.min(2 * sweepPause, longestSweepMilliseconds);
        unknownPause = unknownEventMilliseconds;
        sweepAfterPause();
        sweepIsDue = true;
        flush();
      },
      eyes.areBlind() ? blindSweepEveryMilliseconds : sweepPause,
    ).unref();
  }

  const start = () => {
    // Watching begins before reading: what happens in between is then seen twice rather than never.
    eyes.open();
    const running = operations();
    try {
      known = new Map(reader.readAll().map((container) => [container.name, withOperation(container, running)]));
    } catch (thrown) {
      eyes.close();
      throw thrown;
    }
    for (const [name, container] of known) {
      isToBeTaken(name, container);
      eyes.attend(name, container);
      if (isUnsettled(container)) followUp(name, firstFollowUpMilliseconds, performance.now() + followForMilliseconds);
    }
    keepSweeping();
  };

  const end = () => {
    known = undefined;
    eyes.close();
    clearTimeout(flushTimer);
    flushTimer = undefined;
    clearTimeout(unknownTimer);
    unknownTimer = undefined;
    clearTimeout(sweepTimer);
    for (const { timer } of followUps.values()) clearTimeout(timer);
    followUps.clear();
    runs.clear();
    ends.clear();
    dirty.clear();
    sweepIsDue = false;
  };

  return {
    snapshot() {
      if (!known) {
        const running = operations();
        return { revision, containers: reader.readAll().map((container) => withOperation(container, running)) };
      }
      if (dirty.size > 0 || sweepIsDue) flush();
      return { revision, containers: [...known.values()] };
    },
    onChanged(listener) {
      // Wrapped, so that the same function may listen twice and each be taken back once.
      const entry = (change: ContainersChanged) => listener(change);
      if (!known) start();
      listeners.add(entry);
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) end();
      };
    },
    operationsChanged() {
      if (!known) return;
      const running = operations();
      for (const [name, { operation }] of known) {
        const now = running.get(name);
        if (operation?.task !== now?.task || operation?.kind !== now?.kind) lookAndFollow(name);
      }
    },
  };
}

/** A run that is watched: when somebody wrote to the container's freezer, and when its end was first seen (milliseconds of the monotonic clock). */
type Run = { initPid: number; freezerWrittenAt?: number; endSeenAt?: number; areEventsRead?: boolean };

/** Once the events that lie in the kernel's queue now have been told: the loop reads them between a timer and what is set by setImmediate. */
function afterPendingEvents(then: () => void): void {
  setTimeout(() => setImmediate(then), 0);
}

/** True while more is to come without an event: a state on its way to another, or an address that is not there yet. */
function isUnsettled(container: Container | undefined): boolean {
  if (!container) return false;
  if (container.state === "starting" || container.state === "stopping") return true;
  return container.state === "running" && container.ipv4.length === 0;
}

/** A monitor without an init belongs to a container that starts, or to one that has just ended: what it was before tells. */
function afterwards(before: Container | undefined, now: Container): Container {
  if (now.state !== "starting" || before === undefined) return now;
  const wasUp = before.state === "running" || before.state === "frozen" || before.state === "stopping";
  return wasUp ? { ...now, state: "stopping" } : now;
}

/** Adds our own operation to what the kernel shows, and the state on the way to which it is. */
function withOperation(container: Container, operations: Operations): Container {
  const operation = operations.get(container.name);
  if (!operation) return container;
  const { state } = container;
  const starts = operation.kind === "start" || operation.kind === "restart";
  const stops = operation.kind === "stop" || operation.kind === "force-stop";
  if (starts && (state === "stopped" || state === "stopping")) return { ...container, operation, state: "starting" };
  if (stops && (state === "running" || state === "frozen" || state === "starting")) return { ...container, operation, state: "stopping" };
  return { ...container, operation };
}

type EyeListeners = {
  onContainerEvent(name: string): void;
  /** Somebody has frozen or thawed it, or LXC has killed it. */
  onFreezerEvent(name: string): void;
  onCgroupEvent(possibleNames: string[]): void;
  onUnknownEvent(): void;
};

/** All that is watched: the folder of containers, each container's own, the folders of cgroups, and each running container's cgroup. */
function createEyes(
  { lxcPath, cgroupRoots = lxcCgroupRoots, cgroups = payloadCgroups, onDegraded }: ContainerWatchOptions,
  { onContainerEvent, onFreezerEvent, onCgroupEvent, onUnknownEvent }: EyeListeners,
) {
  /** By path; `identity` tells a folder from another one that was made in its place. */
  const roots = new Map<string, { identity: string; close(): void }>();
  const folders = new Map<string, () => void>();
  const payloads = new Map<string, { initPid: number; close(): void }>();
  let blind = false;
  let told: string | undefined;

  const keep = (watch: PathWatch): (() => void) | undefined => {
    if (watch.state === "watched") return watch.close;
    if (watch.state === "refused") {
      blind = true;
      tell(watch.reason);
    }
    return undefined;
  };

  const tell = (reason: string) => {
    if (reason !== told) onDegraded?.(reason);
    told = reason;
  };

  const watchRoot = (path: string, onEvent: (entry: string | undefined) => void) => {
    const identity = identityOf(path);
    const before = roots.get(path);
    if (before && before.identity === identity) return;
    before?.close();
    roots.delete(path);
    const close = identity === undefined ? undefined : keep(watchPath(path, onEvent));
    if (close && identity !== undefined) roots.set(path, { identity, close });
    else blind = true;
  };

  const watchFolder = (name: string) => {
    const close = keep(
      watchPath(join(lxcPath, name), (entry) => {
        if (entry === undefined || relevantEntries.has(entry)) onContainerEvent(name);
      }),
    );
    if (close) folders.set(name, close);
  };

  const forgetFolder = (name: string) => {
    folders.get(name)?.();
    folders.delete(name);
  };

  return {
    /** Watches whatever is there and not watched yet. */
    open() {
      blind = false;
      watchRoot(lxcPath, (name) => {
        if (name === undefined) return onUnknownEvent();
        // A folder of the same name may be another one by now, so its watch is made anew.
        forgetFolder(name);
        if (isFolder(join(lxcPath, name))) watchFolder(name);
        onContainerEvent(name);
      });
      for (const root of cgroupRoots()) {
        watchRoot(root, (entry) => {
          const names = entry === undefined ? undefined : containersOfCgroup(entry);
          if (names) onCgroupEvent(names);
        });
      }
      const present = new Set(foldersIn(lxcPath));
      for (const name of folders.keys()) if (!present.has(name)) forgetFolder(name);
      for (const name of present) if (!folders.has(name)) watchFolder(name);
    },

    /** Follows the cgroup of a container while it runs, and until its monitor has ended: LXC may write to its freezer after the end of init is seen. */
    attend(name: string, container: Container | undefined) {
      const watched = payloads.get(name);
      if (watched?.initPid === container?.initPid) return;
      if (container?.initPid === undefined && (container?.state === "stopping" || container?.state === "starting")) return;
      watched?.close();
      payloads.delete(name);
      if (container?.initPid === undefined) return;
      const { unified, freezer } = cgroups(name, container.initPid) ?? {};
      const hasOldFreezer = freezer !== undefined && freezer !== unified;
      const freezerFile = hasOldFreezer ? join(freezer, "freezer.state") : unified && join(unified, "cgroup.freeze");
      const follow = (file: string | undefined, onEvent: (type: "change" | "rename") => void) =>
        (file === undefined ? undefined : keep(watchPath(file, (_entry, type) => onEvent(type)))) ?? [];
      const closers = [
        follow(unified && join(unified, "cgroup.events"), () => onContainerEvent(name)),
        // That it goes with its cgroup is nobody's doing.
        follow(freezerFile, (type) => (type === "change" ? onFreezerEvent(name) : onContainerEvent(name))),
      ].flat();
      payloads.set(name, {
        initPid: container.initPid,
        close: () => {
          for (const close of closers) close();
        },
      });
    },

    /** Passes a trouble on, unless it is the one that was passed on last. */
    tell,

    /** True where something that should be watched cannot be. */
    areBlind: () => blind,

    close() {
      for (const { close } of [...roots.values(), ...payloads.values()]) close();
      for (const close of folders.values()) close();
      roots.clear();
      payloads.clear();
      folders.clear();
    },
  };
}

/**
 * The containers to which a cgroup made by LXC may belong: `lxc.monitor.NAME` and `lxc.payload.NAME`, with `-N` after
 * them where such a cgroup was there already (LXC's cgfsng.c). Undefined for other cgroups.
 */
export function containersOfCgroup(folder: string): string[] | undefined {
  const name = /^lxc\.(?:monitor|payload)\.(.+)$/s.exec(folder)?.[1];
  if (name === undefined) return undefined;
  const withoutNumber = /^(.+)-\d+$/s.exec(name)?.[1];
  return withoutNumber === undefined ? [name] : [name, withoutNumber];
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch {
    return [];
  }
}
