import type { HostSecurityFinding } from "../../contract/security.ts";
import type { HostFacts } from "../host-facts.ts";

/** What of the kernel keeps a broken-out process from going on, read from what it shows of itself. Documentation/admin-guide/sysctl/kernel.rst. */
export function checkHostSecurity(facts: HostFacts): HostSecurityFinding[] {
  return [
    checkRunningKernel(facts),
    ...settings.map((setting) => checkSetting(facts, setting)),
    checkLockdown(facts),
    checkMitigations(facts),
  ];
}

type Setting = {
  id: string;
  path: string;
  title: string;
  /** The smallest value that is good. */
  from: number;
  good: string;
  bad: string;
  why: string;
};

const settings: readonly Setting[] = [
  {
    id: "unprivileged-bpf",
    path: "/proc/sys/kernel/unprivileged_bpf_disabled",
    title: "Programs in the kernel (BPF)",
    from: 1,
    good: "Only root can load programs into the kernel.",
    bad: "Every user can load programs into the kernel.",
    why: "Many holes of the last years were in what checks such programs.",
  },
  {
    id: "kernel-addresses",
    path: "/proc/sys/kernel/kptr_restrict",
    title: "Addresses of the kernel",
    from: 1,
    good: "Addresses of the kernel are hidden.",
    bad: "Files in /proc show where the kernel is in memory.",
    why: "An attack on the kernel has to know where it is.",
  },
  {
    id: "kernel-messages",
    path: "/proc/sys/kernel/dmesg_restrict",
    title: "Messages of the kernel",
    from: 1,
    good: "Only root reads the kernel's messages.",
    bad: "Every user, also in containers, reads the kernel's messages.",
    why: "They tell of this computer's devices and of addresses in the kernel.",
  },
  {
    id: "process-memory",
    path: "/proc/sys/kernel/yama/ptrace_scope",
    title: "Memory of other programs",
    from: 1,
    good: "A program reads the memory of those alone that it has started.",
    bad: "A program reads the memory of all that the same user runs.",
    why: "One program that was taken over takes passwords out of the others.",
  },
];

function checkSetting(facts: HostFacts, { id, path, title, from, good, bad, why }: Setting): HostSecurityFinding {
  const text = facts.read(path)?.trim();
  const common = { id, title, why, evidence: [`${path}: ${text ?? "not there"}`] };
  if (text === undefined || !/^-?\d+$/.test(text)) {
    return { ...common, state: "unknown", summary: "This kernel does not tell." };
  }
  return Number(text) >= from ? { ...common, state: "ok", summary: good } : { ...common, state: "warning", summary: bad };
}

/** A kernel that was installed after the running one waits for a restart. */
function checkRunningKernel(facts: HostFacts): HostSecurityFinding {
  const installed = facts
    .list("/lib/modules")
    .filter((name) => /^\d/.test(name))
    .sort(compareVersions);
  const newest = installed.at(-1);
  const built = /\b(\d{4})\b\)?\s*$/.exec(facts.read("/proc/version")?.trim() ?? "")?.[1];
  const mustRestart = facts.exists("/run/reboot-required");
  const common = {
    id: "running-kernel",
    title: "The running kernel",
    why: "All containers share it, and a hole in it that is mended only on the disk is still open.",
    evidence: [
      `running: ${facts.kernelRelease}${built === undefined ? "" : `, built in ${built}`}`,
      `installed: ${installed.join(", ") || "none below /lib/modules"}`,
      ...(mustRestart ? ["/run/reboot-required is there"] : []),
    ],
  };
  if (newest === undefined) return { ...common, state: "unknown", summary: "Which kernels are installed cannot be told." };
  if (mustRestart || compareVersions(facts.kernelRelease, newest) < 0) {
    return { ...common, state: "problem", summary: `A newer kernel is installed (${newest}): restart this computer.` };
  }
  return { ...common, state: "ok", summary: "No newer kernel is installed." };
}

function checkLockdown(facts: HostFacts): HostSecurityFinding {
  const text = facts.read("/sys/kernel/security/lockdown")?.trim();
  const mode = /\[(\w+)\]/.exec(text ?? "")?.[1];
  const common = {
    id: "lockdown",
    title: "Lockdown",
    why: "It keeps even root from changing the running kernel.",
    evidence: [`/sys/kernel/security/lockdown: ${text ?? "not there"}`],
  };
  if (mode === undefined) return { ...common, state: "not-applicable", summary: "This kernel has no lockdown." };
  return mode === "none"
    ? { ...common, state: "warning", summary: "Root can change the running kernel." }
    : { ...common, state: "ok", summary: `Lockdown is on (${mode}).` };
}

/** One file for each flaw of processors (Documentation/ABI/testing/sysfs-devices-system-cpu). */
function checkMitigations(facts: HostFacts): HostSecurityFinding {
  const folder = "/sys/devices/system/cpu/vulnerabilities";
  const found = facts.list(folder).map((name) => ({ name, text: facts.read(`${folder}/${name}`)?.trim() ?? "" }));
  const open = found.filter(({ text }) => text.startsWith("Vulnerable"));
  const common = {
    id: "mitigations",
    title: "Flaws of the processor",
    why: "Through them a container reads memory of this computer or of others.",
    evidence: found.length > 0 ? found.map(({ name, text }) => `${name}: ${text}`) : [`${folder} is not there`],
  };
  if (found.length === 0) return { ...common, state: "unknown", summary: "This kernel does not tell." };
  return open.length > 0
    ? { ...common, state: "warning", summary: `Open: ${open.map(({ name }) => name).join(", ")}.` }
    : { ...common, state: "ok", summary: "This processor has none that is open." };
}

/** By their numbers, part after part: 6.1.10 is newer than 6.1.9. */
export function compareVersions(one: string, other: string): number {
  const parts = (version: string) =>
    version
      .split(/[^0-9]+/)
      .filter(Boolean)
      .map(Number);
  const [a, b] = [parts(one), parts(other)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
