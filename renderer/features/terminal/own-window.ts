import { ownWindowAddress } from "../../backend/own-terminal.ts";
import { ownTab } from "../../state/terminal-layout.ts";
import { changeRow, useTerminals } from "../../state/terminals.ts";
import { showNotices } from "../../ui/toasts.tsx";
import { leaveTerminal } from "./live-terminals.ts";

const features = "popup,width=900,height=560";

/**
 * Shows a terminal in a window of its own, or brings that to the front. The window takes it from this page as soon as it is there, and the
 * host gives it back when the window is closed; its tab stays. @returns False where there is nothing to be shown.
 */
export function openOwnWindow(id: string): boolean {
  const info = useTerminals.getState().terminals.get(id);
  if (info?.channel === undefined) return false;
  // One name for each, so that a second one is not opened.
  const opened = window.open(
    ownWindowAddress(info.channel, nameOfTab(info.container, id)),
    `lxc-desktop-terminal-${info.channel}`,
    features,
  );
  // Electron opens it itself, and gives no page a hold on it.
  if (!opened && location.protocol !== "app:") {
    showNotices("No window was opened", [
      "The browser did not let LXC Desktop open one. Allow pop-up windows for this page, and try again.",
    ]);
    return true;
  }
  opened?.focus();
  changeRow(info.container, (row) => ownTab(row, id));
  return true;
}

/** What the person has called the tab that a terminal has for itself. */
function nameOfTab(container: string, id: string): string | undefined {
  const tabs = useTerminals.getState().rows[container]?.tabs ?? [];
  return tabs.find(({ root }) => root.type === "terminal" && root.id === id)?.name;
}

/** From a terminal's own window: the app's page shows it again. */
export async function returnToApp(id: string): Promise<void> {
  await leaveTerminal(id);
  window.close();
}
