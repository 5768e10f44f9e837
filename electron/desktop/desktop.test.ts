import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { type BuildOptions, build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

/**
 * Electron's main process and preload as they are built, with a double of the `electron` module that writes down what they do.
 * No helper is started: who would be asked for a password here?
 */
type Handler = (...args: never[]) => unknown;
type Emitter = { emit(event: string, ...args: unknown[]): boolean };
type RecordedPort = Emitter;
type Recorded = {
  calls: { name: string; args: unknown[] }[];
  windows: (Emitter & {
    options: { webPreferences: Record<string, unknown> } & Record<string, unknown>;
    webContents: Emitter & { mainFrame: { origin: string } };
  })[];
  handlers: Record<string, Handler>;
  schemes: { scheme: string; privileges: Record<string, boolean> }[];
  channels: { port1: RecordedPort; port2: RecordedPort }[];
  notifications: (Emitter & { options: { title: string; body: string } })[];
};

let folder: string;
let recorded: Recorded;
let electron: { app: Emitter; ipcMain: Emitter; ipcRenderer: Emitter };
const page = "<!doctype html><title>LXC Desktop</title>";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-electron-"));
  mkdirSync(join(folder, "renderer"));
  writeFileSync(join(folder, "renderer/index.html"), page);
  mkdirSync(join(folder, "node_modules/electron"), { recursive: true });
  copyFileSync(join(import.meta.dirname, "testing/electron-double.cjs"), join(folder, "node_modules/electron/index.js"));
  process.env.XDG_CONFIG_HOME = join(folder, "config");
  process.env.XDG_STATE_HOME = join(folder, "state");
  const common: BuildOptions = {
    bundle: true,
    platform: "node",
    external: ["electron"],
    define: { APP_VERSION: '"0.0.0-test"' },
    logLevel: "error",
  };
  await build({
    ...common,
    entryPoints: [join(import.meta.dirname, "main.ts")],
    outfile: join(folder, "desktop/main.mjs"),
    format: "esm",
    plugins: [
      {
        name: "no helper",
        setup({ onLoad }) {
          onLoad({ filter: /launch-helper\.ts$/ }, () => ({
            contents: "export const createHelperLauncher = () => async () => { throw new Error('there is no helper in this test'); };",
          }));
        },
      },
    ],
  });
  await build({
    ...common,
    entryPoints: [join(import.meta.dirname, "notifications.ts")],
    outfile: join(folder, "desktop/notifications.mjs"),
    format: "esm",
  });
  await build({
    ...common,
    entryPoints: [join(import.meta.dirname, "preload.cts")],
    outfile: join(folder, "desktop/preload.cjs"),
    format: "cjs",
  });
  await import(pathToFileURL(join(folder, "desktop/main.mjs")).href);
  electron = createRequire(join(folder, "desktop/main.mjs"))("electron");
  recorded = (globalThis as unknown as { electronRecord: Recorded }).electronRecord;
  await vi.waitFor(() => expect(recorded.windows).toHaveLength(1));
});
afterAll(() => rmSync(folder, { recursive: true }));

const contents = () => {
  const [window] = recorded.windows;
  if (!window) throw new Error("there is no window");
  return window.webContents;
};
const callsOf = (name: string) => recorded.calls.filter((call) => call.name === name);

describe("the window", () => {
  it("is sandboxed, isolated from the preload, and without Node", () => {
    expect(recorded.windows[0]?.options.webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      preload: join(folder, "desktop/preload.cjs"),
    });
  });

  it("is opened after every process was put into the sandbox, in the theme's colour, on our own page", () => {
    const order = recorded.calls.map(({ name }) => name);
    expect(order.indexOf("app.enableSandbox")).toBeLessThan(order.indexOf("app.whenReady"));
    expect(order.indexOf("protocol.registerSchemesAsPrivileged")).toBeLessThan(order.indexOf("app.whenReady"));
    expect(recorded.windows[0]?.options).toMatchObject({ backgroundColor: expect.stringMatching(/^#1/) });
    expect(callsOf("window.loadURL")).toEqual([{ name: "window.loadURL", args: ["app://bundle/index.html"] }]);
  });

  it("comes to the front when the app is started again", () => {
    electron.app.emit("second-instance");
    expect(callsOf("window.restore")).toHaveLength(1);
    expect(callsOf("window.focus")).toHaveLength(1);
  });

  it("loads its page again when that has died, but not for ever", () => {
    for (let times = 0; times < 10; times++) contents().emit("render-process-gone", {}, { reason: "crashed" });
    contents().emit("render-process-gone", {}, { reason: "clean-exit" });
    expect(callsOf("webContents.reload")).toHaveLength(3);
  });
});

describe("navigation", () => {
  const elsewhere = [
    "https://example.org/",
    "http://localhost/",
    "file:///etc/passwd",
    "app://bundle.evil/",
    "app://bundlex/index.html",
    "app://evil/index.html",
    "javascript:alert(1)",
    "data:text/html,x",
    "blob:app://bundle/x",
    "",
  ];
  const isRefused = (event: string, details: Record<string, unknown>) => {
    const preventDefault = vi.fn();
    contents().emit(event, { preventDefault, isMainFrame: true, ...details });
    return preventDefault.mock.calls.length > 0;
  };

  it.each(["will-navigate", "will-redirect", "will-frame-navigate"])("is refused to everywhere else (%s)", (event) => {
    for (const url of elsewhere) expect(isRefused(event, { url }), url).toBe(true);
    expect(isRefused(event, { url: "app://bundle/index.html" })).toBe(false);
  });

  it("of a frame is refused, wherever it goes, and so is a webview", () => {
    expect(isRefused("will-frame-navigate", { url: "app://bundle/index.html", isMainFrame: false })).toBe(true);
    expect(isRefused("will-attach-webview", {})).toBe(true);
  });

  it("to a new window is refused; a link to the web goes to the person's own browser, and nothing else does", () => {
    const open = recorded.handlers.windowOpen as unknown as (details: { url: string }) => unknown;
    for (const url of [
      ...elsewhere,
      "smb://host/share",
      "vscode://x",
      "java\nscript:alert(1)",
      "file:///etc\n",
      "https://example.org/docs",
    ])
      expect(open({ url }), url).toEqual({ action: "deny" });
    expect(callsOf("shell.openExternal").map(({ args }) => args[0])).toEqual([
      "https://example.org/",
      "http://localhost/",
      "https://example.org/docs",
    ]);
  });
});

describe("permissions", () => {
  it("are refused, but for the clipboard", () => {
    const asked = ["media", "geolocation", "notifications", "midi", "openExternal", "fileSystem", "hid", "serial", "usb"];
    const request = recorded.handlers.permissionRequest as unknown as (
      contents: unknown,
      name: string,
      answer: (granted: boolean) => void,
    ) => void;
    const check = recorded.handlers.permissionCheck as unknown as (contents: unknown, name: string) => boolean;
    const granted = ["clipboard-sanitized-write", "clipboard-read"];
    for (const name of [...asked, ...granted]) {
      const answer = vi.fn();
      request(undefined, name, answer);
      const wanted = granted.includes(name);
      expect(answer, name).toHaveBeenCalledExactlyOnceWith(wanted);
      expect(check(undefined, name), name).toBe(wanted);
    }
    expect((recorded.handlers.devicePermission as unknown as () => boolean)()).toBe(false);
  });
});

describe("the page's address", () => {
  const get = (url: string, method = "GET") =>
    (recorded.handlers["protocol app"] as unknown as (request: { url: string; method: string }) => Response)({ url, method });

  it("is a secure origin of its own", () => {
    expect(recorded.schemes).toEqual([{ scheme: "app", privileges: expect.objectContaining({ standard: true, secure: true }) }]);
    expect(recorded.schemes[0]?.privileges).not.toHaveProperty("bypassCSP", true);
  });

  it("gives the page with a content security policy that lets it run its own scripts only", async () => {
    const answer = get("app://bundle/index.html");
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(page);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|http:|https:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it("gives nothing else, whatever is asked", () => {
    for (const url of [
      "app://bundle/%2e%2e/desktop/main.mjs",
      "app://bundle/../desktop/main.mjs",
      "app://bundle//etc/passwd",
      "app://bundle/%2e%2e/%2e%2e/etc/passwd",
      "app://bundle/..%2fdesktop/main.mjs",
      "app://bundle/index.html%00",
      "app://bundle/nothing",
    ]) {
      expect(get(url).status, url).toBe(404);
    }
    for (const url of ["app://other/index.html", "file:///etc/passwd", "https://bundle/index.html", "app:bundle/index.html"])
      expect(get(url).status, url).toBe(400);
    expect(get("app://bundle/index.html", "POST").status).toBe(400);
  });
});

describe("the port", () => {
  const ask = (sender: unknown, senderFrame: unknown) => {
    const before = recorded.channels.length;
    electron.ipcMain.emit("lxc-desktop:want-port", { sender, senderFrame });
    return recorded.channels.length - before;
  };

  it("is refused to other pages, other frames and other windows", () => {
    const { mainFrame } = contents();
    expect(ask({}, mainFrame)).toBe(0);
    expect(ask(contents(), { origin: "app://bundle" })).toBe(0);
    expect(ask(contents(), null)).toBe(0);
    mainFrame.origin = "https://example.org";
    expect(ask(contents(), mainFrame)).toBe(0);
    mainFrame.origin = "app://bundle.evil";
    expect(ask(contents(), mainFrame)).toBe(0);
    mainFrame.origin = "app://bundle";
  });

  it("is handed to our page, and leads to the backend", async () => {
    expect(ask(contents(), contents().mainFrame)).toBe(1);
    const channel = recorded.channels.at(-1);
    expect(callsOf("webContents.postMessage").at(-1)?.args).toEqual(["lxc-desktop:port", undefined, [channel?.port2]]);
    const call = new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "session.get", params: {} }));
    const message = new Uint8Array(4 + call.length);
    message.set(call, 4);
    channel?.port1.emit("message", { data: message });
    await vi.waitFor(() => {
      const answers = callsOf("port.postMessage").map(({ args }) => Buffer.from((args[0] as Uint8Array).subarray(4)).toString());
      expect(answers.some((answer) => answer.includes('"id":1') && answer.includes('"state":"failed"'))).toBe(true);
    });
  });

  it("leads to a backend that tells of alerts by notifications of the desktop", async () => {
    const call = new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", id: 2, method: "alerts.list", params: {} }));
    const message = new Uint8Array(4 + call.length);
    message.set(call, 4);
    recorded.channels.at(-1)?.port1.emit("message", { data: message });
    await vi.waitFor(() => {
      const answers = callsOf("port.postMessage").map(({ args }) => Buffer.from((args[0] as Uint8Array).subarray(4)).toString());
      expect(answers.some((answer) => answer.includes('"id":2') && answer.includes('"toldBy":"desktop"'))).toBe(true);
    });
  });

  it("passes only bytes on", () => {
    const before = recorded.calls.length;
    recorded.channels.at(-1)?.port1.emit("message", { data: "text" });
    recorded.channels.at(-1)?.port1.emit("message", { data: { id: 1 } });
    expect(recorded.calls).toHaveLength(before);
  });
});

describe("a notification", () => {
  it("is the desktop's own, and a click on it brings the window to the front", async () => {
    const { showNotification } = await import(pathToFileURL(join(folder, "desktop/notifications.mjs")).href);
    const [restored, focused] = [callsOf("window.restore").length, callsOf("window.focus").length];
    showNotification({ title: "web", body: "It has stopped." });
    const [notification] = recorded.notifications;
    expect(notification?.options).toEqual({ title: "web", body: "It has stopped." });
    expect(callsOf("notification.show")).toHaveLength(1);
    expect(callsOf("window.focus")).toHaveLength(focused);
    notification?.emit("click");
    expect([callsOf("window.restore").length, callsOf("window.focus").length]).toEqual([restored + 1, focused + 1]);
  });
});

describe("the preload", () => {
  const load = () => {
    const listeners: ((event: unknown) => void)[] = [];
    const posted: unknown[][] = [];
    const window = {
      location: { origin: "app://bundle" },
      addEventListener: (_name: string, listener: (event: unknown) => void) => listeners.push(listener),
      postMessage: (...args: unknown[]) => posted.push(args),
    };
    const require = createRequire(join(folder, "desktop/preload.cjs"));
    runInNewContext(readFileSync(join(folder, "desktop/preload.cjs"), "utf8"), { require, window, module: { exports: {} }, exports: {} });
    return { window, posted, say: (event: object) => listeners.forEach((listener) => void listener(event)) };
  };

  it("asks for the port when our page wants it, and for nobody else", () => {
    const { window, say } = load();
    const asked = () => callsOf("ipcRenderer.send").length;
    const before = asked();
    say({ source: {}, origin: "app://bundle", data: "lxc-desktop:want-port" });
    say({ source: window, origin: "https://example.org", data: "lxc-desktop:want-port" });
    say({ source: window, origin: "app://bundle", data: "lxc-desktop:something" });
    expect(asked()).toBe(before);
    say({ source: window, origin: "app://bundle", data: "lxc-desktop:want-port" });
    expect(callsOf("ipcRenderer.send").at(-1)?.args).toEqual(["lxc-desktop:want-port"]);
    expect(asked()).toBe(before + 1);
  });

  it("hands the port on to our origin alone, and nothing of Electron with it", () => {
    const { window, posted } = load();
    const port = {};
    electron.ipcRenderer.emit("lxc-desktop:port", { ports: [port], sender: "must not get out" });
    expect(posted).toEqual([["lxc-desktop:port", "app://bundle", [port]]]);
    expect(Object.keys(window)).toEqual(["location", "addEventListener", "postMessage"]);
  });
});

describe("a window of a terminal", () => {
  const firstOpenHandler = () => recorded.handlers.windowOpen as unknown as (details: { url: string }) => unknown;
  const asks = (window: Recorded["windows"][number] | undefined) => {
    const before = recorded.channels.length;
    electron.ipcMain.emit("lxc-desktop:want-port", { sender: window?.webContents, senderFrame: window?.webContents.mainFrame });
    return recorded.channels.length - before;
  };

  it("is another window of ours, as closed as the first, without a hold on it, and the same terminal has one only", () => {
    const open = firstOpenHandler();
    expect(open({ url: "app://bundle/index.html#/terminal-window/7" })).toEqual({ action: "deny" });
    expect(recorded.windows).toHaveLength(2);
    const [app, window] = recorded.windows;
    expect(window?.options.webPreferences).toEqual(app?.options.webPreferences);
    expect(callsOf("window.loadURL").at(-1)?.args).toEqual(["app://bundle/index.html#/terminal-window/7"]);
    const focused = callsOf("window.focus").length;
    open({ url: "app://bundle/index.html#/terminal-window/7?name=a%20b" });
    expect(recorded.windows).toHaveLength(2);
    expect(callsOf("window.focus")).toHaveLength(focused + 1);
    // That window opens none itself.
    firstOpenHandler()({ url: "app://bundle/index.html#/terminal-window/8" });
    expect(recorded.windows).toHaveLength(2);
    expect(asks(window)).toBe(1);
    window?.emit("closed");
    expect(asks(window)).toBe(0);
  });

  it("is opened for nothing else", () => {
    const { length } = recorded.windows;
    electron.app.emit("second-instance");
    recorded.windows[0]?.emit("closed");
    electron.app.emit("second-instance");
    expect(recorded.windows).toHaveLength(length + 1);
    const open = firstOpenHandler();
    for (const url of [
      "app://bundle/index.html",
      "app://bundle/index.html#/containers",
      "app://bundle/index.html#/terminal-window/",
      "app://bundle/index.html#/terminal-window/x",
      "app://bundle/index.html#/terminal-window/7/../..",
      "app://bundle/index.html#/terminal-window/7?name=<b>",
      "app://bundle/index.html#/terminal-window/7?other=1",
      "app://bundle/other.html#/terminal-window/7",
      "app://evil/index.html#/terminal-window/7",
    ]) {
      expect(open({ url }), url).toEqual({ action: "deny" });
    }
    expect(recorded.windows).toHaveLength(length + 1);
    expect(callsOf("shell.openExternal").some(({ args }) => String(args[0]).startsWith("app:"))).toBe(false);
    expect(asks(recorded.windows[0])).toBe(0);
    expect(asks(recorded.windows.at(-1))).toBe(1);
  });
});

describe("an installed app", () => {
  /** What another process of it does first. */
  const begun = (settings: { isPackaged: boolean; commandLineSwitch: string }): string[] => {
    const script = `import { createRequire } from "node:module";
      Object.assign(globalThis, { require: createRequire(import.meta.url), ...${JSON.stringify(settings)} }); await import("./desktop/main.mjs");
      console.log(JSON.stringify(globalThis.electronRecord.calls.map(({ name }) => name))); process.exit();`;
    writeFileSync(join(folder, "begin.mjs"), script);
    const output = execFileSync(process.execPath, [join(folder, "begin.mjs")], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    return JSON.parse(output);
  };

  it.each(["remote-debugging-port", "remote-debugging-pipe"])("ends at once where it is to be debugged (--%s)", (commandLineSwitch) => {
    expect(begun({ isPackaged: true, commandLineSwitch })).toEqual(["app.exit"]);
    expect(begun({ isPackaged: false, commandLineSwitch })).toContain("app.whenReady");
    expect(begun({ isPackaged: true, commandLineSwitch: "lang" })).toContain("app.whenReady");
  });
});

describe("the end", () => {
  it("waits for the backend before it lets the app go", async () => {
    const preventDefault = vi.fn();
    const before = callsOf("app.quit").length;
    electron.app.emit("will-quit", { preventDefault });
    expect(preventDefault).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(callsOf("app.quit").length).toBe(before + 1));
    const again = vi.fn();
    electron.app.emit("will-quit", { preventDefault: again });
    expect(again).not.toHaveBeenCalled();
  });
});
