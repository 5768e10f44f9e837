/** What the test machine is made of. The image is made anew whenever this file, or the way it is made, changes. */

/** @typedef {"trixie" | "sid"} Suite */

/** The desktop users of the machine. Their passwords protect nothing: the machine lives as long as a run of the tests. */
export const people = {
  /** May elevate: Debian's polkit takes members of this group for administrators. */
  admin: { name: "alice", password: "correct horse battery", groups: ["sudo"] },
  /** May not. */
  other: { name: "bob", password: "staple", groups: [] },
};

/** Debian packages, with what they depend on; nothing that is only recommended. */
export const packages = [
  // The system: as a desktop has it, without the desktop.
  ...[
    "systemd",
    "systemd-sysv",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "udev",
    "kmod",
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "openssh-server",
  ],
  ...["apparmor", "polkitd", "pkexec", "sudo", "locales", "procps", "iproute2", "iputils-ping", "netbase", "nftables"],
  // What the app needs.
  ...[
    "lxc",
    "lxc-templates",
    "uidmap",
    "busybox-static",
    "skopeo",
    "tini",
    "dnsmasq-base",
    "iptables",
    "debootstrap",
    "rsync",
    "distro-info",
    "nodejs",
    "chromium",
  ],
  // What its tests need besides.
  ...["libcap2-bin", "attr", "strace", "python3-minimal", "fonts-dejavu-core", "ca-certificates", "wget", "zstd"],
];

/** The release of the containers with a real init. Its packages are brought along: the machine has no network. */
export const containerRelease = "trixie";

/** Files of the machine that no package brings. @type {Record<string, string>} */
export const files = {
  "etc/hostname": "lxc-desktop-test\n",
  "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 lxc-desktop-test\n::1 localhost\n",
  "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
  "etc/resolv.conf": "",
  // qemu's user-mode network. Not by DHCP: nothing waits for it then.
  "etc/systemd/network/10-wired.network":
    "[Match]\nName=en* eth*\n\n[Network]\nAddress=10.0.2.15/24\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n",
  // The administrator sits at the machine: an active local session, as a desktop has, not a remote one.
  "etc/systemd/system/getty@tty1.service.d/autologin.conf": `[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin ${people.admin.name} --noclear %I linux\n`,
  "etc/ssh/sshd_config.d/test.conf":
    "PasswordAuthentication no\nPermitRootLogin prohibit-password\nUseDNS no\nMaxStartups 50\nMaxSessions 50\n",
};

/** Timers and services that would only take time. */
export const masked = [
  ...["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer"],
  ...["man-db.timer", "motd-news.timer", "systemd-networkd-wait-online.service", "serial-getty@ttyS0.service"],
];
