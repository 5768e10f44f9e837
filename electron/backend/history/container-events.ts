import { isOrderly, runEndInWords } from "../../../privileged-helper/contract/alerts.ts";
import type { HistoryEvent } from "../../../privileged-helper/contract/history.ts";
import type { Container, MetricsSample, RunEnd, TaskKind } from "../../../privileged-helper/contract/model.ts";

/** Tells from what is seen of containers what has happened to them. */
export type ContainerEvents = {
  /** All of them; what happened before, while nobody looked, is only told as far as it can be known. */
  begin(containers: readonly Container[], time: number): void;
  change(changed: readonly Container[], removed: readonly string[], time: number): void;
  /** Figures of those that run, where they have changed. */
  tick(samples: readonly MetricsSample[], time: number): void;
};

export type ContainerEventListeners = {
  onEvent(event: HistoryEvent): void;
  /** It was started before anybody looked: maybe that is known already. */
  onEarlierStart(event: HistoryEvent): void;
  /** It ended, neither in order nor by anything that anybody asked for as far as we know. */
  onUnexpectedStop(container: string, time: number, end: RunEnd): void;
  /** True while a program runs that stops this container. */
  isBeingStopped(container: string): boolean;
};

type Run = { initPid: number; startedAt: number | undefined };
type Known = {
  run?: Run;
  isFrozen: boolean;
  /** When its init was gone, before it is known what comes after that: a stop, or init once more. */
  endedAt?: number;
  wasAskedFor: boolean;
  /** The last thing that was done to it that ends it, and when that was last seen. */
  endingSeenAt?: number;
  limits?: Pick<MetricsSample, LimitFigure>;
  /** How many of its processes were killed in this run; undefined where that is not known yet. */
  oomKills?: number;
};
type LimitFigure = "cpuLimit" | "memoryLimitBytes" | "swapLimitBytes" | "processesLimit";

/** While one of these is done to it, or soon after, a container is meant to end. */
const endingKinds: readonly TaskKind[] = ["stop", "force-stop", "restart", "destroy", "discard", "keep"];
const endingRememberedMilliseconds = 5_000;
const limits: [figure: LimitFigure, title: string, inWords: (value: number) => string][] = [
  ["cpuLimit", "CPU limit", (cores) => `${Math.round(cores * 100) / 100} cores`],
  ["memoryLimitBytes", "Memory limit", bytesInWords],
  ["swapLimitBytes", "Swap limit", bytesInWords],
  ["processesLimit", "Limit of processes", String],
];

export function createContainerEvents({
  onEvent,
  onEarlierStart,
  onUnexpectedStop,
  isBeingStopped,
}: ContainerEventListeners): ContainerEvents {
  const known = new Map<string, Known>();

  const ended = (container: string, entry: Known, time: number, end: RunEnd = {}) => {
    const isExpected = entry.wasAskedFor || end.byLxc === true;
    onEvent({
      time: entry.endedAt ?? time,
      container,
      kind: "stopped",
      detail: isExpected ? undefined : runEndInWords(end),
    });
    if (!isExpected && !isOrderly(end)) onUnexpectedStop(container, entry.endedAt ?? time, end);
    entry.endedAt = undefined;
    entry.wasAskedFor = false;
  };

  const look = (container: Container, time: number) => {
    const { name, state, operation } = container;
    const entry = known.get(name) ?? { isFrozen: false, wasAskedFor: false };
    known.set(name, entry);
    if (operation && endingKinds.includes(operation.kind)) entry.endingSeenAt = time;
    const run = runOf(container);
    const isSame = run?.initPid === entry.run?.initPid && run?.startedAt === entry.run?.startedAt;
    if (entry.run && !isSame) {
      entry.endedAt = time;
      entry.isFrozen = false;
      entry.limits = undefined;
      entry.oomKills = undefined;
    }
    if (entry.endedAt !== undefined) {
      const wasEnding = time - (entry.endingSeenAt ?? Number.NEGATIVE_INFINITY) < endingRememberedMilliseconds;
      entry.wasAskedFor ||= wasEnding || operation !== undefined || container.throwAway === true || isBeingStopped(name);
      // Whoever has it start again, from inside or from here, has not lost it.
      entry.wasAskedFor ||= run !== undefined;
      if (run !== undefined || state === "stopped" || state === "error") ended(name, entry, time, container.ended);
    }
    if (run && !isSame) {
      entry.oomKills = 0;
      onEvent({ time: startOf(run, time), container: name, kind: "started" });
    }
    entry.run = run;
    const isFrozen = state === "frozen";
    if (run && isSame && isFrozen !== entry.isFrozen) onEvent({ time, container: name, kind: isFrozen ? "frozen" : "unfrozen" });
    entry.isFrozen = isFrozen;
  };

  const remove = (name: string, time: number) => {
    const entry = known.get(name);
    known.delete(name);
    // Whoever removes it, wherever that is, means it to end.
    if (entry && (entry.run || entry.endedAt !== undefined)) ended(name, { ...entry, wasAskedFor: true }, time);
  };

  return {
    begin(containers, time) {
      const present = new Map(containers.map((container) => [container.name, container]));
      for (const name of [...known.keys()]) if (!present.has(name)) remove(name, time);
      for (const container of containers) {
        const entry = known.get(container.name);
        const run = runOf(container);
        // When it ended, and why, nobody has seen.
        if (entry && (entry.run || entry.endedAt !== undefined)) entry.wasAskedFor = true;
        if (entry) look(container, time);
        else {
          known.set(container.name, { run, isFrozen: container.state === "frozen", wasAskedFor: false });
          if (run?.startedAt !== undefined) onEarlierStart({ time: run.startedAt, container: container.name, kind: "started" });
        }
        const after = known.get(container.name);
        if (after && after.endedAt === undefined) after.wasAskedFor = false;
      }
    },
    change(changed, removed, time) {
      for (const container of changed) look(container, time);
      for (const name of removed) remove(name, time);
    },
    tick(samples, time) {
      for (const sample of samples) {
        const entry = known.get(sample.name);
        if (!entry?.run) continue;
        const killed = (sample.oomKills ?? 0) - (entry.oomKills ?? 0);
        if (entry.oomKills !== undefined && killed > 0) {
          const detail = killed === 1 ? "A process was killed." : `${killed} processes were killed.`;
          onEvent({ time, container: sample.name, kind: "oom-kill", detail });
        }
        entry.oomKills = sample.oomKills ?? entry.oomKills;
        for (const [figure, title, inWords] of entry.limits ? limits : []) {
          const [before, now] = [entry.limits?.[figure], sample[figure]];
          if (before === now) continue;
          const words = (value: number | undefined) => (value === undefined ? "none" : inWords(value));
          onEvent({ time, container: sample.name, kind: "limit-changed", detail: `${title}: ${words(now)} instead of ${words(before)}.` });
        }
        const { cpuLimit, memoryLimitBytes, swapLimitBytes, processesLimit } = sample;
        entry.limits = { cpuLimit, memoryLimitBytes, swapLimitBytes, processesLimit };
      }
    },
  };
}

function runOf({ initPid, startedAt }: Container): Run | undefined {
  return initPid === undefined ? undefined : { initPid, startedAt };
}

/** The kernel's clock of starts counts in hundredths of a second; one that is far from now is of another clock. */
function startOf({ startedAt }: Run, now: number): number {
  return startedAt !== undefined && Math.abs(now - startedAt) < 60_000 ? startedAt : now;
}

function bytesInWords(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${units[power]}`;
}
