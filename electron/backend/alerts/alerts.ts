import { randomBytes } from "node:crypto";
import { type Alert, type AlertList, type AlertRule, alertNotification } from "../../../privileged-helper/contract/alerts.ts";
import { type AlertEngine, createAlertEngine } from "./alert-engine.ts";
import type { AlertFile } from "./alert-file.ts";
import type { AlertRuleStore } from "./alert-rules.ts";

/** Rules, what they have found, and who is told. */
export type Alerts = {
  /** What it is fed with. */
  engine: Omit<AlertEngine, "restore" | "setRules" | "list" | "kept" | "dismiss">;
  list(): AlertList;
  /** @throws ProblemError `invalid-request`. */
  saveRule(rule: AlertRule): AlertList;
  deleteRule(id: string): AlertList;
  dismiss(id: string): AlertList;
};

/** Shows a notification on the desktop. A promise of false: nothing shows it, so that the page has to from now on. */
export type Notify = (notification: { title: string; body: string }) => Promise<boolean> | undefined;

export type AlertsOptions = {
  rules: AlertRuleStore;
  file: AlertFile;
  /** Absent where the page has to. */
  notify?: Notify | Promise<Notify | undefined>;
  /** `list` has another answer. */
  onChanged(list: AlertList): void;
  onRulesChanged(): void;
};

export function createAlerts({ rules, file, notify: notifier, onChanged, onRulesChanged }: AlertsOptions): Alerts {
  let notify = typeof notifier === "function" ? notifier : undefined;
  let begun: Alert[] = [];
  let isTold = true;

  /** Once for all that changes within one event: fifty containers on a full disk are one piece of news. */
  const tellSoon = () => {
    if (!isTold) return;
    isTold = false;
    queueMicrotask(() => {
      isTold = true;
      const news = begun;
      begun = [];
      file.write(engine.kept());
      if (news.length > 0) void notify?.(alertNotification(news))?.then((isShown) => !isShown && tellBy(undefined));
      onChanged(list());
    });
  };
  const tellBy = (found: Notify | undefined) => {
    if (found === notify) return;
    notify = found;
    onChanged(list());
  };
  if (typeof notifier !== "function") void notifier?.then(tellBy);
  const engine = createAlertEngine({
    nextId: () => randomBytes(8).toString("hex"),
    onBegun: (alert) => begun.push(alert),
    onChanged: tellSoon,
  });
  engine.setRules(rules.list());
  engine.restore(file.read());
  const list = (): AlertList => ({ rules: rules.list(), alerts: engine.list(), toldBy: notify ? "desktop" : "page" });
  const changed = () => {
    engine.setRules(rules.list());
    onRulesChanged();
    tellSoon();
    return list();
  };
  return {
    engine,
    list,
    saveRule(rule) {
      rules.save(rule);
      return changed();
    },
    deleteRule(id) {
      rules.delete(id);
      return changed();
    },
    dismiss(id) {
      engine.dismiss(id);
      return list();
    },
  };
}
