import { statSync } from "node:fs";
import { join } from "node:path";
import { lxcCgroupRoots } from "./cgroup.ts";
import {
  childrenOf,
  type HeldFile,
  holdFile,
  namesIn,
  parseWhenChanged,
  pidsInNamespaces,
  processIds,
  readProcessStat,
  readProcFile,
  realUidOf,
  socketsOf,
  startTimeMilliseconds,
} from "./proc.ts";

/**
 * Which containers run, as a fact. Every running container has a monitor process that listens on an abstract socket named
 * after it. Anybody may bind such a name, and even have the kernel print rows that are none, because it prints names as they
 * are, ends of lines included. So a row is only a hint: here the very socket (its inode) has to be made by root, the process
 * that holds it has to be root's, of our own pid namespace (not of a container in which LXC runs as well) and this container's
 * monitor by its own account, and the container's init has to be that process's child.
 */
export type Monitor = {
  pid: number;
  /** The container's first process as the host sees it, and when it was started, milliseconds since the epoch. Absent before. */
  init?: { pid: number; startedAt: number };
};

/** Remembers who holds which socket, so that a second look costs two reads per running container. */
export type Monitors = {
  /** Monitors of all these containers that have one, by container. */
  read(names: Iterable<string>): Map<string, Monitor>;
};

/** A process that was looked at before, with the cheapest file at hand that tells whether it lives. */
type KnownProcess = { pid: number; startTicks: string; memory: HeldFile };
type KnownInit = KnownProcess & { startedAt: number; isStarted: boolean };
type KnownMonitor = KnownProcess & { name: string; init?: KnownInit };
/** A socket without a known monitor: when it may be searched for in every process (milliseconds of the monotonic clock), and how often it was. */
type Unknown = { searchAgainAt: number; searches: number };

/** Longest abstract name: sun_path without its first byte and an end (unix(7)); LXC hashes what is longer (commands_utils.c). */
const maxSocketName = 106;

/** A monitor makes its socket first and its control group a moment later; before that, searching everywhere is work for nothing. */
const youngMilliseconds = 60;

/** A socket that no monitor holds costs a search through every process, so it is searched for less and less often. */
const longestPauseMilliseconds = 10_000;

export function createMonitors(lxcPath: string): Monitors {
  let table: HeldFile | undefined;
  const parseTable = parseWhenChanged(parseListeningSockets);
  const known = new Map<number, KnownMonitor>();
  const unknown = new Map<number, Unknown>();
  let hasRead = false;
  /** Sockets of LXC's names that somebody else made: not looked for again in all processes. */
  const foreign = new Set<number>();
  const forget = (inode: number) => {
    const monitor = known.get(inode);
    monitor?.memory.close();
    monitor?.init?.memory.close();
    known.delete(inode);
  };

  return {
    read(names) {
      table ??= holdFile("/proc/net/unix");
      const sockets = parseTable(table?.read() ?? "");
      const monitors = new Map<string, Monitor>();
      const wanted = new Map<number, string[]>();
      for (const name of names) {
        for (const inode of sockets.get(commandSocketName(lxcPath, name)) ?? []) {
          if (foreign.has(inode)) continue;
          const before = known.get(inode);
          if (before && isAlive(before)) {
            if (before.name === name) monitors.set(name, withInit(before));
          } else wanted.set(inode, [...(wanted.get(inode) ?? []), name]);
        }
      }
      const now = performance.now();
      for (const inode of wanted.keys()) {
        // What is there at the first reading may be as old as it likes.
        const searchAgainAt = hasRead ? now + youngMilliseconds : now;
        if (!unknown.has(inode)) unknown.set(inode, { searchAgainAt, searches: 0 });
      }
      const isToBeSearchedFor = (inode: number) => (unknown.get(inode)?.searchAgainAt ?? 0) <= now;
      const found = findHolders(lxcPath, wanted, isToBeSearchedFor);
      hasRead = true;
      for (const inode of found.foreign) foreign.add(inode);
      for (const [inode, { pid, name }] of found.holders) {
        const monitor = knowProcess(pid);
        if (!monitor) continue;
        forget(inode);
        known.set(inode, { ...monitor, name });
        unknown.delete(inode);
        monitors.set(name, withInit(known.get(inode) as KnownMonitor));
      }
      for (const [inode, state] of unknown) {
        if (!wanted.has(inode) || !isToBeSearchedFor(inode)) continue;
        state.searchAgainAt = now + Math.min(youngMilliseconds * 2 ** state.searches, longestPauseMilliseconds);
        state.searches += 1;
      }
      const listening = new Set([...sockets.values()].flat());
      for (const inode of known.keys()) if (!listening.has(inode)) forget(inode);
      for (const inode of foreign) if (!listening.has(inode)) foreign.delete(inode);
      for (const inode of unknown.keys()) if (!listening.has(inode)) unknown.delete(inode);
      return monitors;
    },
  };
}

/** `@LXCPATH/NAME/command`, or with a 64-bit FNV-1a hash of `LXCPATH/NAME` where that is too long (commands_utils.c). */
export function commandSocketName(lxcPath: string, name: string): string {
  const plain = `${lxcPath}/${name}/command`;
  if (Buffer.byteLength(plain) <= maxSocketName) return `@${plain}`;
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`${lxcPath}/${name}`)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `@lxc/${hash.toString(16).padStart(16, "0")}/command`;
}

/**
 * Sockets with a name that accept connections.
 * @param text Of /proc/net/unix (unix(7)): `Num RefCount Protocol Flags Type St Inode Path`; flag 0x10000 is __SO_ACCEPTCON.
 * @returns Name, `@` for the zero byte, -> inodes. One at most is real, and that may be any of them.
 */
export function parseListeningSockets(text: string): ReadonlyMap<string, readonly number[]> {
  const sockets = new Map<string, number[]>();
  const pattern = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (@.+)$/gm;
  for (const [, flags, inode, name] of text.matchAll(pattern)) {
    if (name === undefined || (Number.parseInt(flags ?? "", 16) & 0x10000) === 0) continue;
    sockets.set(name, [...(sockets.get(name) ?? []), Number(inode)]);
  }
  return sockets;
}

/**
 * True while that very process lives: the file has nothing to say about another one of the same number, and of one that has ended and
 * was not waited for it says that its memory has a size of 0 (proc_pid_statm(5)).
 */
function isAlive({ memory }: KnownProcess): boolean {
  const text = memory.read();
  return text !== undefined && !text.startsWith("0 ");
}

function withInit(monitor: KnownMonitor): Monitor {
  const { init } = monitor;
  if (!init || !isAlive(init)) {
    init?.memory.close();
    monitor.init = findInit(monitor.pid);
  } else if (!init.isStarted) {
    init.isStarted = hasBecomeInit(monitor.pid, init.pid);
  }
  if (!monitor.init?.isStarted) return { pid: monitor.pid };
  return { pid: monitor.pid, init: { pid: monitor.init.pid, startedAt: monitor.init.startedAt } };
}

/** The monitor's child that is the first process of its own pid namespace, or else the one in the container's cgroup. */
function findInit(monitorPid: number): KnownInit | undefined {
  let init: number | undefined;
  for (const child of childrenOf(monitorPid)) {
    const ids = pidsInNamespaces(child);
    if (ids.length > 1 && ids.at(-1) === 1) init = child;
    else if (/[/.]lxc\.payload/.test(readProcFile(`/proc/${child}/cgroup`) ?? "")) init ??= child;
  }
  const known = init === undefined ? undefined : knowProcess(init);
  return known && { ...known, startedAt: startTimeMilliseconds(known), isStarted: hasBecomeInit(monitorPid, known.pid) };
}

function knowProcess(pid: number): KnownProcess | undefined {
  // Held before it is asked what it is: so both tell of the same process, or the file has nothing to say any more.
  const memory = holdFile(`/proc/${pid}/statm`);
  const stat = readProcessStat(pid);
  if (memory && stat && stat.state !== "Z") return { pid, startTicks: stat.startTicks, memory };
  memory?.close();
  return undefined;
}

/** Until it executes its program, init is a copy of the monitor and still being set up. */
function hasBecomeInit(monitorPid: number, initPid: number): boolean {
  return readProcessStat(initPid)?.command !== readProcessStat(monitorPid)?.command;
}

/**
 * The monitors that hold these sockets: inode -> pid and container. Looks where LXC keeps each one's monitor first, then at all
 * monitors, and then everywhere.
 * @param wanted Inode -> containers that it may belong to.
 * @param isToBeSearchedFor False for a socket that is not worth a search everywhere now.
 * @returns Also the sockets that somebody else made.
 */
function findHolders(
  lxcPath: string,
  wanted: ReadonlyMap<number, readonly string[]>,
  isToBeSearchedFor: (inode: number) => boolean,
): { holders: Map<number, Holder>; foreign: Set<number> } {
  const holders = new Map<number, Holder>();
  const foreign = new Set<number>();
  const seen = new Set<number>();
  const isDone = (passes: (inode: number) => boolean = () => false) =>
    [...wanted.keys()].every((inode) => holders.has(inode) || foreign.has(inode) || passes(inode));
  const look = (pids: Iterable<number>) => {
    for (const pid of pids) {
      if (seen.has(pid)) continue;
      seen.add(pid);
      for (const { inode, path } of socketsOf(pid)) {
        const names = wanted.get(inode);
        if (!names) continue;
        const maker = makerOf(path);
        if (maker !== undefined && maker !== 0) foreign.add(inode);
        const stat = maker === 0 && isOurRoot(pid) ? readProcessStat(pid) : undefined;
        const name = stat && stat.state !== "Z" ? names.find((one) => isMonitorOf(stat, lxcPath, one)) : undefined;
        if (!stat || name === undefined) continue;
        const before = holders.get(inode);
        // A child that is being started still shares its monitor's descriptors: the elder one is the monitor.
        if (!before || BigInt(stat.startTicks) < BigInt(before.startTicks)) {
          holders.set(inode, { pid, startTicks: stat.startTicks, name });
        }
      }
      if (isDone()) return;
    }
  };
  const cgroups = isDone() ? [] : monitorCgroups();
  const own = new Set([...wanted.values()].flat().map((name) => `lxc.monitor.${name}`));
  // LXC adds a number where a cgroup of that name is there already.
  look(cgroups.filter((cgroup) => own.has(cgroup) || own.has(cgroup.replace(/-\d+$/, ""))).flatMap(processesIn));
  const isLeftForLater = (inode: number) => !isToBeSearchedFor(inode);
  if (!isDone(isLeftForLater)) look(cgroups.flatMap(processesIn));
  if (!isDone(isLeftForLater)) look(processIds());
  return { holders, foreign };
}
type Holder = { pid: number; startTicks: string; name: string };

/**
 * True if a process of root's is the monitor of this container: by the title that LXC gives it, or, when it stays in the
 * foreground and has none, by the name that it was started with or the control group that LXC made for it.
 */
function isMonitorOf({ pid, command }: { pid: number; command: string }, lxcPath: string, name: string): boolean {
  const [title = "", ...args] = (readProcFile(`/proc/${pid}/cmdline`) ?? "").split("\0");
  if (title.startsWith(titlePrefix)) return title === `${titlePrefix}${lxcPath} ${name}`;
  const isStartedFor = command.startsWith("lxc-") && args.some((one) => one === name || one === `-n${name}` || one === `--name=${name}`);
  if (isStartedFor) return true;
  const group = `lxc.monitor.${name}`;
  return (readProcFile(`/proc/${pid}/cgroup`) ?? "")
    .split(/[/\n]/)
    .some((part) => part === group || (part.startsWith(`${group}-`) && /^\d+$/.test(part.slice(group.length + 1))));
}
const titlePrefix = "[lxc monitor] ";

function isOurRoot(pid: number): boolean {
  return realUidOf(pid) === 0 && pidsInNamespaces(pid).length === 1;
}

/** User id of whoever made a socket; it stays when the socket is handed to another process, or inherited by one of root's. */
function makerOf(descriptorPath: string): number | undefined {
  try {
    return statSync(descriptorPath).uid;
  } catch {
    return undefined;
  }
}

function monitorCgroups(): string[] {
  const [root] = lxcCgroupRoots();
  return root === undefined ? [] : namesIn(root).filter((name) => name.startsWith("lxc.monitor"));
}

/** @param cgroup Of LXC's, by its name. */
function processesIn(cgroup: string): number[] {
  const [root] = lxcCgroupRoots();
  const text = root === undefined ? undefined : readProcFile(join(root, cgroup, "cgroup.procs"));
  return (text ?? "").split("\n").filter(Boolean).map(Number);
}
