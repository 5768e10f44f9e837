import { realpathSync } from "node:fs";
import type { Template } from "../contract/model.ts";
import { readDebianMirrors } from "./debian-mirrors.ts";
import { supportedReleases } from "./distro-info.ts";
import { findProgram, programFolders } from "./programs.ts";
import type { Meanings } from "./template-form.ts";

export type KnownTemplate = Pick<Template, "name" | "title" | "description" | "hasNoPackages"> & {
  needsNetwork: boolean;
  /** Programs that it calls, beyond those that every system has. */
  tools: readonly string[];
  /** Of its options, where their names and its help do not tell it. */
  meanings?(): Meanings;
  /** True where it leaves something behind before it prints its help, so that only what we know of it is offered. */
  keepsHelpToItself?: boolean;
};

/** What the templates of debootstrap have in common. Their synopsis says --package once, where it means --packages. */
const likeDebian: Meanings = { package: false };
/** /bin is often another name of /usr/bin. */
function busyboxes(): string[] {
  const found = programFolders.flatMap((folder) => findProgram("busybox", [folder]) ?? []);
  return [...new Map(found.map((path) => [realpathSync(path), path] as const).reverse()).values()].reverse();
}

const repository = { kind: "url", label: "Repository", description: "Empty: the template's own." } as const;
const units = "Names of systemd units, separated by commas.";

/**
 * The templates of LXC and of Debian's lxc-templates, those that most people want first. Each form is still its own help's; here is what
 * that does not tell.
 */
export const knownTemplates: readonly KnownTemplate[] = [
  {
    name: "busybox",
    title: "BusyBox",
    description: "A tiny system of one program, made from this computer's own BusyBox in a moment.",
    needsNetwork: false,
    hasNoPackages: true,
    tools: ["busybox"],
    meanings: () => ({
      // A path, so only those that are in root's own folders.
      "busybox-path": {
        kind: "choice",
        label: "BusyBox program",
        description: "Which of this computer's is copied into the container.",
        suggestions: busyboxes(),
        isMore: true,
      },
    }),
  },
  {
    name: "debian",
    title: "Debian",
    description: "Debian with systemd and apt, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    tools: ["debootstrap", "rsync", "debian-distro-info", "wget"],
    meanings() {
      const { mirror, "security-mirror": security } = readDebianMirrors();
      const own = { description: "Empty: this computer's own, where it is a Debian, or else the template's." };
      return {
        ...likeDebian,
        release: { suggestions: supportedReleases("debian") },
        mirror: { ...own, ...(mirror !== undefined && { default: mirror }) },
        "security-mirror": { ...own, ...(security !== undefined && { default: security }) },
      };
    },
  },
  {
    name: "ubuntu",
    title: "Ubuntu",
    description: "Ubuntu with systemd and apt, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    tools: ["debootstrap", "rsync"],
    meanings: () => ({
      release: { suggestions: supportedReleases("ubuntu") },
      variant: { description: "Of debootstrap.", suggestions: ["minbase", "buildd"] },
      user: { description: "Empty: ubuntu." },
      password: { description: "Empty: ubuntu." },
    }),
  },
  {
    name: "alpine",
    title: "Alpine",
    description: "A small system with musl and apk, downloaded from its mirror.",
    needsNetwork: true,
    tools: ["wget", "openssl"],
    meanings: () => ({
      release: { description: "Empty: the newest. Otherwise a branch, such as v3.22.", suggestions: ["latest-stable", "edge"] },
      arch: { suggestions: ["x86_64", "x86", "aarch64", "armv7"] },
      // Behind the options, with no name of their own.
      packages: { flag: "" },
    }),
  },
  {
    name: "fedora",
    title: "Fedora",
    description: "Fedora with systemd and dnf, built from its mirror in a small Fedora that is downloaded first.",
    needsNetwork: true,
    tools: ["curl", "openssl", "rsync"],
    meanings: () => ({
      release: { description: "A number. Empty: the template's own, which may be too old for today's mirrors." },
      fqdn: { kind: "word" },
      rsync: false,
    }),
  },
  {
    name: "devuan",
    title: "Devuan",
    description: "Debian without systemd, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    tools: ["debootstrap", "rsync"],
    meanings: () => likeDebian,
  },
  {
    name: "kali",
    title: "Kali",
    description: "A Debian for security testing, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    tools: ["debootstrap", "rsync"],
    // In its help, but not among the options that it takes.
    meanings: () => ({ ...likeDebian, "security-mirror": false }),
  },
  {
    name: "archlinux",
    title: "Arch Linux",
    description: "Arch Linux with systemd and pacman, installed from its mirror by this computer's own pacman.",
    needsNetwork: true,
    tools: ["pacman", "pacstrap"],
    meanings: () => ({
      enable_units: { kind: "list", label: "Units to enable", description: units },
      disable_units: { kind: "list", label: "Units to disable", description: units },
    }),
  },
  {
    name: "opensuse",
    title: "openSUSE",
    description: "openSUSE with systemd and zypper, installed by this computer's own zypper.",
    needsNetwork: true,
    tools: ["zypper", "rsync"],
    meanings: () => ({ release: { suggestions: ["tumbleweed", "15.0"] } }),
  },
  {
    name: "gentoo",
    title: "Gentoo",
    description: "Gentoo, unpacked from its stage 3 archive, which is downloaded first.",
    needsNetwork: true,
    tools: ["wget"],
    meanings: () => ({
      arch: { suggestions: ["amd64", "x86", "arm"] },
      "private-portage": {
        kind: "yes-no",
        label: "Portage tree of its own",
        description: "Otherwise that of this computer is mounted into it, where there is one.",
      },
      user: { description: "Whom the password is for. Empty: root." },
      autologin: { kind: "yes-no", label: "Log in by itself", description: "On the console, without a password." },
      variant: { description: "Of the architecture, such as amd64-hardened. Empty: the usual one." },
      settings: { description: "Which of LXC's settings for Gentoo it gets.", suggestions: ["common", "moresecure"] },
      tty: { kind: "word", label: "Terminals", description: "How many, at most 6." },
    }),
  },
  {
    name: "voidlinux",
    title: "Void Linux",
    description: "Void Linux with runit, installed from its mirror by this computer's own xbps.",
    needsNetwork: true,
    tools: ["xbps-install", "xbps-query"],
    // In its help, but not among the options that it takes.
    meanings: () => ({ arch: false }),
  },
  {
    name: "ubuntu-cloud",
    title: "Ubuntu Cloud",
    description: "Ubuntu's own image for clouds, with cloud-init, downloaded in a minute.",
    needsNetwork: true,
    tools: ["ubuntu-cloudimg-query", "wget", "unsquashfs"],
    meanings: () => ({
      release: { suggestions: supportedReleases("ubuntu") },
      stream: { kind: "choice", label: "Stream", suggestions: ["tryreleased", "released", "daily"] },
    }),
  },
  {
    name: "cirros",
    title: "CirrOS",
    description: "A tiny system for testing clouds, downloaded in seconds.",
    needsNetwork: true,
    tools: ["wget"],
    meanings: () => ({
      arch: { kind: "choice" },
      version: { kind: "choice" },
      // In its help, but not among the options that it takes.
      source: false,
    }),
  },
  {
    name: "centos",
    title: "CentOS",
    description: "CentOS with yum, installed from its mirror by this computer's own yum.",
    needsNetwork: true,
    tools: ["yum", "rsync"],
    meanings: () => ({ fqdn: { kind: "word" }, repo: repository }),
  },
  {
    name: "oracle",
    title: "Oracle Linux",
    description: "Oracle Linux up to version 7, installed from its mirror by this computer's own yum.",
    needsNetwork: true,
    tools: ["yum", "rpm", "wget"],
    meanings: () => ({ baseurl: { ...repository, description: "Instead of a mirror; release and architecture are needed, too." } }),
  },
  {
    name: "slackware",
    title: "Slackware",
    description: "Slackware, installed from its mirror by this computer's own slackpkg.",
    needsNetwork: true,
    tools: ["installpkg", "slackpkg"],
    // Its help does not mention them.
    meanings: () => ({ release: { flag: "--release=", suggestions: ["current"] }, arch: { flag: "--arch=" } }),
  },
  {
    name: "altlinux",
    title: "ALT Linux",
    description: "ALT Linux, installed from its mirror by the apt of an ALT Linux.",
    needsNetwork: true,
    tools: ["apt-get", "rpm"],
    meanings: () => ({ "apt-conf": { label: "Package with apt's configuration" } }),
  },
  {
    name: "openmandriva",
    title: "OpenMandriva",
    description: "OpenMandriva, installed from its mirror by this computer's own urpmi.",
    needsNetwork: true,
    tools: ["urpmi"],
  },
  {
    name: "plamo",
    title: "Plamo Linux",
    description: "Plamo Linux, a descendant of Slackware, downloaded from its mirror.",
    needsNetwork: true,
    tools: ["wget"],
    meanings: () => ({ release: { suggestions: ["7.x"] }, arch: { suggestions: ["x86_64", "x86"] } }),
  },
  {
    name: "pld",
    title: "PLD Linux",
    description: "PLD Linux, installed from its mirror by this computer's own poldek.",
    needsNetwork: true,
    tools: ["poldek"],
  },
  {
    name: "sabayon",
    title: "Sabayon",
    description: "Sabayon, a descendant of Gentoo, downloaded from its mirror.",
    needsNetwork: true,
    tools: ["wget"],
    keepsHelpToItself: true,
    meanings: () => ({
      release: { flag: "--release=", suggestions: ["DAILY"] },
      arch: { flag: "--arch=", suggestions: ["amd64", "armv7l"] },
      mirror: { flag: "--mirror=" },
    }),
  },
  {
    name: "sparclinux",
    title: "Linux for SPARC",
    description: "Oracle's Linux for SPARC, installed from its mirror by this computer's own yum.",
    needsNetwork: true,
    tools: ["yum", "rpm", "wget"],
    meanings: () => ({ baseurl: { ...repository, description: "Instead of a mirror; release and architecture are needed, too." } }),
  },
  {
    name: "fedora-legacy",
    title: "Old Fedora",
    description: "Releases of Fedora from before dnf, built in a small Fedora that is downloaded first.",
    needsNetwork: true,
    tools: ["curl", "openssl", "rsync", "rpm"],
  },
  {
    name: "sshd",
    title: "Only sshd",
    description: "No system of its own: this computer's sshd, with this computer's programs, which it may read.",
    needsNetwork: false,
    tools: ["sshd"],
  },
];
