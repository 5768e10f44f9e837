import { type ContainerCgroups, cgroupsOf } from "./cgroup.ts";

/**
 * The cgroups of a whole container. Its init may have gone into one further down, as systemd does (`init.scope`), where it
 * would be counted and frozen alone.
 * @returns undefined where init has ended.
 */
export function payloadCgroups(name: string, initPid: number): ContainerCgroups | undefined {
  const cgroups = cgroupsOf(initPid);
  if (!cgroups) return undefined;
  const whole: ContainerCgroups = { version: cgroups.version };
  for (const controller of controllers) {
    const folder = cgroups[controller];
    if (folder !== undefined) whole[controller] = payloadFolder(name, folder);
  }
  return whole;
}

/**
 * Cuts a path after the cgroup that LXC made for a container, `lxc.payload.NAME` or `lxc.payload.NAME-N` (LXC's cgfsng.c).
 * With a path of its own (`lxc.cgroup.dir.container`) only the name that systemd always uses is known not to belong to it.
 */
export function payloadFolder(name: string, folder: string): string {
  const components = folder.split("/");
  const own = `lxc.payload.${name}`;
  const end = components.findIndex(
    (component) => component === own || (component.startsWith(`${own}-`) && /^\d+$/.test(component.slice(own.length + 1))),
  );
  return end < 0 ? folder.replace(/\/init\.scope$/, "") : components.slice(0, end + 1).join("/");
}

/**
 * Leaves out what a container has no cgroup of its own for: where it is in that of this computer's init, or at the very top, the figures
 * there are not its own.
 * @param init The cgroups of process 1.
 */
export function ownCgroups(cgroups: ContainerCgroups, init: ContainerCgroups | undefined): ContainerCgroups {
  const own: ContainerCgroups = { version: cgroups.version };
  for (const controller of controllers) {
    const folder = cgroups[controller];
    const top = init?.[controller]?.replace(/\/(init\.scope)?$/, "");
    if (folder !== undefined && folder.replace(/\/$/, "") !== top) own[controller] = folder;
  }
  return own;
}

const controllers = ["unified", "cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "freezer", "devices"] as const;
