import type { HostFacts } from "./host-facts.ts";

/**
 * What containers need of the kernel: the things that lxc-checkconfig looks at, read from what the running kernel shows of itself
 * first, and from its configuration second.
 */
export type KernelFeature = {
  title: string;
  /** Without its prefix CONFIG_. Any of these will do. */
  options: readonly string[];
  /** The module that has it where it is built as one; its name is that of its folder in /sys/module, too. */
  module?: string;
  /** A file that is there exactly if the kernel has it. */
  proof?: string;
  /** Without it no container starts; the others are for what containers may be given. */
  isRequired: boolean;
};

/** `unknown` where nothing can be read that would tell. `unloadable`: a module whose file is gone, as after an update of the kernel. */
export type FeatureState = "yes" | "no" | "unknown" | "unloadable";

export const kernelFeatures: readonly KernelFeature[] = [
  { title: "Mount namespaces", options: ["NAMESPACES"], proof: "/proc/self/ns/mnt", isRequired: true },
  { title: "Host name namespaces", options: ["UTS_NS"], proof: "/proc/self/ns/uts", isRequired: true },
  { title: "IPC namespaces", options: ["IPC_NS"], proof: "/proc/self/ns/ipc", isRequired: true },
  { title: "Process id namespaces", options: ["PID_NS"], proof: "/proc/self/ns/pid", isRequired: true },
  { title: "Network namespaces", options: ["NET_NS"], proof: "/proc/self/ns/net", isRequired: true },
  { title: "Control group namespaces", options: ["CGROUPS"], proof: "/proc/self/ns/cgroup", isRequired: false },
  { title: "Control groups", options: ["CGROUPS"], proof: "/proc/self/cgroup", isRequired: true },
  { title: "Pairs of virtual network devices (veth)", options: ["VETH"], module: "veth", isRequired: true },
  { title: "Network bridges", options: ["BRIDGE"], module: "bridge", isRequired: true },
  {
    title: "Address translation (masquerading)",
    options: ["NFT_MASQ", "NETFILTER_XT_TARGET_MASQUERADE", "IP_NF_TARGET_MASQUERADE"],
    module: "nft_masq",
    isRequired: false,
  },
  { title: "Checksums of DHCP answers", options: ["NETFILTER_XT_TARGET_CHECKSUM"], module: "xt_CHECKSUM", isRequired: false },
  { title: "Overlay file systems", options: ["OVERLAY_FS"], module: "overlay", isRequired: false },
  { title: "File systems in user space (FUSE, for lxcfs)", options: ["FUSE_FS"], module: "fuse", isRequired: false },
  { title: "Macvlan devices", options: ["MACVLAN"], module: "macvlan", isRequired: false },
  { title: "VLAN devices", options: ["VLAN_8021Q"], module: "8021q", isRequired: false },
];

/** How it is with one feature, and the line that shows it. */
export function readFeature(facts: HostFacts, feature: KernelFeature): { state: FeatureState; evidence: string } {
  const { options, module, proof } = feature;
  if (proof !== undefined) return facts.exists(proof) ? yes(`${proof} is there`) : { state: "no", evidence: `${proof} is not there` };
  if (module !== undefined && facts.exists(`/sys/module/${module}`)) return yes(`/sys/module/${module} is there`);
  const folder = `/lib/modules/${facts.kernelRelease}`;
  const config = facts.kernelConfig();
  if (config) {
    const set = options.map((option) => ({ option, value: configValue(config.text, option) })).find(({ value }) => value !== undefined);
    if (!set) return { state: "no", evidence: `CONFIG_${options[0]} is not set (${config.path})` };
    const evidence = `CONFIG_${set.option}=${set.value} (${config.path})`;
    if (set.value === "m" && !facts.exists(folder)) return { state: "unloadable", evidence: `${evidence}, but ${folder} is not there` };
    return yes(evidence);
  }
  if (module !== undefined) {
    for (const file of ["modules.builtin", "modules.dep"]) {
      const text = facts.read(`${folder}/${file}`);
      if (text && hasModule(text, module)) return yes(`${module} is in ${folder}/${file}`);
    }
  }
  return { state: "unknown", evidence: "the kernel's configuration cannot be read" };
}

function yes(evidence: string): { state: FeatureState; evidence: string } {
  return { state: "yes", evidence };
}

/** Lines of `CONFIG_X=y`, `=m` or `=TEXT`; what is off is a comment (Documentation/kbuild/kconfig.rst). */
export function configValue(text: string, option: string): "y" | "m" | undefined {
  const start = `CONFIG_${option}=`;
  const after = text.indexOf(`\n${start}`);
  const value = text.startsWith(start) ? text[start.length] : after < 0 ? undefined : text[after + 1 + start.length];
  return value === "y" || value === "m" ? value : undefined;
}

/** Paths such as kernel/drivers/net/veth.ko.zst; the kernel takes - and _ for the same (modprobe(8)). */
export function hasModule(text: string, module: string): boolean {
  const name = module.replaceAll("_", "[-_]");
  return new RegExp(`/${name}\\.ko(\\.(gz|xz|zst))?(:|$)`, "m").test(text);
}
