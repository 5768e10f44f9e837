import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findRunEnd, readRunEnd } from "./run-end.ts";

let lxcPath: string;
beforeEach(() => {
  lxcPath = mkdtempSync(join(tmpdir(), "lxc-desktop-run-end-"));
  mkdirSync(join(lxcPath, "web"));
});
afterEach(() => rmSync(lxcPath, { recursive: true }));

/** As LXC 5.0.2 writes it. */
const started = (pid: number) =>
  `lxc-start web 20261129175347.752 NOTICE   start - ../src/lxc/start.c:post_start:2205 - Started "/sbin/init" with pid "${pid}"\n`;
const ended = (pid: number, how: string) =>
  `lxc-start web 20261129175349.320 INFO     error - ../src/lxc/error.c:lxc_error_set_and_log:34 - Child <${pid}> ended on ${how}\n`;
const hook = (text: string) =>
  `lxc-start web 20261129175349.344 INFO     utils - ../src/lxc/utils.c:run_buffer:560 - Script exec /x produced output: ${text}`;

it("is the end of that very run, and not of one before it", () => {
  const log = `${started(100)}${ended(100, "signal Killed(9)")}${started(200)}${ended(200, "signal Interrupt(2)")}`;
  expect(findRunEnd(log, 100)).toEqual({ signal: "SIGKILL" });
  expect(findRunEnd(log, 200)).toEqual({ signal: "SIGINT" });
  expect(findRunEnd(`${log}${started(100)}${ended(100, "error (3)")}`, 100)).toEqual({ exitCode: 3 });
  expect(findRunEnd(`${log}${started(100)}`, 100)).toEqual({ exitCode: 0 });
});

it("is not known where the log is another run's, or there is none", () => {
  expect(findRunEnd(`${started(100)}${ended(100, "signal Killed(9)")}`, 300)).toEqual({});
  expect(readRunEnd(lxcPath, "web", 100)).toEqual({});
  expect(readRunEnd(lxcPath, "none", 100)).toEqual({});
});

it("is not what a hook prints, nor what a link leads to", () => {
  const text = `${started(100)}${hook(ended(100, "signal Killed(9)"))}${ended(100, "error (2)")}`;
  writeFileSync(join(lxcPath, "log"), text);
  symlinkSync(join(lxcPath, "log"), join(lxcPath, "web/lxc.log"));
  expect(readRunEnd(lxcPath, "web", 100)).toEqual({});
  rmSync(join(lxcPath, "web/lxc.log"));
  writeFileSync(join(lxcPath, "web/lxc.log"), `${"x".repeat(200_000)}\n${text}`);
  expect(readRunEnd(lxcPath, "web", 100)).toEqual({ exitCode: 2 });
});
