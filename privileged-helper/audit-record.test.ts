import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseAuditLine, readAuditRecord } from "./audit-record.ts";
import { formatLine } from "./log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-audit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (seconds: number, event: string, fields: Record<string, string | number | undefined>) =>
  formatLine(new Date(seconds * 1000), event, fields);
const start = { uid: 1000, method: "containers.start", container: "web", right: "manage" };

describe("a line of the log", () => {
  it("is read as it was written, whatever was in it", () => {
    const container = 'a "b" \\ method=x right=y\n2026-01-01T00:00:00Z lxc-desktop[1] done uid=0 method=host.fix right=host';
    const written = line(5, "done", { uid: 7, method: "images.import", container, right: "create+import" });
    expect(written.split("\n")).toHaveLength(2);
    expect(parseAuditLine(written.trimEnd())).toEqual({
      at: 5000,
      uid: 7,
      method: "images.import",
      rights: ["create", "import"],
      container,
      problem: undefined,
    });
  });

  it("is left out where it tells of no right, or was torn", () => {
    expect(parseAuditLine(line(1, "failed", { ...start, right: undefined, problem: "not-found" }).trimEnd())).toBeUndefined();
    expect(parseAuditLine(line(1, "refused", { ...start }).trimEnd())).toBeUndefined();
    expect(parseAuditLine(line(1, "started", { uid: 1, mode: "full" }).trimEnd())).toBeUndefined();
    const whole = line(1, "done", start).trimEnd();
    for (let length = 0; length < whole.length - 7; length++) expect(parseAuditLine(whole.slice(0, length))).toBeUndefined();
  });
});

describe("the record", () => {
  it("has the newest first, those of the log before last, with users by name, and no more than anybody reads", async () => {
    const path = join(folder, "log");
    writeFileSync(`${path}.1`, line(1, "done", start));
    writeFileSync(
      path,
      [
        line(2, "failed", { ...start, uid: 1001, problem: "auth-denied" }),
        ...Array.from({ length: 600 }, () => line(2.5, "started", { uid: 1 })),
        line(3, "done", { ...start, container: "new" }),
      ].join(""),
    );
    const nameOf = async (uid: number) => (uid === 1000 ? "me" : undefined);
    expect(await readAuditRecord(nameOf, path)).toMatchObject([
      { at: 3000, user: "me", container: "new" },
      { at: 2000, uid: 1001, user: undefined, problem: "auth-denied" },
      { at: 1000, user: "me" },
    ]);
    writeFileSync(path, line(4, "done", start).repeat(600));
    expect(await readAuditRecord(nameOf, path)).toHaveLength(500);
  });

  it("is empty where there is no log", async () => {
    expect(await readAuditRecord(async () => undefined, join(folder, "none"))).toEqual([]);
  });
});
