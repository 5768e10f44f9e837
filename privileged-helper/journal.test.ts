import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownProcess } from "./holder.ts";
import { createJournal, operationVariable } from "./journal.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "lxc-desktop-journal-")), "journal");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const work = { lxcPath: "/var/lib/lxc", name: "web", kind: "create" as const };

/** Makes all records look as if a process wrote them that is gone. */
function killHolders() {
  const { pid, startTicks } = ownProcess();
  for (const file of readdirSync(directory)) {
    renameSync(join(directory, file), join(directory, file.replace(`${pid}.${startTicks}.`, `${pid}.1.`)));
  }
}

describe("the journal", () => {
  it("knows what is being made until that is finished", () => {
    const journal = createJournal(directory);
    expect(journal.unfinished("/var/lib/lxc")).toEqual(new Set());
    const record = journal.begin(work);
    expect(journal.unfinished("/var/lib/lxc")).toEqual(new Set(["web"]));
    expect(journal.unfinished("/srv/lxc")).toEqual(new Set());
    record.finish();
    expect(journal.unfinished("/var/lib/lxc")).toEqual(new Set());
    expect(readdirSync(directory)).toEqual([]);
  });

  it("does not call abandoned what a living helper makes", () => {
    createJournal(directory).begin(work);
    expect(createJournal(directory).abandoned("/var/lib/lxc")).toEqual([]);
  });

  it("gives what a killed helper left, by container folder, until it is removed", () => {
    const { environment } = createJournal(directory).begin(work);
    createJournal(directory).begin({ ...work, name: "other", lxcPath: "/srv/lxc" });
    killHolders();
    const journal = createJournal(directory);
    const [record, ...others] = journal.abandoned("/var/lib/lxc");
    expect(record).toMatchObject(work);
    expect(others).toEqual([]);
    expect(environment).toEqual({ [operationVariable]: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(journal.unfinished("/var/lib/lxc")).toEqual(new Set(["web"]));
    if (record) journal.remove(record);
    expect(journal.abandoned("/var/lib/lxc")).toEqual([]);
    expect(journal.unfinished("/srv/lxc")).toEqual(new Set(["other"]));
  });

  it("calls abandoned what was made before the computer was started anew", () => {
    createJournal(directory).begin(work);
    const [file = ""] = readdirSync(directory);
    writeFileSync(join(directory, file), JSON.stringify({ ...work, bootId: "another" }));
    expect(createJournal(directory).abandoned("/var/lib/lxc")).toMatchObject([work]);
  });

  it("drops a record that was never written to its end, unless that is still being done", () => {
    createJournal(directory).begin(work);
    const [file = ""] = readdirSync(directory);
    writeFileSync(join(directory, file), '{"lxcPath": "/var');
    expect(createJournal(directory).abandoned("/var/lib/lxc")).toEqual([]);
    expect(readdirSync(directory)).toEqual([file]);
    killHolders();
    expect(createJournal(directory).abandoned("/var/lib/lxc")).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is for root alone", () => {
    createJournal(directory).begin(work);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  });

  it.skipIf(process.getuid?.() !== 0)("has no half of a record where the disk is full, and says so", () => {
    mkdirSync(directory);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "none", directory]);
    try {
      expect(() => writeFileSync(join(directory, "fill"), Buffer.alloc(128 * 1024))).toThrow("ENOSPC");
      for (const kind of ["create", "convert"] as const) {
        expect(() => createJournal(directory).begin({ lxcPath: "/var/lib/lxc", name: "web", kind })).toThrow("ENOSPC");
      }
      expect(readdirSync(directory)).toEqual(["fill"]);
    } finally {
      execFileSync("umount", [directory]);
    }
  });
});
