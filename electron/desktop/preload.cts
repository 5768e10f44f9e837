/**
 * The whole bridge between the page and Electron: the page asks for its port, and gets one MessagePort. No API, no events and
 * no ipcRenderer reach the page. CommonJS, because a sandboxed preload must be.
 */
const { ipcRenderer }: typeof import("electron") = require("electron");

window.addEventListener("message", (event: MessageEvent<unknown>) => {
  if (event.source !== window || event.origin !== window.location.origin || event.data !== "lxc-desktop:want-port") return;
  ipcRenderer.send("lxc-desktop:want-port");
});

ipcRenderer.on("lxc-desktop:port", (event) => {
  window.postMessage("lxc-desktop:port", window.location.origin, [...event.ports]);
});
