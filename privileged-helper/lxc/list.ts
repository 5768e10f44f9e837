import { lstatSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { Container } from "../contract/model.ts";
import { isManageableName } from "../contract/names.ts";
import { type AddressReader, openAddresses } from "./addresses.ts";
import { lastValueOf, readEffectiveConfig, valuesOf } from "./config.ts";
import { type IdRange, parseIdmaps } from "./idmap.ts";
import { createImageStore, type ImageStore, idRangesOf } from "./image-store.ts";
import { createMonitors, type Monitor } from "./monitors.ts";
import { payloadCgroups } from "./payload.ts";
import { type HeldFile, holdFile } from "./proc.ts";
import { isThrowAway } from "./throw-away.ts";

/** Reads containers from the kernel and from their folders. It never starts a process, and remembers only what it can check. */
export type ContainerReader = {
  /** Every container below the folder of containers, sorted by name. */
  readAll(): Container[];
  /** @returns undefined where there is no such container. */
  readOne(name: string): Container | undefined;
  /** Closes what is kept open of running containers, when nobody reads them for a while. */
  rest(): void;
  /** What containers claim in their configurations, running or not, so that a new one gets something else. */
  readClaims(): Claims;
};

export type Claims = {
  /** IPv4 addresses without their prefix length. */
  ipv4: Set<string>;
  /** Host user ids of unprivileged containers, and of the images that they may be made of. */
  idRanges: IdRange[];
  /** Containers by the images that they lie on. */
  ofImages: Map<string, string[]>;
};

/** What a configuration says about a container, as far as the list shows it. */
type Configured = Pick<Container, "privileged" | "autostart" | "storage" | "clonedFrom" | "image" | "throwAway"> & {
  /** Folders that have to be there for a start. */
  folders: string[];
  ipv4Claims: string[];
  idRanges: IdRange[];
  problem?: string;
};
type Init = NonNullable<Monitor["init"]>;
/** Files of a running container that are read each time. */
type OpenContainer = { init: Init; freezer: HeldFile | undefined; addresses: AddressReader };
type ReaderOptions = { lxcPath: string; images?: ImageStore };
type Remembered = { stamp: string; includes: Map<string, string>; configured: Configured };

export function createContainerReader({ lxcPath, images = createImageStore({ lxcPath }) }: ReaderOptions): ContainerReader {
  const monitors = createMonitors(lxcPath);
  const remembered = new Map<string, Remembered>();
  const open = new Map<string, OpenContainer>();

  /** Configurations of all containers; those that did not change are not read again. */
  const readConfigurations = () => {
    const stampOf = memoizedStamps();
    const configurations = new Map<string, Configured>();
    for (const name of containerNames(lxcPath)) {
      const path = join(lxcPath, name, "config");
      const stamp = stampOf(path);
      if (stamp === undefined) continue;
      const before = remembered.get(name);
      const isValid = before?.stamp === stamp && [...before.includes].every(([file, included]) => stampOf(file) === included);
      const current = isValid ? before : readConfigured({ lxcPath, images, path, stamp, stampOf });
      remembered.set(name, current);
      configurations.set(name, current.configured);
    }
    for (const name of remembered.keys()) {
      if (configurations.has(name)) continue;
      remembered.delete(name);
      letGo(name);
    }
    return configurations;
  };

  const lookInto = (name: string, init: Init): OpenContainer => {
    const before = open.get(name);
    // The next init may have the same number.
    if (before?.init.pid === init.pid && before.init.startedAt === init.startedAt) return before;
    letGo(name);
    const opened = { init, freezer: holdFreezer(name, init.pid), addresses: openAddresses(init.pid) };
    open.set(name, opened);
    return opened;
  };
  const letGo = (name: string) => {
    const opened = open.get(name);
    opened?.freezer?.close();
    opened?.addresses.close();
    open.delete(name);
  };

  const toContainer = (name: string, configured: Configured, clones: string[], monitor: Monitor | undefined): Container => {
    const { privileged, autostart, storage, clonedFrom, image, throwAway } = configured;
    const container: Container = {
      name,
      manageable: isManageableName(name),
      state: "stopped",
      privileged,
      autostart,
      ipv4: [],
      ipv6: [],
      clones,
      storage,
    };
    if (clonedFrom !== undefined) container.clonedFrom = clonedFrom;
    if (image !== undefined) container.image = image;
    if (throwAway) container.throwAway = true;
    if (!container.manageable) container.note = "Its name has characters that LXC would hand to a shell, so it is shown and left alone.";
    if (monitor?.init) {
      const { pid, startedAt } = monitor.init;
      const { freezer, addresses } = lookInto(name, monitor.init);
      container.state = isFrozen(freezer) ? "frozen" : "running";
      container.initPid = pid;
      container.startedAt = startedAt;
      ({ ipv4: container.ipv4, ipv6: container.ipv6 } = addresses.read());
      return container;
    }
    letGo(name);
    const problem = monitor ? undefined : (configured.problem ?? explainMissing(configured.folders));
    if (monitor) container.state = "starting";
    else if (problem !== undefined) Object.assign(container, { state: "error", note: problem });
    return container;
  };

  const read = (wanted?: string): Container[] => {
    const configurations = readConfigurations();
    if (wanted !== undefined && !configurations.has(wanted)) return [];
    const clones = new Map<string, string[]>();
    for (const [name, { clonedFrom }] of configurations) {
      if (clonedFrom !== undefined) clones.set(clonedFrom, [...(clones.get(clonedFrom) ?? []), name]);
    }
    const names = wanted === undefined ? [...configurations.keys()] : [wanted];
    const running = monitors.read(names);
    return names.flatMap((name) => {
      const configured = configurations.get(name);
      return configured ? [toContainer(name, configured, clones.get(name) ?? [], running.get(name))] : [];
    });
  };

  return {
    readAll: () => read(),
    readOne: (name) => read(name)[0],
    rest() {
      for (const name of [...open.keys()]) letGo(name);
    },
    readClaims() {
      const configurations = readConfigurations();
      const all = [...configurations.values()];
      const ofImages = new Map<string, string[]>();
      for (const [name, { image }] of configurations) {
        if (image !== undefined) ofImages.set(image.id, [...(ofImages.get(image.id) ?? []), name]);
      }
      return {
        ipv4: new Set(all.flatMap(({ ipv4Claims }) => ipv4Claims)),
        idRanges: [...all.flatMap(({ idRanges }) => idRanges), ...idRangesOf(images.readAll())],
        ofImages,
      };
    },
  };
}

/** True while it has processes, or is about to. */
export function isActive(container: Container | undefined): boolean {
  return container !== undefined && container.state !== "stopped" && container.state !== "error";
}

/** On v2 the freezer is part of every cgroup; on v1 it is a hierarchy of its own, and LXC freezes there. */
function holdFreezer(name: string, initPid: number): HeldFile | undefined {
  const { freezer, unified } = payloadCgroups(name, initPid) ?? {};
  if (freezer !== undefined && freezer !== unified) return holdFile(join(freezer, "freezer.state"));
  return unified === undefined ? undefined : holdFile(join(unified, "cgroup.events"));
}

/** freezer.state of v1, or cgroup.events of v2 (kernel: cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst). */
function isFrozen(freezer: HeldFile | undefined): boolean {
  const text = freezer?.read();
  return text !== undefined && (text.startsWith("FROZEN") || /^frozen 1$/m.test(text));
}

/** Folders only: a symbolic link could make root work on someone else's files. */
function containerNames(lxcPath: string): string[] {
  try {
    return readdirSync(lxcPath, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Tells two versions of a file apart; includes are shared, so each is looked at once per reading. */
function memoizedStamps(): (path: string) => string | undefined {
  const stamps = new Map<string, string | undefined>();
  return (path) => {
    if (!stamps.has(path)) {
      const status = lstatSync(path, { throwIfNoEntry: false });
      stamps.set(path, status && `${status.ino} ${status.size} ${status.mtimeMs} ${status.ctimeMs}`);
    }
    return stamps.get(path);
  };
}

function readConfigured({
  lxcPath,
  images,
  path,
  stamp,
  stampOf,
}: Required<ReaderOptions> & { path: string; stamp: string; stampOf: (path: string) => string | undefined }): Remembered {
  try {
    const { entries, files } = readEffectiveConfig(path);
    const rootfs = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
    const base = rootfs.lower === undefined ? undefined : relative(lxcPath, rootfs.lower).split("/")[0];
    const image = rootfs.lower === undefined ? undefined : images.findByRootfs(rootfs.lower);
    return {
      stamp,
      includes: new Map(files.slice(1).map((file) => [file, stampOf(file) ?? ""])),
      configured: {
        privileged: valuesOf(entries, "lxc.idmap").length === 0,
        autostart: lastValueOf(entries, "lxc.start.auto") === "1",
        storage: rootfs.storage,
        folders: rootfs.folders,
        ipv4Claims: entries
          .filter(({ key }) => /^lxc\.net\.\d+\.ipv4\.address$/.test(key))
          .map(({ value }) => value.split(/[/ ]/)[0] ?? ""),
        idRanges: parseIdmaps(valuesOf(entries, "lxc.idmap")),
        ...(base && base !== ".." ? { clonedFrom: base } : {}),
        ...(image && { image: { id: image.id, title: image.title } }),
        ...(isThrowAway(entries) && { throwAway: true }),
      },
    };
  } catch (error) {
    const problem = `Its configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    // Without a configuration nothing is known to be safe.
    const unknown: Configured = {
      privileged: true,
      autostart: false,
      storage: "other",
      folders: [],
      ipv4Claims: [],
      idRanges: [],
      problem,
    };
    return { stamp, includes: new Map(), configured: unknown };
  }
}

const storages = new Set(["zfs", "lvm", "loop"]);

/** `lxc.rootfs.path` is `TYPE:REST`, or a plain path (lxc.container.conf(5)); of an overlay the rest is LOWER:UPPER. */
export function parseRootfs(value: string): { storage: Container["storage"]; lower?: string; folders: string[] } {
  const colon = value.indexOf(":");
  if (colon < 0 || isAbsolute(value)) return { storage: "dir", folders: isAbsolute(value) ? [value] : [] };
  const type = value.slice(0, colon);
  const rest = value.slice(colon + 1);
  if (type === "dir" || type === "btrfs") return { storage: type, folders: [rest] };
  if (type === "overlay" || type === "overlayfs") {
    const lowers = rest.split(":");
    const upper = lowers.pop();
    // A stack of layers: the last one before the upper is the plain folder at the bottom.
    const lower = lowers.at(-1)?.replace(/^(dir|overlay|overlayfs)$/, "") || undefined;
    const folders = [lower, upper].filter((folder) => folder !== undefined && isAbsolute(folder)) as string[];
    return lower !== undefined && isAbsolute(lower) ? { storage: "overlay", lower, folders } : { storage: "overlay", folders };
  }
  return { storage: storages.has(type) ? (type as Container["storage"]) : "other", folders: [] };
}

function explainMissing(folders: readonly string[]): string | undefined {
  const missing = folders.find((folder) => !statSync(folder, { throwIfNoEntry: false }));
  return missing === undefined ? undefined : `Its root file system is missing: ${missing}`;
}
