import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BrowserWindow } from "electron";
import type { PrintPdf } from "../backend/reports/make-report.ts";

/** By a window that nobody sees, without scripts, in a session of its own that keeps nothing. */
export const printPdf: PrintPdf = async (page) => {
  const window = new BrowserWindow({
    show: false,
    webPreferences: {
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      javascript: false,
      webSecurity: true,
      partition: "print",
    },
  });
  // An address that holds the page itself has to be short.
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-print-"));
  try {
    const file = join(folder, "report.html");
    writeFileSync(file, page, { flag: "wx", mode: 0o600 });
    window.webContents.on("will-navigate", (event) => event.preventDefault());
    window.webContents.setWindowOpenHandler(() => ({ action: "deny" }));
    await window.loadFile(file);
    return await window.webContents.printToPDF({ pageSize: "A4", preferCSSPageSize: true });
  } finally {
    window.destroy();
    await rm(folder, { recursive: true, force: true });
  }
};
