import type { TerminalTab } from "../../state/terminal-layout.ts";
import type { TerminalInfo } from "../../state/terminals.ts";

/** What a terminal is called: by its program where that says so, else by what was opened. */
export function shownTitle({ title, programTitle }: TerminalInfo): string {
  return programTitle ?? title;
}

/** What a tab is called: by the person, else by the terminal in it that has the focus. */
export function tabTitle(tab: TerminalTab, terminals: ReadonlyMap<string, TerminalInfo>): string {
  const active = terminals.get(tab.active);
  return tab.name ?? (active ? shownTitle(active) : "Shell");
}

/** What runs in it, for a sentence. */
export function nounOf({ kind }: TerminalInfo): "shell" | "console" | "command" {
  return kind.type;
}

/** How a program ended, as a sentence. */
export function explainEnd(info: TerminalInfo, container: { name: string; state?: string; startedAt?: number }): string {
  const noun = nounOf(info);
  const { status } = info;
  if (status.state === "lost") return `The helper has ended, and the ${noun} with it. Its text stays here.`;
  if (status.state !== "ended") return "";
  if (container.state === undefined) return `${container.name} is gone, and the ${noun} with it.`;
  if (container.state !== "running" && container.state !== "frozen") return `${container.name} has stopped, and the ${noun} with it.`;
  if ((container.startedAt ?? 0) > info.openedAt) return `${container.name} was started again. The ${noun} of before has ended.`;
  if (status.signal !== undefined) return `The ${noun} was ended by signal ${status.signal}${signalNames[status.signal] ?? ""}.`;
  return status.exitCode ? `The ${noun} has ended with exit code ${status.exitCode}.` : `The ${noun} has ended.`;
}

/** Those that a person meets (signal(7), the numbers of most machines). */
const signalNames: Readonly<Record<number, string>> = {
  1: " (hang-up)",
  2: " (Ctrl+C)",
  3: " (quit)",
  6: " (abort)",
  9: " (kill)",
  11: " (segmentation fault)",
  13: " (broken pipe)",
  15: " (terminate)",
};
