import { parseHierarchies } from "./cgroup.ts";
import { lastValueOf, parseConfig } from "./config.ts";
import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import type { HostFacts } from "./host-facts.ts";
import { type Fix, sysctlFile } from "./host-fix.ts";
import { type FeatureState, kernelFeatures, readFeature } from "./host-kernel.ts";
import { installSteps, needsOf } from "./host-packages.ts";
import { idsPerContainer, readRootIdRanges, usermodArguments } from "./idmap.ts";

/** The checks that are about LXC itself and the kernel. */
export const systemChecks = {
  lxc: checkLxc,
  kernel: checkKernel,
  cgroups: checkCgroups,
  "user-namespaces": checkUserNamespaces,
  subids: checkSubordinateIds,
  apparmor: checkAppArmor,
  seccomp: checkSeccomp,
  lxcfs: checkLxcfs,
} satisfies Record<string, MakeCheck>;

const lxcTools = ["lxc-start", "lxc-stop", "lxc-create", "lxc-copy", "lxc-destroy", "lxc-attach"];
/** The first with what we rely on (lxc.init.cmd, cgroup v2, the network keys of today); older ones are out of their makers' care. */
const oldestGoodVersion = 4;
/** LXC 7 left version 1 of control groups behind. */
const firstVersionWithoutCgroup1 = 7;

/** A fix by installing packages; none where this distribution's package manager is not known. */
export function installFix(facts: HostFacts, programs: readonly string[], summary: string): Fix | undefined {
  const steps = installSteps(facts, needsOf(programs));
  return steps && { summary, steps };
}

/** Whether a service can be started by systemctl here. */
export function hasSystemd(facts: HostFacts): boolean {
  return facts.exists("/run/systemd/system");
}

async function checkLxc({ facts, lxcPath }: CheckContext): Promise<CheckResult> {
  const title = "LXC";
  const explanation = "LXC is what makes and runs containers; LXC Desktop only calls its tools.";
  const missing = lxcTools.filter((tool) => facts.program(tool) === undefined);
  if (missing.length > 0) {
    return {
      title,
      status: "problem",
      summary: missing.length === lxcTools.length ? "LXC is not installed." : `LXC is not complete: ${missing.join(", ")} missing.`,
      evidence: missing.map((tool) => `${tool}: not in /usr/bin`),
      explanation,
      fix: installFix(facts, ["lxc"], "Installs LXC with your distribution's package manager."),
    };
  }
  const version = await facts.lxcVersion();
  const path = facts.program("lxc-start");
  const evidence = [`${path} --version: ${version ?? "no answer"}`, `Containers are in ${lxcPath}`];
  if (version === undefined) return { title, status: "problem", summary: "LXC is installed, but does not run.", evidence, explanation };
  if (Number.parseInt(version, 10) < oldestGoodVersion) {
    return {
      title,
      status: "warning",
      summary: `LXC ${version} is old: LXC Desktop is made for ${oldestGoodVersion}.0 and later.`,
      evidence,
      explanation,
    };
  }
  return { title, status: "ok", summary: `LXC ${version} is installed.`, evidence, explanation };
}

function checkKernel({ facts }: CheckContext): CheckResult {
  const found = kernelFeatures.map((feature) => ({ ...feature, ...readFeature(facts, feature) }));
  const words: Record<FeatureState, string> = { yes: "yes", no: "no", unknown: "not known", unloadable: "cannot be loaded" };
  const common = {
    title: "Kernel features",
    evidence: [`Kernel ${facts.kernelRelease}`, ...found.map(({ title, state, evidence }) => `${title}: ${words[state]}, ${evidence}`)],
    explanation: "A container is a group of processes that the kernel keeps apart; it can do so only with what it was built with.",
  };
  const titles = (state: FeatureState, isRequired?: boolean) =>
    found.filter((one) => one.state === state && (isRequired === undefined || one.isRequired === isRequired)).map(({ title }) => title);
  const unloadable = titles("unloadable");
  if (unloadable.length > 0) {
    return {
      ...common,
      status: found.some((one) => one.state === "unloadable" && one.isRequired) ? "problem" : "warning",
      summary: `The running kernel's modules are gone, probably because it was updated: restart the computer. Until then missing: ${unloadable.join(", ")}.`,
    };
  }
  const missing = titles("no", true);
  if (missing.length > 0) return { ...common, status: "problem", summary: `This kernel was built without: ${missing.join(", ")}.` };
  const unknown = titles("unknown", true);
  if (unknown.length > 0) return { ...common, status: "warning", summary: `Cannot be told for this kernel: ${unknown.join(", ")}.` };
  const optional = [...titles("no", false), ...titles("unknown", false)];
  return {
    ...common,
    status: "ok",
    summary: `This kernel has everything that containers need${optional.length > 0 ? `; without extras that LXC Desktop does not use by itself: ${optional.join(", ")}` : ""}.`,
  };
}

async function checkCgroups({ facts }: CheckContext): Promise<CheckResult> {
  const mountinfo = facts.read("/proc/self/mountinfo") ?? "";
  const mounted = parseHierarchies(mountinfo);
  const unified = mounted.find((one) => one.unified);
  const legacy = mounted.filter(({ unified: isUnified, controllers }) => !isUnified && controllers.some((one) => !one.startsWith("name=")));
  const common = {
    title: "Control groups",
    explanation:
      "Control groups count and limit what a container uses: processor time, memory, disk, processes. LXC puts every container in groups of its own.",
  };
  const evidence = mounted.map(({ mountPoint, unified: isUnified, controllers }) =>
    isUnified ? `${mountPoint}: version 2` : `${mountPoint}: version 1, ${controllers.filter((one) => one !== "rw").join(", ")}`,
  );
  if (mounted.length === 0) {
    return {
      ...common,
      status: "problem",
      summary: "No control groups are mounted.",
      evidence: ["/proc/self/mountinfo: neither cgroup nor cgroup2"],
    };
  }
  const readOnly = mounted.filter(({ mountPoint }) => isMountedReadOnly(mountinfo, mountPoint));
  if (readOnly.length > 0) {
    return {
      ...common,
      status: "problem",
      summary: "Control groups are read-only here, so LXC cannot make any for a container.",
      evidence: readOnly.map(({ mountPoint }) => `${mountPoint}: mounted read-only`),
    };
  }
  if (legacy.length > 0) {
    const version = await facts.lxcVersion();
    const isTooNew = Number.parseInt(version ?? "0", 10) >= firstVersionWithoutCgroup1;
    return {
      ...common,
      status: isTooNew ? "problem" : "warning",
      summary: isTooNew
        ? `This computer uses version 1 of control groups, which LXC ${version} does not know any more.`
        : "Version 1 of control groups works here, but systemd 258 and later does not start in such containers, and LXC 7 does not know it any more.",
      evidence: [...evidence, "To change it, remove systemd.unified_cgroup_hierarchy=0 from the kernel's command line, where it is there."],
    };
  }
  const folder = unified?.mountPoint ?? "/sys/fs/cgroup";
  const available = wordsOf(facts.read(`${folder}/cgroup.controllers`));
  const delegated = wordsOf(facts.read(`${folder}/cgroup.subtree_control`));
  evidence.push(`${folder}/cgroup.controllers: ${available.join(" ")}`, `${folder}/cgroup.subtree_control: ${delegated.join(" ")}`);
  const missing = ["cpu", "memory", "pids", "io"].filter((controller) => !available.includes(controller));
  if (missing.length > 0) {
    return {
      ...common,
      status: "warning",
      summary: `Version 2 is in use, without ${missing.join(", ")}: containers can neither be limited in that, nor is it shown.`,
      evidence,
    };
  }
  return { ...common, status: "ok", summary: "Version 2 is in use, with processor, memory, disk and process limits.", evidence };
}

function wordsOf(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter(Boolean);
}

/** proc_pid_mountinfo(5): field 5 is the mount point, 6 its options. */
function isMountedReadOnly(mountinfo: string, mountPoint: string): boolean {
  return mountinfo.split("\n").some((line) => {
    const [, , , , point, options] = line.split(" ");
    return point === mountPoint && (options ?? "").split(",").includes("ro");
  });
}

function checkUserNamespaces({ facts }: CheckContext): CheckResult {
  const maximum = facts.read("/proc/sys/user/max_user_namespaces")?.trim();
  const clone = facts.read("/proc/sys/kernel/unprivileged_userns_clone")?.trim();
  const restricted = facts.read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")?.trim();
  const hasThem = facts.exists("/proc/self/ns/user");
  const common = {
    title: "User namespaces",
    evidence: [
      `/proc/self/ns/user: ${hasThem ? "there" : "not there"}`,
      `user.max_user_namespaces = ${maximum ?? "not there"}`,
      ...(clone === undefined ? [] : [`kernel.unprivileged_userns_clone = ${clone}`]),
      ...(restricted === undefined ? [] : [`kernel.apparmor_restrict_unprivileged_userns = ${restricted}`]),
    ],
    explanation:
      "With a user namespace, root inside a container is nobody on this computer. It is what makes a container unprivileged, and the default of LXC Desktop.",
  };
  if (!hasThem) return { ...common, status: "problem", summary: "This kernel has no user namespaces: only privileged containers can run." };
  if (maximum === undefined) return { ...common, status: "warning", summary: "Whether user namespaces may be made cannot be told." };
  if (Number(maximum) === 0) {
    const value = 28_633;
    return {
      ...common,
      status: "problem",
      summary: "The kernel is told to allow no user namespaces, so unprivileged containers do not start.",
      fix: {
        summary: `Allows ${value} user namespaces, now and after a restart (${sysctlFile("userns", "").path}).`,
        files: [sysctlFile("userns", `user.max_user_namespaces = ${value}`)],
        steps: [{ tool: "sysctl", args: ["--write", `user.max_user_namespaces=${value}`] }],
      },
    };
  }
  const isForRootOnly = clone === "0" || restricted === "1";
  return {
    ...common,
    status: "ok",
    summary: isForRootOnly
      ? "User namespaces can be made by root, as LXC Desktop's helper does; ordinary users are restricted here."
      : "User namespaces can be made.",
  };
}

function checkSubordinateIds({ facts }: CheckContext): CheckResult {
  const ranges = readRootIdRanges(facts.read);
  const linesOfRoot = (path: string) => {
    const text = facts.read(path);
    if (text === undefined) return [`${path}: not there`];
    const lines = text.split("\n").filter((line) => /^(root|0):/.test(line));
    return lines.length === 0 ? [`${path}: no line of root's`] : lines.map((line) => `${path}: ${line}`);
  };
  const common = {
    title: "Ids for unprivileged containers",
    evidence: [...linesOfRoot("/etc/subuid"), ...linesOfRoot("/etc/subgid")],
    explanation:
      "Users and groups inside an unprivileged container stand for ids of this computer that nobody else has. Root hands them out from its ranges in /etc/subuid and /etc/subgid.",
  };
  const [range] = ranges;
  if (range) {
    const count = ranges.reduce((sum, one) => sum + Math.floor(one.count / idsPerContainer), 0);
    const forWhom = count === 1 ? "one container" : `${count} containers, each with its own`;
    return { ...common, status: "ok", summary: `Root has ids for ${forWhom}.` };
  }
  if (facts.program("usermod") === undefined) {
    return {
      ...common,
      status: "problem",
      summary: "Root has no ids for unprivileged containers, and the program that gives them (usermod) is not installed.",
      fix: installFix(facts, ["usermod"], "Installs what manages ids."),
    };
  }
  return {
    ...common,
    status: "warning",
    summary: "Root has no ids for unprivileged containers yet; it gets them with the first one that LXC Desktop creates.",
    fix: {
      summary: "Gives root a range after those of everybody else. Containers that exist keep theirs.",
      steps: [{ tool: "usermod", args: usermodArguments(facts.read) }],
      files: ["/etc/subuid", "/etc/subgid"].flatMap((path) => (facts.exists(path) ? [] : [{ path, text: "" }])),
    },
  };
}

function checkAppArmor({ facts }: CheckContext): CheckResult {
  const explanation =
    "AppArmor or SELinux holds a container back even where the walls of its namespaces fail. It matters most for privileged containers, whose root is root here.";
  const enabledPath = "/sys/module/apparmor/parameters/enabled";
  const enabled = facts.read(enabledPath)?.trim();
  const enforce = facts.read("/sys/fs/selinux/enforce")?.trim();
  const profile = lastValueOf(parseConfig(facts.read("/etc/lxc/default.conf") ?? ""), "lxc.apparmor.profile");
  if (enabled === "Y") {
    const parser = facts.program("apparmor_parser");
    const loaded = facts.read("/sys/kernel/security/apparmor/profiles");
    const common = {
      title: "AppArmor",
      explanation,
      evidence: [
        `${enabledPath}: Y`,
        `apparmor_parser: ${parser ?? "not installed"}`,
        `lxc.apparmor.profile = ${profile ?? "not set"} (/etc/lxc/default.conf)`,
        ...(loaded === undefined ? [] : [`Loaded profiles for LXC: ${/^lxc-container-default/m.test(loaded) ? "yes" : "no"}`]),
      ],
    };
    if (parser === undefined) {
      const isNeeded = profile === "generated";
      return {
        ...common,
        status: isNeeded ? "problem" : "warning",
        summary: isNeeded
          ? "AppArmor is on, and the program that loads the profile of each container (apparmor_parser) is not installed: no container starts."
          : "AppArmor is on, but the program that loads profiles (apparmor_parser) is not installed.",
        fix: installFix(facts, ["apparmor_parser"], "Installs AppArmor's tools."),
      };
    }
    return { ...common, status: "ok", summary: "AppArmor is on, and its profiles can be loaded." };
  }
  if (enforce !== undefined) {
    return {
      title: "SELinux",
      explanation,
      evidence: [`/sys/fs/selinux/enforce: ${enforce}`],
      status: enforce === "1" ? "ok" : "warning",
      summary: enforce === "1" ? "SELinux is on and enforces its rules." : "SELinux is there, but only watches (permissive).",
    };
  }
  return {
    title: "AppArmor or SELinux",
    explanation,
    evidence: [`${enabledPath}: ${enabled ?? "not there"}`, "/sys/fs/selinux/enforce: not there"],
    status: "warning",
    summary: "Neither AppArmor nor SELinux is on. Containers start; keep them unprivileged.",
  };
}

function checkSeccomp({ facts }: CheckContext): CheckResult {
  const actionsPath = "/proc/sys/kernel/seccomp/actions_avail";
  const actions = facts.read(actionsPath)?.trim();
  const filters = /^Seccomp_filters:/m.test(facts.read("/proc/self/status") ?? "");
  const policy = "/usr/share/lxc/config/common.seccomp";
  const common = {
    title: "Seccomp",
    explanation: "Seccomp forbids containers the calls to the kernel that they have no business with, like loading modules.",
    evidence: [`${actionsPath}: ${actions ?? "not there"}`, `${policy}: ${facts.exists(policy) ? "there" : "not there"}`],
  };
  if (actions === undefined && !filters) {
    return { ...common, status: "warning", summary: "This kernel has no seccomp filters: containers start without that defence." };
  }
  if (!facts.exists(policy))
    return { ...common, status: "warning", summary: "The kernel has seccomp, but LXC's list of forbidden calls is not there." };
  return { ...common, status: "ok", summary: "Calls that containers have no business with are filtered." };
}

function checkLxcfs({ facts }: CheckContext): CheckResult {
  const isMounted = / - fuse\.lxcfs /.test(facts.read("/proc/self/mountinfo") ?? "");
  const program = facts.program("lxcfs");
  const common = {
    title: "lxcfs",
    explanation:
      "With lxcfs, free, top and uptime inside a container show its own limits and age. Without it they show this computer's; containers run all the same.",
    evidence: [`lxcfs: ${program ?? "not installed"}`, `/proc/self/mountinfo: ${isMounted ? "lxcfs is mounted" : "lxcfs is not mounted"}`],
  };
  if (isMounted) return { ...common, status: "ok", summary: "Containers see their own processors, memory and uptime." };
  const install = program === undefined ? installSteps(facts, ["lxcfs"]) : [];
  return {
    ...common,
    status: "warning",
    summary: `${program === undefined ? "lxcfs is not installed" : "lxcfs does not run"}: inside containers, free and top show this computer's memory and processors.`,
    // Without systemd nothing would keep it running.
    fix:
      install && hasSystemd(facts)
        ? {
            summary:
              "Installs lxcfs where it is missing, and starts it now and with the computer. Containers that run see it after a restart.",
            steps: [...install, { tool: "systemctl", args: ["enable", "--now", "lxcfs.service"] }],
          }
        : undefined,
  };
}
