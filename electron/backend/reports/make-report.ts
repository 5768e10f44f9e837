import { hostname } from "node:os";
import type { ReportFormat, SecurityReportFile } from "../../../privileged-helper/contract/security.ts";
import { type Audited, securityReportJson } from "./security-report.ts";
import { securityReportPage } from "./security-report-page.ts";

/** Prints a page of our own to a PDF. @throws ProblemError `not-supported` where there is nothing to print with, `timed-out`. */
export type PrintPdf = (page: string, signal: AbortSignal) => Promise<Buffer>;

/**
 * What was audited, as a file for a person.
 * @param options.print Absent where this host has no way to make a PDF: then a person gets the page, and prints that.
 */
export async function makeReport(
  audited: Audited,
  format: ReportFormat,
  { version, print, signal }: { version: string; print: PrintPdf | undefined; signal: AbortSignal },
): Promise<SecurityReportFile> {
  if (format === "json") return { type: "json", content: base64(securityReportJson(audited)) };
  const page = securityReportPage(audited, { computer: hostname(), version, at: new Date() });
  if (!print) return { type: "page", content: base64(page) };
  return { type: "pdf", content: base64(await print(page, signal)) };
}

function base64(content: string | Buffer): string {
  return Buffer.from(content as Buffer).toString("base64");
}
