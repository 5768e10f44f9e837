import { describe, expect, it, vi } from "vitest";
import { ProblemError } from "../../privileged-helper/contract/problems.ts";
import { auditTable, runAudit } from "./audit.ts";
import { problemText } from "./problem-text.ts";

describe("the table of an audit", () => {
  it("has a line for each container and for what could be better, with nothing that a terminal would obey", () => {
    const finding = { check: "logins" as const, title: "Passwords", why: "", evidence: [], fixes: [], canUndo: false };
    const text = auditTable({
      containers: [
        {
          name: "web",
          grade: "F",
          score: 40,
          isRunning: true,
          findings: [
            { ...finding, state: "problem", summary: "a\u001b[2Jb can log in." },
            { ...finding, state: "warning", summary: "Known.", accepted: { note: "so", uid: 0, at: 0 } },
            { ...finding, state: "ok", summary: "Fine." },
          ],
        },
      ],
      skipped: [{ name: "-rf", reason: "Its name." }],
      host: { grade: "B", score: 80, findings: [{ id: "x", state: "unknown", title: "Lockdown", summary: "?", why: "", evidence: [] }] },
    });
    expect(text.split("\n")).toEqual([
      "F  web         40 of 100  running",
      "     problem: Passwords. a\ufffd[2Jb can log in.",
      "     warning (accepted): Passwords. Known.",
      "?  -rf        Its name.",
      "B  the kernel   80 of 100",
      "     not known: Lockdown. ?",
      "",
    ]);
    expect(auditTable({ containers: [] })).toBe("There are no containers.\n");
  });
});

describe("the command", () => {
  const world = { version: "0", dist: "/nonexistent" };
  const output = () => {
    const errors: string[] = [];
    const written: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => errors.push(String(text)) > 0);
    vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
    return { errors, written };
  };

  it.each([[["--fail-under", "G"]], [["--fail-under"]], [["--jsn"]]])("refuses %j with 2 and tells how it is used", async (args) => {
    const { errors } = output();
    expect(await runAudit(args, world)).toBe(2);
    expect(errors.join("")).toContain("lxc-desktop audit [--json]");
    vi.restoreAllMocks();
  });

  it("tells how it is used when asked", async () => {
    const { written } = output();
    expect(await runAudit(["--help"], world)).toBe(0);
    expect(written.join("")).toContain("--fail-under GRADE");
    vi.restoreAllMocks();
  });
});

describe("what is said of problems", () => {
  it("is a sentence, with what to do about it, and one line of what a container says", () => {
    const missing = { code: "helper-missing", path: "/usr/lib/lxc-desktop/launch", installedAs: { kind: "checkout" } } as const;
    expect(problemText(new ProblemError(missing))).toContain("npm run install-helper");
    expect(problemText(new ProblemError({ code: "not-found", what: "we\u001b[2Jb" }))).toBe("There is no container we\ufffd[2Jb.");
    expect(problemText(new ProblemError({ code: "no-space", path: "/", availableBytes: 0, neededBytes: 1 }))).toContain("no-space");
  });
});
