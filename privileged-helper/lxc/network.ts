import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import type { OperationContext, TaskContext } from "./context.ts";
import { listFiles } from "./folder.ts";
import { readProcessStat, readProcFile } from "./proc.ts";
import { replaceFile } from "./replace-file.ts";
import { run } from "./run.ts";

/**
 * Addresses that are there at once: a container's MAC and IPv4 address are reserved in the DHCP server of LXC's own bridge, and
 * the same address is written into its configuration. Whatever asks for DHCP inside then gets what it has already.
 * dnsmasq(8) reads each file that appears in its dhcp-hostsdir: `MAC,ADDRESS,LEASE-TIME`.
 */
export type Bridge = { name: string; address: string; prefix: number; rangeFirst: string; rangeLast: string };
export type Reservation = { mac: string; address: string; prefix: number; broadcast: string; gateway: string };

/** Files of lxc-net, and ours. Parameters, so that tests have their own. */
export type NetworkFiles = {
  /** Shell assignments that lxc-net reads, in this order; Debian and Fedora name them differently. */
  defaults: readonly string[];
  /** A folder of ours that the DHCP server's user may read. */
  hosts: string;
  /** What we give to the DHCP server. */
  dnsmasqConf: string;
  leases: string;
  pid: string;
};
export const systemFiles: NetworkFiles = {
  defaults: ["/etc/default/lxc", "/etc/default/lxc-net", "/etc/sysconfig/lxc", "/etc/sysconfig/lxc-net"],
  hosts: "/var/lib/lxc-desktop/dhcp-hosts",
  dnsmasqConf: "/etc/lxc/lxc-desktop-dnsmasq.conf",
  leases: "/var/lib/misc/dnsmasq.BRIDGE.leases",
  pid: "/run/lxc/dnsmasq.pid",
};

const mark = "# added by LXC Desktop, which takes it away when it is removed";
/** As dnsmasq writes it: short, so that who asks for DHCP may have the address of a destroyed container soon. */
const leaseTime = "10m";
const restartTimeoutSeconds = 60;

/** LXC's bridge as lxc-net is told to make it; undefined where it makes none, or it is not there. */
export function readBridge(files: NetworkFiles = systemFiles): Bridge | undefined {
  const bridge = parseBridge(readSettings(files));
  return bridge && existsSync(`/sys/class/net/${bridge.name}/bridge`) ? bridge : undefined;
}

/** The names of all bridges. */
export function readBridges(folder = "/sys/class/net"): string[] {
  return readdirSync(folder)
    .filter((link) => existsSync(join(folder, link, "bridge")))
    .sort();
}

/** The bridge that these settings of lxc-net ask for. */
export function parseBridge(settings: Record<string, string>): Bridge | undefined {
  if (settings.USE_LXC_BRIDGE !== "true") return undefined;
  const { LXC_BRIDGE: name = "", LXC_ADDR: address = "", LXC_NETMASK: mask = "", LXC_DHCP_RANGE: range = "" } = settings;
  const [rangeFirst = "", rangeLast = ""] = range.split(",");
  if ([address, mask, rangeFirst, rangeLast].some((one) => toNumber(one) === undefined)) return undefined;
  return { name, address, prefix: prefixOf(mask), rangeFirst, rangeLast };
}

/** What lxc-net calls its bridge, whether it is there or not. */
export function bridgeName(files: NetworkFiles = systemFiles): string | undefined {
  return readSettings(files).LXC_BRIDGE;
}

/** True if the DHCP server of the bridge reads our reservations. */
export function reservationsAreSetUp(files: NetworkFiles = systemFiles): boolean {
  const isWritten = readSettings(files).LXC_DHCP_CONFILE === files.dnsmasqConf && existsSync(files.dnsmasqConf) && existsSync(files.hosts);
  return isWritten && serverUses(files);
}

/**
 * Makes lxc-net's DHCP server read our reservations, once per host. Running containers keep their addresses and connections.
 * What was there stays: a configuration of the administrator's own is included, and our line can be taken away again.
 */
export async function setUpReservations(task: TaskContext, files: NetworkFiles = systemFiles): Promise<void> {
  // Several containers may be made at once; the first of them does it.
  const done = settingUp.then(() => setUpOnce(task, files));
  settingUp = done.catch(() => {});
  await done;
}
let settingUp: Promise<void> = Promise.resolve();

async function setUpOnce(task: TaskContext, files: NetworkFiles): Promise<void> {
  if (reservationsAreSetUp(files)) return;
  const target = settingsToChange(files);
  task.step("Teaching the bridge's DHCP server about reserved addresses");
  mkdirSync(files.hosts, { recursive: true });
  // The server runs as a user of its own and reads this folder; what else is in the one above is closed by itself.
  chmodSync(dirname(files.hosts), 0o711);
  chmodSync(files.hosts, 0o755);
  const own = readSettings(files, withoutOurLine).LXC_DHCP_CONFILE;
  const included = own && own !== files.dnsmasqConf && existsSync(own) ? `conf-file=${own}\n` : "";
  mkdirSync(dirname(files.dnsmasqConf), { recursive: true });
  replaceFile(files.dnsmasqConf, `# Written by LXC Desktop.\n${included}dhcp-hostsdir=${files.hosts}\n`, 0o644);
  const before = existsSync(target) ? readFileSync(target, "utf8") : undefined;
  const kept = withoutOurLine(before ?? "");
  replaceFile(target, `${kept}${kept === "" || kept.endsWith("\n") ? "" : "\n"}LXC_DHCP_CONFILE=${files.dnsmasqConf} ${mark}\n`, 0o644);
  task.output(`${target} now has a line that lets LXC Desktop reserve addresses; the bridge's DHCP server is started anew.\n`);
  try {
    await restartServer(task);
  } catch (error) {
    // Better the network as it was than none.
    if (before === undefined) rmSync(target, { force: true });
    else replaceFile(target, before, 0o644);
    rmSync(files.dnsmasqConf, { force: true });
    await restartServer(task).catch(() => {});
    throw error;
  }
}

/** What `setUpReservations` would run. @throws ProblemError `not-supported` where it could not be done. */
export function foreseeSetUp(files: NetworkFiles = systemFiles): string[][] {
  if (reservationsAreSetUp(files)) return [];
  settingsToChange(files);
  return restartCommands().map(([tool, ...args]) => [tool, ...args]);
}

function settingsToChange(files: NetworkFiles): string {
  const target = files.defaults.find((file) => file.endsWith("lxc-net") && existsSync(dirname(file)));
  if (target === undefined) throw new ProblemError({ code: "not-supported", what: "This computer has no settings of lxc-net." });
  return target;
}

/** Takes back what `setUpReservations` did, when the app is removed. */
export async function undoNetworkSetup(task: TaskContext, files: NetworkFiles = systemFiles): Promise<void> {
  let changed = false;
  for (const file of files.defaults) {
    if (!existsSync(file)) continue;
    const before = readFileSync(file, "utf8");
    const after = withoutOurLine(before);
    if (after === before) continue;
    replaceFile(file, after, 0o644);
    changed = true;
  }
  rmSync(files.hosts, { recursive: true, force: true });
  if (changed && existsSync(files.pid)) await restartServer(task);
  rmSync(files.dnsmasqConf, { force: true });
}

/**
 * Reserves a free address of the bridge for a container that is about to be made.
 * @throws ProblemError `not-supported` where the bridge's range is used up.
 */
export function reserveAddress(
  { lxcPath, reader }: Pick<OperationContext, "lxcPath" | "reader">,
  name: string,
  bridge: Bridge,
  files: NetworkFiles = systemFiles,
): Reservation {
  if (!swept.has(lxcPath)) removeOrphans(lxcPath, files);
  swept.add(lxcPath);
  for (const reservation of unusedAddresses(reader, bridge, files)) {
    const { mac, address } = reservation;
    try {
      // The file's name is the address, so that two helpers never reserve the same one.
      writeFileSync(join(files.hosts, address), `${mac},${address},${leaseTime} # ${ownerOf(lxcPath, name)}\n`, {
        flag: "wx",
        mode: 0o644,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    return reservation;
  }
  if (removeOrphans(lxcPath, files)) return reserveAddress({ lxcPath, reader }, name, bridge, files);
  throw usedUp(bridge);
}

/**
 * The address that would be reserved now.
 * @throws ProblemError `not-supported` where the bridge's range is used up.
 */
export function foreseeReservation(
  { lxcPath, reader }: Pick<OperationContext, "lxcPath" | "reader">,
  bridge: Bridge,
  files: NetworkFiles = systemFiles,
): Reservation {
  const isOrphan = orphansOf(lxcPath);
  for (const reservation of unusedAddresses(reader, bridge, files)) {
    const path = join(files.hosts, reservation.address);
    if (!existsSync(path) || isOrphan(ownerIn(path))) return reservation;
  }
  throw usedUp(bridge);
}

/** Addresses of the bridge that nobody has, whether they are reserved or not. */
function* unusedAddresses(reader: OperationContext["reader"], bridge: Bridge, files: NetworkFiles): Generator<Reservation> {
  const running = reader.readAll().flatMap(({ ipv4 }) => ipv4);
  const taken = new Set([
    ...reader.readClaims().ipv4,
    ...running,
    ...readForeignLeases(files, bridge),
    ...readForeignNeighbours(),
    bridge.address,
  ]);
  const last = toNumber(bridge.rangeLast) ?? 0;
  for (let number = toNumber(bridge.rangeFirst) ?? 1; number <= last; number++) {
    const address = toAddress(number);
    if (taken.has(address)) continue;
    const broadcast = toAddress((number | (0xffffffff >>> bridge.prefix)) >>> 0);
    yield { mac: macOfAddress(number), address, prefix: bridge.prefix, broadcast, gateway: bridge.address };
  }
}

function usedUp({ name, rangeFirst, rangeLast }: Bridge): ProblemError {
  return new ProblemError({ code: "not-supported", what: `Every address of ${name} (${rangeFirst} to ${rangeLast}) is taken.` });
}

/** Gives the address of a container back; nothing happens where it has none. */
export function releaseAddress(lxcPath: string, name: string, files: NetworkFiles = systemFiles): void {
  const owner = ownerOf(lxcPath, name);
  removeReservations((one) => one === owner, files);
}

/** Folders whose reservations were looked through by this process. */
const swept = new Set<string>();

/** Gives back what containers had that were removed without LXC Desktop. @returns Whether there were any. */
function removeOrphans(lxcPath: string, files: NetworkFiles): boolean {
  return removeReservations(orphansOf(lxcPath), files);
}

/** True for owners that are containers of this folder which are not there any more. */
function orphansOf(lxcPath: string): (owner: string) => boolean {
  const folder = `${digest(lxcPath)}.`;
  const owners = new Set(listFiles(lxcPath).map((name) => ownerOf(lxcPath, name)));
  return (owner) => owner.startsWith(folder) && !owners.has(owner);
}

function ownerIn(path: string): string {
  return (readProcFile(path) ?? "").trimEnd().split(" # ")[1] ?? "";
}

function removeReservations(isMeant: (owner: string) => boolean, files: NetworkFiles): boolean {
  let removed = false;
  for (const file of listFiles(files.hosts)) {
    const path = join(files.hosts, file);
    if (!isMeant(ownerIn(path))) continue;
    rmSync(path, { force: true });
    removed = true;
  }
  // dnsmasq notices new files by itself, but forgets removed ones only when told to read everything again.
  const pid = removed ? serverPid(files) : undefined;
  if (pid !== undefined) process.kill(pid, "SIGHUP");
  return removed;
}

/** A MAC of the range that LXC and Xen use for containers, 00:16:3e. */
export function randomMac(): string {
  return macOf(randomBytes(3));
}

/**
 * The MAC that goes with a reserved address. It is always the same one: the lease of a destroyed container is then the lease of
 * whoever gets its address next, and neither the DHCP server nor a neighbour remembers a stranger under that address.
 */
function macOfAddress(address: number): string {
  return macOf([16, 8, 0].map((bits) => (address >>> bits) & 255));
}

function macOf(lastBytes: Iterable<number>): string {
  return ["00", "16", "3e", ...[...lastBytes].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

/** Containers of different folders may have the same name, and a path does not belong into somebody else's comment. */
function ownerOf(lxcPath: string, name: string): string {
  return `${digest(lxcPath)}.${digest(name)}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The shell assignments that lxc-net obeys, over its built-in ones. They are read, not run. */
export function readSettings(
  files: Pick<NetworkFiles, "defaults">,
  change = (text: string) => text,
  read: (path: string) => string | undefined = readProcFile,
): Record<string, string> {
  const settings: Record<string, string> = {
    USE_LXC_BRIDGE: "true",
    LXC_BRIDGE: "lxcbr0",
    LXC_ADDR: "10.0.3.1",
    LXC_NETMASK: "255.255.255.0",
    LXC_DHCP_RANGE: "10.0.3.2,10.0.3.254",
  };
  for (const file of files.defaults) {
    const assignments = change(read(file) ?? "").matchAll(/^\s*([A-Z0-9_]+)=(?:["']([^"'\n]*)["']|([^\s#"']*))/gm);
    for (const [, key, quoted, plain] of assignments) {
      if (key !== undefined) settings[key] = quoted ?? plain ?? "";
    }
  }
  return settings;
}

function withoutOurLine(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.endsWith(mark))
    .join("\n");
}

/** lxc-net keeps a bridge that containers hang on, and starts its DHCP server anew. */
async function restartServer(task: TaskContext) {
  await task.critical(async () => {
    // Not to be cut off half-way by a cancelled task: then there would be no network at all.
    const options = { task, signal: new AbortController().signal, timeoutSeconds: restartTimeoutSeconds };
    for (const [tool, ...args] of restartCommands()) {
      await run(tool, args, { ...options, ...(args[0] === "stop" && { allowExitCodes: "any" }) });
    }
  });
}

function restartCommands(): [tool: "systemctl" | "lxc-net", ...args: string[]][] {
  if (existsSync("/run/systemd/system")) return [["systemctl", "restart", "lxc-net.service"]];
  return [
    ["lxc-net", "stop"],
    ["lxc-net", "start"],
  ];
}

/** The pid file is root's, and so is the folder it is in; a process that is not dnsmasq is not told anything. */
function serverPid(files: NetworkFiles): number | undefined {
  const pid = Number(readProcFile(files.pid)?.trim());
  return pid > 1 && readProcessStat(pid)?.command === "dnsmasq" ? pid : undefined;
}

/** Whether a server was started with this configuration. @param commandLine Of /proc/PID/cmdline (proc_pid_cmdline(5)). */
export function usesConfiguration(commandLine: string, configuration: string): boolean {
  return commandLine.split("\0").includes(`--conf-file=${configuration}`);
}

/** The running server was started with our configuration. */
function serverUses(files: NetworkFiles): boolean {
  const pid = serverPid(files);
  return pid !== undefined && usesConfiguration(readProcFile(`/proc/${pid}/cmdline`) ?? "", files.dnsmasqConf);
}

/**
 * Addresses that the DHCP server has given to others than those that they are reserved for.
 * dnsmasq's lease file: `EXPIRY MAC ADDRESS NAME CLIENT-ID`; seconds since the epoch, or 0 for ever.
 */
function readForeignLeases(files: NetworkFiles, bridge: Bridge): string[] {
  const lines = (readProcFile(files.leases.replace("BRIDGE", bridge.name)) ?? "").split("\n");
  return lines
    .map((line) => line.split(" "))
    .filter(([expiry]) => Number(expiry) === 0 || Number(expiry) * 1000 > Date.now())
    .flatMap(([, mac, address]) => (address === undefined || mac === macOfAddress(toNumber(address) ?? 0) ? [] : [address]));
}

/** Addresses that the kernel has heard of lately from others than those that they are reserved for (proc_pid_net(5), arp). */
function readForeignNeighbours(): string[] {
  const lines = (readProcFile("/proc/net/arp") ?? "").split("\n").slice(1);
  return lines
    .map((line) => line.split(/\s+/))
    .flatMap(([address, , flags, mac]) => {
      // Flags 0x0 is an entry that never got an answer.
      if (!address || flags === "0x0" || mac === macOfAddress(toNumber(address) ?? 0)) return [];
      return [address];
    });
}

function toNumber(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((bits) => (number >>> bits) & 255).join(".");
}

function prefixOf(mask: string): number {
  return (toNumber(mask) ?? 0).toString(2).replaceAll("0", "").length;
}
