/** By their numbers (linux/capability.h), without `CAP_`, in lower case, as LXC's configuration has them. */
export const capabilityNames = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "linux_immutable",
  "net_bind_service",
  "net_broadcast",
  "net_admin",
  "net_raw",
  "ipc_lock",
  "ipc_owner",
  "sys_module",
  "sys_rawio",
  "sys_chroot",
  "sys_ptrace",
  "sys_pacct",
  "sys_admin",
  "sys_boot",
  "sys_nice",
  "sys_resource",
  "sys_time",
  "sys_tty_config",
  "mknod",
  "lease",
  "audit_write",
  "audit_control",
  "setfcap",
  "mac_override",
  "mac_admin",
  "syslog",
  "wake_alarm",
  "block_suspend",
  "audit_read",
  "perfmon",
  "bpf",
  "checkpoint_restore",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

/** Sets of root's rights that a container can be given instead of what it has. */
export const capabilityPresets = ["minimal", "service", "system"] as const;
export type CapabilityPreset = (typeof capabilityPresets)[number];

/** What concerns the whole computer and no part of it: no system in a container has a use for it. */
const ofWholeComputer: readonly CapabilityName[] = [
  "audit_control",
  "audit_read",
  "block_suspend",
  "bpf",
  "checkpoint_restore",
  "mac_admin",
  "mac_override",
  "perfmon",
  "sys_module",
  "sys_pacct",
  "sys_rawio",
  "sys_time",
  "syslog",
  "wake_alarm",
];

/** `service` is what Docker gives (moby, oci/caps/defaults.go); `system` is what systemd uses in a container. */
export const capabilitiesOfPresets: Record<CapabilityPreset, readonly CapabilityName[]> = {
  minimal: ["chown", "dac_override", "fowner", "kill", "setgid", "setuid", "net_bind_service"],
  service: [
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "net_bind_service",
    "net_raw",
    "sys_chroot",
    "mknod",
    "audit_write",
    "setfcap",
  ],
  system: capabilityNames.filter((name) => !ofWholeComputer.includes(name)),
};

/**
 * What an init does itself, whatever services it starts. systemd: mounts, control groups, devices and other users for its services
 * (systemd.io/CONTAINER_INTERFACE, which also asks for mknod because of PrivateDevices=). Any other: its children as other users, and an end.
 */
export const capabilitiesOfInit: Record<"systemd" | "other", readonly CapabilityName[]> = {
  systemd: [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_admin",
    "setgid",
    "setpcap",
    "setuid",
    "sys_admin",
    "sys_boot",
    "sys_chroot",
    "sys_resource",
  ],
  other: ["kill", "setgid", "setuid", "sys_boot"],
};
