import type { CapabilityName } from "../../../privileged-helper/contract/capabilities.ts";

/** `dangerous`: with it root of a privileged container needs no hole in the kernel to get out, or nearly none. */
export type CapabilityJudgement = "dangerous" | "usual" | "rarely-needed";
export const judgementTexts: Record<CapabilityJudgement, string> = {
  dangerous: "Dangerous",
  usual: "Usual",
  "rarely-needed": "Rarely needed",
};

/** What each right of root's lets it do (capabilities(7)), in one plain sentence. */
export const capabilityTexts: Record<CapabilityName, { judgement: CapabilityJudgement; lets: string }> = {
  chown: { judgement: "usual", lets: "Give files to other users." },
  dac_override: { judgement: "usual", lets: "Read and write files whatever their permissions say." },
  dac_read_search: {
    judgement: "dangerous",
    lets: "Read every file and folder, and open files by numbers that lead out of a privileged container.",
  },
  fowner: { judgement: "usual", lets: "Change permissions and times of files of other users." },
  fsetid: { judgement: "usual", lets: "Keep the SUID and SGID marks of files that it changes." },
  kill: { judgement: "usual", lets: "Send signals to processes of other users." },
  setgid: { judgement: "usual", lets: "Go on as other groups, as services do once they have started." },
  setuid: { judgement: "usual", lets: "Go on as another user, as services do once they have started." },
  setpcap: { judgement: "usual", lets: "Give up single rights, and hand those that it has on to its programs." },
  linux_immutable: { judgement: "rarely-needed", lets: "Mark files so that nobody changes them, and take that mark away." },
  net_bind_service: { judgement: "usual", lets: "Listen on ports below 1024, such as those of web servers." },
  net_broadcast: { judgement: "rarely-needed", lets: "Nothing: the kernel does not ask for it." },
  net_admin: { judgement: "dangerous", lets: "Set up its network: addresses, routes, firewalls. Needed by DHCP clients and VPNs." },
  net_raw: { judgement: "usual", lets: "Send and receive raw packets, as ping does; also packets with false senders." },
  ipc_lock: { judgement: "rarely-needed", lets: "Keep memory from being swapped out, as databases and password stores may." },
  ipc_owner: { judgement: "rarely-needed", lets: "Use shared memory of other users whatever its permissions say." },
  sys_module: { judgement: "dangerous", lets: "Load modules into the kernel that all containers share." },
  sys_rawio: { judgement: "dangerous", lets: "Reach devices and memory of this computer directly." },
  sys_chroot: { judgement: "usual", lets: "Shut a program into a folder, as many services do to themselves." },
  sys_ptrace: { judgement: "dangerous", lets: "Look into other processes and change them, as debuggers do." },
  sys_pacct: { judgement: "rarely-needed", lets: "Have the kernel write down every process that ends." },
  sys_admin: { judgement: "dangerous", lets: "Mount file systems and much else: nearly as much as root. systemd needs it." },
  sys_boot: { judgement: "rarely-needed", lets: "Shut the container down from inside, or restart it." },
  sys_nice: { judgement: "rarely-needed", lets: "Give processes a higher priority, or certain processors." },
  sys_resource: {
    judgement: "rarely-needed",
    lets: "Exceed limits for users, such as those of open files. systemd raises limits for services.",
  },
  sys_time: { judgement: "dangerous", lets: "Set the clock of this computer." },
  sys_tty_config: { judgement: "rarely-needed", lets: "Hang up terminals, and change how virtual ones work." },
  mknod: { judgement: "dangerous", lets: "Make device files. systemd does so for services with private devices." },
  lease: { judgement: "rarely-needed", lets: "Be told before others open a file, as file servers are." },
  audit_write: { judgement: "usual", lets: "Write into the kernel's audit log, as logins do." },
  audit_control: { judgement: "rarely-needed", lets: "Switch the kernel's auditing on and off, for all of this computer." },
  setfcap: { judgement: "usual", lets: "Give programs in its files some of root's rights, as package managers do." },
  mac_override: { judgement: "dangerous", lets: "Ignore rules of Smack, a security module." },
  mac_admin: { judgement: "dangerous", lets: "Change rules of security modules, AppArmor among them, for all of this computer." },
  syslog: { judgement: "rarely-needed", lets: "Read and clear the kernel's messages, and see addresses in it that help attackers." },
  wake_alarm: { judgement: "rarely-needed", lets: "Wake this computer from sleep." },
  block_suspend: { judgement: "rarely-needed", lets: "Keep this computer from going to sleep." },
  audit_read: { judgement: "rarely-needed", lets: "Read the kernel's audit log, of all of this computer." },
  perfmon: { judgement: "dangerous", lets: "Watch what the kernel and all processes do, as profilers do." },
  bpf: { judgement: "dangerous", lets: "Load programs into the kernel." },
  checkpoint_restore: { judgement: "rarely-needed", lets: "Save running processes and go on with them later." },
};
