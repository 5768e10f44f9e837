import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import type { PrintPdf } from "../backend/reports/make-report.ts";
import { findChromium } from "./open-chromium.ts";

const printsWithinSeconds = 60;
const removeAttempts = 5;

/** @returns Undefined where no Chromium is installed, or root would have to run one, which it does without its sandbox. */
export function findPdfPrinter(): PrintPdf | undefined {
  const program = process.getuid?.() === 0 ? undefined : findChromium();
  return program === undefined ? undefined : (page, signal) => printByChromium(program, page, signal);
}

/** By a Chromium without a window, in a folder of its own that goes with it. The page has no script, and loads nothing. */
async function printByChromium(program: string, page: string, signal: AbortSignal): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-print-"));
  try {
    writeFileSync(join(folder, "report.html"), page, { flag: "wx", mode: 0o600 });
    const target = join(folder, "report.pdf");
    await runToEnd(program, printArguments(folder, target), signal);
    return readPdf(target);
  } finally {
    // The browser's own helpers may write for a moment after it has ended.
    await rm(folder, { recursive: true, force: true, maxRetries: removeAttempts }).catch(() => {});
  }
}

function printArguments(folder: string, target: string): string[] {
  return [
    "--headless",
    "--disable-gpu",
    `--user-data-dir=${join(folder, "profile")}`,
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
    `--print-to-pdf=${target}`,
    `file://${join(folder, "report.html")}`,
  ];
}

function readPdf(path: string): Buffer {
  try {
    const pdf = readFileSync(path);
    if (pdf.subarray(0, 5).toString("latin1") === "%PDF-") return pdf;
  } catch {
    // It has written none.
  }
  throw new ProblemError({ code: "not-supported", what: "Chromium has made no PDF of the report. Export it as JSON, or try again." });
}

function runToEnd(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(program, [...args], { stdio: "ignore", detached: true });
  const endGroup = () => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  };
  return new Promise((resolve, reject) => {
    const fail = (problem: ConstructorParameters<typeof ProblemError>[0]) => {
      endGroup();
      reject(new ProblemError(problem));
    };
    const patience = setTimeout(
      () => fail({ code: "timed-out", what: "printing", seconds: printsWithinSeconds }),
      printsWithinSeconds * 1000,
    );
    const onAbort = () => fail({ code: "cancelled" });
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = () => {
      clearTimeout(patience);
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    // Where it could not be started there is no PDF either, and that is told.
    child.once("error", settle);
    child.once("exit", settle);
  });
}
