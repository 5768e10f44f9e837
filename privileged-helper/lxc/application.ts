import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Application, explainApplication } from "../contract/application.ts";
import { ProblemError } from "../contract/problems.ts";
import { type ConfigEntry, lastValueOf, readEffectiveConfig } from "./config.ts";
import type { ImageUser } from "./image-user.ts";
import { parseRootfs } from "./list.ts";
import { lookInside } from "./look-inside.ts";
import { readBridge } from "./network.ts";
import { toolPath } from "./run.ts";
import { type FreshLayer, makeFolderInside, writeInside } from "./write-inside.ts";

/**
 * Containers that run one application instead of an init system, as Docker would run it.
 *
 * Its first process is tini(1), which Docker has for the same: it waits for every process that loses its parent, and hands every
 * signal on, so that the application ends by the signal that it knows. (LXC's own init.lxc kills what has not ended one second after
 * SIGTERM.) LXC splits `lxc.init.cmd` at blanks and knows no quotes, and `lxc.environment` is there already when it runs its hooks
 * on this computer, where an image's LD_PRELOAD has no business. So what is run, and with what, stands in a script inside, which a
 * BusyBox of this computer reads, because not every image has a shell. Both programs are bound in read-only below the
 * container's /dev, which is a file system of its own: nothing of them is in the image or in what is saved of it.
 */

const programs = "/dev/.lxc-desktop";
const init = `${programs}/init`;
const busybox = `${programs}/busybox`;
const script = ".lxc-desktop/run";
/** What Docker gives where an image says nothing. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What is mounted there, whether the image has folders for it or not. */
const mountPoints = ["dev", "proc", "sys"];

const initCommand = `${busybox} sh /${script}`;

/** What lxc-attach is to run in such a container, where its own files have no shell; nothing where it may choose. */
export function shellOfOurs(lxcPath: string, name: string): string[] {
  const { entries } = readEffectiveConfig(join(lxcPath, name, "config"));
  if (lastValueOf(entries, "lxc.init.cmd") !== initCommand) return [];
  const layers = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "").folders.toReversed();
  return lookInside(layers, "bin/sh") ? [] : [busybox, "sh"];
}

/**
 * Refuses what cannot be started, before anything is made.
 * @throws ProblemError `invalid-request`, `tool-missing`.
 */
export function checkApplication(application: Application): void {
  const reason = explainApplication(application);
  if (reason) throw new ProblemError({ code: "invalid-request", issues: [{ path: "application.argv", message: reason }] });
  toolPath("tini-static");
  if (isStatic(toolPath("busybox"))) return;
  throw new ProblemError({
    code: "tool-missing",
    tool: "busybox",
    neededFor: "starting an image's application: the one here is no static one",
  });
}

/** What is run, and the user that the image knows by that name. */
export type RunApplication = { application: Application; user: ImageUser };

/**
 * Who its first process begins as. LXC before 7.0 gives a process in a user namespace no more groups than one, whatever `lxc.init.groups`
 * says: a user with several is taken on by the script, which only root can do.
 */
function startsAs({ uid, gid, memberName }: ImageUser): { uid: number; gid: number } {
  return memberName === undefined ? { uid, gid } : { uid: 0, gid: 0 };
}

/** Lines of its container's configuration. @throws ProblemError `tool-missing`. */
export function applicationLines({ application: { stopSignal }, user }: RunApplication): [key: string, value: string][] {
  const { uid, gid } = startsAs(user);
  const bound = [
    [toolPath("tini-static"), init],
    [toolPath("busybox"), busybox],
  ] as const;
  return [
    ["lxc.init.cmd", initCommand],
    ...(uid === 0 ? [] : [["lxc.init.uid", String(uid)] as [string, string]]),
    ...(gid === 0 ? [] : [["lxc.init.gid", String(gid)] as [string, string]]),
    ["lxc.signal.halt", stopSignal],
    ...bound.map(([from, to]) => ["lxc.mount.entry", `${from} ${to.slice(1)} none bind,ro,create=file 0 0`] as [string, string]),
  ];
}

/**
 * Writes what an application needs into a new container's own layer.
 * @param entries The container's configuration, for its network.
 */
export function writeApplication(
  { application, user }: RunApplication,
  layer: FreshLayer,
  name: string,
  entries: readonly ConfigEntry[],
): void {
  const { workingDirectory, volumes } = application;
  // Where a folder cannot be, whoever wants to go there says so at the start.
  for (const folder of [...mountPoints, ...volumes, workingDirectory]) makeFolderInside(layer, folder);
  const readable = { uid: 0, gid: 0, mode: 0o644 };
  writeInside(layer, "etc/hostname", `${name}\n`, readable);
  writeInside(layer, "etc/hosts", hostsFile(name), readable);
  writeInside(layer, "etc/resolv.conf", resolverFile(entries), readable);
  // There may be passwords in its environment.
  if (writeInside(layer, script, runScript(application, user), { ...startsAs(user), mode: 0o400 })) return;
  throw new ProblemError({ code: "not-supported", what: `The image has something of its own where /${script} has to be.` });
}

/** The shell that reads it has no variable of the image's, and every word of the image's is quoted. */
export function runScript({ argv, environment, workingDirectory }: Application, { uid, home, memberName }: ImageUser): string {
  const isSet = (variable: string) => environment.some((entry) => entry.startsWith(`${variable}=`));
  const all = [...(isSet("PATH") ? [] : [`PATH=${defaultPath}`]), ...(isSet("HOME") ? [] : [`HOME=${home ?? "/"}`]), ...environment];
  const command = ["env", "-i", "--", ...all, init, "--", ...argv];
  const start = (words: string[]) => `cd -- ${quoted(workingDirectory)} && exec ${words.map(quoted).join(" ")}\n`;
  if (memberName === undefined) return start([busybox, ...command]);
  // As LXC does it: a program may open its own output by name, and that is a terminal.
  const giveTerminal = `for n in 0 1 2; do [ -t $n ] && ${quoted(busybox)} chown ${uid} /proc/self/fd/$n; done\n`;
  return giveTerminal + start([busybox, "su", "-p", "-s", busybox, "--", memberName, ...command]);
}

/** POSIX shell, 2.2.2: between single quotes everything is itself. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function hostsFile(name: string): string {
  return ["127.0.0.1\tlocalhost", `127.0.1.1\t${name}`, "::1\tlocalhost ip6-localhost ip6-loopback", ""].join("\n");
}

/** LXC's own bridge answers questions about names; elsewhere those that this computer asks do, if they can be reached from there. */
function resolverFile(network: readonly ConfigEntry[]): string {
  const type = lastValueOf(network, "lxc.net.0.type");
  if (type === "empty" || type === undefined) return "";
  const bridge = readBridge();
  if (bridge && lastValueOf(network, "lxc.net.0.link") === bridge.name) return `nameserver ${bridge.address}\n`;
  const own = readHostResolver();
  return type === "none" ? own : own.replace(/^nameserver\s+(127\.|::1).*\n?/gm, "");
}

function readHostResolver(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}

/** Whether a program needs nothing of this computer to run: ELF without an interpreter (elf(5), PT_INTERP), 64 or 32 bits, little-endian. */
function isStatic(path: string): boolean {
  const interpreter = 3;
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(4096);
    readSync(file, start, 0, start.length, 0);
    if (start.toString("latin1", 0, 4) !== "\x7fELF") return false;
    const is64 = start[4] === 2;
    const offset = is64 ? Number(start.readBigUInt64LE(32)) : start.readUInt32LE(28);
    const size = start.readUInt16LE(is64 ? 54 : 42);
    const count = start.readUInt16LE(is64 ? 56 : 44);
    const places = Array.from({ length: count }, (_, index) => offset + index * size).filter((at) => at + 4 <= start.length);
    return !places.some((at) => start.readUInt32LE(at) === interpreter);
  } finally {
    closeSync(file);
  }
}
