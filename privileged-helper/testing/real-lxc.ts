import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ContainerReader, createContainerReader } from "../lxc/list.ts";

const execute = promisify(execFile);

/** Real containers for tests, below a folder that is theirs alone and goes away with them. */
export type RealLxc = {
  lxcPath: string;
  reader: ContainerReader;
  /** Runs one of LXC's tools as a person in a shell would (`-P` is added), and waits. @returns What it printed. */
  run(tool: string, ...args: string[]): string;
  /** The same without holding up everything else. */
  runAside(tool: string, ...args: string[]): Promise<string>;
  /** Freezes it with LXC's own tool, once more where the kernel has missed a process (`freeze` in lifecycle.ts tells why). */
  freeze(name: string): Promise<void>;
  /** Makes a busybox container with LXC's own tools. */
  makeContainer(name: string): void;
  /** Runs a command inside. @returns What it printed. */
  inside(name: string, ...command: string[]): string;
  /** Kills and removes all containers, and the folder. */
  close(): Promise<void>;
};

const freezeAttempts = 10;
const freezeAttemptMilliseconds = 2000;

/** @param parent Where that folder is made. */
export function createRealLxc(purpose = "test", parent = "/var/tmp"): RealLxc {
  const lxcPath = mkdtempSync(join(parent, `lxc-desktop-${purpose}-`));
  // The root user of an unprivileged container has to get through to its files.
  chmodSync(lxcPath, 0o755);
  const commandLine = (tool: string, args: string[]) => [`/usr/bin/${tool}`, ["-P", lxcPath, ...args]] as const;
  const options = { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 } as const;

  const run = (tool: string, ...args: string[]) => {
    const [file, argv] = commandLine(tool, args);
    return execFileSync(file, argv, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  };
  const attempt = (tool: string, ...args: string[]) => {
    try {
      run(tool, ...args);
    } catch {
      // Not running, or still needed by a clone that goes first.
    }
  };

  return {
    lxcPath,
    reader: createContainerReader({ lxcPath }),
    run,
    async runAside(tool, ...args) {
      const [file, argv] = commandLine(tool, args);
      return (await execute(file, argv, options)).stdout;
    },
    async freeze(name) {
      const [file, argv] = commandLine("lxc-freeze", ["-n", name]);
      for (let attempt = 1; ; attempt++) {
        try {
          await execute(file, argv, { ...options, timeout: freezeAttemptMilliseconds });
          return;
        } catch (thrown) {
          const isTimedOut = (thrown as { killed?: boolean }).killed === true;
          if (!isTimedOut || attempt === freezeAttempts) throw thrown;
        }
      }
    },
    makeContainer: (name) => {
      run("lxc-create", "-n", name, "-t", "busybox");
    },
    inside: (name, ...command) => run("lxc-attach", "-n", name, "--clear-env", "--", ...command),
    async close() {
      for (const name of readdirSync(lxcPath)) attempt("lxc-stop", "-k", "-n", name);
      // Clones have to go before what they are cloned from, so a second pass gets what the first could not.
      for (let pass = 0; pass < 3; pass++) {
        for (const name of readdirSync(lxcPath)) if (existsSync(join(lxcPath, name, "config"))) attempt("lxc-destroy", "-n", name);
      }
      rmSync(lxcPath, { recursive: true, force: true });
    },
  };
}
