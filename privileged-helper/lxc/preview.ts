import { join } from "node:path";
import type { ParamsOf } from "../contract/methods.ts";
import type { ContainerPreview } from "../contract/model.ts";
import { createArguments, templateArguments } from "../contract/template-options.ts";
import { checkApplication, type RunApplication } from "./application.ts";
import { hardenedConfig } from "./audit/hardened.ts";
import { cloneArguments, cloneConfig, plainConfig } from "./clone.ts";
import { type CloneSource, isLayered, readCloneSource } from "./clone-source.ts";
import { editConfig, lastValueOf, replaceInConfig } from "./config.ts";
import { checkAppArmor, startConfig } from "./container-config.ts";
import { anyMac, foreseenIdentity } from "./container-network.ts";
import { containerOptionChanges } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { copyArguments } from "./copy-files.ts";
import { checkTemplate, shiftOwnersArguments, withOwnIds } from "./create.ts";
import { imageConfig, upperOf } from "./create-from-image.ts";
import { removeArguments } from "./destroy.ts";
import { limitCommands, requireDiskLimit } from "./disk-limit.ts";
import { foreseeIds } from "./idmap.ts";
import type { StoredImage } from "./image-store.ts";
import { findImageUser, type ImageUser } from "./image-user.ts";
import { startArguments } from "./lifecycle.ts";
import { parseRootfs } from "./list.ts";
import { unmountArguments } from "./mounts.ts";
import { mountArguments } from "./show-files.ts";

type World = Pick<OperationContext, "lxcPath" | "reader" | "images">;
type Params = ParamsOf<"containers.preview">;
type SourceOf<T extends Params["source"]["type"]> = Extract<Params["source"], { type: T }>;
type Options = Omit<Params, "source" | "start" | "firstStart">;
/** Notes what would run, and what is to be said, while it makes the text of a configuration. */
type Foreseen = { commands: string[][]; notices: string[] };

/** Stands for the id of an image that is not there yet. */
const newImage = "NEW-IMAGE";

/**
 * What making a container would run, and the configuration that it would have. Both come from the functions that make one; of what LXC's
 * own programs write into a configuration the part that can be known is foreseen here. Which commands a first start takes depends on
 * what is inside: it is not told. Nothing is changed, and nothing is reserved.
 * @throws ProblemError What is known beforehand to keep it from being made.
 */
export async function previewContainer(world: World, { source, start, firstStart: _, ...wanted }: Params): Promise<ContainerPreview> {
  const { lxcPath } = world;
  const { name, resources: { diskBytes } = {} } = wanted;
  const foreseen: Foreseen = { commands: [], notices: [] };
  if (diskBytes !== undefined) {
    await requireDiskLimit(lxcPath);
    foreseen.commands.push(...limitCommands(join(lxcPath, name), diskBytes));
  }
  const configuration = await foresee(world, foreseen, wanted, source);
  if (start) foreseen.commands.push(["lxc-start", ...startArguments({ lxcPath, name })]);
  const untouched: Options = { name, unprivileged: isUnprivileged(world, source), address: "static", autostart: false };
  const defaultConfiguration = await foresee(world, { commands: [], notices: [] }, untouched, source);
  return { ...foreseen, configuration, defaultConfiguration };
}

/** What a container of a source is where nobody says otherwise. What is there already has its owners. */
function isUnprivileged({ images }: World, source: Params["source"]): boolean {
  return source.type === "image" ? images.read(source.image).unprivileged : true;
}

/** @returns The configuration. */
function foresee(world: World, foreseen: Foreseen, options: Options, source: Params["source"]): Promise<string> {
  switch (source.type) {
    case "template":
      return foreseeTemplate(world, foreseen, options, source);
    case "clone":
      return foreseeClone(world, foreseen, options, source);
    case "image":
      checkAppArmor();
      return foreseeReadyImage(world, foreseen, options, source);
    case "new-image":
      checkAppArmor();
      return foreseeNewImage(world, foreseen, options, source);
  }
}

/** LXC keeps what it is given but for empty lines, and its template writes more: what, it decides when it runs. */
async function foreseeTemplate(
  world: World,
  foreseen: Foreseen,
  options: Options,
  { template, options: chosen }: SourceOf<"template">,
): Promise<string> {
  const { lxcPath } = world;
  const { name, unprivileged } = options;
  const form = await checkTemplate({ template, options: chosen });
  checkAppArmor();
  const ids = unprivileged ? foreseeIds(world, foreseen) : undefined;
  const begun = await startConfig(lxcPath, foreseenIdentity(world, foreseen), options);
  const text = `${withoutEmptyLines(begun)}# Here come the lines of LXC and its template ${template}.\n`;
  const argumentsOfTemplate = templateArguments(form, chosen, "concealed");
  foreseen.commands.push(["lxc-create", ...createArguments({ lxcPath, name, template }, argumentsOfTemplate)]);
  if (ids === undefined) return text;
  foreseen.commands.push(["node", ...shiftOwnersArguments(join(lxcPath, name, "rootfs"), ids)]);
  const made = withOwnIds(text, template, ids);
  return options.hardened ? hardenedConfig({ lxcPath, isApplication: false, resources: options.resources }, made) : made;
}

function foreseeImage(
  world: World,
  foreseen: Foreseen,
  options: Options,
  { image, rootfs, runs }: { image: Omit<StoredImage, "id">; rootfs: string; runs?: RunApplication | undefined },
): Promise<string> {
  return imageConfig({ lxcPath: world.lxcPath, rootfs }, foreseenIdentity(world, foreseen), { ...options, image, runs });
}

function foreseeReadyImage(world: World, foreseen: Foreseen, options: Options, source: SourceOf<"image">): Promise<string> {
  const image = world.images.read(source.image);
  const rootfs = world.images.rootfsOf(source.image);
  const { application = image.application } = source;
  if (application) checkApplication(application);
  const runs = application && { application, user: findImageUser(rootfs, application.user, image) };
  return foreseeImage(world, foreseen, options, { image, rootfs, runs });
}

/** What its archive says of it is known only when it is here: nothing but the command of its init. */
async function foreseeNewImage(
  world: World,
  foreseen: Foreseen,
  options: Options,
  { origin, distribution, application }: SourceOf<"new-image">,
): Promise<string> {
  const { unprivileged } = options;
  if (application) checkApplication(application);
  const runs = application && { application, user: foreseeUser(foreseen, application.user) };
  const image = {
    title: newImage,
    origin,
    unprivileged,
    bytes: 0,
    createdAt: 0,
    ...(distribution !== undefined && { distribution }),
    ...(unprivileged && { ids: foreseeIds(world, foreseen) }),
    templates: [],
    settings: [],
  };
  return foreseeImage(world, foreseen, options, { image, rootfs: world.images.rootfsOf(newImage), runs });
}

/** Which numbers and groups a user has only the image's own files tell. Of root nothing is in the configuration. */
function foreseeUser({ notices }: Foreseen, user: string): ImageUser {
  if (["", "0", "root"].includes(user)) return { uid: 0, gid: 0 };
  const [, uid, gid] = /^([0-9]+):([0-9]+)$/.exec(user) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  notices.push(
    `Its files tell which numbers ${user} has: they become lxc.init.uid and lxc.init.gid. A user of several groups is taken on inside instead.`,
  );
  return { uid: 0, gid: 0 };
}

async function foreseeClone(
  world: World,
  foreseen: Foreseen,
  options: Options,
  { from, snapshot, copy }: SourceOf<"clone">,
): Promise<string> {
  const { lxcPath, reader } = world;
  const { name } = options;
  const folder = join(lxcPath, name);
  const source = readCloneSource(lxcPath, from, snapshot);
  const changes = await containerOptionChanges(foreseenIdentity(world, foreseen), options, source.entries);
  const isLaidDown = isLayered(source) && copy === "full";
  const commands = [["lxc-copy", ...cloneArguments({ lxcPath, name, source, copy })]];
  if (isLaidDown) commands.push(...layDownCommands(source, folder));
  const isFrozenMeanwhile = snapshot === undefined && reader.readOne(from)?.state === "running";
  foreseen.commands.push(...(isFrozenMeanwhile ? whileFrozenCommands(lxcPath, from, commands) : commands));
  if (isFrozenMeanwhile) foreseen.notices.push(`${from} is frozen until that is done, and goes on then.`);
  const copied = copiedConfig(source, { lxcPath, name });
  const plain = isLaidDown ? plainConfig(copied, { rootfs: join(folder, "rootfs"), entries: source.entries }) : copied;
  return cloneConfig(plain, { folder, name, source, changes });
}

/** How what begins as a layer over its base gets files of its own. */
function layDownCommands({ entries }: CloneSource, folder: string): string[][] {
  const merged = join(folder, "merged");
  const [lower = ""] = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "").folders;
  return [
    ["mount", ...mountArguments(entries, { lower, upper: upperOf(folder) }, merged)],
    ["cp", ...copyArguments(merged, join(folder, "rootfs"))],
    ["umount", ...unmountArguments(merged)],
    ["rm", ...removeArguments(join(folder, "overlay"))],
  ];
}

function whileFrozenCommands(lxcPath: string, from: string, commands: string[][]): string[][] {
  const args = ["-n", from, "-P", lxcPath];
  return [["lxc-freeze", ...args], ...commands, ["lxc-unfreeze", ...args]];
}

/**
 * What lxc-copy makes of a configuration (lxccontainer.c, do_lxcapi_clone): hooks in the base's folder are those in the clone's, every
 * interface has another MAC, and the root file system comes last.
 */
function copiedConfig(source: CloneSource, { lxcPath, name }: { lxcPath: string; name: string }): string {
  const [lower = ""] = parseRootfs(lastValueOf(source.entries, "lxc.rootfs.path") ?? "").folders;
  const folder = join(lxcPath, name);
  const copied = replaceInConfig(source.text, ({ key, value }) => {
    if (key === "lxc.rootfs.path") return "removed";
    if (/^lxc\.net\.\d+\.hwaddr$/.test(key)) return [key, anyMac];
    return key.startsWith("lxc.hook.") ? [key, value.replace(`${source.lxcPath}/${source.name}/`, `${folder}/`)] : undefined;
  });
  const rootfs = isLayered(source) ? `overlay:${lower}:${upperOf(folder)}` : `${source.storage}:${join(folder, "rootfs")}`;
  return editConfig(withoutEmptyLines(copied), { add: [["lxc.rootfs.path", rootfs]] });
}

function withoutEmptyLines(text: string): string {
  return text.replace(/^\n+/gm, "");
}
