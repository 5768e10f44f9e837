import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Template } from "../contract/model.ts";
import { findProgram, programFolders } from "./programs.ts";

/** Where LXC's packages put their templates; the folder is compiled into lxc-create. */
export const templatesFolder = "/usr/share/lxc/templates";

type KnownTemplate = Omit<Template, "missingTools"> & { tools: readonly string[] };

/** Templates whose options and needs are known; a template is a shell script that root runs, so others are not offered. */
export const knownTemplates: readonly KnownTemplate[] = [
  {
    name: "busybox",
    title: "BusyBox",
    description: "A tiny system of one program, made from this computer's own BusyBox in a moment.",
    needsNetwork: false,
    takesRelease: false,
    tools: ["busybox"],
  },
  {
    name: "debian",
    title: "Debian",
    description: "Debian with systemd and apt, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    takesRelease: true,
    tools: ["debootstrap", "rsync", "debian-distro-info", "wget"],
  },
  {
    name: "ubuntu",
    title: "Ubuntu",
    description: "Ubuntu with systemd and apt, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    takesRelease: true,
    tools: ["debootstrap", "rsync"],
  },
  {
    name: "alpine",
    title: "Alpine",
    description: "A small system with musl and apk, downloaded from its mirror.",
    needsNetwork: true,
    takesRelease: true,
    tools: ["wget", "openssl"],
  },
  {
    name: "devuan",
    title: "Devuan",
    description: "Debian without systemd, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    takesRelease: true,
    tools: ["debootstrap", "rsync"],
  },
  {
    name: "kali",
    title: "Kali",
    description: "A Debian for security testing, built from its mirror with debootstrap in a few minutes.",
    needsNetwork: true,
    takesRelease: true,
    tools: ["debootstrap", "rsync"],
  },
];

/** The templates that are installed, the one that needs nothing first, and what each still lacks. */
export function listTemplates(folder = templatesFolder, folders = programFolders): Template[] {
  return knownTemplates
    .filter(({ name }) => existsSync(join(folder, `lxc-${name}`)))
    .map(({ tools: needed, ...template }) => ({ ...template, missingTools: needed.filter((tool) => !findProgram(tool, folders)) }));
}
