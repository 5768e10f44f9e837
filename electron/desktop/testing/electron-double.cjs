/** Stands in for the `electron` module and writes down what is done with it. Each load is a fresh one. */
const { EventEmitter } = require("node:events");

const record = { calls: [], windows: [], handlers: {}, schemes: [], channels: [], notifications: [] };
globalThis.electronRecord = record;

/** @param {string} name */
const called =
  (name) =>
  /** @param {unknown[]} args */
  (...args) => {
    record.calls.push({ name, args });
  };
/** @param {string} name */
const keptHandler =
  (name) =>
  /** @param {unknown} handler */
  (handler) => {
    record.handlers[name] = handler;
  };

class App extends EventEmitter {
  enableSandbox = called("app.enableSandbox");
  quit = called("app.quit");
  exit = called("app.exit");
  isPackaged = globalThis.isPackaged === true;
  commandLine = { hasSwitch: (name) => globalThis.commandLineSwitch === name };
  requestSingleInstanceLock() {
    called("app.requestSingleInstanceLock")();
    return globalThis.isSecondInstance !== true;
  }
  whenReady() {
    called("app.whenReady")();
    return Promise.resolve();
  }
}

class WebContents extends EventEmitter {
  mainFrame = { origin: "app://bundle" };
  setWindowOpenHandler = keptHandler("windowOpen");
  postMessage = called("webContents.postMessage");
  reload = called("webContents.reload");
}

class BrowserWindow extends EventEmitter {
  static getAllWindows() {
    return record.windows;
  }
  webContents = new WebContents();
  loadURL = called("window.loadURL");
  focus = called("window.focus");
  restore = called("window.restore");
  constructor(options) {
    super();
    this.options = options;
    record.windows.push(this);
  }
  isMinimized() {
    return true;
  }
  isDestroyed() {
    return false;
  }
}

class Notification extends EventEmitter {
  static isSupported() {
    return true;
  }
  constructor(options) {
    super();
    this.options = options;
    record.notifications.push(this);
  }
  show = called("notification.show");
}

class MessagePortMain extends EventEmitter {
  postMessage = called("port.postMessage");
  start = called("port.start");
  close = called("port.close");
}

class MessageChannelMain {
  port1 = new MessagePortMain();
  port2 = new MessagePortMain();
  constructor() {
    record.channels.push(this);
  }
}

exports.app = new App();
exports.BrowserWindow = BrowserWindow;
exports.MessageChannelMain = MessageChannelMain;
exports.Menu = { setApplicationMenu: called("Menu.setApplicationMenu") };
exports.Notification = Notification;
exports.nativeTheme = { shouldUseDarkColors: true };
exports.shell = { openExternal: called("shell.openExternal") };
exports.ipcMain = new EventEmitter();
exports.ipcRenderer = Object.assign(new EventEmitter(), { send: called("ipcRenderer.send") });
exports.protocol = {
  registerSchemesAsPrivileged: (schemes) => {
    called("protocol.registerSchemesAsPrivileged")();
    record.schemes.push(...schemes);
  },
  handle: (scheme, handler) => {
    record.handlers[`protocol ${scheme}`] = handler;
  },
};
exports.session = {
  defaultSession: {
    setPermissionRequestHandler: keptHandler("permissionRequest"),
    setPermissionCheckHandler: keptHandler("permissionCheck"),
    setDevicePermissionHandler: keptHandler("devicePermission"),
  },
};
