import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";

/** One line of /proc/PID/stat (proc_pid_stat(5)), as far as it is used. */
export type ProcessStat = {
  pid: number;
  /** The file name of the program, cut to 15 bytes. */
  command: string;
  /** One letter: R, S, D, T, Z, X, ... */
  state: string;
  parentPid: number;
  groupId: number;
  sessionId: number;
  /** Clock ticks from boot to start. A string, because it is only ever compared; together with the pid it names one process. */
  startTicks: string;
};

/** USER_HZ is 100 on every architecture that Linux has containers on (proc_pid_stat(5), sysconf(3)). */
const clockTicksPerSecond = 100;

/** @returns undefined where there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** A command may hold blanks and parentheses, so it ends at the last one. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const [state, parentPid, groupId, sessionId] = fields;
  // Field 22 of the line; the first one after the command is field 3.
  const startTicks = fields[22 - 3];
  if (state === undefined || parentPid === undefined || groupId === undefined || sessionId === undefined || startTicks === undefined)
    return undefined;
  return {
    pid: Number(text.slice(0, open)),
    command: text.slice(open + 1, close),
    state,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    startTicks,
  };
}

/** When a process was started, milliseconds since the epoch. */
export function startTimeMilliseconds(stat: Pick<ProcessStat, "startTicks">): number {
  bootTimeSeconds ??= Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? 0);
  return bootTimeSeconds * 1000 + (Number(stat.startTicks) * 1000) / clockTicksPerSecond;
}
let bootTimeSeconds: number | undefined;

/** Real user id of a process: the first number of the `Uid:` line of /proc/PID/status (proc_pid_status(5)). */
export function realUidOf(pid: number): number | undefined {
  const match = /^Uid:\s+(\d+)/m.exec(readProcFile(`/proc/${pid}/status`) ?? "");
  return match ? Number(match[1]) : undefined;
}

/**
 * The numbers of a process, from the pid namespace that /proc shows down to its own: the `NSpid:` line of /proc/PID/status
 * (proc_pid_status(5)). One number says that it lives in ours; a last one of 1, that it is the first process of its own.
 */
export function pidsInNamespaces(pid: number): number[] {
  const match = /^NSpid:\s+(.*)$/m.exec(readProcFile(`/proc/${pid}/status`) ?? "");
  return match?.[1]?.split("\t").map(Number) ?? [];
}

/** Children of a process's main thread, from /proc/PID/task/PID/children (proc_pid_task_children(5)). */
export function childrenOf(pid: number): number[] {
  const text = readProcFile(`/proc/${pid}/task/${pid}/children`) ?? "";
  return text.split(" ").filter(Boolean).map(Number);
}

/** Every process there is now. */
export function processIds(): number[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The sockets that a process has open: each one's inode, and the descriptor's path, whose status is the socket's (proc_pid_fd(5)). */
export function socketsOf(pid: number): { inode: number; path: string }[] {
  const folder = `/proc/${pid}/fd`;
  return namesIn(folder).flatMap((descriptor) => {
    const path = join(folder, descriptor);
    const inode = /^socket:\[(\d+)\]$/.exec(unlessGone(() => readlinkSync(path)) ?? "")?.[1];
    return inode === undefined ? [] : { inode: Number(inode), path };
  });
}

/** Names in a folder that may be gone, or not for us to read: then none. */
export function namesIn(folder: string): string[] {
  return unlessGone(() => readdirSync(folder)) ?? [];
}

/** A file of /proc or of a control group that may vanish between any two steps: then undefined. */
export function readProcFile(path: string): string | undefined {
  const file = holdFile(path);
  try {
    return file?.read();
  } finally {
    file?.close();
  }
}

/**
 * A file of the kernel's that is read again and again. Those of a process stay bound to that very process: once it has ended
 * there is nothing to read any more, even if its number is given to another one.
 */
export type HeldFile = {
  /** The text as it is now; undefined once what it tells of has gone. */
  read(): string | undefined;
  close(): void;
};

/** @returns undefined where there is no such file, or it may not be read. */
export function holdFile(path: string): HeldFile | undefined {
  const descriptor = unlessGone(() => openSync(path, "r"));
  if (descriptor === undefined) return undefined;
  const readText = createTextReader(descriptor);
  return { read: () => unlessGone(readText), close: () => closeSync(descriptor) };
}

/** A parser that has nothing to do where the text is what it was the last time: its answer is then the same object, not to be changed. */
export function parseWhenChanged<T>(parse: (text: string) => T): (text: string) => T {
  let last: { text: string; parsed: T } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, parsed: parse(text) };
    return last.parsed;
  };
}

/** One buffer for all: what is read is made into something of its own before anything else is. */
let buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** The kernel hands out a page at a time, in whole records; what is much shorter than a page is the last piece. */
const surelyLastBytes = 2048;

/**
 * Reads the whole text of a file of the kernel's that is open. Where it says what it said the last time, the same text is given again:
 * files that are read again and again seldom change, and without garbage looking costs little more than the kernel's part of it.
 * @returns A function that throws what reading throws.
 */
export function createTextReader(descriptor: number): () => string {
  let last: { bytes: Buffer; text: string } | undefined;
  return () => {
    const filled = fillBuffer(descriptor);
    if (last?.bytes.length === filled && buffer.compare(last.bytes, 0, filled, 0, filled) === 0) return last.text;
    const bytes = Buffer.from(buffer.subarray(0, filled));
    last = { bytes, text: bytes.toString("utf8") };
    return last.text;
  };
}

/** @returns How many bytes of the buffer are the file's. */
function fillBuffer(descriptor: number): number {
  let filled = 0;
  for (;;) {
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    const read = readSync(descriptor, buffer, filled, buffer.length - filled, filled);
    filled += read;
    if (read < surelyLastBytes) return filled;
  }
}

function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
const gone: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ESRCH", "ENODEV", "EACCES", "EPERM", "EINVAL"]);
