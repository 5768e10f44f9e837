import { ftruncateSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { type ConfigEntry, lastValueOf, parseConfig, readConfigurationText, readEffectiveConfig, valuesOf } from "./config.ts";
import type { OperationContext } from "./context.ts";
import { type IdRange, parseIdmaps } from "./idmap.ts";
import { bytesOnDisk, makeImageFolder } from "./image-folder.ts";
import { parseRootfs } from "./list.ts";
import { unmountBelow } from "./mounts.ts";
import { withFileInside } from "./open-inside.ts";
import { run } from "./run.ts";

const copyTimeoutSeconds = 6 * 3600;
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
  const { folder, rootfs } = makeImageFolder(context, id);
  const source = await showFiles(context, entries, folder);
  task.step("Copying its files");
  // The ending `/.` has the folder itself keep its owner and mode, too.
  await run("cp", ["--archive", "--reflink=auto", "--one-file-system", "--", `${source}/.`, rootfs], {
    task,
    timeoutSeconds: copyTimeoutSeconds,
  });
  if (source === mergedIn(folder)) {
    await unmountBelow(task, folder);
    rmdirSync(source);
  }
  // Each container of the image gets one of its own when it is started first (machine-id(5)).
  withFileInside(rootfs, "etc/machine-id", (file) => ftruncateSync(file, 0), "write");
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

/** The folder with the container's files as it sees them; what is mounted for that goes with the image's own folder. */
async function showFiles({ task }: OperationContext, entries: readonly ConfigEntry[], folder: string): Promise<string> {
  const { storage, lower, folders } = parseRootfs(lastValueOf(entries, "lxc.rootfs.path") ?? "");
  const options = (lastValueOf(entries, "lxc.rootfs.options") ?? "").split(",");
  if (options.some((option) => option.startsWith("idmap="))) throw notSupported("Its files have their owners only while it runs.");
  const [first, upper] = folders;
  if (storage === "dir" && first !== undefined) return first;
  if (storage !== "overlay" || lower === undefined || upper === undefined) throw notSupported("Its files are not in a plain folder.");
  if ([lower, upper].some((path) => /[:,\\]/.test(path))) throw notSupported(`The kernel cannot mount ${lower}.`);
  const merged = mergedIn(folder);
  mkdirSync(merged, { mode: 0o700 });
  // Two layers below and none above them: it can only be read, and nothing is written beside the layers either.
  const overlay = ["ro", "nodev", "nosuid", "noexec", `lowerdir=${upper}:${lower}`];
  if (options.includes("userxattr")) overlay.push("userxattr");
  await run("mount", ["-t", "overlay", "-o", overlay.join(","), "lxc-desktop", merged], { task });
  return merged;
}

function mergedIn(folder: string): string {
  return join(folder, "merged");
}

/** The ids of an unprivileged container, which have to be one range from 0 on. */
function idsOf(entries: readonly ConfigEntry[]): IdRange | undefined {
  const maps = valuesOf(entries, "lxc.idmap");
  if (maps.length === 0) return undefined;
  const [range] = parseIdmaps(maps);
  const isOne = range && maps.length === 2 && ["u", "g"].every((kind) => maps.some((map) => isMap(map, kind, range)));
  if (!isOne) throw notSupported("Its ids are not one range.");
  return range;
}

function isMap(map: string, kind: string, { first, count }: IdRange): boolean {
  return map.trim().replace(/\s+/g, " ") === `${kind} 0 ${first} ${count}`;
}

/** Lines of the container's own that others of the image are to have as well. */
function settingsOf(entries: readonly ConfigEntry[]): [key: string, value: string][] {
  return entries.filter(({ key }) => !ownKeys.test(key)).map(({ key, value }) => [key, value]);
}

function notSupported(why: string): ProblemError {
  return new ProblemError({ code: "not-supported", what: `This container cannot be saved as an image. ${why}` });
}
