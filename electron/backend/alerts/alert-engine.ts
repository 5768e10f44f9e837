import type { Alert, AlertCondition, AlertRule } from "../../../privileged-helper/contract/alerts.ts";
import type { RunEnd } from "../../../privileged-helper/contract/model.ts";

/** Figures of a container in per cent of what it may have; absent where they are not known. */
export type AlertFigures = { memory?: number; cpu?: number; disk?: number };

/**
 * Decides what is an alert, out of what it is told and of nothing else: no clock, no files. An alert begins once and ends once. What
 * nobody has measured counts neither way: a gap does not make a minute full, and it ends nothing.
 */
export type AlertEngine = {
  /** Takes up what an earlier run of the app had begun. To be called after `setRules`, and before anything else. */
  restore(kept: readonly KeptAlert[]): void;
  /** Which containers there are: what an alert was about may have ended while nobody looked. */
  look(containers: readonly SeenContainer[], time: number): void;
  /** Rules that are gone, switched off or changed take their alerts with them. */
  setRules(rules: readonly AlertRule[]): void;
  /**
   * @param time Milliseconds since the epoch.
   * @param covered How much time these figures stand for, milliseconds; 0 after a gap.
   */
  figures(container: string, figures: AlertFigures, time: number, covered: number): void;
  /** It did not run, or was not looked at, for a while. */
  gap(container: string): void;
  oomKill(container: string, time: number): void;
  stoppedUnexpectedly(container: string, time: number, end: RunEnd): void;
  started(container: string, time: number): void;
  stopped(container: string, time: number): void;
  removed(container: string): void;
  /** Time goes by: an OOM kill that was not followed by another one is over. */
  pass(time: number): void;
  /** Somebody has seen it. */
  dismiss(id: string): void;
  /** The newest first. */
  list(): Alert[];
  /** All that `restore` needs. */
  kept(): readonly KeptAlert[];
};

/** An alert, also one that somebody has seen: while it is so it does not begin once more. */
export type KeptAlert = Alert & { isDismissed: boolean };
/** `startedAt`: milliseconds since the epoch. */
export type SeenContainer = { name: string; isRunning: boolean; startedAt?: number };

export type AlertEngineOptions = {
  nextId(): string;
  /** Called with what has just begun. */
  onBegun(alert: Alert): void;
  /** Called whenever `list` has another answer. */
  onChanged(): void;
};

/** How long a figure has been above its threshold, or below it again, as far as it was measured. */
type Held = { aboveFor: number; belowFor: number };

const figureConditions = ["memory", "cpu", "disk"] as const;
/** A figure that swings around its threshold is one alert: it is over so far below, for so long. */
const clearBelowPercent = 5;
const clearAfterMilliseconds = 15_000;
const oomOverAfterMilliseconds = 60_000;
const maxAlerts = 500;

export function createAlertEngine({ nextId, onBegun, onChanged }: AlertEngineOptions): AlertEngine {
  let rules: readonly AlertRule[] = [];
  let alerts: KeptAlert[] = [];
  const held = new Map<string, Held>();
  /** When the last OOM kill of an alert was, by its id. */
  const oomSeenAt = new Map<string, number>();
  /** Those of an earlier run of the app of whose figure nothing has been seen in this one, by their ids. */
  const unconfirmed = new Set<string>();

  /** A container's own rule takes the place of the one for all, so that it can be left out of that. */
  const ruleFor = (container: string, condition: AlertCondition): AlertRule | undefined => {
    const ofCondition = rules.filter((rule) => rule.condition === condition);
    const own = ofCondition.filter((rule) => rule.container === container);
    return (own.length > 0 ? own : ofCondition.filter((rule) => rule.container === undefined)).find(({ enabled }) => enabled);
  };
  const current = (container: string, condition: AlertCondition) =>
    alerts.find((alert) => alert.container === container && alert.condition === condition && alert.until === undefined);

  const begin = (rule: AlertRule, container: string, since: number, found: Pick<Alert, "percent" | "end"> = {}) => {
    const alert: KeptAlert = { id: nextId(), rule: rule.id, container, condition: rule.condition, since, ...found, isDismissed: false };
    alerts = [alert, ...alerts];
    if (alerts.length > maxAlerts)
      alerts = alerts.filter((each, index) => each.until === undefined || index < maxAlerts / 2).slice(0, maxAlerts);
    onBegun(told(alert));
    onChanged();
  };
  const end = (alert: KeptAlert, time: number) => {
    alert.until = time;
    if (alert.isDismissed) alerts = alerts.filter((each) => each !== alert);
    onChanged();
  };
  const endOf = (container: string, conditions: readonly AlertCondition[], time: number) => {
    for (const condition of conditions) {
      const alert = current(container, condition);
      if (alert) end(alert, time);
    }
  };
  const forget = (isForgotten: (alert: KeptAlert) => boolean) => {
    const left = alerts.filter((alert) => !isForgotten(alert));
    if (left.length === alerts.length) return;
    alerts = left;
    onChanged();
  };
  const forgetHeld = (container: string) => {
    for (const condition of figureConditions) held.delete(heldKey(container, condition));
  };

  const look = (
    container: string,
    condition: (typeof figureConditions)[number],
    percent: number | undefined,
    time: number,
    covered: number,
  ) => {
    const rule = ruleFor(container, condition);
    const key = heldKey(container, condition);
    const above = rule?.abovePercent;
    if (!rule || above === undefined || percent === undefined) {
      held.delete(key);
      return;
    }
    const alert = current(container, condition);
    const before = held.get(key) ?? { aboveFor: 0, belowFor: 0 };
    const isAbove = percent > above;
    const isBelow = percent <= Math.max(0, above - clearBelowPercent);
    const now = { aboveFor: isAbove ? before.aboveFor + covered : 0, belowFor: isBelow ? before.belowFor + covered : 0 };
    if (!alert && isAbove && now.aboveFor >= (rule.forSeconds ?? 0) * 1_000) {
      held.delete(key);
      return begin(rule, container, time, { percent });
    }
    const isOverAlready = alert !== undefined && unconfirmed.delete(alert.id) && isBelow;
    if (alert && (isOverAlready || now.belowFor >= clearAfterMilliseconds)) {
      held.delete(key);
      return end(alert, time);
    }
    if (isAbove || isBelow) held.set(key, now);
    else held.delete(key);
  };

  return {
    restore(kept) {
      alerts = kept.filter(({ container, condition, rule }) => ruleFor(container, condition)?.id === rule).map((alert) => ({ ...alert }));
      for (const { id, until } of alerts) if (until === undefined) unconfirmed.add(id);
    },
    look(containers, time) {
      const seen = new Map(containers.map((container) => [container.name, container]));
      forget(({ container }) => !seen.has(container));
      for (const alert of alerts.filter(({ until }) => until === undefined)) {
        const { isRunning = false, startedAt = 0 } = seen.get(alert.container) ?? {};
        const isOfRun = alert.condition !== "stopped-unexpectedly" && alert.condition !== "disk";
        const isOver = isOfRun ? !isRunning || startedAt > alert.since : alert.condition === "stopped-unexpectedly" && isRunning;
        if (isOver) end(alert, time);
      }
    },
    setRules(next) {
      const unchanged = new Set(next.filter((rule) => rule.enabled && rules.some((before) => isSame(before, rule))).map(({ id }) => id));
      rules = next;
      held.clear();
      forget((alert) => !unchanged.has(alert.rule) || ruleFor(alert.container, alert.condition)?.id !== alert.rule);
    },
    figures(container, figures, time, covered) {
      for (const condition of figureConditions) look(container, condition, figures[condition], time, covered);
    },
    gap: forgetHeld,
    oomKill(container, time) {
      const alert = current(container, "oom-kill");
      const rule = ruleFor(container, "oom-kill");
      if (alert) oomSeenAt.set(alert.id, time);
      else if (rule) {
        begin(rule, container, time);
        oomSeenAt.set(alerts[0]?.id ?? "", time);
      }
    },
    stoppedUnexpectedly(container, time, end) {
      const rule = ruleFor(container, "stopped-unexpectedly");
      if (rule && !current(container, "stopped-unexpectedly")) begin(rule, container, time, { end });
    },
    started(container, time) {
      forgetHeld(container);
      endOf(container, ["stopped-unexpectedly"], time);
    },
    stopped(container, time) {
      forgetHeld(container);
      endOf(container, ["memory", "cpu", "oom-kill"], time);
    },
    removed(container) {
      forgetHeld(container);
      forget((alert) => alert.container === container);
    },
    pass(time) {
      for (const alert of alerts.filter(({ condition, until }) => condition === "oom-kill" && until === undefined)) {
        // A clock that was set back does not hold it for ever.
        if (Math.abs(time - (oomSeenAt.get(alert.id) ?? alert.since)) >= oomOverAfterMilliseconds) end(alert, time);
      }
      for (const id of oomSeenAt.keys()) if (!alerts.some((alert) => alert.id === id && alert.until === undefined)) oomSeenAt.delete(id);
    },
    dismiss(id) {
      const alert = alerts.find((each) => each.id === id);
      if (!alert || alert.isDismissed) return;
      alert.isDismissed = true;
      if (alert.until !== undefined) alerts = alerts.filter((each) => each !== alert);
      onChanged();
    },
    kept: () => alerts,
    list: () => alerts.filter(({ isDismissed }) => !isDismissed).map(told),
  };
}

function told({ isDismissed, ...alert }: KeptAlert): Alert {
  return alert;
}

function heldKey(container: string, condition: AlertCondition): string {
  return `${condition} ${container}`;
}

function isSame(one: AlertRule, other: AlertRule): boolean {
  const { id, container, condition, abovePercent, forSeconds, enabled } = other;
  return (
    one.id === id &&
    one.container === container &&
    one.condition === condition &&
    one.abovePercent === abovePercent &&
    one.forSeconds === forSeconds &&
    one.enabled === enabled
  );
}
