import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { type Address, ssh } from "../vm/ssh.mjs";

/** The machine that the app runs on: this one, or, for `npm run test:vm`, a virtual one. The browser runs here in either case. */
export const guest: Address | undefined = process.env.LXC_DESKTOP_TEST_GUEST ? JSON.parse(process.env.LXC_DESKTOP_TEST_GUEST) : undefined;

/** How many times as long as here everything may take there. */
export const slowness = guest ? 6 : 1;

/** What has to be started here to run a program there, as root. */
export function onMachine(file: string, args: readonly string[]): [file: string, args: string[]] {
  if (!guest) return [file, [...args]];
  const [command = "", ...rest] = ssh(guest, "root", [file, ...args]);
  return [command, rest];
}

/** Runs a program there, as root. @returns What it printed. */
export function run(file: string, ...args: string[]): string {
  return runWithInput("", file, ...args);
}

export function runWithInput(input: string, file: string, ...args: string[]): string {
  return execFileSync(...onMachine(file, args), { encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], input });
}

/** True where a file of that name is there. */
export function isThere(path: string): boolean {
  if (!guest) return existsSync(path);
  return run("/bin/sh", "-c", 'test -e "$1" && echo yes || true', "sh", path).trim() === "yes";
}

/** The names in a folder; none where there is no such folder. */
export function namesIn(folder: string): string[] {
  if (!guest) return existsSync(folder) ? readdirSync(folder) : [];
  return run("/bin/sh", "-c", 'ls -A "$1" 2>/dev/null || true', "sh", folder)
    .split("\n")
    .filter((name) => name !== "");
}
