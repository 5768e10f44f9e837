import { BrowserWindow, nativeTheme, session, shell } from "electron";
import { pageAddress, pageOrigin } from "./scheme.ts";

/** A page that dies again and again is not helped by another reload. */
const maxReloads = 3;
const reloadsForgottenAfterMilliseconds = 60_000;

export type WindowOptions = {
  preload: string;
  width: number;
  height: number;
  /** What follows the page's address. */
  route?: string;
  /** Opens another page of ours in a window of its own. @returns False for what is none. */
  openPage(url: string): boolean;
};

/** A window of the app's, as closed as Electron can make it (its security checklist). Shown at once, in the theme's colour. */
export function openWindow({ preload, width, height, route = "", openPage }: WindowOptions): BrowserWindow {
  refusePermissions();
  const window = new BrowserWindow({
    width,
    height,
    minWidth: 400,
    minHeight: 320,
    title: "LXC Desktop",
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? "#1a1b1e" : "#ffffff",
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
    },
  });
  stayOnOurPage(window, openPage);
  reloadWhenItDies(window);
  void window.loadURL(`${pageAddress}${route}`);
  return window;
}

function refusePermissions() {
  // Copying and pasting follow what a person has chosen in a menu; everything else has no use here.
  const allowed = (permission: string) => permission === "clipboard-sanitized-write" || permission === "clipboard-read";
  session.defaultSession.setPermissionRequestHandler((_contents, permission, answer) => answer(allowed(permission)));
  session.defaultSession.setPermissionCheckHandler((_contents, permission) => allowed(permission));
  session.defaultSession.setDevicePermissionHandler(() => false);
}

function stayOnOurPage({ webContents }: BrowserWindow, openPage: (url: string) => boolean) {
  const refuse = (event: { preventDefault(): void }, url: string) => {
    // URL.origin of a scheme of our own is "null"; with the slash, this prefix is the whole host.
    if (!url.startsWith(`${pageOrigin}/`)) event.preventDefault();
  };
  webContents.on("will-navigate", (event) => refuse(event, event.url));
  webContents.on("will-redirect", (event) => refuse(event, event.url));
  webContents.on("will-frame-navigate", (event) => {
    if (!event.isMainFrame) event.preventDefault();
    else refuse(event, event.url);
  });
  webContents.on("will-attach-webview", (event) => event.preventDefault());
  webContents.setWindowOpenHandler(({ url }) => {
    if (!openPage(url)) openOutside(url);
    return { action: "deny" };
  });
}

/** Links that the page opens (documentation, and those in a terminal that a person confirmed) go to the person's own browser. */
function openOutside(url: string) {
  if (!URL.canParse(url)) return;
  const { protocol, href } = new URL(url);
  if (protocol === "https:" || protocol === "http:") void shell.openExternal(href);
}

function reloadWhenItDies(window: BrowserWindow) {
  let reloads = 0;
  let last = 0;
  window.webContents.on("render-process-gone", (_event, { reason }) => {
    if (reason === "clean-exit" || window.isDestroyed()) return;
    if (performance.now() - last > reloadsForgottenAfterMilliseconds) reloads = 0;
    last = performance.now();
    if (++reloads <= maxReloads) window.webContents.reload();
  });
}
