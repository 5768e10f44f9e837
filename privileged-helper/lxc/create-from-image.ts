import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Application } from "../contract/application.ts";
import { applicationLines, checkApplication, type RunApplication, writeApplication } from "./application.ts";
import { hardenedConfig, hardenedProfile } from "./audit/hardened.ts";
import { writeProfileFile } from "./audit/profile-file.ts";
import { keepAddress } from "./busybox-network.ts";
import { overlayOptions } from "./clone-config.ts";
import { editConfig, lastValueOf, parseConfig, writeConfig } from "./config.ts";
import { checkAppArmor, letRootThrough, shareConfig, startConfig, uselessCapabilities, usernsInclude } from "./container-config.ts";
import { type NetworkIdentity, takenIdentity } from "./container-network.ts";
import { type ContainerOptions, replacedBy } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { claimFolder } from "./destroy.ts";
import { idmapEntries } from "./idmap.ts";
import type { StoredImage } from "./image-store.ts";
import { findImageUser } from "./image-user.ts";
import { writeNameInside } from "./name-inside.ts";
import { throwAwayMark } from "./throw-away.ts";

type ImageParams = ContainerOptions & {
  image: StoredImage;
  application?: Application | undefined;
  /** It is only tried out. */
  throwAway?: boolean;
};

/**
 * Makes a container of an image, without copying anything: its root file system is an empty layer over the image's. It is what
 * `lxc-copy -B overlayfs -s` would make of a container, and LXC starts and removes it as such.
 * @param image The caller keeps it from being deleted meanwhile.
 * @param application Instead of what the image says itself.
 */
export async function createFromImage(
  context: OperationContext,
  { image, application = image.application, ...options }: ImageParams,
): Promise<void> {
  const { lxcPath, task, images } = context;
  const { name } = options;
  checkAppArmor();
  const rootfs = images.rootfsOf(image.id);
  const runs = application && { application, user: findImageUser(rootfs, application.user, image) };
  if (application) checkApplication(application);
  await claimFolder(context, options);
  const folder = join(lxcPath, name);
  const text = await imageConfig({ lxcPath, rootfs }, takenIdentity(context, name), { image, runs, ...options });
  if (options.hardened) writeProfileFile(hardenedProfile(lxcPath));
  task.step("Laying its files over the image's");
  const root = image.ids?.first ?? 0;
  const upper = makeLayer(folder, rootfs, root);
  writeNameInside(name, image.templates, rootfs, upper);
  const entries = parseConfig(text);
  if (runs) writeApplication(runs, { rootfs, upper, root }, name, entries);
  else if (lastValueOf(entries, "lxc.net.0.ipv4.address") !== undefined) keepAddress({ rootfs, upper });
  writeConfig(join(folder, "config"), text, "just-made");
  if (image.ids) letRootThrough(context, folder);
}

/** The configuration of a container of an image. @param rootfs Of the image. */
export async function imageConfig(
  { lxcPath, rootfs }: { lxcPath: string; rootfs: string },
  identity: NetworkIdentity,
  {
    image,
    runs,
    throwAway = false,
    ...wanted
  }: ContainerOptions & {
    image: Omit<StoredImage, "id">;
    runs?: RunApplication | undefined;
    throwAway?: boolean;
  },
): Promise<string> {
  // In an application nothing asks for an address.
  const options = runs ? { ...wanted, address: "static" as const } : wanted;
  const { name } = options;
  const text = await startConfig(lxcPath, identity, options);
  const defaults = parseConfig(text);
  const isReplaced = replacedBy(options);
  const isDefault = ([key, value]: [string, string]) => defaults.some((entry) => entry.key === key && entry.value === value);
  const ids = image.ids ? idmapEntries(image.ids) : [];
  const made = editConfig(text, {
    add: [
      ...commonLines(image),
      ...image.settings.filter((setting) => !isDefault(setting) && !isReplaced(setting[0])),
      ...(runs ? applicationLines(runs) : []),
      ["lxc.uts.name", name],
      ["lxc.rootfs.path", `overlay:${rootfs}:${upperOf(join(lxcPath, name))}`],
      ...overlayOptions(ids.map(([key, value]) => ({ key, value, line: 0 }))),
      ...ids,
      ...(throwAway ? [throwAwayMark] : []),
    ],
  });
  return options.hardened ? hardenedConfig({ lxcPath, isApplication: runs !== undefined, resources: options.resources }, made) : made;
}

/** Where an instant container of a folder has its own files, as LXC has it. */
export function upperOf(folder: string): string {
  return join(folder, "overlay", "delta");
}

/**
 * The folders that LXC expects of an overlay: what the container changes, what the kernel needs beside it, and where both are mounted.
 * @returns The first of them.
 */
function makeLayer(folder: string, rootfs: string, owner: number): string {
  const overlay = join(folder, "overlay");
  const upper = upperOf(folder);
  const work = join(overlay, "work");
  for (const path of [overlay, upper, work, join(folder, "rootfs")]) mkdirSync(path, { mode: 0o755 });
  const { uid, gid, mode } = lstatSync(rootfs);
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
  chownSync(work, owner, owner);
  return upper;
}

/** What all containers of a distribution have. An image that was saved from a container has that container's own lines. */
function commonLines({ distribution, unprivileged, origin }: Omit<StoredImage, "id">): [key: string, value: string][] {
  if (origin === "container") return [];
  const common = [`${distribution}.common.conf`, "common.conf"].find((file) => existsSync(join(shareConfig, file))) ?? "common.conf";
  const included = unprivileged ? [common, usernsInclude(distribution)] : [common];
  return [
    ...included.map((file) => ["lxc.include", join(shareConfig, file)] as [string, string]),
    ...(unprivileged ? [["lxc.cap.drop", uselessCapabilities.join(" ")] as [string, string]] : []),
  ];
}
