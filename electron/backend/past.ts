import { join } from "node:path";
import type { EventName, Events } from "../../privileged-helper/contract/events.ts";
import { type History, type HistoryEvent, type HistoryQuestion, historyRanges } from "../../privileged-helper/contract/history.ts";
import type { ContainersChanged, HostInfo, MetricsTick, Settings, Snapshot } from "../../privileged-helper/contract/model.ts";
import { createAlertFile } from "./alerts/alert-file.ts";
import { alertRulesPath, createAlertRules } from "./alerts/alert-rules.ts";
import { type Alerts, createAlerts, type Notify } from "./alerts/alerts.ts";
import { createDiskFill } from "./alerts/disk-fill.ts";
import { createEventFile } from "./history/event-file.ts";
import { createFigureHistory } from "./history/history.ts";
import { createObserver } from "./observer.ts";

/**
 * What the host keeps of containers, and tells a person of: the history of their figures, what happened to them, and alerts. It watches
 * them for that with or without a page, and shares what the helper tells of them with the page.
 */
export type Past<Page> = {
  get(question: HistoryQuestion): Promise<History>;
  events(question: { from: number; to: number; container?: string }): Promise<HistoryEvent[]>;
  alerts: Omit<Alerts, "engine">;
  settingsChanged(): void;
  /** There is one that knows nothing of us. */
  helperReady(): void;
  /** It has just forgotten what was watched, but not what is recorded. */
  helperReset(): void;
  helperGone(): void;
  /** @returns True for what pages are to have, too; of containers, those that watch them. */
  onNotification(method: string, params: unknown): boolean;
  /** To be called before a call of the page's is passed on. @returns True where it is not to be passed on: it is answered with nothing. */
  onPageCall(page: Page, method: string, params: unknown): boolean;
  /** The helper has answered it. */
  onPageAnswered(method: string): void;
  /** True where this page has the helper's containers, too. */
  isWatchedBy(page: Page): boolean;
  /** It watches no more. What the helper tells goes on: others may share that. */
  forgetPage(page: Page): void;
  /** No page has charts in sight. */
  forgetCharts(): void;
  close(): Promise<void>;
};

export type PastOptions = {
  settingsPath: string;
  stateFolder: string;
  settings(): Settings;
  askHelper(): ((method: string, params: object) => Promise<unknown>) | undefined;
  tell<E extends EventName>(event: E, params: Events[E]): void;
  notify?: Notify | Promise<Notify | undefined>;
};

const megabyte = 1024 * 1024;
/** A start is known by its time, which the kernel counts from a boot whose own time is a little different whenever it is asked for. */
const sameStartMilliseconds = 2_000;

export function createPast<Page>({ settingsPath, stateFolder, settings, askHelper, tell, notify }: PastOptions): Past<Page> {
  const folder = join(stateFolder, "history");
  const keepsHistory = () => settings().historyMegabytes > 0;
  const history = createFigureHistory({ folder, maxBytes: () => settings().historyMegabytes * megabyte });
  const events = createEventFile(join(folder, "events"));
  const alerts = createAlerts({
    rules: createAlertRules(alertRulesPath(settingsPath)),
    file: createAlertFile(join(stateFolder, "alerts.json")),
    notify,
    onChanged: (list) => tell("alerts.changed", list),
    onRulesChanged: () => reconsider(),
  });
  /** These have the helper's containers, too, each from its own call on. */
  const watching = new Set<Page>();

  const onEvent = (event: HistoryEvent) => {
    if (keepsHistory()) events.add(event);
    tell("history.event", event);
  };
  const onEarlierStart = (event: HistoryEvent) => {
    const { time, container } = event;
    if (time < Date.now() - historyRanges["7 days"]) return;
    const then = events.between(time - sameStartMilliseconds, time + sameStartMilliseconds, container);
    if (!then.some(({ kind }) => kind === "started")) onEvent(event);
  };
  const observer = createObserver({
    history,
    alerts,
    diskFill: createDiskFill(async () => ((await askHelper()?.("host.info", {})) as HostInfo | undefined)?.lxcPath),
    keepsHistory,
    onEvent,
    onEarlierStart,
    askHelper,
  });
  const reconsider = () => {
    const wasWatching = observer.isWatching();
    observer.reconsider();
    if (wasWatching && !observer.isWatching() && watching.size === 0) askHelper()?.("containers.unwatch", {}).catch(() => {});
  };

  /** Those that are still there have the time at which they were made. */
  const snapshotsOf = async (container: string): Promise<HistoryEvent[]> => {
    // Without a helper the others are all that is known.
    const snapshots = ((await askHelper()?.("containers.snapshots", { name: container }).catch(() => undefined)) ?? []) as Snapshot[];
    return snapshots.flatMap(({ name, createdAt, comment }) =>
      createdAt === undefined
        ? []
        : { time: createdAt, container, kind: "snapshot" as const, detail: comment ? `${name}: ${comment}` : name },
    );
  };

  return {
    get: (question) => history.get(question),
    async events({ from, to, container }) {
      const found = events.between(from, to, container);
      if (container === undefined) return found;
      const snapshots = (await snapshotsOf(container)).filter(({ time }) => time >= from && time <= to);
      return [...found, ...snapshots].sort((one, other) => one.time - other.time);
    },
    alerts,
    settingsChanged() {
      if (!keepsHistory()) events.clear();
      reconsider();
      void history.flush();
    },
    helperReady: () => observer.helperReady(),
    helperReset: () => observer.helperReset(),
    helperGone: () => observer.helperGone(),
    onNotification(method, params) {
      if (method === "metrics.recorded") {
        observer.onRecorded(params as MetricsTick);
        return false;
      }
      if (method !== "containers.changed") return true;
      observer.onContainersChanged(params as ContainersChanged);
      return watching.size > 0;
    },
    onPageCall(page, method, params) {
      if (method === "metrics.watch") observer.pageLooks(hasCharts(params));
      if (method === "containers.watch") watching.add(page);
      if (method !== "containers.unwatch") return false;
      watching.delete(page);
      return observer.isWatching() || watching.size > 0;
    },
    onPageAnswered(method) {
      // It works now, so it does here.
      if (method === "containers.watch" && !observer.isWatching()) observer.reconsider();
    },
    isWatchedBy: (page) => watching.has(page),
    forgetPage: (page) => void watching.delete(page),
    forgetCharts: () => observer.pageLooks(false),
    close: () => history.close(),
  };
}

/** A list of all that run has no chart of the past. */
function hasCharts(params: unknown): boolean {
  const { containers, host } = (params ?? {}) as { containers?: unknown; host?: unknown };
  return host === true || (Array.isArray(containers) && containers.length > 0);
}
