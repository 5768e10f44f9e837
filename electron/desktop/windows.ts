import type { BrowserWindow, WebContents } from "electron";
import type { PageKind } from "../backend/backend.ts";
import { pageAddress } from "./scheme.ts";
import { openWindow } from "./window.ts";

/** The window that shows the app, and those that show one terminal each. No page has a hold on another one's window. */
export type Windows = {
  /** Brings the app's window to the front; one is opened where it was closed. */
  showApp(): void;
  kindOf(contents: WebContents): PageKind | undefined;
};

/** With what the person has called the terminal, percent-encoded (encodeURIComponent). */
const terminalRoute = /^#\/terminal-window\/(\d{1,10})(\?name=[\w.!~*'()%-]{1,1000})?$/;

export function createWindows(preload: string): Windows {
  let appWindow: BrowserWindow | undefined;
  /** By the terminal's channel. */
  const terminalWindows = new Map<string, BrowserWindow>();

  const openTerminal = (url: string) => {
    const route = url.startsWith(pageAddress) ? url.slice(pageAddress.length) : "";
    const channel = terminalRoute.exec(route)?.[1];
    if (channel === undefined) return false;
    const there = terminalWindows.get(channel);
    if (there) bringToFront(there);
    else {
      const window = openWindow({ preload, width: 900, height: 560, route, openPage: () => false });
      terminalWindows.set(channel, window);
      window.on("closed", () => terminalWindows.delete(channel));
    }
    return true;
  };

  return {
    showApp() {
      if (appWindow) return bringToFront(appWindow);
      appWindow = openWindow({ preload, width: 1180, height: 780, openPage: openTerminal });
      appWindow.on("closed", () => {
        appWindow = undefined;
      });
    },
    kindOf(contents) {
      if (contents === appWindow?.webContents) return "app";
      return [...terminalWindows.values()].some(({ webContents }) => webContents === contents) ? "terminal-window" : undefined;
    },
  };
}

function bringToFront(window: BrowserWindow) {
  if (window.isMinimized()) window.restore();
  window.focus();
}
