import type { SecurityReport, SecurityState } from "../../../privileged-helper/contract/security.ts";
import { neutralText } from "./neutral-text.ts";
import type { Audited } from "./security-report.ts";

const stateTexts: Record<SecurityState, string> = {
  critical: "Critical",
  problem: "Problem",
  warning: "Warning",
  unknown: "Not known",
  ok: "OK",
  "not-applicable": "Not needed",
};
const urgency = Object.keys(stateTexts) as SecurityState[];

/** For paper: dark on light, no colour that says something by itself, a check never split over two pages. */
const style = `
@page { size: A4; margin: 18mm 16mm; }
body { font: 10pt/1.4 system-ui, "DejaVu Sans", sans-serif; color: #1a1b1e; margin: 0; }
h1 { font-size: 18pt; margin: 0 0 2mm; }
h2 { font-size: 13pt; margin: 8mm 0 2mm; break-after: avoid; }
p { margin: 0 0 2mm; }
.dimmed { color: #555b63; }
.grade { display: inline-block; min-width: 1.3em; text-align: center; border: 1.5px solid #1a1b1e; border-radius: 3px; font-weight: 700; padding: 0 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 1.2mm 3mm 1.2mm 0; border-bottom: 1px solid #d5d8dc; }
tr, li { break-inside: avoid; }
ol, ul { list-style: none; margin: 0; padding: 0; }
.finding { border-top: 1px solid #d5d8dc; padding: 2mm 0; break-inside: avoid; }
.finding b:first-child { display: inline-block; min-width: 22mm; }
.evidence { font: 8pt/1.4 "DejaVu Sans Mono", monospace; color: #3a3f45; margin-left: 22mm; overflow-wrap: anywhere; }
.finding p { margin-left: 22mm; }
`;

/**
 * A report as a page of its own, to be printed: no script, nothing that is loaded, and texts of containers as text.
 * @param about.computer The name of this computer.
 */
export function securityReportPage(audited: Audited, about: { computer: string; version: string; at: Date }): string {
  const { containers, skipped = [], host } = audited;
  const moment = about.at.toISOString().slice(0, 16).replace("T", " ");
  const [only] = containers.length === 1 && !host ? containers : [];
  const title = only ? `Security of ${only.name}` : "Security of all containers";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
<h1>${escaped(title)}</h1>
<p class="dimmed">On ${escaped(about.computer)}, ${moment} UTC, by LXC Desktop ${escaped(about.version)}. Grades go from A to F.</p>
${only ? "" : summaryTable(containers)}
${skipped.map(({ name, reason }) => `<p class="dimmed">${escaped(name)} is not among them. ${escaped(reason)}</p>`).join("\n")}
${containers.map(containerPart).join("\n")}
${host ? `<h2>${grade(host.grade)} The kernel of this computer</h2>${findingList(host.findings)}` : ""}
</html>
`;
}

function summaryTable(containers: readonly SecurityReport[]): string {
  if (containers.length === 0) return "<p>There are no containers.</p>";
  const rows = containers.map(
    (one) =>
      `<tr><td>${grade(one.grade)}</td><td>${escaped(one.name)}</td><td>${one.score} of 100</td><td>${one.isRunning ? "running" : "not running"}</td></tr>`,
  );
  return `<table><thead><tr><th>Grade</th><th>Container</th><th>Points</th><th>State</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function containerPart({ name, grade: letter, score, limitedBy, isRunning, findings }: SecurityReport): string {
  const told = isRunning ? "Told by the kernel, of what ran then." : "Told by its configuration: it did not run.";
  return `<h2>${grade(letter)} ${escaped(name)}</h2>
<p>${score} of 100 points. ${limitedBy === undefined ? "" : `${escaped(limitedBy)} `}${told}</p>
${findingList(findings)}`;
}

type Shown = Pick<SecurityReport["findings"][number], "state" | "title" | "summary" | "why" | "evidence" | "difference" | "accepted">;

/** The most urgent first. */
function findingList(findings: readonly Shown[]): string {
  const sorted = [...findings].sort((one, other) => urgency.indexOf(one.state) - urgency.indexOf(other.state));
  return `<ol>${sorted.map(findingPart).join("\n")}</ol>`;
}

function findingPart({ state, title, summary, why, evidence, difference, accepted }: Shown): string {
  const lines = [
    `<b>${stateTexts[state]}</b><b>${escaped(title)}</b>`,
    `<p>${escaped(summary)} <span class="dimmed">${escaped(why)}</span></p>`,
    difference === undefined ? "" : `<p>${escaped(difference)}</p>`,
    accepted ? `<p>Accepted ${new Date(accepted.at).toISOString().slice(0, 10)}: ${escaped(accepted.note)}</p>` : "",
    `<ul class="evidence">${evidence.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`,
  ];
  return `<li class="finding">${lines.join("")}</li>`;
}

function grade(letter: string): string {
  return `<span class="grade">${escaped(letter)}</span>`;
}

function escaped(text: string): string {
  return neutralText(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
