import { type ChildProcess, spawn } from "node:child_process";
import { constants as systemConstants } from "node:os";
import type { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { type Problem, ProblemError } from "../contract/problems.ts";
import type { TaskContext } from "./context.ts";
import { explainOutput } from "./explain.ts";
import { processIds, readProcessStat } from "./proc.ts";
import { findProgram, programFolders } from "./programs.ts";

/** Every program that the helper starts, and what a person misses where it is not installed. */
const tools = {
  "lxc-attach": "opening a shell in a container",
  "lxc-config": "reading LXC's settings",
  "lxc-console": "showing the console of a container",
  "lxc-copy": "cloning containers",
  "lxc-create": "creating containers",
  "lxc-destroy": "removing containers",
  "lxc-freeze": "freezing containers",
  "lxc-net": "the network bridge of LXC",
  "lxc-start": "starting containers",
  "lxc-stop": "stopping containers",
  "lxc-unfreeze": "unfreezing containers",
  "apt-get": "installing packages",
  chown: "converting a container",
  btrfs: "limiting how much a container may store",
  busybox: "starting the application of an image",
  cp: "copying a container's files",
  dnf: "installing packages",
  du: "telling how large files are",
  find: "searching a container's files for programs with more rights",
  "firewall-cmd": "letting containers through the firewall",
  getent: "telling who asked for something",
  getcap: "reading the capabilities of programs in containers",
  getfattr: "converting a container, and putting the capabilities of programs back later (package attr)",
  gzip: "unpacking an image",
  ionice: "counting files while others use the disk",
  iptables: "letting containers through the firewall",
  "iptables-legacy-save": "reading the firewall's rules",
  "iptables-save": "reading the firewall's rules",
  logger: "telling this computer's log what was done",
  mount: "copying a container's files",
  nft: "reading the firewall's rules",
  nice: "counting files while others use the processor",
  node: "making the files of containers and images",
  pacman: "installing packages",
  perl: "trying usual passwords of containers",
  pkcheck: "asking for rights",
  rm: "removing a container's files",
  setcap: "keeping the capabilities of programs in unprivileged containers",
  setfattr: "converting a container, and putting the capabilities of programs back (package attr)",
  setpriv: "reading what templates can be asked for",
  sysctl: "changing settings of the kernel",
  systemctl: "starting services",
  tar: "unpacking an image",
  "tini-static": "starting the application of an image",
  ufw: "letting containers through the firewall",
  umount: "removing a half-made container",
  unshare: "reading what templates can be asked for",
  usermod: "giving root a range of ids for unprivileged containers",
  xz: "unpacking an image",
  zstd: "unpacking an image",
} as const;
export type ToolName = keyof typeof tools;

/** What these leave running is no part of the task, so it must not carry the task's mark. */
const startsDaemons: ReadonlySet<ToolName> = new Set(["lxc-net", "lxc-start", "systemctl"]);

/** lxc-net is a script for service managers; each distribution has its own folder for those. */
const lxcNetFolders = [
  "/usr/libexec/lxc",
  "/usr/lib/lxc",
  "/usr/lib64/lxc",
  "/usr/lib/x86_64-linux-gnu/lxc",
  "/usr/lib/aarch64-linux-gnu/lxc",
];

/** What a child inherits; nothing of the caller's. Templates in particular obey many variables. */
const baseEnvironment = { PATH: programFolders.join(":"), LANG: "C.UTF-8", HOME: "/root" };
/** How long a process may take to end by itself after SIGTERM. */
const graceMilliseconds = 5000;
const groupCheckMilliseconds = 20;
/** A process that left the group's leader behind may hold the pipes open; what it prints is nobody's. */
const lastOutputMilliseconds = 200;
const defaultTimeoutSeconds = 3600;
const keptOutputCharacters = 1024 * 1024;
/** As much of what a command printed goes into a problem. */
export const problemOutputBytes = 4096;

export type RunOptions = {
  /** Ends the command, and all that it started, when it aborts. The task's own signal where this is left out. */
  signal?: AbortSignal;
  /** Records the command and streams its output into this task. */
  task?: TaskContext;
  onOutput?: (text: string) => void;
  /** Told its process id. */
  onStarted?: (pid: number) => void;
  /** True for what nobody waits for: it runs while nothing else wants the processor or the disk, as far as this computer has that. */
  givesWay?: boolean;
  /** Gets the command's standard input to write to and to end; without, there is none. */
  onInput?: (input: Writable) => void;
  /** One hour where it is left out. */
  timeoutSeconds?: number;
  /** Exit codes that are an answer rather than a failure. Only 0 where it is left out. */
  allowExitCodes?: readonly number[] | "any";
  /** The arguments as they are recorded, where one of them is a secret. */
  shownArgs?: readonly string[];
  /** Added to the few fixed variables. */
  environment?: Readonly<Record<string, string>>;
};

export type RunResult = {
  /** 128 and the signal's number where a signal ended it, as shells count. */
  exitCode: number;
  /** The last MiB of what it printed, standard output and standard error as they came. */
  output: string;
};

const foundTools = new Map<ToolName, string>();

/**
 * The absolute path of a tool; never looked up in PATH.
 * @throws ProblemError `lxc-missing` or `tool-missing`.
 */
export function toolPath(tool: ToolName): string {
  const known = foundTools.get(tool);
  if (known) return known;
  const path = findTool(tool);
  if (!path) throw new ProblemError(missing(tool));
  foundTools.set(tool, path);
  return path;
}

/**
 * Runs a tool to its end: no shell, no input but what `onInput` gives it, a process group of its own, output as it comes.
 * @throws ProblemError `command-failed`, `timed-out`, `cancelled`, `lxc-missing`, `tool-missing`. In each case the process
 * and its group have ended before.
 */
export async function run(tool: ToolName, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const path = toolPath(tool);
  const { task, onOutput, timeoutSeconds = defaultTimeoutSeconds, allowExitCodes = [0], shownArgs = args } = options;
  const signal = options.signal ?? task?.signal;
  if (signal?.aborted) throw new ProblemError({ code: "cancelled" });
  const shown = [tool, ...shownArgs];
  task?.command(shown);

  const [file, ...argv] = [...(options.givesWay ? givingWay() : []), path, ...args] as [string, ...string[]];
  const child = spawn(file, argv, {
    cwd: "/",
    env: { ...baseEnvironment, ...(startsDaemons.has(tool) ? {} : task?.environment), ...options.environment },
    stdio: [options.onInput ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  if (child.stdin) {
    // One that has ended reads no more; how it ended tells why.
    child.stdin.on("error", () => {});
    options.onInput?.(child.stdin);
  }
  if (child.pid !== undefined) options.onStarted?.(child.pid);
  let output = "";
  const receive = (text: string) => {
    if (text === "") return;
    output += text;
    // Not with every piece: cutting copies all that is kept.
    if (output.length > 2 * keptOutputCharacters) output = output.slice(-keptOutputCharacters);
    task?.output(text);
    onOutput?.(text);
  };
  for (const stream of [child.stdout, child.stderr]) if (stream) decode(stream, receive);

  let stoppedBy: "signal" | "timeout" | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (why: "signal" | "timeout") => {
    stoppedBy ??= why;
    killGroup(child, "SIGTERM");
    killTimer ??= setTimeout(() => killGroup(child, "SIGKILL"), graceMilliseconds);
  };
  const onAbort = () => stop("signal");
  const timeout = setTimeout(() => stop("timeout"), timeoutSeconds * 1000);
  signal?.addEventListener("abort", onAbort, { once: true });

  try {
    const { exitCode, exitSignal } = await ended(child, tool);
    output = output.slice(-keptOutputCharacters);
    // One that somebody else has killed, or the kernel for lack of memory, leaves others of its group at work on what is undone next.
    const wasKilled = stoppedBy === undefined && exitSignal !== undefined && !startsDaemons.has(tool);
    if (wasKilled) killGroup(child, "SIGKILL");
    if (stoppedBy || wasKilled) await groupEnded(child);
    if (stoppedBy === "signal") throw new ProblemError({ code: "cancelled" });
    if (stoppedBy === "timeout") throw new ProblemError({ code: "timed-out", what: tool, seconds: timeoutSeconds });
    const allowed = allowExitCodes === "any" || (exitCode !== undefined && allowExitCodes.includes(exitCode));
    if (!allowed) throw new ProblemError(failure(shown, output, exitCode, exitSignal));
    return { exitCode: exitCode ?? 128 + (exitSignal ? systemConstants.signals[exitSignal] : 0), output };
  } finally {
    clearTimeout(timeout);
    clearTimeout(killTimer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The problem of a command that did not do what it was asked: a sentence that names the cause where the output shows it. */
export function failure(argv: readonly string[], output: string, exitCode?: number, signal?: string, moreOutput = ""): Problem {
  const [tool = ""] = argv;
  const how = signal ? `was ended by ${signal}` : `failed with exit code ${exitCode}`;
  return {
    code: "command-failed",
    summary: explainOutput(`${output}\n${moreOutput}`) ?? `${tool} ${how}.`,
    argv: argv.slice(0, 64).map((item) => item.slice(0, 4096)),
    exitCode,
    signal,
    output: lastBytes(output + moreOutput, problemOutputBytes),
  };
}

/** The end of a text, cut between characters. */
export function lastBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let start = encoded.length - bytes;
  // Bytes 10xxxxxx continue a character (RFC 3629).
  while (((encoded[start] ?? 0) & 0xc0) === 0x80) start++;
  return encoded.toString("utf8", start);
}

/** What becomes the command that is put behind it, with the same process id. Where one of the two is not installed, without it. */
function givingWay(): string[] {
  const [nice, ionice] = [findTool("nice"), findTool("ionice")];
  return [...(nice === undefined ? [] : [nice, "-n", "19"]), ...(ionice === undefined ? [] : [ionice, "-c", "3"])];
}

function findTool(tool: ToolName): string | undefined {
  if (tool === "node") return process.execPath;
  return findProgram(tool, tool === "lxc-net" ? lxcNetFolders : programFolders);
}

function missing(tool: ToolName): Problem {
  return tool.startsWith("lxc-") ? { code: "lxc-missing", tool } : { code: "tool-missing", tool, neededFor: tools[tool] };
}

function decode(stream: NodeJS.ReadableStream, receive: (text: string) => void) {
  const decoder = new StringDecoder("utf8");
  stream.on("data", (bytes: Buffer) => receive(decoder.write(bytes)));
  stream.on("end", () => receive(decoder.end()));
}

/** Waits for the process, and then for its output as long as only it could have written it. */
function ended(child: ChildProcess, tool: ToolName): Promise<{ exitCode?: number; exitSignal?: NodeJS.Signals }> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      foundTools.delete(tool);
      reject(error.code === "ENOENT" || error.code === "EACCES" ? new ProblemError(missing(tool)) : error);
    });
    child.once("exit", (code, exitSignal) => {
      const finish = () => {
        clearTimeout(lastOutput);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ exitCode: code ?? undefined, exitSignal: exitSignal ?? undefined });
      };
      const lastOutput = setTimeout(finish, lastOutputMilliseconds);
      child.once("close", finish);
    });
  });
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended.
  }
}

/** A stopped leader may leave others of its group behind: they have the same time to end, then they are killed. */
async function groupEnded(child: ChildProcess): Promise<void> {
  const killAt = performance.now() + graceMilliseconds;
  const giveUpAt = killAt + graceMilliseconds;
  while (groupLives(child)) {
    // One that even SIGKILL does not end waits in the kernel, for a disk that does not answer.
    if (performance.now() > giveUpAt) return;
    if (performance.now() > killAt) killGroup(child, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, groupCheckMilliseconds));
  }
}

/** True while a process of the group lives; one that only was not waited for by its new parent does not count. */
function groupLives({ pid }: ChildProcess): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, 0);
  } catch {
    return false;
  }
  return processIds().some((one) => {
    const stat = readProcessStat(one);
    return stat?.groupId === pid && stat.state !== "Z" && stat.state !== "X";
  });
}
