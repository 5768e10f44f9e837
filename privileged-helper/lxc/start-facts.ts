import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StartCause } from "../contract/start-causes.ts";
import { type ConfigEntry, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf } from "./config.ts";
import { parseSubordinateIds } from "./idmap.ts";
import { parseRootfs } from "./list.ts";
import { type Found, lookInside, readStart } from "./look-inside.ts";
import { commandSocketName, parseListeningSockets } from "./monitors.ts";
import { processIds, readProcessStat, readProcFile, socketsOf } from "./proc.ts";

/**
 * What is true of a container that does not start: its configuration and files, and this computer. Facts stay what they are from
 * one version of LXC to the next, while its messages change.
 */
export type StartFacts = {
  lxcPath: string;
  name: string;
  /** With everything that it includes; without a configuration that can be read it is empty. */
  entries: ConfigEntry[];
  /** The container's own file alone. */
  ownEntries: ConfigEntry[];
  hasConfig: boolean;
  storage: ReturnType<typeof parseRootfs>["storage"];
  /** Folders of its root file system, the uppermost first. */
  layers: string[];
  /** The user of this computer that is root inside; undefined without a user namespace. */
  rootUser: number | undefined;
};

export function readStartFacts(lxcPath: string, name: string): StartFacts {
  const path = join(lxcPath, name, "config");
  let entries: ConfigEntry[] = [];
  let ownEntries: ConfigEntry[] = [];
  let hasConfig = false;
  try {
    entries = readEffectiveConfig(path).entries;
    ownEntries = parseConfig(readConfigurationText(lxcPath, name).text);
    hasConfig = true;
  } catch {
    // Said by `hasConfig`.
  }
  const { storage, folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  return { lxcPath, name, entries, ownEntries, hasConfig, storage, layers: [...folders].reverse(), rootUser: rootUserOf(entries) };
}

/** A cause that explains any failed start by itself, whatever LXC says. In the order in which LXC would come upon them. */
export function findCauseInFacts(facts: StartFacts): StartCause | undefined {
  if (!facts.hasConfig) return { id: "config-missing" };
  return (
    findMissingInclude(facts) ??
    findOldKey(facts) ??
    findMissingSeccompProfile(facts) ??
    findMissingRootfs(facts) ??
    (cgroupsAreMounted() ? undefined : { id: "cgroups-missing" }) ??
    (facts.rootUser !== undefined && userNamespacesAreOff() ? { id: "user-namespaces-off" } : undefined) ??
    findMissingIds(facts) ??
    findMissingLink(facts) ??
    findUnfitInit(facts)
  );
}

function findMissingInclude({ ownEntries }: StartFacts): StartCause | undefined {
  const missing = ownEntries.find(({ key, value }) => key === "lxc.include" && !existsSync(value));
  return missing && { id: "include-missing", path: missing.value };
}

/** Keys that LXC 2.1 renamed and LXC 3 no longer knows. */
function findOldKey({ ownEntries }: StartFacts): StartCause | undefined {
  const old = ownEntries.find(({ key }) => key.startsWith("lxc.network"));
  return old && { id: "config-key-unknown", key: old.key, age: "old", line: old.line };
}

function findMissingSeccompProfile({ entries }: StartFacts): StartCause | undefined {
  const path = lastValueOf(entries, "lxc.seccomp.profile");
  return path?.startsWith("/") && !existsSync(path) ? { id: "seccomp-missing", path } : undefined;
}

/** @returns Nothing for storages that are no folders. */
export function findMissingRootfs({ entries, storage, layers }: StartFacts): StartCause | undefined {
  if (lastValueOf(entries, "lxc.rootfs.path") === undefined) return { id: "rootfs-not-set" };
  const lower = layers.at(-1);
  if (lower === undefined) return undefined;
  if (!isFolder(lower)) return storage === "overlay" ? { id: "base-missing", path: lower } : { id: "rootfs-missing", path: lower };
  if (layers.every(isEmpty)) return { id: "rootfs-empty", path: lower };
  return undefined;
}

/** Ranges that the configuration asks for and root was not given (subuid(5)); LXC sets them with newuidmap(1), which looks there. */
export function findMissingIds({ entries }: Pick<StartFacts, "entries">): StartCause | undefined {
  if (!existsSync("/usr/bin/newuidmap")) return undefined;
  for (const [of, letters, file] of [
    ["users", "ub", "/etc/subuid"],
    ["groups", "gb", "/etc/subgid"],
  ] as const) {
    const granted = parseSubordinateIds(readProcFile(file) ?? "", true);
    for (const value of valuesOf(entries, "lxc.idmap")) {
      const [type = "", , outside, length] = value.trim().split(/\s+/);
      const first = Number(outside);
      const count = Number(length);
      // Root may always map itself.
      if (!letters.includes(type) || (first === 0 && count === 1)) continue;
      if (granted.some((range) => first >= range.first && first + count <= range.first + range.count)) continue;
      return { id: "ids-not-granted", of, first, count, hasOthers: granted.length > 0 };
    }
  }
  return undefined;
}

/** A link that an interface of the container is to be joined to, and that this computer has not. */
export function findMissingLink({ entries }: StartFacts): StartCause | undefined {
  for (const { key, value: link } of entries) {
    const index = /^lxc\.net\.(\d+)\.link$/.exec(key)?.[1];
    if (index === undefined || link === "" || link.includes("/") || lastValueOf(entries, key) !== link) continue;
    const type = lastValueOf(entries, `lxc.net.${index}.type`) ?? "";
    if (existsSync(join("/sys/class/net", link))) continue;
    if (type === "veth") return { id: "bridge-missing", link };
    if (["macvlan", "ipvlan", "vlan", "phys"].includes(type)) return { id: "link-missing", link, type };
  }
  return undefined;
}

/** Why the first program cannot be run. */
export function findUnfitInit(facts: StartFacts): StartCause | undefined {
  const { entries, layers } = facts;
  const command = lastValueOf(entries, "lxc.init.cmd");
  const program = firstWord(command ?? "/sbin/init");
  // A name without a folder is searched for in PATH; a mount may hide what is on disk.
  if (layers.length === 0 || !program.startsWith("/") || isMountedOver(entries, program)) return undefined;
  const found = lookInside(layers, program);
  if (found === undefined || found.type !== "file") {
    const onlyCommand = lastValueOf(entries, "lxc.execute.cmd");
    if (command === undefined && onlyCommand !== undefined) return { id: "nothing-to-run", command: onlyCommand };
    // Links may lead to where something is mounted.
    return found === undefined && hasLinkOnTheWay(layers, program) ? undefined : { id: "init-missing", program };
  }
  if ((found.mode & 0o111) === 0) return { id: "init-not-executable", program };
  return findForeignProgram(facts, program, found);
}

/** e_machine of ELF files (elf(5)), and Node's names of the machines that run each. */
const architectures: Record<number, [name: string, ...hosts: string[]]> = {
  3: ["32-bit x86", "ia32", "x64"],
  8: ["MIPS", "mips", "mipsel"],
  20: ["32-bit PowerPC", "ppc"],
  21: ["64-bit PowerPC", "ppc64"],
  22: ["IBM Z", "s390x"],
  40: ["32-bit ARM", "arm", "arm64"],
  62: ["64-bit x86", "x64"],
  183: ["64-bit ARM", "arm64"],
  243: ["RISC-V", "riscv64"],
  258: ["LoongArch", "loong64"],
};
const headBytes = 4096;

function findForeignProgram({ entries, layers }: StartFacts, program: string, found: Found): StartCause | undefined {
  const head = readStart(found, headBytes);
  if (head.length >= 20 && head.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"))) {
    const isLittle = head[5] === 1;
    const known = architectures[isLittle ? head.readUInt16LE(18) : head.readUInt16BE(18)];
    if (known && !known.slice(1).includes(process.arch)) {
      const host = Object.values(architectures).find((one) => one[1] === process.arch)?.[0] ?? process.arch;
      return { id: "init-other-architecture", program, architecture: known[0], host };
    }
  }
  const interpreter = interpreterOf(head);
  if (interpreter === undefined || isMountedOver(entries, interpreter) || hasLinkOnTheWay(layers, interpreter)) return undefined;
  return lookInside(layers, interpreter) === undefined ? { id: "init-interpreter-missing", program, interpreter } : undefined;
}

/** What the kernel runs in a program's place: named after `#!`, or in an ELF file's PT_INTERP header (execve(2), elf(5)). */
function interpreterOf(head: Buffer): string | undefined {
  if (head.subarray(0, 2).toString("latin1") === "#!") return /^#![ \t]*(\/[^\s]+)/.exec(head.subarray(0, 256).toString("utf8"))?.[1];
  // 64-bit, little-endian: the machines of today.
  if (head.length < 64 || head.readUInt32LE(0) !== 0x464c457f || head[4] !== 2 || head[5] !== 1) return undefined;
  const start = Number(head.readBigUInt64LE(32));
  const [size, headers] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let index = 0; index < headers; index++) {
    const at = start + index * size;
    if (at + 56 > head.length) return undefined;
    if (head.readUInt32LE(at) !== 3) continue;
    const [offset, length] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    if (offset + length > head.length) return undefined;
    const path = head.toString("utf8", offset, offset + length).replace(/\0.*$/s, "");
    return path.startsWith("/") ? path : undefined;
  }
  return undefined;
}

/** Folders that keep the container's root user from its files; LXC opens them as that user. Access control lists are not looked at. */
export function findClosedFolders({ layers, rootUser }: StartFacts): string[] {
  if (rootUser === undefined) return [];
  const closed = new Set<string>();
  for (const layer of layers) {
    for (let folder = layer; folder !== dirname(folder); folder = dirname(folder)) {
      const status = statSync(folder, { throwIfNoEntry: false });
      if (!status) continue;
      const bit = status.uid === rootUser ? 0o100 : status.gid === rootUser ? 0o010 : 0o001;
      if ((status.mode & bit) === 0) closed.add(folder);
    }
  }
  return [...closed].sort();
}

export function findClosedFolder(facts: StartFacts): StartCause | undefined {
  const [path] = findClosedFolders(facts);
  return path === undefined || facts.rootUser === undefined ? undefined : { id: "folder-not-searchable", path, user: facts.rootUser };
}

/** Who holds the socket by which LXC would know the container as running. */
export function findHolder({ lxcPath, name }: Pick<StartFacts, "lxcPath" | "name">): { pid?: number; program?: string } {
  const inodes = parseListeningSockets(readProcFile("/proc/net/unix") ?? "").get(commandSocketName(lxcPath, name)) ?? [];
  const pid = processIds().find((one) => socketsOf(one).some(({ inode }) => inodes.includes(inode)));
  return pid === undefined ? {} : { pid, program: readProcessStat(pid)?.command };
}

/** A number of a line in the container's own configuration. */
export function lineOf({ ownEntries }: StartFacts, isIt: (entry: ConfigEntry) => boolean): number | undefined {
  return ownEntries.find(isIt)?.line;
}

export function firstWord(command: string): string {
  const quoted = /^\s*(["'])(.*?)\1/.exec(command);
  return quoted?.[2] ?? command.trim().split(/\s+/)[0] ?? "";
}

/** user_namespaces(7): 0 forbids them to everybody, root included. */
export function userNamespacesAreOff(): boolean {
  return readProcFile("/proc/sys/user/max_user_namespaces")?.trim() === "0";
}

export function cgroupsAreMounted(): boolean {
  return / - cgroup2? /.test(readProcFile("/proc/self/mountinfo") ?? "");
}

/** `lxc.idmap = u INSIDE OUTSIDE COUNT`: who 0 inside is outside. */
function rootUserOf(entries: readonly ConfigEntry[]): number | undefined {
  for (const value of valuesOf(entries, "lxc.idmap")) {
    const match = /^[ub] 0 (\d+) \d+$/.exec(value.trim().replace(/\s+/g, " "));
    if (match) return Number(match[1]);
  }
  return undefined;
}

function isMountedOver(entries: readonly ConfigEntry[], path: string): boolean {
  return valuesOf(entries, "lxc.mount.entry").some((value) => {
    const target = `/${(value.split(/\s+/)[1] ?? "").replace(/^\/+/, "")}`;
    return path === target || path.startsWith(`${target}/`);
  });
}

/** True where a component of the path is a link: it may lead below a mount, which is not looked into. */
function hasLinkOnTheWay(layers: readonly string[], path: string): boolean {
  const parts = path.split("/").filter(Boolean);
  return parts.some((_, index) => {
    const prefix = parts.slice(0, index + 1).join("/");
    const found = lookInside(layers, prefix);
    return found === undefined ? false : found.relative !== prefix;
  });
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** LXC makes folders for what it mounts before it finds that there is nothing else. */
function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).every((name) => ["dev", "proc", "sys"].includes(name) && readdirSync(join(path, name)).length === 0);
  } catch {
    return true;
  }
}
