import { existsSync, readFileSync, statfsSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";
import { lxcVersion } from "./host.ts";
import { namesIn, processIds, readProcFile } from "./proc.ts";
import { findProgram } from "./programs.ts";
import { run, type ToolName } from "./run.ts";

/**
 * What the checks of the Host page look at. Everything is a read, so that opening the page costs little; the two questions that no
 * file answers (the firewall's rules, LXC's version) each start one tool. Tests give facts of other computers.
 */
export type HostFacts = {
  kernelRelease: string;
  /** The text of a file; undefined where it is not there or may not be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** Names in a folder; none where it is not there. */
  list(path: string): string[];
  /** The absolute path of a program, in the folders that root's programs are in. */
  program(name: string): string | undefined;
  space(folder: string): { freeBytes: number; freeFiles?: number } | undefined;
  /** The kernel's configuration, `CONFIG_X=y` lines, and the file that it is from. */
  kernelConfig(): { path: string; text: string } | undefined;
  /** What a tool prints; undefined where it is not there or fails. */
  ask(tool: ToolName, args: readonly string[]): Promise<string | undefined>;
  lxcVersion(): Promise<string | undefined>;
  /** Names of running programs, cut to 15 characters (proc_pid_comm(5)). */
  runningPrograms(): string[];
  /** True where whoever uses the app is root already: then nobody is asked for a password. */
  isRootSession: boolean;
};

const askTimeoutSeconds = 10;

/** The facts of this computer. */
export function readHostFacts(isRootSession: boolean): HostFacts {
  const kernelRelease = release();
  return {
    kernelRelease,
    isRootSession,
    read: readProcFile,
    exists: existsSync,
    list: namesIn,
    program: (name) => findProgram(name),
    space(folder) {
      try {
        const { bavail, bsize, files, ffree } = statfsSync(folder);
        // btrfs makes files as it needs them, and counts none.
        return { freeBytes: bavail * bsize, ...(files > 0 && { freeFiles: ffree }) };
      } catch {
        return undefined;
      }
    },
    kernelConfig: () => readKernelConfig(kernelRelease),
    async ask(tool, args) {
      try {
        return (await run(tool, args, { timeoutSeconds: askTimeoutSeconds })).output;
      } catch {
        return undefined;
      }
    },
    lxcVersion,
    runningPrograms: () => processIds().flatMap((pid) => readProcFile(`/proc/${pid}/comm`)?.trimEnd() ?? []),
  };
}

/** The running kernel cannot change its configuration, so it is unpacked once. */
let kernelConfig: { path: string; text: string } | undefined;

function readKernelConfig(kernelRelease: string) {
  if (kernelConfig) return kernelConfig;
  for (const path of ["/proc/config.gz", `/boot/config-${kernelRelease}`, `/lib/modules/${kernelRelease}/config`]) {
    try {
      const bytes = readFileSync(path);
      kernelConfig = { path, text: (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1") };
      return kernelConfig;
    } catch {
      // Each distribution keeps it in another of these places.
    }
  }
  return undefined;
}
