import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  childrenOf,
  holdFile,
  parseProcessStat,
  parseWhenChanged,
  pidsInNamespaces,
  readProcessStat,
  readProcFile,
  realUidOf,
  startTimeMilliseconds,
} from "./proc.ts";

describe("the status of a process", () => {
  it("is read with a command that has blanks and parentheses", () => {
    const text = readFileSync(join(import.meta.dirname, "testdata/proc/stat-with-parentheses"), "utf8");
    expect(parseProcessStat(text)).toEqual({
      pid: 4242,
      command: "a) (b c",
      state: "S",
      parentPid: 4000,
      groupId: 4242,
      sessionId: 4242,
      startTicks: "987654",
    });
  });

  it("is nothing where there is no process, or the line is cut", () => {
    expect(readProcessStat(2 ** 22 + 1)).toBeUndefined();
    expect(parseProcessStat("")).toBeUndefined();
    expect(parseProcessStat("1 (init) S 0 1")).toBeUndefined();
  });

  it("tells parent, children, user and start of a real one", async () => {
    const before = Date.now();
    const child = spawn("/bin/sleep", ["60"]);
    try {
      await once(child, "spawn");
      const stat = readProcessStat(child.pid ?? 0);
      expect(stat).toMatchObject({ pid: child.pid, parentPid: process.pid });
      expect(childrenOf(process.pid)).toContain(child.pid);
      expect(realUidOf(child.pid ?? 0)).toBe(process.getuid?.());
      // The kernel counts in hundredths of a second, and the boot time is a whole second.
      expect(Math.abs(startTimeMilliseconds(stat ?? { startTicks: "0" }) - before)).toBeLessThan(3000);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)("a process that calls itself what it likes", () => {
  it.each(["x) R 1 1 1 1", "a\nUid:\t0\t0\n", "NSpid:\t1\t1", ") S 1 (", "\u001b[2J\u202e"])("is read as what it is: %j", async (name) => {
    // Perl sets both names that a process has by this one.
    const script = "$0 = $ARGV[0]; $| = 1; print 'named'; sleep 60";
    const child = spawn("/usr/bin/perl", ["-e", script, name], { stdio: ["ignore", "pipe", "inherit"], uid: 65534, gid: 65534 });
    try {
      await once(child.stdout, "data");
      const pid = child.pid ?? 0;
      expect(readProcessStat(pid)).toMatchObject({ pid, parentPid: process.pid, state: expect.stringMatching(/^[RSD]$/) });
      expect(realUidOf(pid)).toBe(65534);
      expect(pidsInNamespaces(pid)).toEqual(pidsInNamespaces(process.pid).with(-1, pid));
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("a file that is kept open", () => {
  it("shows each time what is in it now, however long", () => {
    const folder = mkdtempSync(join(tmpdir(), "lxc-desktop-proc-"));
    const path = join(folder, "file");
    try {
      writeFileSync(path, "first");
      const held = holdFile(path);
      expect(held?.read()).toBe("first");
      const long = "é".repeat(200_000);
      writeFileSync(path, long);
      expect(held?.read()).toBe(long);
      expect(readProcFile(path)).toBe(long);
      held?.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("of a process says nothing any more once that process has ended", async () => {
    const child = spawn("/bin/sleep", ["60"]);
    await once(child, "spawn");
    const held = holdFile(`/proc/${child.pid}/stat`);
    expect(held?.read()).toContain("(sleep)");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(held?.read()).toBeUndefined();
    held?.close();
  });

  it("is nothing where there is no file", () => {
    expect(holdFile("/proc/nowhere")).toBeUndefined();
    expect(readProcFile("/proc/self/nowhere")).toBeUndefined();
  });
});

describe("parseWhenChanged", () => {
  it("parses a text once, and another one anew", () => {
    const parsed: string[] = [];
    const parse = parseWhenChanged((text) => {
      parsed.push(text);
      return [text.length];
    });
    const first = parse("a");
    expect(parse("a")).toBe(first);
    expect(parse("bc")).toEqual([2]);
    expect(parse("a")).toEqual([1]);
    expect(parsed).toEqual(["a", "bc", "a"]);
  });

  it("parses an empty text, too", () => {
    expect(parseWhenChanged(() => "nothing")("")).toBe("nothing");
  });
});
