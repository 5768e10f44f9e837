import { expect, it } from "vitest";
import { findCauseOnConsole, howItEnded } from "./early-end.ts";

const line = (message: string) =>
  `lxc-start web 20261124185431.844 INFO     error - ../src/lxc/error.c:lxc_error_set_and_log:34 - ${message}\n`;

it.each([
  ["Child <16642> ended on error (2)", { exitCode: 2 }],
  ["Child <16642> ended on signal Killed(9)", { signal: "SIGKILL" }],
  ["Child <16642> ended on signal (11)", { signal: "SIGSEGV" }],
  ["Child <16642> ended on signal Real-time signal 0(34)", { signal: "signal 34" }],
  ["Container is initialized", { exitCode: 0 }],
])("reads %j out of LXC's log", (message, end) => expect(howItEnded(line(message))).toEqual(end));

it("says nothing where there is no log", () => expect(howItEnded("")).toEqual({}));

it("knows from the console that no more files can be watched", () => {
  expect(findCauseOnConsole("Failed to create control group inotify object: Too many open files\n")).toEqual({ id: "too-many-files" });
  expect(findCauseOnConsole("Failed to allocate manager object: Too many open files\n")).toEqual({ id: "too-many-files" });
  expect(findCauseOnConsole("Welcome to Debian\n")).toBeUndefined();
});
