import type { NewContainer } from "../contract/methods.ts";
import { ProblemError } from "../contract/problems.ts";
import { controllerVersion } from "./cgroup.ts";
import type { ConfigEntry } from "./config.ts";
import { isOwnNetworkKey, type NetworkIdentity, networkEntries } from "./container-network.ts";
import { readBridges } from "./network.ts";

/** What a new container was asked for that its configuration alone has to tell, whatever the container is made from. */
export type ContainerOptions = Pick<NewContainer, "name" | "address" | "resources" | "network"> &
  Partial<Pick<NewContainer, "autostart" | "hardened">>;

type Resources = NonNullable<NewContainer["resources"]>;
/** Limits of control groups; a limit of the disk is one of the container's folder. */
type CountedResource = Exclude<keyof Resources, "diskBytes">;
type Line = readonly [key: string, value: string];
type Limit = {
  controller: "cpu" | "memory" | "pids";
  /** Lines that would contradict it, of both versions: the configuration may have come from another computer. */
  replaces: RegExp;
  lines: Record<"v1" | "v2", (value: number) => Line[]>;
};

/** What the kernel counts a share of a CPU in; this is its own default, too. */
const periodMicroseconds = 100_000;

/** Files of Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, scheduler/sched-bwc.rst and cgroup-v1/pids.rst. */
const limits: Record<CountedResource, Limit> = {
  cpus: {
    controller: "cpu",
    replaces: /^lxc\.cgroup2?\.cpu\.(cfs_quota_us|cfs_period_us|max)$/,
    lines: {
      v1: (cpus) => [
        ["lxc.cgroup.cpu.cfs_period_us", String(periodMicroseconds)],
        ["lxc.cgroup.cpu.cfs_quota_us", String(quotaOf(cpus))],
      ],
      v2: (cpus) => [["lxc.cgroup2.cpu.max", `${quotaOf(cpus)} ${periodMicroseconds}`]],
    },
  },
  memoryBytes: {
    controller: "memory",
    // Memory and swap together may not be limited to less than memory.
    replaces: /^lxc\.cgroup2?\.memory\.(limit_in_bytes|memsw\.limit_in_bytes|max)$/,
    lines: {
      v1: (bytes) => [["lxc.cgroup.memory.limit_in_bytes", String(bytes)]],
      v2: (bytes) => [["lxc.cgroup2.memory.max", String(bytes)]],
    },
  },
  processes: {
    controller: "pids",
    replaces: /^lxc\.cgroup2?\.pids\.max$/,
    lines: {
      v1: (processes) => [["lxc.cgroup.pids.max", String(processes)]],
      v2: (processes) => [["lxc.cgroup2.pids.max", String(processes)]],
    },
  },
};

/**
 * Refuses what this computer cannot do for a new container.
 * @throws ProblemError `invalid-request`.
 */
export function checkContainerOptions(
  { resources, network }: Pick<ContainerOptions, "resources" | "network">,
  isPrivileged: boolean,
): void {
  limitLines(resources);
  if (network?.type === "bridge" && !readBridges().includes(network.bridge)) {
    throw refused({ path: "network.bridge", message: `There is no bridge ${network.bridge} on this computer.` });
  }
  // Its sysfs shows the interfaces of a network namespace that is not its own, and the kernel lets no other root mount that.
  if (network?.type === "host" && !isPrivileged) {
    throw refused({ path: "network", message: "Only a privileged container can use this computer's own network." });
  }
}

/**
 * Limits as the kernel of this computer takes them.
 * @throws ProblemError `invalid-request` where it counts nothing of the kind.
 */
export function limitLines(resources: Resources = {}, versionOf = controllerVersion): Line[] {
  return wantedLimits(resources).flatMap(([name, { controller, lines }, value]) => {
    const version = versionOf(controller);
    if (version !== undefined) return lines[version](value);
    throw refused({ path: `resources.${name}`, message: `This computer has no control group for it (${controller}).` });
  });
}

/**
 * How a configuration becomes the new container's own: a network identity, its limits, and whether it starts with the computer.
 * @param entries The configuration with everything that it includes.
 */
export async function containerOptionChanges(
  networkIdentity: NetworkIdentity,
  { name, address, resources, network, autostart = false }: ContainerOptions,
  entries: readonly ConfigEntry[],
): Promise<{ remove: (key: string) => boolean; add: Line[] }> {
  const chosen = network && networkLines(network);
  const connected = chosen ? chosen.map(([key, value]) => ({ key, value, line: 0 })) : entries;
  const identity = await networkEntries(networkIdentity, name, connected, address);
  const isReplaced = replacedBy({ resources, network });
  return {
    remove: (key) => isReplaced(key) || (identity.length > 0 && isOwnNetworkKey(key)),
    add: [...(chosen ?? []), ...identity, ...limitLines(resources), ...(autostart ? [["lxc.start.auto", "1"] as const] : [])],
  };
}

/** True for keys of a configuration that what was asked for takes the place of. */
export function replacedBy({ resources, network }: Pick<ContainerOptions, "resources" | "network">): (key: string) => boolean {
  const replaced = wantedLimits(resources).map(([, { replaces }]) => replaces);
  if (network) replaced.push(/^lxc\.net(\.|$)/);
  return (key) => key === "lxc.start.auto" || replaced.some((keys) => keys.test(key));
}

function refused(issue: { path: string; message: string }): ProblemError {
  return new ProblemError({ code: "invalid-request", issues: [issue] });
}

function wantedLimits(resources: Resources = {}): [CountedResource, Limit, number][] {
  return (Object.keys(limits) as CountedResource[]).flatMap((name) => {
    const value = resources[name];
    return value === undefined ? [] : [[name, limits[name], value]];
  });
}

/** lxc.container.conf(5), "Network". The first line forgets the interfaces of files that are included before it. */
function networkLines(network: NonNullable<NewContainer["network"]>): Line[] {
  const first: Line = ["lxc.net", ""];
  switch (network.type) {
    case "bridge":
      return [first, ["lxc.net.0.type", "veth"], ["lxc.net.0.link", network.bridge], ["lxc.net.0.flags", "up"]];
    case "none":
      return [first, ["lxc.net.0.type", "empty"], ["lxc.net.0.flags", "up"]];
    case "host":
      return [first, ["lxc.net.0.type", "none"]];
  }
}

function quotaOf(cpus: number): number {
  return Math.round(cpus * periodMicroseconds);
}
