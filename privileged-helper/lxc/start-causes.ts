import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StartCause } from "../contract/start-causes.ts";
import { lastValueOf, valuesOf } from "./config.ts";
import {
  cgroupsAreMounted,
  findCauseInFacts,
  findClosedFolder,
  findHolder,
  findMissingIds,
  findMissingLink,
  findMissingRootfs,
  findUnfitInit,
  isFolder,
  lineOf,
  type StartFacts,
  userNamespacesAreOff,
} from "./start-facts.ts";

/**
 * Why a container did not start: what LXC says leads to a cause, and facts decide where it may mean several. Where LXC says nothing
 * that is known, facts that forbid any start are a cause by themselves. LXC logs a chain of errors, of which the first counts.
 * The messages are those of LXC 5.0 to 7.0; each was recorded from a real failure (testdata/start), but for those of AppArmor and
 * of a full computer, which are worded as in LXC's sources.
 * @param output What `lxc-start` printed, and the errors in LXC's log.
 */
export function findStartCause(output: string, facts: StartFacts): StartCause | undefined {
  for (const [pattern, toCause] of messages) {
    const match = pattern.exec(output);
    const cause = match && toCause(facts, ...match.slice(1).map((part) => (part ?? "").slice(0, maxQuotedCharacters)));
    if (cause) return cause;
  }
  return findCauseInFacts(facts);
}

/** What LXC's log complains about first, in its own words. */
export function firstError(output: string): string | undefined {
  return / ERROR +\S+ - \S+ - (.*)/.exec(output)?.[1]?.slice(0, maxQuotedCharacters);
}

/** What is quoted comes from outside and has no length of its own. */
const maxQuotedCharacters = 500;
/** LXC mounts everything below this folder of its own before it becomes the container's root. */
const insideMount = String.raw`[^"]*\/rootfs\/?`;

type ToCause = (facts: StartFacts, ...parts: string[]) => StartCause | undefined;
/** In order: what is more telling comes first. */
const messages: [RegExp, ToCause][] = [
  // The configuration is read before anything else.
  [
    /Unsupported config key "([^"]+)"/,
    (facts, key) => ({
      id: "config-key-unknown",
      key,
      age: isOldKey(key) ? "old" : "unknown",
      ...at(lineOf(facts, (entry) => entry.key === key)),
    }),
  ],
  [
    /Failed to open file "([^"]+)"[\s\S]*Failed to parse config file "[^"]*" at line "lxc\.include/,
    (_, path) => ({ id: "include-missing", path }),
  ],
  [
    /Invalid capability specified[\s\S]*at line "([^"\n]*)"/,
    (facts, content) => ({ id: "capability-unknown", content, ...at(lineOfContent(facts, content)) }),
  ],
  [
    /Failed to parse config file "[^"]*" at line "([^"\n]*)"/,
    (facts, content) => ({ id: "config-line-invalid", content, ...at(lineOfContent(facts, content)) }),
  ],
  [/No container config specified/, () => ({ id: "config-missing" })],
  [
    /Container is already running|appears to be already running|Address already in use - Failed to create command socket/,
    (facts) => ({ id: "name-taken", ...findHolder(facts) }),
  ],

  // The kernel says "no space" and "no memory" of namespaces, too.
  [/Failed to clone a new set of namespaces|Failed to clone process/, namespacesRefused],
  [/Resource temporarily unavailable - Failed to clone/, () => ({ id: "too-many-processes" })],
  [/No space left on device(?! - Failed to clone)|Disk quota exceeded/, () => ({ id: "disk-full" })],
  [/Too many open files/, () => ({ id: "too-many-files" })],
  [/Cannot allocate memory|Out of memory/i, () => ({ id: "no-memory" })],

  // Before the container has processes.
  [/Failed to open seccomp policy file (\S+)/, (_, path) => ({ id: "seccomp-missing", path })],
  [
    /Failed to read seccomp policy|Error loading the seccomp policy/,
    ({ entries }) => seccompInvalid(lastValueOf(entries, "lxc.seccomp.profile")),
  ],
  [/apparmor_parser not available/, () => ({ id: "apparmor-parser-missing" })],
  [/lxc\.apparmor\.allow_incomplete = 1/, () => ({ id: "apparmor-incomplete" })],
  [
    /Failed to change AppArmor profile to (\S+)|Failed to write AppArmor profile "([^"]+)"/i,
    (_, changed, written) => apparmorRefused(changed || written),
  ],
  [/Failed to load generated AppArmor profile|Failed to run apparmor_parser/, () => apparmorRefused("generated")],
  [/Failed to run lxc\.hook\.([a-z-]+)/, hookFailed],
  [
    /Idmapped rootfs currently only support/,
    ({ storage, layers }) => ({ id: "idmapped-root-unsupported", because: "storage", path: `${storage}:${layers.join(":")}` }),
  ],
  [/lxc_rootfs_init:\d+ - [^"\n]*Failed to open "([^"]+)"/, rootfsMissing],
  [/One or more requested controllers unavailable or not delegated|Failed to initialize cgroup/, () => ({ id: "cgroups-missing" })],
  [/Failed to create (?:monitor|container) cgroup/, () => (cgroupsAreMounted() ? undefined : { id: "cgroups-missing" })],

  // Its namespaces, limits and network.
  [/new[ug]idmap failed to write mapping|new[ug]idmap: [ug]id range|Failed to set up id mapping/, findMissingIds],
  [/No such file or directory - Failed to set "([^"]+)" to "([^"]*)"/, (_, key, value) => limitRefused(key, value, "absent")],
  [/Failed to set "([^"]+)" to "([^"]*)"/, (_, key, value) => limitRefused(key, value, "value")],
  [/bridge "([^"]+)", bridge interface doesn't exist/, (_, link) => ({ id: "bridge-missing", link })],
  [/File exists - Failed to create veth pair "([^"]+)"/, (_, link) => ({ id: "interface-taken", link })],
  [/Failed to create (macvlan|ipvlan|vlan) interface "[^"]*" on "([^"]+)"/, (facts, type, link) => linkMissing(facts, link, type)],
  [/Failed to retrieve ifindex for "([^"]+)"/, (facts, link) => linkMissing(facts, link, "phys")],
  [/Script exited with status \d+[\s\S]*Failed to create network device/, networkScriptFailed],
  [/Unknown resource (\S+)/, (_, resource) => ({ id: "resource-unknown", resource })],
  [/does not support core scheduling|Failed to create new core scheduling domain/, () => ({ id: "core-scheduling-unsupported" })],
  [
    /No such file or directory - Failed to open terminal log file "([^"]+)"/,
    (_, path) => ({ id: "file-missing", key: "lxc.console.logfile", path }),
  ],

  // Its root file system, and what is mounted into it.
  [
    /(?:Failed to create detached idmapped mount|Failed to change mount attributes|Failed to .*idmapped mount)/,
    ({ layers: [path = ""] }) => ({ id: "idmapped-root-unsupported", because: "file-system", path }),
  ],
  [
    /Permission denied - Failed to open "[^"]+"[\s\S]*Failed to mount rootfs|Could not access \S+\. Please grant it x access/,
    findClosedFolder,
  ],
  [/dir_mount:\d+ - [^"\n]*Failed to open "([^"]+)"/, rootfsMissing],
  [/(No such device|[A-Z][a-z ]+) - Failed to mount "([^"]+)" on "[^"]*" with options "[^"]*upperdir=/, overlayRefused],
  [/Failed to mount rootfs "([^"]*)"/, storageUnavailable],
  [new RegExp(`Failed to mount "([^"]+)" (?:on|onto) "${insideMount}([^"]*)"`), mountRefused],
  [/setup_mount_fstab:\d+ - [^"\n]*Failed to open "([^"]+)"/, (_, path) => ({ id: "file-missing", key: "lxc.mount.fstab", path })],
  [/Start hook "([^"]+)" not found in container/, (_, script) => ({ id: "hook-missing", hook: "start", script })],
  [/Failed to run ([a-z-]+) hooks/, hookFailed],
  [/Failed to setup sysctl parameters (\S+) to (\S+)/, (_, key, value) => ({ id: "sysctl-refused", key, value })],
  [/Could not change directory to "([^"]+)"/, (_, path) => ({ id: "init-folder-missing", path })],
  [/Read-only file system/, () => ({ id: "read-only" })],

  // Its first program.
  [/Permission denied - Failed to exec "([^"]+)"/, (facts, program) => findUnfitInit(facts) ?? { id: "init-not-executable", program }],
  [/Failed to exec "([^"]+)"/, (facts, program) => emptyRootfs(facts) ?? findUnfitInit(facts) ?? { id: "init-missing", program }],
];

/** Renamed by LXC 2.1 and gone with 3 (`lxc-update-config` lists them), or gone with cgroup v1 in 7. */
export function isOldKey(key: string): boolean {
  return /^lxc\.(network|cgroup)(\.|$)/.test(key) || renamedKeys.has(key) || /^lxc\.limit\./.test(key);
}
export const renamedKeys: ReadonlyMap<string, string> = new Map([
  ["lxc.rootfs", "lxc.rootfs.path"],
  ["lxc.id_map", "lxc.idmap"],
  ["lxc.pts", "lxc.pty.max"],
  ["lxc.tty", "lxc.tty.max"],
  ["lxc.devttydir", "lxc.tty.dir"],
  ["lxc.aa_profile", "lxc.apparmor.profile"],
  ["lxc.aa_allow_incomplete", "lxc.apparmor.allow_incomplete"],
  ["lxc.se_context", "lxc.selinux.context"],
  ["lxc.mount", "lxc.mount.fstab"],
  ["lxc.utsname", "lxc.uts.name"],
  ["lxc.seccomp", "lxc.seccomp.profile"],
  ["lxc.console", "lxc.console.path"],
  ["lxc.haltsignal", "lxc.signal.halt"],
  ["lxc.rebootsignal", "lxc.signal.reboot"],
  ["lxc.stopsignal", "lxc.signal.stop"],
  ["lxc.syslog", "lxc.log.syslog"],
  ["lxc.loglevel", "lxc.log.level"],
  ["lxc.logfile", "lxc.log.file"],
  ["lxc.init_cmd", "lxc.init.cmd"],
  ["lxc.init_uid", "lxc.init.uid"],
  ["lxc.init_gid", "lxc.init.gid"],
]);

function at(line: number | undefined): { line?: number } {
  return line === undefined ? {} : { line };
}

function lineOfContent(facts: StartFacts, content: string): number | undefined {
  const squeezed = content.replace(/\s+/g, "");
  return lineOf(facts, ({ key, value }) => `${key}=${value}`.replace(/\s+/g, "") === squeezed.replace(/=["'](.*)["']$/, "=$1"));
}

function namespacesRefused(facts: StartFacts): StartCause | undefined {
  if (facts.rootUser !== undefined && userNamespacesAreOff()) return { id: "user-namespaces-off" };
  return undefined;
}

function seccompInvalid(path: string | undefined): StartCause | undefined {
  return path === undefined ? undefined : { id: "seccomp-invalid", path };
}

function apparmorRefused(profile: string | undefined): StartCause | undefined {
  return profile ? { id: "apparmor-profile-refused", profile } : undefined;
}

function limitRefused(key: string | undefined, value: string | undefined, because: "absent" | "value"): StartCause | undefined {
  return key === undefined || value === undefined ? undefined : { id: "limit-refused", key, value, because };
}

function rootfsMissing({ storage }: StartFacts, path = ""): StartCause {
  return storage === "overlay" ? { id: "base-missing", path } : { id: "rootfs-missing", path };
}

function linkMissing(facts: StartFacts, link = "", type = ""): StartCause | undefined {
  return findMissingLink(facts) ?? (existsSync(join("/sys/class/net", link)) ? undefined : { id: "link-missing", link, type });
}

function networkScriptFailed({ entries }: StartFacts): StartCause | undefined {
  const script = entries.find(({ key }) => /^lxc\.net\.\d+\.script\.up$/.test(key))?.value;
  return script === undefined ? undefined : { id: "network-script-failed", script };
}

function emptyRootfs(facts: StartFacts): StartCause | undefined {
  const cause = findMissingRootfs(facts);
  return cause?.id === "rootfs-empty" ? cause : undefined;
}

function overlayRefused({ layers }: StartFacts, reason = "", path = ""): StartCause {
  if (!layers.every(isFolder)) return { id: "base-missing", path };
  return reason === "No such device" ? { id: "overlay-unsupported" } : { id: "overlay-refused", path };
}

function storageUnavailable({ storage, layers: [path] }: StartFacts, source = ""): StartCause {
  if (path !== undefined)
    return statSync(path, { throwIfNoEntry: false }) ? { id: "storage-unavailable", storage, source } : { id: "rootfs-missing", path };
  return { id: "storage-unavailable", storage, source };
}

/** `lxc.mount.entry` names a source on this computer and a target in the container; either may be what is missing. */
function mountRefused({ entries }: StartFacts, source = "", target = ""): StartCause {
  const isNamed = valuesOf(entries, "lxc.mount.entry").some((value) => value.split(/\s+/)[0] === source);
  if (!isNamed || !source.startsWith("/")) return { id: "mount-refused", source, target };
  const isBind = valuesOf(entries, "lxc.mount.entry").some((value) => value.startsWith(source) && /\br?bind\b/.test(value));
  if (!existsSync(source)) return { id: "mount-source-missing", source, target };
  return isBind ? { id: "mount-target-missing", source, target } : { id: "mount-refused", source, target };
}

/** LXC says which kind of hook failed; where there are several, the one that is not there is it. */
function hookFailed({ entries }: StartFacts, hook = ""): StartCause {
  const scripts = valuesOf(entries, `lxc.hook.${hook}`).map((value) => value.split(/\s+/)[0] ?? "");
  const missing = scripts.find((script) => script.startsWith("/") && !existsSync(script));
  if (missing !== undefined) return { id: "hook-missing", hook, script: missing };
  return { id: "hook-failed", hook, ...(scripts.length === 1 ? { script: scripts[0] } : {}) };
}
