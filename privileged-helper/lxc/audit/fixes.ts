import { createHash } from "node:crypto";
import { join } from "node:path";
import { type CapabilityPreset, capabilityNames } from "../../contract/capabilities.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ConfigurationFix, SecurityFix, SecurityFixPreview } from "../../contract/security.ts";
import { editConfig, lastValueOf, readConfigurationText, readEffectiveConfig } from "../config.ts";
import { limitLines, replacedBy } from "../container-options.ts";
import { type ContainerReader, isActive } from "../list.ts";
import { readProcFile } from "../proc.ts";
import { changedLines } from "../repair.ts";
import { profilesFolderOf } from "../state-folder.ts";
import { readAuditFacts } from "./audit-facts.ts";
import { capabilityLines, configuredCapabilities, keptBy } from "./capabilities.ts";
import { type DoneFix, maxKeptCharacters } from "./security-record.ts";
import { inputOutputKeys, inputOutputLines, inputOutputVersion } from "./storage-limits.ts";
import { defaultSeccompProfile, parseSeccompProfile, strictSeccompFile, strictSeccompProfile } from "./system-calls.ts";
import { explainNoReadOnly, isPlaceEntry, placeEntries } from "./writable-places.ts";

type World = { lxcPath: string; reader: ContainerReader };
type Line = readonly [key: string, value: string];

/** What is done for a fix: the container's own configuration anew, and files of ours that it names. */
export type FixPlan = {
  summary: string;
  mayBreak: string;
  path: string;
  before: string;
  after: string;
  files: { path: string; text: string }[];
};

/**
 * How a fix changes a container. Only its own file is changed, line by line; what it includes belongs to all containers.
 * @throws ProblemError `not-found`; `invalid-request` where this computer counts nothing of the kind; `not-supported`.
 */
export function planFix(world: World, name: string, fix: ConfigurationFix): FixPlan {
  const { lxcPath } = world;
  const { path, text } = readConfigurationText(lxcPath, name);
  const { entries } = readEffectiveConfig(path);
  const strict = join(profilesFolderOf(lxcPath), strictSeccompFile);
  const plan = (
    words: Pick<FixPlan, "summary" | "mayBreak">,
    remove: (key: string, value: string) => boolean,
    add: readonly Line[],
    files: FixPlan["files"] = [],
  ): FixPlan => ({ ...words, path, before: text, after: editConfig(text, { remove, add }), files });

  switch (fix.check) {
    case "capabilities": {
      const last = Number(readProcFile("/proc/sys/kernel/cap_last_cap") ?? Number.NaN);
      return plan(
        wordsForCapabilities(fix),
        (key) => key === "lxc.cap.drop" || key === "lxc.cap.keep",
        capabilityLines(fix, Number.isNaN(last) ? capabilityNames.length - 1 : last),
      );
    }
    case "new-privileges":
      return plan(
        {
          summary: "Programs inside never get more rights than whoever starts them.",
          mayBreak: "sudo, su, passwd and ping, where ordinary users of the container use them.",
        },
        (key) => key === "lxc.no_new_privs",
        [["lxc.no_new_privs", "1"]],
      );
    case "system-calls": {
      const isStrict = fix.profile === "strict";
      return plan(
        isStrict
          ? {
              summary: "The kernel refuses system calls that concern the whole computer, or that most holes of it were in.",
              mayBreak:
                "Programs that use io_uring, BPF, kernel keyrings, perf or quotas. Databases and web servers go on without io_uring.",
            }
          : {
              summary: "LXC's own profile: the kernel refuses the five system calls that would be the worst.",
              mayBreak: "Nothing that is known.",
            },
        (key) => key === "lxc.seccomp.profile",
        [["lxc.seccomp.profile", isStrict ? strict : defaultSeccompProfile]],
        isStrict ? [{ path: strict, text: strictSeccompProfile }] : [],
      );
    }
    case "mandatory-access":
      return plan(
        {
          summary: "LXC makes a profile for this container, and AppArmor confines it by that.",
          mayBreak: "Mounts and devices that the profile does not know.",
        },
        (key) => key === "lxc.apparmor.profile",
        [["lxc.apparmor.profile", "generated"]],
      );
    case "memory":
      return planLimit({ memoryBytes: fix.bytes }, "More than that: the kernel ends the largest program in the container.");
    case "processes":
      return planLimit({ processes: fix.count }, "More than that: programs in the container fail to start others. Threads count, too.");
    case "processor-time":
      return planLimit({ cpus: fix.cpus }, "Programs in the container that compute wait for their turn.");
    case "input-output": {
      const { rootDisk, controllerVersion } = readAuditFacts(world, name, new Map());
      const version = inputOutputVersion({ controllerVersion });
      if ("reason" in rootDisk || version === undefined) {
        const reason = "reason" in rootDisk ? rootDisk.reason : "the kernel has no control group for it.";
        throw new ProblemError({ code: "not-supported", what: `Reading and writing cannot be limited: ${reason}` });
      }
      return plan(
        {
          summary: `It reads and writes no faster than this on the disk ${rootDisk.device}, which its files are on.`,
          mayBreak: `Programs in it that read and write much take longer.${version === "v1" ? " What it writes through memory is not slowed down by control groups of version 1." : ""}`,
        },
        (key) => inputOutputKeys.test(key),
        inputOutputLines(version, rootDisk.device, fix.bytesPerSecond),
      );
    }
    case "root-mount": {
      const options = (lastValueOf(entries, "lxc.rootfs.options") ?? "")
        .split(",")
        .filter((one) => one !== "" && one !== "suid" && one !== "dev");
      return plan(
        {
          summary: "Its files are mounted so that none gives more rights and none is a device; /dev is apart from that.",
          mayBreak: "sudo, su, passwd and ping for ordinary users of the container, and device files outside of /dev.",
        },
        (key) => key === "lxc.rootfs.options",
        [["lxc.rootfs.options", [...new Set([...options, "nosuid", "nodev"])].join(",")]],
      );
    }
    case "read-only": {
      const facts = readAuditFacts(world, name, new Map());
      const obstacle = explainNoReadOnly(facts);
      if (obstacle !== undefined) throw new ProblemError({ code: "not-supported", what: obstacle });
      const options = (lastValueOf(entries, "lxc.rootfs.options") ?? "")
        .split(",")
        .filter((one) => one !== "" && one !== "rw" && one !== "ro");
      return plan(
        {
          summary:
            "Its files are mounted read-only. What it has to write goes to the places below: in memory, or on disk beside its files.",
          mayBreak:
            "Everything that writes elsewhere: updates, changes of settings in /etc, new users. What is kept in memory is gone after each stop.",
        },
        (key, value) => key === "lxc.rootfs.options" || (key === "lxc.mount.entry" && isPlaceEntry(lxcPath, name, fix.places, value)),
        [["lxc.rootfs.options", ["ro", ...options].join(",")], ...placeEntries(facts, fix.places)],
      );
    }
  }

  function planLimit(resources: Parameters<typeof limitLines>[0], mayBreak: string): FixPlan {
    const isReplaced = replacedBy({ resources });
    return plan(
      { summary: "The kernel lets the container have no more than this.", mayBreak },
      (key) => key !== "lxc.start.auto" && isReplaced(key),
      limitLines(resources),
    );
  }
}

function wordsForCapabilities({ preset }: Extract<SecurityFix, { check: "capabilities" }>): Pick<FixPlan, "summary" | "mayBreak"> {
  if (typeof preset === "string") return presetWords[preset];
  return {
    summary: preset.length === 0 ? "None of root's rights." : `The ${preset.length} of root's rights that were chosen, and no others.`,
    mayBreak: "Every program that needs one of the others.",
  };
}

const presetWords: Record<CapabilityPreset, Pick<FixPlan, "summary" | "mayBreak">> = {
  system: {
    summary: "All that a system with systemd uses in a container; what concerns the whole computer is taken away.",
    mayBreak: "Programs that set the clock, load modules, read the kernel's messages or its audit log.",
  },
  service: {
    summary: "What Docker gives its containers: enough for one service that begins as root.",
    mayBreak: "systemd, DHCP clients, mounts, firewalls and everything else that manages a system.",
  },
  minimal: {
    summary: "What a program needs to take a low port and to go on as another user.",
    mayBreak: "All but simple services: also ping, chroot and making device files.",
  },
};

/** What a fix would do; nothing of it is done. @throws ProblemError as `planFix`. */
export function previewFix({ lxcPath, reader }: World, name: string, fix: ConfigurationFix): SecurityFixPreview {
  const { summary, mayBreak, before, after, files } = planFix({ lxcPath, reader }, name, fix);
  return {
    changes: "configuration",
    summary,
    mayBreak,
    ...changedLines(before, after),
    files,
    needsRestart: isActive(reader.readOne(name)),
  };
}

/** Whether a fix could leave a container less isolated than its configuration has it now: another set of rights, or another profile. */
export function weakens({ lxcPath }: World, name: string, fix: SecurityFix): boolean {
  if (fix.check === "user-namespace") return fix.to === "privileged";
  const { path } = readConfigurationText(lxcPath, name);
  const { entries } = readEffectiveConfig(path);
  if (fix.check === "capabilities") {
    const has = configuredCapabilities(entries);
    return keptBy(fix).some((one) => !has.has(one));
  }
  if (fix.check === "mandatory-access") {
    // A profile of an administrator's own may refuse more than one that LXC generates.
    const profile = lastValueOf(entries, "lxc.apparmor.profile") ?? "unconfined";
    return !/^(unconfined|unchanged|generated|lxc-container-default)/.test(profile);
  }
  if (fix.check !== "system-calls") return false;
  const profile = lastValueOf(entries, "lxc.seccomp.profile");
  if (profile === undefined || profile === defaultSeccompProfile) return false;
  const current = parseSeccompProfile(readProcFile(profile) ?? "");
  const next = parseSeccompProfile(fix.profile === "strict" ? strictSeccompProfile : (readProcFile(defaultSeccompProfile) ?? ""));
  if (current === undefined) return false;
  return current.kind === "allow" || !current.calls.every((call) => next?.calls.includes(call));
}

/** What is remembered of a fix, to take it back: its lines, and the whole text for the case that nothing else is changed until then. */
export function rememberFix(before: string, after: string): Omit<DoneFix, "check" | "at"> {
  const kept = before.length <= maxKeptCharacters ? { before } : {};
  return { ...changedLines(before, after), ...kept, after: sha256(after) };
}

/**
 * A configuration as it was before a fix; where it was changed since, without what the fix has added, and with what it has removed.
 * @throws ProblemError `not-supported` where those lines are not there any more.
 */
export function planUndo(text: string, done: Omit<DoneFix, "check" | "at">): string {
  if (done.before !== undefined && sha256(text) === done.after) return done.before;
  const count = (line: string) => text.split("\n").filter((one) => one === line).length;
  if (done.adds.some((line) => count(line) === 0)) {
    throw new ProblemError({
      code: "not-supported",
      what: "The lines that the fix has added are not in the configuration any more: somebody, or a later fix, has changed it since.",
    });
  }
  const lines = text.split("\n");
  for (const line of done.adds) lines.splice(lines.lastIndexOf(line), 1);
  while (lines.at(-1) === "") lines.pop();
  return `${[...lines, ...done.removes].join("\n")}\n`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
