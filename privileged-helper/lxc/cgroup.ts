import { join } from "node:path";
import { type Mount, parseMountinfo } from "./mountinfo.ts";
import { readProcFile } from "./proc.ts";

/** Where the kernel keeps a process's control groups: cgroups(7), proc_pid_cgroup(5), proc_pid_mountinfo(5). */
export type CgroupVersion = "v1" | "v2" | "hybrid";

/** Absolute folders, one per controller that the host has. On v2 all of them are `unified`. */
export type ContainerCgroups = {
  version: CgroupVersion;
  unified?: string;
  cpu?: string;
  cpuacct?: string;
  cpuset?: string;
  memory?: string;
  pids?: string;
  blkio?: string;
  freezer?: string;
  devices?: string;
};

type Hierarchy = Pick<Mount, "mountPoint" | "root"> & { controllers: string[]; unified: boolean };
type Membership = { controllers: string[]; path: string };

const controllers = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "freezer", "devices"] as const;

/**
 * The folders of a process's control groups.
 * @returns undefined where the process is gone.
 */
export function cgroupsOf(pid: number): ContainerCgroups | undefined {
  const text = readProcFile(`/proc/${pid}/cgroup`);
  return text === undefined || text === "" ? undefined : joinCgroups(hierarchies(), parseMemberships(text));
}

/** How this host mounts control groups. */
export function cgroupVersion(): CgroupVersion {
  return versionOf(hierarchies());
}

/** The version that a controller belongs to, on this very host: on a hybrid one each has its own. Undefined where the kernel lacks it. */
export function controllerVersion(controller: (typeof controllers)[number] | "io"): "v1" | "v2" | undefined {
  return versionOfController(controller, hierarchies(), (folder) => readProcFile(join(folder, "cgroup.controllers")));
}

/** @param available The text of cgroup.controllers in a folder of v2: what v1 has taken is missing there. */
export function versionOfController(
  controller: string,
  mounted: readonly Hierarchy[],
  available: (folder: string) => string | undefined,
): "v1" | "v2" | undefined {
  if (mounted.some(({ unified, controllers }) => !unified && controllers.includes(controller))) return "v1";
  const isInV2 = ({ unified, mountPoint }: Hierarchy) => unified && available(mountPoint)?.trim().split(" ").includes(controller);
  return mounted.some(isInV2) ? "v2" : undefined;
}

/**
 * The folders in which LXC makes `lxc.monitor.*` and `lxc.payload.*` for root: below the control group of process 1, without
 * systemd's `init.scope` (LXC's cgfsng.c). One per kind of hierarchy is enough to notice each start and end.
 */
export function lxcCgroupRoots(): string[] {
  const text = readProcFile("/proc/1/cgroup");
  if (text === undefined) return [];
  const memberships = parseMemberships(text).map(({ controllers, path }) => ({
    controllers,
    path: path.replace(/\/init\.scope$/, "") || "/",
  }));
  const { unified, freezer, pids, memory } = joinCgroups(hierarchies(), memberships);
  return [...new Set([unified, freezer ?? pids ?? memory])].filter((folder) => folder !== undefined);
}

/** @param text Of /proc/PID/mountinfo. */
export function parseHierarchies(text: string): Hierarchy[] {
  return parseMountinfo(text)
    .filter(({ type }) => type === "cgroup" || type === "cgroup2")
    .map(({ mountPoint, root, type, superOptions }) => ({ mountPoint, root, controllers: superOptions, unified: type === "cgroup2" }));
}

/** @param text Of /proc/PID/cgroup: lines of `ID:CONTROLLERS:PATH`; v2 has no controllers. */
export function parseMemberships(text: string): Membership[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, names = "", ...path] = line.split(":");
      return { controllers: names === "" ? [] : names.split(","), path: path.join(":") };
    });
}

export function joinCgroups(mounted: readonly Hierarchy[], memberships: readonly Membership[]): ContainerCgroups {
  const cgroups: ContainerCgroups = { version: versionOf(mounted) };
  for (const membership of memberships) {
    const isUnified = membership.controllers.length === 0;
    const hierarchy = mounted.find((one) =>
      isUnified ? one.unified : !one.unified && membership.controllers.every((controller) => one.controllers.includes(controller)),
    );
    const folder = hierarchy && folderIn(hierarchy, membership.path);
    if (folder === undefined) continue;
    if (isUnified) cgroups.unified = folder;
    else for (const controller of controllers) if (membership.controllers.includes(controller)) cgroups[controller] = folder;
  }
  if (cgroups.version === "v2") for (const controller of controllers) cgroups[controller] = cgroups.unified;
  return cgroups;
}

function folderIn({ mountPoint, root }: Hierarchy, path: string): string | undefined {
  if (root === "/") return join(mountPoint, path);
  // In a container only a part of the hierarchy is mounted.
  if (path === root || path.startsWith(`${root}/`)) return join(mountPoint, path.slice(root.length));
  return undefined;
}

function versionOf(mounted: readonly Hierarchy[]): CgroupVersion {
  const hasUnified = mounted.some(({ unified }) => unified);
  const hasLegacy = mounted.some(
    ({ unified, controllers }) => !unified && !controllers.some((controller) => controller.startsWith("name=")),
  );
  if (hasUnified && hasLegacy) return "hybrid";
  return hasUnified ? "v2" : "v1";
}

/** Hierarchies are mounted at boot, before any container; reading them once per process is enough. */
function hierarchies(): Hierarchy[] {
  known ??= parseHierarchies(readProcFile("/proc/self/mountinfo") ?? "");
  return known;
}
let known: Hierarchy[] | undefined;
