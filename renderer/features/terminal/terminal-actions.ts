import { defaultTerminalSettings, type ShortcutAction, terminalLimits } from "../../../privileged-helper/contract/terminal-settings.ts";
import type { Client } from "../../backend/client.ts";
import { ownTerminal } from "../../backend/own-terminal.ts";
import { openDialog, useDialogs } from "../../state/dialogs.ts";
import { changeSettings, useSettings } from "../../state/settings.ts";
import { actionOf, keyNames, keysOf, shortcutOf } from "../../state/shortcuts.ts";
import { moveTab, neighbour, type Side, showTerminal, stepTab, terminalsIn } from "../../state/terminal-layout.ts";
import { addTerminal, changeRow, updateTerminal, useTerminals } from "../../state/terminals.ts";
import { showNotices, showProblem } from "../../ui/toasts.tsx";
import { bufferText } from "./buffer-text.ts";
import type { LiveTerminal } from "./live-terminal.ts";
import { closeTerminal, drawnTerminal } from "./live-terminals.ts";
import { openOwnWindow, returnToApp } from "./own-window.ts";
import { usePaneState } from "./pane-state.ts";
import { ask } from "./questions.ts";

/** The browser pastes by itself with these, and asks nobody for a right. */
const browserPastes = new Set(["Ctrl+Shift+V", "Shift+Insert"]);

/** Does what keys in a terminal stand for. @returns Whose they are. */
export function onTerminalKeys(client: Client, id: string, event: KeyboardEvent): "app" | "browser" | "terminal" {
  const action = actionOf(event, useSettings.getState().shortcuts);
  if (action === "terminal.paste" && browserPastes.has(shortcutOf(event) ?? "")) return "browser";
  return action !== undefined && runTerminalAction(client, id, action) ? "app" : "terminal";
}

/** @param id The terminal that has the focus. @returns Whether there was anything to do. */
export function runTerminalAction(client: Client, id: string, action: ShortcutAction): boolean {
  const { terminals, rows } = useTerminals.getState();
  const info = terminals.get(id);
  if (!info) return false;
  const { container } = info;
  const live = drawnTerminal(id);
  const row = rows[container];
  const tab = row?.tabs.find(({ root }) => terminalsIn(root).includes(id));
  const size = useSettings.getState().terminal.fontSize;
  const setSize = (fontSize: number) => {
    const { min, max } = terminalLimits.fontSize;
    void changeSettings(client, { terminal: { fontSize: Math.min(max, Math.max(min, fontSize)) } }).catch(showProblem);
    return true;
  };
  const go = (side: Side) => {
    const beside = tab && neighbour(tab.root, id, side);
    // Without one the keys are the shell's.
    if (beside === undefined) return false;
    changeRow(container, (current) => showTerminal(current, beside));
    return true;
  };
  switch (action) {
    case "terminal.copy":
      live?.copySelection();
      return true;
    case "terminal.paste":
      if (live) void pasteFromClipboard(live);
      return true;
    case "terminal.select-all":
      live?.xterm.selectAll();
      return true;
    case "terminal.search":
      usePaneState.setState({ searched: id });
      return true;
    case "terminal.clear":
      live?.xterm.clear();
      return true;
    case "terminal.save":
      saveText(id);
      return true;
    case "terminal.larger":
      return setSize(size + 1);
    case "terminal.smaller":
      return setSize(size - 1);
    case "terminal.usual-size":
      return setSize(defaultTerminalSettings.fontSize);
    case "terminal.leave":
      focusTab(container);
      return true;
    case "app.shortcuts":
      // It would take the place of one that is open.
      if (useDialogs.getState().dialog) return false;
      openDialog({ type: "shortcuts" });
      return true;
  }
  if (ownTerminal !== undefined) {
    if (action === "terminal.close") closeTerminal(client, id);
    else if (action === "terminal.window") void returnToApp(id);
    else return false;
    return true;
  }
  // What follows is about tabs; a terminal in a dialog is in none.
  if (!row || !tab) return false;
  switch (action) {
    case "terminal.new":
      addTerminal(container, { type: "shell" }, { type: "tab" });
      return true;
    case "terminal.split-right":
      addTerminal(container, { type: "shell" }, { type: "beside", terminal: id, direction: "horizontal" });
      return true;
    case "terminal.split-below":
      addTerminal(container, { type: "shell" }, { type: "beside", terminal: id, direction: "vertical" });
      return true;
    case "terminal.close":
      closeOrAsk(client, [id]);
      return true;
    case "terminal.next":
    case "terminal.previous":
      changeRow(container, (current) => stepTab(current, action === "terminal.next" ? 1 : -1));
      return true;
    case "terminal.move-left":
    case "terminal.move-right": {
      const to = row.tabs.indexOf(tab) + (action === "terminal.move-left" ? -1 : 1);
      changeRow(container, (current) => moveTab(current, tab.id, to));
      return true;
    }
    case "terminal.rename":
      usePaneState.setState({ renamed: tab.id });
      return true;
    case "terminal.window":
      return openOwnWindow(id);
    case "terminal.broadcast":
      toggleBroadcast(id);
      return true;
    case "terminal.focus-left":
      return go("left");
    case "terminal.focus-right":
      return go("right");
    case "terminal.focus-up":
      return go("up");
    case "terminal.focus-down":
      return go("down");
  }
}

/** Several at once are asked about; one is as easy to open again as to close. */
export function closeOrAsk(client: Client, ids: readonly string[]): void {
  const { terminals } = useTerminals.getState();
  const running = ids.filter((id) => terminals.get(id)?.status.state === "open");
  if (running.length > 1) ask({ type: "close", terminals: ids });
  else for (const id of ids) closeTerminal(client, id);
}

/** What is typed in any of those that broadcast goes to all of them. The first one takes those of its tab with it. */
export function toggleBroadcast(id: string): void {
  const { terminals, rows } = useTerminals.getState();
  const info = terminals.get(id);
  if (!info) return;
  if (info.isBroadcasting) {
    updateTerminal(id, { isBroadcasting: false });
    const left = [...useTerminals.getState().terminals.values()].filter(({ isBroadcasting }) => isBroadcasting);
    // Alone there is nobody to send to.
    if (left.length === 1 && left[0]) updateTerminal(left[0].id, { isBroadcasting: false });
    return;
  }
  const isFirst = ![...terminals.values()].some(({ isBroadcasting }) => isBroadcasting);
  const tab = rows[info.container]?.tabs.find(({ root }) => terminalsIn(root).includes(id));
  for (const terminal of isFirst && tab ? terminalsIn(tab.root) : [id]) {
    if (terminals.get(terminal)?.status.state === "open") updateTerminal(terminal, { isBroadcasting: true });
  }
}

async function pasteFromClipboard(live: LiveTerminal) {
  try {
    live.paste(await navigator.clipboard.readText());
  } catch {
    const keys = keyNames(keysOf("terminal.paste", useSettings.getState().shortcuts)).join(" ");
    showNotices("Nothing was pasted", [`The browser does not let LXC Desktop read the clipboard. Press ${keys} instead.`]);
  }
}

function saveText(id: string) {
  const live = drawnTerminal(id);
  const info = useTerminals.getState().terminals.get(id);
  if (!live || !info) return;
  const address = URL.createObjectURL(new Blob([bufferText(live.xterm.buffer.active)], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${info.container}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function focusTab(container: string) {
  const list = document.querySelector(`[data-terminals-of="${CSS.escape(container)}"]`);
  list?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
}
