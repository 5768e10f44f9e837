import type { AlertRule } from "../../privileged-helper/contract/alerts.ts";
import type { HistoryEvent } from "../../privileged-helper/contract/history.ts";
import type { ContainersChanged, ContainersSnapshot, MetricsSample, MetricsTick } from "../../privileged-helper/contract/model.ts";
import { isManageableName } from "../../privileged-helper/contract/names.ts";
import type { AlertFigures } from "./alerts/alert-engine.ts";
import type { Alerts } from "./alerts/alerts.ts";
import type { DiskFill } from "./alerts/disk-fill.ts";
import { isBeingStopped } from "./alerts/stop-commands.ts";
import { type ContainerEvents, createContainerEvents } from "./history/container-events.ts";
import type { FigureHistory } from "./history/history.ts";

/**
 * Watches containers for what is kept and told whether there is a page or not: the history and the alerts. The helper has one subscription
 * to containers, which page and host share: whoever asks for it gets all of them, and what changes is told once, to both.
 */
export type Observer = {
  /** There is a helper that knows nothing of us. */
  helperReady(): void;
  /** It has forgotten who watches, because of another page; what is recorded it goes on with. */
  helperReset(): void;
  helperGone(): void;
  /** True while the helper's subscription is needed here, so that a page that ends its own must not end that. */
  isWatching(): boolean;
  onContainersChanged(change: ContainersChanged): void;
  onRecorded(tick: MetricsTick): void;
  /** A page has charts in sight, or has them no more: then figures are taken less often. */
  pageLooks(isLooking: boolean): void;
  /** Settings or rules are others now, or what could not be watched may be there now. */
  reconsider(): void;
};

export type ObserverOptions = {
  history: FigureHistory;
  alerts: Alerts;
  diskFill: DiskFill;
  /** True where the person wants history to be kept. */
  keepsHistory(): boolean;
  onEvent(event: HistoryEvent): void;
  onEarlierStart(event: HistoryEvent): void;
  /** Asks the helper; undefined while there is none. */
  askHelper(): ((method: string, params: object) => Promise<unknown>) | undefined;
  isBeingStopped?: (container: string) => boolean;
};

const lookingIntervalMilliseconds = 5_000;
/** While nobody looks: a minute has two readings, which is enough for a day's chart. */
const unseenIntervalMilliseconds = 30_000;
/** How many readings make it plain that something has been so for as long as a rule says. */
const readingsPerRule = 4;
/** What the helper does not call a gap, but is longer than any interval of ours. */
const gapMilliseconds = 3 * unseenIntervalMilliseconds;

export function createObserver(options: ObserverOptions): Observer {
  const { history, alerts, diskFill, keepsHistory, onEvent, askHelper } = options;
  const { engine } = alerts;
  let isLooking = false;
  let interval = 0;
  let watching: "no" | "asking" | "yes" = "no";
  /** Grows with everything that makes an answer that is under way worthless. */
  let epoch = 0;
  let revision = 0;
  let early: ContainersChanged[] = [];
  let lastTime: number | undefined;
  let totalMemory: number | undefined;
  let last = new Map<string, MetricsSample>();

  const events: ContainerEvents = createContainerEvents({
    onEvent(event) {
      const { container, kind, time } = event;
      if (kind === "started") engine.started(container, time);
      if (kind === "stopped") engine.stopped(container, time);
      if (kind === "oom-kill") engine.oomKill(container, time);
      onEvent(event);
    },
    onEarlierStart: options.onEarlierStart,
    onUnexpectedStop: (container, time, end) => engine.stoppedUnexpectedly(container, time, end),
    isBeingStopped: options.isBeingStopped ?? isBeingStopped,
  });

  const enabledRules = () => alerts.list().rules.filter(({ enabled }) => enabled);

  const watchContainers = async () => {
    const ask = askHelper();
    const isWanted = keepsHistory() || enabledRules().length > 0;
    if (!isWanted || !ask || watching !== "no") {
      if (!isWanted && watching === "yes") watching = "no";
      return;
    }
    const asked = ++epoch;
    watching = "asking";
    early = [];
    try {
      const snapshot = (await ask("containers.watch", {})) as ContainersSnapshot;
      if (asked !== epoch) return;
      watching = "yes";
      revision = snapshot.revision;
      const containers = snapshot.containers.filter(({ manageable }) => manageable);
      const now = Date.now();
      events.begin(containers, now);
      engine.look(
        containers.map(({ name, initPid, startedAt }) => ({ name, isRunning: initPid !== undefined, startedAt })),
        now,
      );
      const came = early;
      early = [];
      for (const change of came) apply(change);
    } catch {
      // No LXC, or no right to look: the page says so, and asks again when that is mended.
      if (asked === epoch) watching = "no";
    }
  };

  const watchAnew = () => {
    watching = "no";
    epoch += 1;
    void watchContainers();
  };

  const apply = (change: ContainersChanged) => {
    if (change.revision <= revision) return;
    if (change.revision !== revision + 1) {
      watching = "no";
      void watchContainers();
      return;
    }
    revision = change.revision;
    const removed = change.removed.filter(isManageableName);
    events.change(
      change.changed.filter(({ manageable }) => manageable),
      removed,
      Date.now(),
    );
    for (const name of removed) engine.removed(name);
  };

  const record = () => {
    const wanted = recordInterval({ rules: enabledRules(), keepsHistory: keepsHistory(), isLooking });
    const ask = askHelper();
    if (!ask || wanted === interval) return;
    interval = wanted;
    ask("metrics.record", { intervalMilliseconds: wanted }).catch(() => {
      interval = 0;
    });
    if (wanted === 0) forgetFigures();
  };

  const forgetFigures = () => {
    lastTime = undefined;
    for (const name of last.keys()) engine.gap(name);
    last = new Map();
  };

  return {
    helperReady() {
      watchAnew();
      record();
    },
    helperReset: watchAnew,
    helperGone() {
      watching = "no";
      epoch += 1;
      interval = 0;
      forgetFigures();
    },
    isWatching: () => watching !== "no",
    onContainersChanged(change) {
      if (watching === "asking") early.push(change);
      else if (watching === "yes") apply(change);
    },
    onRecorded(tick) {
      const { time } = tick;
      const since = lastTime === undefined ? undefined : time - lastTime;
      const isContinued = since !== undefined && !tick.afterGap && since > 0 && since <= gapMilliseconds;
      const now = new Map<string, MetricsSample>();
      for (const sample of tick.samples) if (isManageableName(sample.name)) now.set(sample.name, sample);
      for (const name of tick.unchanged) {
        const same = last.get(name);
        if (same) now.set(name, same);
      }
      // Of one that has ended nothing is held against the next one of its name.
      for (const name of last.keys()) if (!now.has(name)) engine.gap(name);
      totalMemory = tick.host?.memoryLimitBytes ?? totalMemory;
      const disk = enabledRules().some(({ condition }) => condition === "disk") ? diskFill.percent(time) : undefined;
      for (const [name, sample] of now) {
        const wasThere = isContinued && last.has(name);
        history.add({ type: "container", name: sample.name as never }, time, wasThere ? lastTime : undefined, sample);
        engine.figures(name, { ...percentages(sample, totalMemory), disk }, time, wasThere ? since : 0);
      }
      if (tick.host) history.add({ type: "host" }, time, isContinued ? lastTime : undefined, tick.host);
      events.tick([...now.values()], time);
      engine.pass(time);
      last = now;
      lastTime = time;
    },
    pageLooks(looks) {
      isLooking = looks;
      record();
    },
    reconsider() {
      void watchContainers();
      record();
    },
  };
}

/** How often figures are needed, milliseconds; 0: not at all. */
export function recordInterval({
  rules,
  keepsHistory,
  isLooking,
}: {
  rules: readonly AlertRule[];
  keepsHistory: boolean;
  isLooking: boolean;
}): number {
  const needing = rules.filter(({ enabled, condition }) => enabled && condition !== "stopped-unexpectedly");
  if (!keepsHistory && needing.length === 0) return 0;
  if (isLooking && keepsHistory) return lookingIntervalMilliseconds;
  const held = needing
    .filter(({ condition }) => condition !== "oom-kill")
    .map(({ forSeconds = 0 }) => (forSeconds * 1_000) / readingsPerRule);
  return Math.max(lookingIntervalMilliseconds, Math.min(unseenIntervalMilliseconds, ...held));
}

/** What of its memory and CPU a container uses; of the computer's memory where it has no limit of its own. */
export function percentages(
  { memoryBytes, memoryLimitBytes, cpuPercent, cpuLimit }: MetricsSample,
  totalMemory: number | undefined,
): AlertFigures {
  const memory = Math.min(memoryLimitBytes ?? Number.POSITIVE_INFINITY, totalMemory ?? Number.POSITIVE_INFINITY);
  return {
    memory: memoryBytes !== undefined && memory > 0 && Number.isFinite(memory) ? (100 * memoryBytes) / memory : undefined,
    cpu: cpuPercent !== undefined && cpuLimit !== undefined && cpuLimit > 0 ? cpuPercent / cpuLimit : undefined,
  };
}
