import { join } from "node:path";
import type { ParamsOf } from "../contract/methods.ts";
import type { ContainerPreview } from "../contract/model.ts";
import { createArguments, templateArguments } from "../contract/template-options.ts";
import { checkApplication, type RunApplication } from "./application.ts";
import { cloneArguments, cloneConfig } from "./clone.ts";
import { editConfig, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, replaceInConfig } from "./config.ts";
import { checkAppArmor, startConfig } from "./container-config.ts";
import { anyMac, foreseenIdentity } from "./container-network.ts";
import { containerOptionChanges } from "./container-options.ts";
import type { OperationContext } from "./context.ts";
import { checkTemplate, shiftOwnersArguments, withOwnIds } from "./create.ts";
import { imageConfig, upperOf } from "./create-from-image.ts";
import { limitedFolderArguments } from "./disk-limit.ts";
import { foreseeIds } from "./idmap.ts";
import type { StoredImage } from "./image-store.ts";
import { findImageUser, type ImageUser } from "./image-user.ts";
import { startArguments } from "./lifecycle.ts";
import { parseRootfs } from "./list.ts";

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
 * own programs write into a configuration the part that can be known is foreseen here. Nothing is changed, and nothing is reserved.
 * @throws ProblemError What is known beforehand to keep it from being made.
 */
export async function previewContainer(world: World, { source, start, firstStart, ...wanted }: Params): Promise<ContainerPreview> {
  const foreseen: Foreseen = { commands: limitCommands(world, wanted), notices: [] };
  const configuration = await foresee(world, foreseen, wanted, source);
  const { lxcPath } = world;
  const { name } = wanted;
  if (start) foreseen.commands.push(["lxc-start", ...startArguments({ lxcPath, name })]);
  if (firstStart) foreseen.notices.push(firstStartNotice(firstStart));
  const untouched: Options = { name, unprivileged: isUnprivileged(world, source), address: "static", autostart: false };
  const defaultConfiguration = await foresee(world, { commands: [], notices: [] }, untouched, source);
  return { ...foreseen, configuration, defaultConfiguration };
}

function limitCommands({ lxcPath }: World, { name, resources }: Options): string[][] {
  const bytes = resources?.diskBytes;
  return bytes === undefined ? [] : limitedFolderArguments(join(lxcPath, name), bytes).map((args) => ["btrfs", ...args]);
}

/** Which programs that takes is known only inside. */
function firstStartNotice({ packages, user, command }: NonNullable<Params["firstStart"]>): string {
  const steps = [
    packages && `install ${packages.join(", ")}`,
    user && `make the user ${user.name}`,
    command !== undefined && "run your command",
  ].filter(Boolean);
  return `Once it runs, its own programs ${steps.join(", then ")}.`;
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
  return withOwnIds(text, template, ids);
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

/** Which numbers names stand for only the image's own files tell. */
function foreseeUser({ notices }: Foreseen, user: string): ImageUser {
  const [name = "", group = "0"] = user.split(":");
  const isKnown = [name, group].every((one) => /^[0-9]*$/.test(one));
  if (!isKnown) notices.push(`Its files tell which numbers ${user} has: they become lxc.init.uid and lxc.init.gid.`);
  return isKnown ? { uid: Number(name), gid: Number(group) } : { uid: 0, gid: 0 };
}

async function foreseeClone(world: World, foreseen: Foreseen, options: Options, { from }: SourceOf<"clone">): Promise<string> {
  const { lxcPath } = world;
  const { name } = options;
  const { entries } = readEffectiveConfig(join(lxcPath, from, "config"));
  const { text: baseText } = readConfigurationText(lxcPath, from);
  const changes = await containerOptionChanges(foreseenIdentity(world, foreseen), options, entries);
  foreseen.commands.push(["lxc-copy", ...cloneArguments({ lxcPath, name, from })]);
  return cloneConfig(copiedConfig(baseText, { lxcPath, from, name }), { folder: join(lxcPath, name), name, baseText, entries, changes });
}

/**
 * What lxc-copy makes of a configuration (lxccontainer.c, do_lxcapi_clone): hooks in the base's folder are those in the clone's, every
 * interface has another MAC, and the root file system comes last.
 */
function copiedConfig(text: string, { lxcPath, from, name }: { lxcPath: string; from: string; name: string }): string {
  const rootfs = lastValueOf(parseConfig(text), "lxc.rootfs.path") ?? "";
  const [lower = ""] = parseRootfs(rootfs).folders;
  const copied = replaceInConfig(text, ({ key, value }) => {
    if (key === "lxc.rootfs.path") return "removed";
    if (/^lxc\.net\.\d+\.hwaddr$/.test(key)) return [key, anyMac];
    return key.startsWith("lxc.hook.") ? [key, value.replace(`${lxcPath}/${from}/`, `${lxcPath}/${name}/`)] : undefined;
  });
  return editConfig(withoutEmptyLines(copied), {
    add: [["lxc.rootfs.path", `overlay:${lower}:${upperOf(join(lxcPath, name))}`]],
  });
}

function withoutEmptyLines(text: string): string {
  return text.replace(/^\n+/gm, "");
}
