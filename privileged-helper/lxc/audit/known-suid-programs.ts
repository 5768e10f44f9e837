type Known = { /** SUID 04000, SGID 02000. */ bits: number /** It may have capabilities instead. */; capabilities?: true };

const suid = 0o4000;
const sgid = 0o2000;

/**
 * Programs that distributions ship with more rights, by their path in a system with merged /usr: what `find / -perm /6000` and
 * `getcap -r /` give in fresh systems of Debian, Ubuntu, Fedora, Alpine and Arch with the usual servers installed.
 */
export const knownPrograms: ReadonlyMap<string, Known> = new Map<string, Known>([
  // shadow, util-linux, sudo
  ...programs(suid, ["chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "sudo", "umount", "doas", "pkexec", "at", "sg"]),
  ...programs(suid | sgid, [
    "chage",
    "crontab",
    "expiry",
    "wall",
    "write",
    "bsd-write",
    "write.ul",
    "locate",
    "mlocate",
    "plocate",
    "ssh-agent",
  ]),
  ["usr/bin/newuidmap", { bits: suid, capabilities: true }],
  ["usr/bin/newgidmap", { bits: suid, capabilities: true }],
  ["usr/bin/fusermount", { bits: suid }],
  ["usr/bin/fusermount3", { bits: suid }],
  ["usr/bin/ntfs-3g", { bits: suid }],
  ["usr/bin/bbsuid", { bits: suid }],
  // LXC's busybox template marks it so. It gives up what its applets do not need.
  ["usr/bin/busybox", { bits: suid | sgid }],
  ["usr/bin/dotlockfile", { bits: sgid }],
  ["usr/bin/mail-lock", { bits: sgid }],
  ["usr/bin/mail-unlock", { bits: sgid }],
  ["usr/bin/mail-touchlock", { bits: sgid }],
  ["usr/bin/procmail", { bits: suid | sgid }],
  ["usr/bin/lockfile", { bits: sgid }],
  ["usr/bin/screen", { bits: suid | sgid }],
  ["usr/bin/staprun", { bits: suid }],
  // Sending and receiving of raw packets.
  ...["ping", "ping4", "ping6", "arping", "clockdiff", "mtr-packet", "fping", "fping6", "traceroute6.iputils", "dumpcap"].map(
    (name): [string, Known] => [`usr/bin/${name}`, { bits: suid, capabilities: true }],
  ),
  ["usr/sbin/mtr-packet", { bits: suid, capabilities: true }],
  ["usr/sbin/arping", { bits: suid, capabilities: true }],
  ["usr/sbin/clockdiff", { bits: suid, capabilities: true }],
  // Libraries' helpers
  ["usr/lib/dbus-1.0/dbus-daemon-launch-helper", { bits: suid }],
  ["usr/libexec/dbus-1/dbus-daemon-launch-helper", { bits: suid }],
  ["usr/lib/openssh/ssh-keysign", { bits: suid | sgid }],
  ["usr/libexec/openssh/ssh-keysign", { bits: suid | sgid }],
  ["usr/lib/ssh/ssh-keysign", { bits: suid }],
  ["usr/lib/policykit-1/polkit-agent-helper-1", { bits: suid }],
  ["usr/lib/polkit-1/polkit-agent-helper-1", { bits: suid }],
  ["usr/libexec/polkit-agent-helper-1", { bits: suid }],
  ["usr/lib/eject/dmcrypt-get-device", { bits: suid }],
  ["usr/lib/utempter/utempter", { bits: sgid }],
  ["usr/lib/x86_64-linux-gnu/utempter/utempter", { bits: sgid }],
  ["usr/lib/aarch64-linux-gnu/utempter/utempter", { bits: sgid }],
  ["usr/libexec/utempter/utempter", { bits: sgid }],
  ["usr/lib/xorg/Xorg.wrap", { bits: suid | sgid }],
  ["usr/lib/snapd/snap-confine", { bits: suid | sgid, capabilities: true }],
  ["usr/lib/x86_64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper", { bits: 0, capabilities: true }],
  ["usr/lib/aarch64-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-ptp-helper", { bits: 0, capabilities: true }],
  // pam
  ["usr/sbin/unix_chkpwd", { bits: suid | sgid }],
  ["usr/sbin/pam_extrausers_chkpwd", { bits: sgid }],
  ["usr/sbin/pam_timestamp_check", { bits: suid }],
  ["usr/bin/unix_chkpwd", { bits: suid | sgid }],
  // Mail
  ["usr/sbin/postdrop", { bits: sgid }],
  ["usr/sbin/postqueue", { bits: sgid }],
  ["usr/sbin/exim4", { bits: suid }],
  ["usr/sbin/sendmail", { bits: sgid }],
  ["usr/sbin/mount.nfs", { bits: suid }],
  ["usr/sbin/mount.cifs", { bits: suid }],
  ["usr/sbin/pppd", { bits: suid }],
  ["usr/sbin/grub2-set-bootflag", { bits: suid }],
  ["usr/sbin/userhelper", { bits: suid }],
  ["usr/sbin/usernetctl", { bits: suid }],
  ["usr/sbin/suexec", { bits: suid, capabilities: true }],
  ["usr/lib/apache2/suexec-pristine", { bits: suid }],
  ["usr/lib/apache2/suexec-custom", { bits: suid }],
]);

function programs(bits: number, names: readonly string[]): [string, Known][] {
  return names.map((name) => [`usr/bin/${name}`, { bits }]);
}
