import { join } from "node:path";
import type { Container } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { keepsFilesBeside } from "./audit/writable-places.ts";
import { type ConfigEntry, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf } from "./config.ts";
import type { OperationContext } from "./context.ts";
import { bytesOnDisk, copyFiles } from "./copy-files.ts";
import { type IdRange, singleIdRange } from "./idmap.ts";
import { makeImageFolder } from "./image-folder.ts";
import { forgetMachineId } from "./machine-id.ts";
import { showFiles } from "./show-files.ts";

/** What each container has of its own, or gets when it is made. */
const ownKeys = /^lxc\.(rootfs|net|uts|idmap|console|log|start|group|ephemeral)(\.|$)/;

/**
 * Makes an image of the files of a stopped container, with the ids that these have. The container keeps its own.
 * @throws ProblemError `not-supported` where its files cannot be had without starting it.
 */
export async function saveImage(
  context: OperationContext,
  { id, title, container }: { id: string; title: string; container: Container },
): Promise<void> {
  const { lxcPath, images, task } = context;
  const { entries } = readEffectiveConfig(join(lxcPath, container.name, "config"));
  const ids = idsOf(entries);
  const options = (lastValueOf(entries, "lxc.rootfs.options") ?? "").split(",");
  if (options.some((option) => option.startsWith("idmap="))) throw notSupported("Its files have their owners only while it runs.");
  if (keepsFilesBeside(entries, lxcPath, container.name))
    throw notSupported("Its system is read-only, and some of its files lie beside it. Undo that first.");
  const { folder, rootfs } = makeImageFolder(context, id);
  const shown = await showFiles(task, entries, join(folder, "merged"));
  if ("reason" in shown) throw notSupported(shown.reason);
  await copyFiles(task, shown.folder, rootfs);
  await shown.hide();
  forgetMachineId({ rootfs });
  images.finish({
    id,
    title,
    origin: "container",
    unprivileged: ids !== undefined,
    bytes: await bytesOnDisk(task, rootfs),
    createdAt: Date.now(),
    ...(ids && { ids }),
    templates: [],
    settings: settingsOf(parseConfig(readConfigurationText(lxcPath, container.name).text)),
  });
}

/** The ids of an unprivileged container, which have to be one range from 0 on. */
function idsOf(entries: readonly ConfigEntry[]): IdRange | undefined {
  const maps = valuesOf(entries, "lxc.idmap");
  if (maps.length === 0) return undefined;
  const range = singleIdRange(maps);
  if (!range) throw notSupported("Its ids are not one range.");
  return range;
}

/** Lines of the container's own that others of the image are to have as well. */
function settingsOf(entries: readonly ConfigEntry[]): [key: string, value: string][] {
  return entries.filter(({ key }) => !ownKeys.test(key)).map(({ key, value }) => [key, value]);
}

function notSupported(why: string): ProblemError {
  return new ProblemError({ code: "not-supported", what: `This container cannot be saved as an image. ${why}` });
}
