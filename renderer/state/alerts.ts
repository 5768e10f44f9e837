import { useMemo } from "react";
import { create } from "zustand";
import { type Alert, type AlertList, type AlertRule, alertNotification } from "../../privileged-helper/contract/alerts.ts";
import type { Client } from "../backend/client.ts";

/** Alerts and their rules, as the host has them; undefined until they are known. */
export const useAlerts = create<{ list?: AlertList }>(() => ({}));

const none: readonly Alert[] = [];

/** Follows the host's list, and shows what is new in it. @returns A function that ends it. */
export function startAlerts(client: Client): () => void {
  const stopListening = client.on("alerts.changed", (list) => {
    const before = useAlerts.getState().list;
    useAlerts.setState({ list });
    if (before && list.toldBy === "page") notifyOf(newAlerts(before.alerts, list.alerts));
  });
  // Without an answer there is no connection, and that is shown by itself.
  void client.call("alerts.list", {}).then(
    (list) => useAlerts.setState({ list }),
    () => {},
  );
  return stopListening;
}

/** What a list of all containers marks: a container's alerts, the newest first. */
export function useAlertsOf(container: string): readonly Alert[] {
  const alerts = useAlerts(({ list }) => list?.alerts) ?? none;
  return useMemo(() => alerts.filter((alert) => alert.container === container), [alerts, container]);
}

/** @throws ProblemError where it could not be kept. */
export async function saveAlertRule(client: Client, rule: AlertRule): Promise<void> {
  useAlerts.setState({ list: await client.call("alerts.saveRule", { rule }) });
}

/** @throws ProblemError where the file could not be written. */
export async function deleteAlertRule(client: Client, rule: string): Promise<void> {
  useAlerts.setState({ list: await client.call("alerts.deleteRule", { rule }) });
}

/** @throws ProblemError where the connection is lost. */
export async function dismissAlert(client: Client, alert: string): Promise<void> {
  useAlerts.setState({ list: await client.call("alerts.dismiss", { alert }) });
}

/**
 * Whether this page tells of alerts outside of itself. `desktop`: that is done without it. `unasked`: `askToNotify` would ask the person.
 * `none`: this browser has no notifications.
 */
export function notifyingState(list: AlertList | undefined): "desktop" | "granted" | "denied" | "unasked" | "none" {
  if (list?.toldBy === "desktop") return "desktop";
  if (typeof Notification === "undefined") return "none";
  return Notification.permission === "default" ? "unasked" : Notification.permission;
}

/** To be called by a click only: the browser asks the person. @returns Whether it was allowed. */
export async function askToNotify(): Promise<boolean> {
  return (await Notification.requestPermission()) === "granted";
}

/** Those that began since `before`. */
export function newAlerts(before: readonly Alert[], now: readonly Alert[]): Alert[] {
  const known = new Set(before.map(({ id }) => id));
  return now.filter(({ id }) => !known.has(id));
}

/** Shows what has just begun, all of it at once, if the person has allowed that. */
export function notifyOf(alerts: readonly Alert[]): void {
  if (alerts.length === 0 || typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const { title, body } = alertNotification(alerts);
  const shown = new Notification(title, { body, icon: "icon.svg" });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}
