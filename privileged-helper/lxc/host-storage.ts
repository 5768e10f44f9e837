import type { CheckContext, CheckResult, MakeCheck } from "./host-checks.ts";
import { kernelFeatures, readFeature } from "./host-kernel.ts";
import { type Mount, parseMountinfo } from "./mountinfo.ts";

/** The checks of where containers are kept. */
export const storageChecks = { storage: checkStorage, "free-space": checkFreeSpace } satisfies Record<string, MakeCheck>;

const mebibyte = 1024 * 1024;
/** A BusyBox container has 2 MiB; a Debian one has 400. */
const problemBelowBytes = 50 * mebibyte;
const warningBelowBytes = 1024 * mebibyte;
const warningBelowFiles = 20_000;
/** What the upper layer of an overlay cannot lie on, because they lack whiteouts or extended attributes (kernel: filesystems/overlayfs). */
const notForOverlays: ReadonlySet<string> = new Set([
  "overlay",
  "nfs",
  "nfs4",
  "cifs",
  "smb3",
  "vfat",
  "exfat",
  "ntfs3",
  "fuseblk",
  "fuse",
  "9p",
  "ecryptfs",
  "aufs",
]);

/** The file system that a folder is in: of all mounts above it the longest, of those at one place the last. @param text Of mountinfo. */
export function findMount(text: string, folder: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of parseMountinfo(text)) {
    const { mountPoint } = mount;
    const isAbove = mountPoint === "/" || folder === mountPoint || folder.startsWith(`${mountPoint}/`);
    if (isAbove && mountPoint.length >= (found?.mountPoint.length ?? 0)) found = mount;
  }
  return found;
}

function checkStorage({ facts, lxcPath }: CheckContext): CheckResult {
  const mount = findMount(facts.read("/proc/self/mountinfo") ?? "", lxcPath);
  const overlay = kernelFeatures.find(({ module }) => module === "overlay");
  const isKnown = /\toverlay$/m.test(facts.read("/proc/filesystems") ?? "");
  const feature = isKnown ? { state: "yes" as const, evidence: "/proc/filesystems: overlay" } : overlay && readFeature(facts, overlay);
  const common = {
    title: "Storage",
    explanation:
      "Clones share the files of what they are cloned from and are there in milliseconds: each is a layer (overlay) over its base. Without it LXC can only copy all files.",
  };
  if (!mount) {
    return {
      ...common,
      status: "warning",
      summary: "The file system that containers are in cannot be told.",
      evidence: [`/proc/self/mountinfo: nothing above ${lxcPath}`],
    };
  }
  const evidence = [
    `${lxcPath}: ${mount.type}, mounted at ${mount.mountPoint} (${mount.options.join(",")})`,
    `Overlay: ${feature?.evidence ?? "not known"}`,
  ];
  const forbidding = ["ro", "noexec"].filter((option) => mount.options.includes(option));
  if (forbidding.length > 0) {
    return {
      ...common,
      status: "problem",
      summary: `Containers cannot run from ${mount.mountPoint}: it is mounted ${forbidding.join(" and ")}.`,
      evidence,
    };
  }
  if (mount.options.includes("nosuid")) {
    return {
      ...common,
      status: "warning",
      summary: `${mount.mountPoint} is mounted nosuid: sudo and the like do not work in containers.`,
      evidence,
    };
  }
  if (feature?.state !== "yes") {
    return {
      ...common,
      status: "warning",
      summary:
        feature?.state === "no"
          ? "This kernel has no overlay file system: clones cannot be made."
          : "Whether this kernel has overlay file systems cannot be told.",
      evidence,
    };
  }
  if (notForOverlays.has(mount.type) || mount.type.startsWith("fuse.")) {
    return { ...common, status: "warning", summary: `Containers are on ${mount.type}, which cannot carry the layers of clones.`, evidence };
  }
  const more = mount.type === "btrfs" || mount.type === "zfs" ? ` ${mount.type} could make snapshots of its own, too.` : "";
  return {
    ...common,
    status: "ok",
    summary: `Containers are on ${mount.type}, and can be cloned in a moment as overlays.${more}`,
    evidence,
  };
}

function checkFreeSpace({ facts, lxcPath }: CheckContext): CheckResult {
  const space = facts.space(lxcPath);
  const common = {
    title: "Free space",
    explanation: "A BusyBox container takes 2 MiB, a Debian one some hundred, and containers that run write more.",
  };
  if (!space)
    return { ...common, status: "warning", summary: "The free space cannot be told.", evidence: [`${lxcPath}: not there, or no answer`] };
  const { freeBytes, freeFiles } = space;
  const free = formatMebibytes(freeBytes);
  const evidence = [`${lxcPath}: ${free} free`, ...(freeFiles === undefined ? [] : [`${lxcPath}: ${freeFiles} more files possible`])];
  if (freeBytes < problemBelowBytes || freeFiles === 0) {
    return { ...common, status: "problem", summary: `The disk is full: ${free} left where containers are kept.`, evidence };
  }
  if (freeBytes < warningBelowBytes)
    return { ...common, status: "warning", summary: `Only ${free} left where containers are kept.`, evidence };
  if (freeFiles !== undefined && freeFiles < warningBelowFiles) {
    return { ...common, status: "warning", summary: `There is room for only ${freeFiles} more files where containers are kept.`, evidence };
  }
  return { ...common, status: "ok", summary: `${free} free where containers are kept.`, evidence };
}

function formatMebibytes(bytes: number): string {
  const mebibytes = bytes / mebibyte;
  return mebibytes < 1024 ? `${Math.floor(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
