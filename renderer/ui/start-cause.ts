import type { EndedAtOnce } from "../../privileged-helper/contract/model.ts";
import type { StartCause, StartCauseId, StartFix } from "../../privileged-helper/contract/start-causes.ts";

type Sentence<I extends StartCauseId> = (cause: Extract<StartCause, { id: I }>) => string;

const line = (number?: number) => (number === undefined ? "" : ` (line ${number})`);

/** Each cause in a sentence or two: what is wrong, and what helps where no button does. */
const sentences: { [I in StartCauseId]: Sentence<I> } = {
  "config-missing": () => "It has no configuration file.",
  "config-key-unknown": ({ key, age, line: number }) =>
    age === "old"
      ? `Its configuration is written for an older LXC: the key ${key}${line(number)} has another name now.`
      : `Its configuration has a key that the installed LXC does not know: ${key}${line(number)}. It is misspelt, or comes from another version.`,
  "config-line-invalid": ({ content, line: number }) => `LXC does not accept a line of its configuration${line(number)}: ${content}`,
  "include-missing": ({ path }) => `Its configuration includes a file that is not there: ${path}.`,
  "capability-unknown": ({ content, line: number }) =>
    `Its configuration names a capability that this kernel does not know${line(number)}: ${content}`,
  "file-missing": ({ key, path }) =>
    key === "lxc.console.logfile"
      ? `What it writes to its console cannot be kept in ${path}: that folder is not there.`
      : `Its configuration names a file that is not there: ${path} (${key}).`,
  "rootfs-not-set": () => "Its configuration names no root file system (lxc.rootfs.path): it would run on this computer's own files.",
  "rootfs-missing": ({ path }) => `Its root file system is not where its configuration says: ${path}.`,
  "rootfs-empty": ({ path }) => `Its root file system is empty: ${path}. Perhaps the disk that holds it is not mounted.`,
  "base-missing": ({ path }) =>
    `It is a clone, and the files that it is made from are not there: ${path}. Without them it cannot run; bring them back, or destroy it.`,
  "overlay-unsupported": () =>
    "It is a clone, and this kernel has no overlay file system, which joins a clone's files with those of its base.",
  "overlay-refused": ({ path }) =>
    `It is a clone, and the kernel cannot lay its files over those of its base: ${path}. Its own files may lie on a file system that cannot be used for that.`,
  "storage-unavailable": ({ storage, source }) => `Its storage cannot be mounted (${storage}): ${source}.`,
  "folder-not-searchable": ({ path, user }) =>
    `Its root user, ${user} on this computer, may not pass through the folder ${path}, and so does not get to its files.`,
  "idmapped-root-unsupported": ({ because, path }) =>
    because === "storage"
      ? `Its files would have to be mapped to other owners when it starts (lxc.rootfs.options = idmap), which LXC does only for plain folders, not for ${path}.`
      : `Its files would have to be mapped to other owners when it starts (lxc.rootfs.options = idmap), which the file system below ${path} cannot do.`,
  "init-missing": ({ program }) => `There is no program ${program} in it that could be started first.`,
  "init-not-executable": ({ program }) => `Its first program, ${program}, may not be executed.`,
  "init-other-architecture": ({ program, architecture, host }) =>
    `Its first program, ${program}, is made for ${architecture}, and this computer is ${host}.`,
  "init-interpreter-missing": ({ program, interpreter }) => `Its first program, ${program}, needs ${interpreter}, which is not in it.`,
  "nothing-to-run": ({ command }) =>
    `It has nothing that could be started as a system, only a command: ${command.trim()}. So it is with containers made from OCI images. LXC starts what lxc.init.cmd says, words between blanks.`,
  "init-folder-missing": ({ path }) => `Its first program is to be started in ${path}, and there is no such folder in it.`,
  "ids-not-granted": ({ of, first, count, hasOthers }) =>
    `It uses the ${of === "users" ? "user" : "group"} ids ${first} to ${first + count - 1} of this computer, and root was not given them in ${of === "users" ? "/etc/subuid" : "/etc/subgid"}. ${hasOthers ? `Root has others there. Add a line root:${first}:${count}.` : "Root has none at all."}`,
  "user-namespaces-off": () =>
    "This computer forbids user namespaces (user.max_user_namespaces is 0), which unprivileged containers are made of.",
  "bridge-missing": ({ link }) => `The network bridge ${link} is not there.`,
  "link-missing": ({ link, type }) => `Its network (${type}) needs the interface ${link} of this computer, which is not there.`,
  "interface-taken": ({ link }) =>
    `Its network interface is to be called ${link} on this computer (veth.pair), and another one has that name.`,
  "network-script-failed": ({ script }) => `The script that sets up its network failed: ${script}.`,
  "apparmor-parser-missing": () =>
    "This computer confines programs by AppArmor, and AppArmor's own tools, which load a container's profile, are not installed.",
  "apparmor-incomplete": () =>
    "This kernel's AppArmor cannot control mounts, so LXC could not confine the container as it should, and refuses.",
  "apparmor-profile-refused": ({ profile }) => `Its AppArmor profile could not be used: ${profile}.`,
  "seccomp-missing": ({ path }) => `The list of system calls that it may use is not there: ${path} (lxc.seccomp.profile).`,
  "seccomp-invalid": ({ path }) => `LXC does not understand the list of system calls that it may use: ${path} (lxc.seccomp.profile).`,
  "cgroups-missing": () => "The control groups that containers are kept in are not mounted, or LXC may not use them.",
  "limit-refused": ({ key, value, because }) =>
    because === "absent"
      ? `This computer has no limit ${key}, which its configuration sets to ${value}: its controller is off or not delegated, or belongs to the other version of control groups.`
      : `The kernel does not accept the value of a limit: ${key} = ${value}.`,
  "sysctl-refused": ({ key, value }) => `The kernel does not accept a setting of its configuration: ${key} = ${value}.`,
  "resource-unknown": ({ resource }) => `Its configuration limits a resource that is none: ${resource} (lxc.prlimit).`,
  "core-scheduling-unsupported": () =>
    "It is to share its processor cores with nobody (lxc.sched.core), which this kernel or processor does not support.",
  "mount-source-missing": ({ source, target }) => `${source} of this computer is to be mounted at /${target} in it, and is not there.`,
  "mount-target-missing": ({ source, target }) =>
    `${source} of this computer is to be mounted at /${target}, and there is nothing of that name in it.`,
  "mount-refused": ({ source, target }) => `${source} could not be mounted at /${target} in it.`,
  "hook-failed": ({ hook, script }) => `A script of its configuration failed: ${script ?? "one of several"} (lxc.hook.${hook}).`,
  "hook-missing": ({ hook, script }) => `A script of its configuration is not there: ${script} (lxc.hook.${hook}).`,
  "name-taken": ({ pid, program }) =>
    `Another program answers under its name${pid === undefined ? "" : `: process ${pid}${program === undefined ? "" : ` (${program})`}`}. LXC takes that for the running container. End that program.`,
  "disk-full": () => "The disk is full. Free some space and start it again.",
  "read-only": () => "The file system that it lies on is mounted read-only.",
  "too-many-files": () =>
    "Too many files are open or watched on this computer. Stop what you do not need, or raise fs.inotify.max_user_instances, of which every container takes some.",
  "too-many-processes": () => "Too many processes run on this computer. Stop what you do not need.",
  "no-memory": () => "This computer has no memory left for it.",
  unknown: ({ error }) =>
    error === undefined
      ? "LXC does not say why. The details show what it printed."
      : `LXC complains first about this: ${error}${/[.!?]$/.test(error) ? "" : "."}`,
};

/** Why a container did not start, for a person. */
export function explainStartCause(cause: StartCause): string {
  return (sentences[cause.id] as (cause: StartCause) => string)(cause);
}

/** What stands between a fix and one's peace of mind; undefined where it only mends. */
export function warnAboutFix(fix: StartFix): { isDangerous: boolean; text: string } | undefined {
  if (fix.kind !== "container" || fix.effect === "none") return undefined;
  if (fix.effect === "without-setting") {
    return {
      isDangerous: false,
      text: "It will run without what this setting was to do. Undo it in the configuration when you know better.",
    };
  }
  return {
    isDangerous: true,
    text: "This makes the container less isolated: whoever breaks into it has less in the way to this computer. Do it only for what you trust.",
  };
}

/** A container that ended as soon as it was started, in sentences. */
export function explainEarlyEnd({ exitCode, signal, cause }: EndedAtOnce): string {
  const how =
    signal !== undefined
      ? ` It was killed by ${signal}.`
      : exitCode !== undefined && exitCode !== 0
        ? ` Its exit code was ${exitCode}.`
        : "";
  return `It was started, and its first program ended at once.${how}${cause ? ` ${explainStartCause(cause)}` : ""}`;
}
