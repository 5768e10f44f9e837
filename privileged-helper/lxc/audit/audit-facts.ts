import { lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../../contract/model.ts";
import { ProblemError } from "../../contract/problems.ts";
import { parseFibTrie } from "../addresses.ts";
import { controllerVersion } from "../cgroup.ts";
import { type ConfigEntry, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf } from "../config.ts";
import { foldersWith } from "../counter-files.ts";
import { type KnownUpdates, readKnownUpdates } from "../known-updates.ts";
import { type ContainerReader, parseRootfs } from "../list.ts";
import { payloadCgroups } from "../payload.ts";
import { namesIn, readProcFile } from "../proc.ts";
import { listProcesses } from "../process-count.ts";
import { findProgram } from "../programs.ts";
import type { Forwards } from "./forwarded-ports.ts";
import { type RootDisk, rootDiskOf } from "./root-disk.ts";
import { inputOutputFiles } from "./storage-limits.ts";

/**
 * What the checks of a container look at: its configuration, and of one that runs what the kernel says of its init. Everything but the
 * search for files is a read. Tests give facts of other computers.
 */
export type AuditFacts = {
  name: string;
  lxcPath: string;
  /** With everything that it includes. */
  entries: ConfigEntry[];
  ownEntries: ConfigEntry[];
  /** The container's own file first, then what it includes. */
  configFiles: string[];
  storage: Container["storage"];
  /** Folders of its root file system, the uppermost first; none where LXC keeps it in no folder. */
  layers: string[];
  /** The disk that its own files are on. */
  rootDisk: RootDisk;
  clonedFrom?: string;
  /** Absent while it does not run. */
  running?: RunningFacts;
  /** Absent where nobody has looked. */
  updates?: KnownUpdates;
  /** Absent where the firewall could not be asked. */
  forwards?: Forwards;
  /** Milliseconds since the epoch. */
  now: number;
  /** Texts of `lxc.idmap` of the other containers. */
  othersIdmaps: ReadonlyMap<string, readonly string[]>;
  /** Which version of control groups counts that on this computer. */
  controllerVersion: typeof controllerVersion;
  /** The text of a file of this computer; undefined where it is not there. */
  read(path: string): string | undefined;
  /** Who owns what is at a path of this computer, links followed, and who may write it. */
  status(path: string): FileStatus | undefined;
  hasProgram(name: string): boolean;
};

export type FileStatus = {
  realPath: string;
  uid: number;
  gid: number;
  mode: number;
  type: "file" | "folder" | "socket" | "device" | "other";
};

/** What the kernel says of the first process of a container. */
export type RunningFacts = {
  /** /proc/PID/status (proc_pid_status(5)). */
  status: string;
  uidMap: string;
  gidMap: string;
  mountinfo: string;
  /** /proc/PID/attr/current; absent where no security module labels processes. */
  label?: string;
  /** Limits of its control groups, and of those above them, the nearest first: the file, and what is in it. */
  limits: Record<LimitName, { file: string; text: string }[]>;
  /** Limits of reading and writing, of the same groups. */
  inputOutput: { file: string; text: string }[];
  /** Rules of version 1 of the device control group; version 2 keeps them where nobody can read them. */
  devices?: string;
  /** Kinds of namespaces that it shares with this computer, by their names in /proc/PID/ns. */
  sharedNamespaces: string[];
  /** /proc/PID/net/tcp and tcp6. */
  tcp: string;
  tcp6: string;
  ipv4: string[];
  /** Names of the programs of this container that have these sockets open, by the inode of each. They are the container's to choose. */
  socketOwners(inodes: ReadonlySet<string>): Map<string, string>;
};
export type LimitName = "memory" | "processes" | "processor-time";

/** The files of both versions that hold each limit (cgroup-v2.rst; cgroup-v1/memory.rst, pids.rst; scheduler/sched-bwc.rst). */
export const limitFiles = {
  memory: { controller: "memory", v1: "memory.limit_in_bytes", v2: "memory.max" },
  processes: { controller: "pids", v1: "pids.max", v2: "pids.max" },
  "processor-time": { controller: "cpu", v1: "cpu.cfs_quota_us", v2: "cpu.max" },
} as const;

/** Whoever has more of them than this hides from nobody: what is not found is only not named. */
const maxSearchedProcesses = 500;
const maxSearchedDescriptors = 500;

const comparedNamespaces = ["net", "pid", "ipc", "uts", "mnt"];

/** Every container's mapping of ids, read once for an audit of all. */
export function readIdmaps(lxcPath: string, names: readonly string[]): Map<string, string[]> {
  return new Map(
    names.map((name) => {
      try {
        const { entries } = readEffectiveConfig(join(lxcPath, name, "config"));
        return [name, valuesOf(entries, "lxc.idmap")];
      } catch {
        return [name, []];
      }
    }),
  );
}

/**
 * @param idmaps Of all containers.
 * @throws ProblemError `not-found`; Error where its configuration cannot be read.
 */
export function readAuditFacts(
  { lxcPath, reader }: { lxcPath: string; reader: ContainerReader },
  name: string,
  idmaps: ReadonlyMap<string, readonly string[]>,
): AuditFacts {
  const container = reader.readOne(name);
  if (!container) throw new ProblemError({ code: "not-found", what: name });
  const { entries, files } = readEffectiveConfig(join(lxcPath, name, "config"));
  const rootfs = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  const facts: AuditFacts = {
    name,
    lxcPath,
    entries,
    ownEntries: parseConfig(readConfigurationText(lxcPath, name).text),
    configFiles: files,
    storage: rootfs.storage,
    layers: [...rootfs.folders].reverse(),
    rootDisk: rootDiskOf(rootfs.folders.at(-1)),
    othersIdmaps: new Map([...idmaps].filter(([other]) => other !== name)),
    controllerVersion,
    read: readProcFile,
    status: statusOf,
    hasProgram: (program) => findProgram(program) !== undefined,
    now: Date.now(),
  };
  if (container.clonedFrom !== undefined) facts.clonedFrom = container.clonedFrom;
  const updates = readKnownUpdates(lxcPath, name);
  if (updates) facts.updates = updates;
  const running = container.initPid === undefined ? undefined : readRunning(name, container.initPid);
  const after = reader.readOne(name);
  // What was read in between may be of a process that came in its place.
  if (running && after?.initPid === container.initPid && after?.startedAt === container.startedAt) facts.running = running;
  return facts;
}

function readRunning(name: string, pid: number): RunningFacts | undefined {
  const read = (file: string) => readProcFile(`/proc/${pid}/${file}`);
  const status = read("status");
  const uidMap = read("uid_map");
  if (!status || uidMap === undefined) return undefined;
  const cgroups = payloadCgroups(name, pid);
  const textsOf = (folder: string | undefined, files: readonly string[]) =>
    files
      .flatMap((file) =>
        foldersWith([folder, file]).flatMap((at) => {
          const text = readProcFile(join(at, file));
          return text === undefined ? [] : { file: join(at, file), text: text.trim() };
        }),
      )
      .filter(({ file }, index, all) => all.findIndex((one) => one.file === file) === index);
  const limitsOf = (limit: LimitName) => {
    const { controller, v1, v2 } = limitFiles[limit];
    return textsOf(cgroups?.[controller], [v1, v2]);
  };
  const running: RunningFacts = {
    status,
    uidMap,
    gidMap: read("gid_map") ?? "",
    mountinfo: read("mountinfo") ?? "",
    limits: { memory: limitsOf("memory"), processes: limitsOf("processes"), "processor-time": limitsOf("processor-time") },
    inputOutput: textsOf(cgroups?.blkio ?? cgroups?.unified, [...inputOutputFiles.v1, ...inputOutputFiles.v2]),
    sharedNamespaces: comparedNamespaces.filter((kind) => isShared(pid, kind)),
    tcp: read("net/tcp") ?? "",
    tcp6: read("net/tcp6") ?? "",
    ipv4: parseFibTrie(read("net/fib_trie") ?? ""),
    socketOwners: (inodes) =>
      inodes.size === 0 ? new Map() : findSocketOwners(cgroups?.pids ?? cgroups?.memory ?? cgroups?.unified, inodes),
  };
  const label = read("attr/current")?.replaceAll("\0", "").trim();
  if (label) running.label = label;
  const devices = cgroups?.devices === undefined ? undefined : readProcFile(join(cgroups.devices, "devices.list"));
  if (devices !== undefined) running.devices = devices;
  return running;
}

/** Links `socket:[INODE]` in /proc/PID/fd (proc_pid_fd(5)) of a container's processes. */
function findSocketOwners(cgroup: string | undefined, inodes: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>();
  if (cgroup === undefined) return owners;
  for (const pid of listProcesses(cgroup).slice(0, maxSearchedProcesses)) {
    for (const descriptor of namesIn(`/proc/${pid}/fd`).slice(0, maxSearchedDescriptors)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      if (inode === undefined || !inodes.has(inode) || owners.has(inode)) continue;
      owners.set(inode, readProcFile(`/proc/${pid}/comm`)?.trim() ?? "?");
    }
  }
  return owners;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function isShared(pid: number, kind: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);
  } catch {
    return false;
  }
}

function statusOf(path: string): FileStatus | undefined {
  try {
    const realPath = realpathSync(path);
    const status = statSync(path);
    const type = status.isFile()
      ? "file"
      : status.isDirectory()
        ? "folder"
        : status.isSocket()
          ? "socket"
          : status.isBlockDevice() || status.isCharacterDevice()
            ? "device"
            : "other";
    return { realPath, uid: status.uid, gid: status.gid, mode: status.mode & 0o7777, type };
  } catch {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
      ? undefined
      : { realPath: path, uid: -1, gid: -1, mode: 0, type: "other" };
  }
}

/** A number of /proc/PID/status, such as `NoNewPrivs`. */
export function statusField({ status }: Pick<RunningFacts, "status">, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim();
}

/** Whether its root is root of this computer: the kernel's word for one that runs, the configuration's for another. */
export function isPrivilegedNow(facts: AuditFacts): boolean {
  if (facts.running) return mapsRoot(parseMap(facts.running.uidMap));
  return valuesOf(facts.entries, "lxc.idmap").length === 0;
}

export type MapRow = { inside: number; outside: number; count: number };

/** Rows of `INSIDE OUTSIDE COUNT` (user_namespaces(7)). */
export function parseMap(text: string): MapRow[] {
  return text.split("\n").flatMap((line) => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    return inside === undefined || outside === undefined || count === undefined || Number.isNaN(count) ? [] : { inside, outside, count };
  });
}

/** True where the root of this computer is somebody inside. */
export function mapsRoot(rows: readonly MapRow[]): boolean {
  return rows.some(({ outside, count }) => outside === 0 && count > 0);
}
