import { spawn } from "node:child_process";
import { join } from "node:path";
import { isThere, namesIn, onMachine, run } from "./machine.ts";

export const lxcPath = "/var/lib/lxc";
/** Containers of these tests. */
export const prefix = "e2e-";

/** One of LXC's tools, in a shell, as root. @returns What it printed. */
export function lxc(tool: string, ...args: string[]): string {
  return run(`/usr/bin/${tool}`, ...args);
}

/** As `lxc-freeze`, and once more where the kernel has missed a process: `freeze` in lifecycle.ts tells why. */
export function lxcFreeze(name: string): void {
  run("/bin/sh", "-c", 'for attempt in 1 2 3 4 5; do timeout 2 lxc-freeze -n "$1" && exit 0; done; exit 1', "sh", name);
}

/** The columns of `lxc-ls -f` for one container. */
export function lxcLs(name: string): { state: string; ipv4: string; unprivileged: string } | undefined {
  const row = lxc("lxc-ls", "--fancy", "--fancy-format", "NAME,STATE,IPV4,UNPRIVILEGED")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([first]) => first === name);
  return row && { state: row[1] ?? "", ipv4: row[2] ?? "", unprivileged: row[3] ?? "" };
}

/** Keeps one core busy in a container. @returns A function that ends it. */
export function burnCpu(name: string): () => void {
  const loop = ["-n", name, "--", "/bin/sh", "-c", "while :; do :; done"];
  const child = spawn(...onMachine("/usr/bin/lxc-attach", loop), { stdio: "ignore" });
  return () => {
    child.kill("SIGKILL");
    try {
      lxc("lxc-attach", "-n", name, "--", "/bin/sh", "-c", "kill -9 -1");
    } catch {
      // The shell that says it is among those that it kills.
    }
  };
}

/** The history of tasks is as of a host on which nothing was done yet. A run of all tests puts back what was there before. */
export function forgetTasks(): void {
  for (let attempt = 1; ; attempt++) {
    try {
      run("/bin/rm", "-rf", "/var/lib/lxc-desktop/tasks");
      return;
    } catch (error) {
      // A helper that is about to end may write there once more.
      if (attempt === 20) throw error;
    }
  }
}

export function exists(name: string): boolean {
  return isThere(join(lxcPath, name));
}

/** Kills and removes what the tests made, clones before their bases, and with their snapshots. */
export function removeContainers(): void {
  const names = () => namesIn(lxcPath).filter((name) => name.startsWith(prefix));
  const attempt = (tool: string, ...args: string[]) => {
    try {
      lxc(tool, ...args);
    } catch {
      // Not running, or a base that still has clones.
    }
  };
  for (const name of names()) attempt("lxc-stop", "-k", "-n", name);
  for (let pass = 0; pass < 3; pass++) for (const name of names()) attempt("lxc-destroy", "--snapshots", "-n", name);
}
