import { describe, expect, it } from "vitest";
import type { SecurityFinding, SecurityReport } from "../../../privileged-helper/contract/security.ts";
import { makeReport } from "./make-report.ts";
import { type Audited, securityReportJson } from "./security-report.ts";
import { securityReportPage } from "./security-report-page.ts";

const finding = (check: SecurityFinding["check"], more: Partial<SecurityFinding> = {}): SecurityFinding => ({
  check,
  state: "ok",
  title: check,
  summary: "So it is.",
  why: "It matters.",
  evidence: [],
  fixes: [],
  canUndo: false,
  ...more,
});
const container = (name: string, findings: SecurityFinding[]): SecurityReport => ({
  name,
  grade: "B",
  score: 85,
  isRunning: true,
  findings,
});
const host: Audited["host"] = {
  grade: "A",
  score: 95,
  findings: [
    { id: "b", state: "ok", title: "b", summary: "", why: "", evidence: [] },
    { id: "a", state: "ok", title: "a", summary: "", why: "", evidence: [] },
  ],
};
const about = { computer: "desk", version: "1.0.0", at: new Date(Date.UTC(2026, 0, 2, 3, 4)) };

describe("the report as JSON", () => {
  it("is the same text for the same findings, in whatever order they and their keys come", () => {
    const limit: SecurityFinding["fixes"] = [{ check: "memory", bytes: 1024 ** 3 }];
    const one: Audited = {
      containers: [container("b", [finding("memory", { fixes: limit }), finding("logins")]), container("a", [])],
      skipped: [
        { name: "z", reason: "no" },
        { name: "y", reason: "no" },
      ],
      host,
    };
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed).reverse();
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, reversed(inner)]),
      );
    };
    const text = securityReportJson(one);
    expect(securityReportJson(reversed(one) as Audited)).toBe(text);
    const parsed = JSON.parse(text);
    expect(parsed.format).toBe("lxc-desktop-security/1");
    expect(parsed.containers.map(({ name }: SecurityReport) => name)).toEqual(["a", "b"]);
    expect(parsed.containers[1].findings).toMatchObject([{ check: "memory", fixes: limit }, { check: "logins" }]);
    expect(Object.keys(parsed.containers[1])).toEqual(["name", "grade", "score", "isRunning", "findings"]);
  });

  it("keeps hostile texts, and prints none of their characters", () => {
    const hostile = 'a\u001b[2J\u009b2J\u202e\u2028\ud800</script>"\u{e0041}';
    const text = securityReportJson({ containers: [container("web", [finding("logins", { summary: hostile, evidence: [hostile] })])] });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\p{Cs}\u2028\u2029]/u);
    expect(JSON.parse(text).containers[0].findings[0]).toMatchObject({ summary: hostile, evidence: [hostile] });
  });
});

describe("the report as a page", () => {
  it("has all that was found, the most urgent first, and runs nothing", () => {
    const page = securityReportPage(
      {
        containers: [
          container("web", [
            finding("logins"),
            finding("memory", { state: "problem", title: "<img src=x onerror=alert(1)>", evidence: ['"><script>\u202e'] }),
          ]),
        ],
        skipped: [{ name: "$(id)", reason: "Its name." }],
        host,
      },
      about,
    );
    expect(page).toContain("On desk, 2026-01-02 03:04 UTC");
    expect(page).toContain("$(id) is not among them. Its name.");
    expect(page.indexOf("<b>Problem</b>")).toBeGreaterThan(0);
    expect(page.indexOf("<b>Problem</b>")).toBeLessThan(page.indexOf("<b>OK</b>"));
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(page).toContain("&quot;&gt;&lt;script&gt;\ufffd");
    expect(page).not.toMatch(/<(img|script|iframe|link|a)\b/);
    expect(page).toContain("default-src 'none'");
  });

  it("says so where there are no containers", () => {
    expect(securityReportPage({ containers: [], host }, about)).toContain("There are no containers.");
    expect(securityReportPage({ containers: [container("web", [])] }, about)).toContain("<title>Security of web</title>");
  });
});

describe("the file of a report", () => {
  const signal = new AbortController().signal;
  const decoded = (content: string) => Buffer.from(content, "base64").toString();

  it("is a PDF where this host can print, and otherwise the page that a person prints", async () => {
    const audited: Audited = { containers: [], host };
    const printed: string[] = [];
    const print = async (page: string) => {
      printed.push(page);
      return Buffer.from("%PDF-");
    };
    const pdf = await makeReport(audited, "pdf", { version: "1", print, signal });
    expect([pdf.type, decoded(pdf.content)]).toEqual(["pdf", "%PDF-"]);
    expect(printed[0]).toContain("Security of all containers");
    const page = await makeReport(audited, "pdf", { version: "1", print: undefined, signal });
    expect(page.type).toBe("page");
    expect(decoded(page.content)).toContain("<!doctype html>");
    const json = await makeReport(audited, "json", { version: "1", print, signal });
    expect(JSON.parse(decoded(json.content)).host.grade).toBe("A");
    expect(printed).toHaveLength(1);
  });
});
