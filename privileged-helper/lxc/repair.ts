import { closeSync, constants, existsSync, fchmodSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ProblemError } from "../contract/problems.ts";
import type { StartCause, StartFix } from "../contract/start-causes.ts";
import { type ConfigEntry, editConfig, readConfigurationText, replaceInConfig, writeConfig } from "./config.ts";
import type { OperationContext } from "./context.ts";
import { lookInside } from "./look-inside.ts";
import { bridgeName, readBridge } from "./network.ts";
import { openInside } from "./open-inside.ts";
import { isOldKey, renamedKeys } from "./start-causes.ts";
import { findClosedFolders, readStartFacts, type StartFacts } from "./start-facts.ts";

/**
 * What can be done about a cause without asking the person for more. Only lines of the container's own configuration are touched:
 * what it includes belongs to all containers.
 */
type Repair = {
  config?: string;
  /** Folders that everybody may pass through from then on. */
  opens: string[];
  /** A program in the container's root file system, as the container names it. */
  makesExecutable?: string;
  effect: "none" | "without-setting" | "less-isolated";
};

const commonSeccompProfile = "/usr/share/lxc/config/common.seccomp";
const sharedConfigFolder = "/usr/share/lxc/config";

/** What a click can do about the cause. */
export function fixFor(cause: StartCause, facts: StartFacts): StartFix {
  switch (cause.id) {
    case "apparmor-parser-missing":
      return { kind: "host", check: "apparmor" };
    case "user-namespaces-off":
      return { kind: "host", check: "user-namespaces" };
    case "cgroups-missing":
      return { kind: "host", check: "cgroups" };
    case "overlay-unsupported":
      return { kind: "host", check: "storage" };
    case "bridge-missing":
      if (cause.link === bridgeName()) return { kind: "host", check: "bridge" };
      break;
    case "ids-not-granted":
      // A range that root has is not the one that this container was made for.
      return cause.hasOthers ? { kind: "none" } : { kind: "host", check: "subids" };
  }
  const text = ownText(facts);
  const repair = text === undefined ? undefined : planRepair(cause, facts, text);
  if (text === undefined || repair === undefined) return { kind: "none" };
  const { removes, adds } = changedLines(text, repair.config ?? text);
  const commands = [
    ...repair.opens.map((path) => ["chmod", "o+x", path]),
    ...(repair.makesExecutable === undefined ? [] : [["chmod", "+x", join(facts.layers[0] ?? "/", repair.makesExecutable)]]),
  ];
  return { kind: "container", removes, adds, commands, effect: repair.effect };
}

/**
 * Does what `fixFor` said. All of it is taken back where a part of it fails.
 * @param offered What the person has seen; anything else is not done.
 * @throws ProblemError `not-supported` where the container is not as it was then.
 */
export async function repairContainer(
  { lxcPath, task }: OperationContext,
  name: string,
  cause: StartCause,
  offered: StartFix,
): Promise<void> {
  const facts = readStartFacts(lxcPath, name);
  const { path, text } = readConfigurationText(lxcPath, name);
  const repair = planRepair(cause, facts, text);
  if (!repair || JSON.stringify(fixFor(cause, facts)) !== JSON.stringify(offered)) throw outdated();
  if (repair.config !== undefined && repair.config !== text) {
    task.step("Changing its configuration");
    writeConfig(path, repair.config);
    task.onUndo(() => writeConfig(path, text));
    const { removes, adds } = changedLines(text, repair.config);
    task.output([...removes.map((line) => `- ${line}`), ...adds.map((line) => `+ ${line}`), ""].join("\n"));
  }
  for (const folder of repair.opens) {
    task.step("Letting its root user through to its files");
    task.command(["chmod", "o+x", folder]);
    addMode(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW), 0o001);
  }
  if (repair.makesExecutable !== undefined) {
    const found = lookInside(facts.layers, repair.makesExecutable);
    const file = found?.type === "file" && found.layer === facts.layers[0] ? openInside(found.layer, found.relative) : undefined;
    if (found === undefined || file === undefined) throw outdated();
    task.command(["chmod", "+x", join(found.layer, found.relative)]);
    addMode(file, 0o111);
  }
}

/** The person has agreed to something else than what would be done now. */
export function outdated(): ProblemError {
  return new ProblemError({
    code: "not-supported",
    what: "The container or this computer has changed since. Start it again to see what is wrong now.",
  });
}

function planRepair(cause: StartCause, facts: StartFacts, text: string): Repair | undefined {
  const { lxcPath, name, layers } = facts;
  const replace = (change: Parameters<typeof replaceInConfig>[1], effect: Repair["effect"] = "none"): Repair | undefined => {
    const config = replaceInConfig(text, change);
    return config === text ? undefined : { config, opens: [], effect };
  };
  const remove = (isIt: (entry: ConfigEntry) => boolean, effect: Repair["effect"] = "without-setting") =>
    replace((entry) => (isIt(entry) ? "removed" : undefined), effect);
  const isLine = (key: string, value: string) => (entry: ConfigEntry) => entry.key === key && entry.value === value;

  switch (cause.id) {
    case "config-key-unknown":
      if (cause.age === "old") return updateKeys(text, cause.key.startsWith("lxc.cgroup."));
      return remove(({ key }) => key === cause.key);
    case "config-line-invalid":
      return remove(({ line }) => line === cause.line);
    case "include-missing": {
      // Moved by a newer LXC, or written on another computer: LXC's own file of that name is meant.
      const ours = join(sharedConfigFolder, basename(cause.path));
      return existsSync(ours)
        ? replace((entry) => (isLine("lxc.include", cause.path)(entry) ? ["lxc.include", ours] : undefined))
        : undefined;
    }
    case "capability-unknown":
      return remove(({ line, key }) => line === cause.line && key === "lxc.cap.drop", "none");
    case "file-missing": {
      const log = join(lxcPath, name, "console.log");
      return cause.key === "lxc.console.logfile" && cause.path !== log
        ? replace((entry) => (isLine(cause.key, cause.path)(entry) ? [cause.key, log] : undefined))
        : undefined;
    }
    case "folder-not-searchable": {
      const opens = findClosedFolders(facts);
      // Its folder and its root file system; what lies deeper is the container's, which may have put a link there.
      const ours = [lxcPath, ...readdirSync(lxcPath).flatMap((one) => [join(lxcPath, one), join(lxcPath, one, "rootfs")])];
      const areOurs = opens.length > 0 && opens.every((path) => ours.includes(path));
      return areOurs ? { opens, effect: "none" } : undefined;
    }
    case "init-not-executable": {
      const found = lookInside(layers, cause.program);
      // Below an overlay lies what other containers use, too.
      return found?.layer === layers[0] && found?.type === "file"
        ? { opens: [], makesExecutable: found.relative, effect: "none" }
        : undefined;
    }
    case "nothing-to-run": {
      const command = withoutQuotes(cause.command);
      return command === undefined
        ? undefined
        : { config: editConfig(text, { add: [["lxc.init.cmd", command]] }), opens: [], effect: "none" };
    }
    case "init-folder-missing":
      return remove(isLine("lxc.init.cwd", cause.path));
    case "bridge-missing": {
      const bridge = readBridge();
      const isLink = ({ key, value }: ConfigEntry) => /^lxc\.net\.\d+\.link$/.test(key) && value === cause.link;
      return bridge && replace((entry) => (isLink(entry) ? [entry.key, bridge.name] : undefined));
    }
    case "interface-taken":
      return remove(({ key, value }) => /^lxc\.net\.\d+\.veth\.pair$/.test(key) && value === cause.link, "none");
    case "apparmor-incomplete":
      return {
        config: editConfig(text, {
          remove: (key) => key === "lxc.apparmor.allow_incomplete",
          add: [["lxc.apparmor.allow_incomplete", "1"]],
        }),
        opens: [],
        effect: "less-isolated",
      };
    case "seccomp-missing":
    case "seccomp-invalid":
      return existsSync(commonSeccompProfile) && cause.path !== commonSeccompProfile
        ? replace((entry) => (isLine("lxc.seccomp.profile", cause.path)(entry) ? [entry.key, commonSeccompProfile] : undefined))
        : undefined;
    case "limit-refused":
      return remove(({ key, value }) => /^lxc\.cgroup2?\./.test(key) && key.endsWith(`.${cause.key}`) && value === cause.value);
    case "sysctl-refused":
      return remove(isLine(`lxc.sysctl.${cause.key}`, cause.value));
    case "resource-unknown":
      return remove(({ key }) => key === `lxc.prlimit.${cause.resource}`);
    case "core-scheduling-unsupported":
      return remove(({ key }) => key === "lxc.sched.core", "less-isolated");
    case "mount-source-missing":
      return replace((entry) => changeMount(entry, cause.source, "optional"), "without-setting");
    case "mount-target-missing": {
      const status = statSync(cause.source, { throwIfNoEntry: false });
      return status && replace((entry) => changeMount(entry, cause.source, status.isDirectory() ? "create=dir" : "create=file"));
    }
    default:
      return undefined;
  }
}

/** `lxc.mount.entry` is a line of fstab(5): source, target, type, options, two numbers. */
function changeMount({ key, value }: ConfigEntry, source: string, option: string): readonly [string, string] | undefined {
  const fields = value.trim().split(/\s+/);
  if (key !== "lxc.mount.entry" || fields[0] !== source || fields[3] === undefined) return undefined;
  const options = fields[3].split(",");
  if (options.includes(option)) return undefined;
  fields[3] = [...options, option].join(",");
  return [key, fields.join(" ")];
}

/**
 * The OCI template quotes each word of a command, and `lxc-start` takes words as they stand between blanks.
 * @returns Nothing where a word has a blank in it: that cannot be said in `lxc.init.cmd`.
 */
function withoutQuotes(command: string): string | undefined {
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? "");
  const isPlain = words.length > 0 && words.every((word) => /^[^\s"']+$/.test(word));
  return isPlain ? words.join(" ") : undefined;
}

const v1Limits: ReadonlyMap<string, string> = new Map([
  ["memory.limit_in_bytes", "memory.max"],
  ["memory.soft_limit_in_bytes", "memory.low"],
  ["pids.max", "pids.max"],
  ["cpuset.cpus", "cpuset.cpus"],
  ["cpuset.mems", "cpuset.mems"],
  ["devices.allow", "devices.allow"],
  ["devices.deny", "devices.deny"],
]);

/**
 * Keys of older LXCs by their names of today (`lxc-update-config`, LXC 2.1). An interface used to begin with its type; now each has
 * a number.
 * @param withLimits Limits of cgroup v1, too: they are wrong only where LXC does not know them any more.
 * @returns Nothing where a key has no successor, because a part of the settings would get lost.
 */
function updateKeys(text: string, withLimits: boolean): Repair | undefined {
  let network = -1;
  let isComplete = true;
  const config = replaceInConfig(text, ({ key, value }) => {
    if (!isOldKey(key) || (key.startsWith("lxc.cgroup") && !withLimits)) return undefined;
    if (key === "lxc.rootfs") return ["lxc.rootfs.path", /^[a-z]+:/.test(value) ? value : `dir:${value}`];
    const renamed = renamedKeys.get(key);
    if (renamed !== undefined) return [renamed, value];
    if (key.startsWith("lxc.limit.")) return [key.replace("limit", "prlimit"), value];
    if (key.startsWith("lxc.cgroup.")) {
      const limit = v1Limits.get(key.slice("lxc.cgroup.".length));
      if (limit === undefined) isComplete = false;
      return limit === undefined ? undefined : [`lxc.cgroup2.${limit}`, value];
    }
    const part = key.replace(/^lxc\.network\.?/, "");
    if (part === "type") network++;
    const numbered = /^\d+\./.test(part);
    if (part === "" || (network < 0 && !numbered)) {
      isComplete = false;
      return undefined;
    }
    const name = part.replace(/^(\d+\.)?(ipv[46])$/, "$1$2.address");
    return [numbered ? `lxc.net.${name}` : `lxc.net.${network}.${name}`, value];
  });
  return isComplete && config !== text ? { config, opens: [], effect: "none" } : undefined;
}

function ownText({ lxcPath, name }: StartFacts): string | undefined {
  try {
    return readConfigurationText(lxcPath, name).text;
  } catch {
    return undefined;
  }
}

/** Lines that one text has more often than the other. */
export function changedLines(before: string, after: string): { removes: string[]; adds: string[] } {
  const surplus = (text: string, other: string) => {
    const left = new Map<string, number>();
    for (const line of other.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
    return text.split("\n").filter((line) => {
      const count = left.get(line) ?? 0;
      left.set(line, count - 1);
      return count <= 0 && line.trim() !== "";
    });
  };
  return { removes: surplus(before, after), adds: surplus(after, before) };
}

function addMode(descriptor: number, bits: number) {
  try {
    fchmodSync(descriptor, (fstatSync(descriptor).mode & 0o7777) | bits);
  } finally {
    closeSync(descriptor);
  }
}
