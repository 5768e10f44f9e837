import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { application } from "../contract/application.ts";
import { imageStoreId } from "../contract/methods.ts";
import type { ReadyImage } from "../contract/model.ts";
import { ProblemError } from "../contract/problems.ts";
import { listFiles } from "./folder.ts";
import type { IdRange } from "./idmap.ts";
import { imagesFolderOf, openToPassThrough } from "./state-folder.ts";

/**
 * Images that containers are made of: folders `<id>` with `rootfs`, which never changes, and `image.json`. One is made under another
 * name, `.<id>.partial`, and has its own once it is complete; and it loses that name first when it is deleted. So a folder of an
 * id is a whole image, and what else is there belongs to somebody's unfinished work, which is in the journal.
 */
export type ImageStore = {
  /** All images, the newest first. */
  readAll(): StoredImage[];
  /** @throws ProblemError `not-found`. */
  read(id: string): StoredImage;
  rootfsOf(id: string): string;
  /** The image whose root file system a folder is. */
  findByRootfs(path: string): StoredImage | undefined;
  /** Makes the folder for a new image. @returns Its id, and where it is until it is complete. */
  begin(id: string): { folder: string; rootfs: string };
  /** From here on it is an image. */
  finish(image: StoredImage): void;
  /** From here on it is none any more. @returns The folder that is left to be removed. */
  retire(id: string): string;
  /** Where unfinished work about an image is. */
  partialOf(id: string): string;
  /** The folder of all. */
  folder: string;
  /** Makes it, where it is not there. @throws Error where somebody else could change what is in it. */
  prepare(): void;
};

const record = z.object({
  title: z.string(),
  origin: z.enum(["server", "archive", "oci", "container"]),
  unprivileged: z.boolean(),
  bytes: z.number(),
  createdAt: z.number(),
  sha256: z.string().optional(),
  image: z.string().optional(),
  manifest: z.string().optional(),
  application: application.optional(),
  /** Of an unprivileged one: who its files belong to. Containers of it have the same ids. */
  ids: z.object({ first: z.number(), count: z.number() }).optional(),
  /** As LXC's configurations for distributions are called. */
  distribution: z.string().optional(),
  /** Files in which a word stands for the container's name. */
  templates: z.array(z.string()),
  /** Lines of configuration that its containers have. */
  settings: z.array(z.tuple([z.string(), z.string()])),
});

export type StoredImage = z.infer<typeof record> & { id: string };

export function newImageId(): string {
  return randomBytes(16).toString("hex");
}

export function createImageStore({ lxcPath }: { lxcPath: string }): ImageStore {
  const folder = imagesFolderOf(lxcPath);
  const rootfsOf = (id: string) => join(folder, id, "rootfs");
  const partialOf = (id: string) => join(folder, `.${id}.partial`);

  const find = (id: string): StoredImage | undefined => {
    if (!imageStoreId.safeParse(id).success) return undefined;
    try {
      return { ...record.parse(JSON.parse(readFileSync(join(folder, id, "image.json"), "utf8"))), id };
    } catch {
      // Without a description that we understand it is no image.
      return undefined;
    }
  };

  return {
    folder,
    prepare: () => openToPassThrough(folder),
    rootfsOf,
    partialOf,
    readAll: () =>
      listFiles(folder)
        .flatMap((id) => find(id) ?? [])
        .sort((one, other) => other.createdAt - one.createdAt || one.id.localeCompare(other.id)),
    read(id) {
      const image = find(id);
      if (!image) throw new ProblemError({ code: "not-found", what: `image ${id}` });
      return image;
    },
    findByRootfs(path) {
      const id = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).replace(/\/rootfs$/, "") : "";
      return rootfsOf(id) === path ? find(id) : undefined;
    },
    begin(id) {
      openToPassThrough(folder);
      const partial = partialOf(id);
      mkdirSync(partial, { mode: 0o700 });
      const rootfs = join(partial, "rootfs");
      mkdirSync(rootfs, { mode: 0o755 });
      return { folder: partial, rootfs };
    },
    finish({ id, ...image }) {
      const partial = partialOf(id);
      writeFileSync(join(partial, "image.json"), `${JSON.stringify(image)}\n`, { flag: "wx", mode: 0o600 });
      // Programs in one for privileged containers that give whoever runs them more rights, give them root's on this computer.
      if (image.unprivileged) chmodSync(partial, 0o711);
      renameSync(partial, join(folder, id));
    },
    retire(id) {
      const partial = partialOf(id);
      renameSync(join(folder, id), partial);
      rmSync(join(partial, "image.json"), { force: true });
      return partial;
    },
  };
}

/** What others are told about an image. @param containers Those that lie on it. */
export function toReadyImage(
  { id, title, origin, unprivileged, bytes, createdAt, sha256, image, manifest, application }: StoredImage,
  containers: string[],
): ReadyImage {
  return {
    id,
    title,
    origin,
    unprivileged,
    bytes,
    createdAt,
    ...(sha256 !== undefined && { sha256 }),
    ...(image !== undefined && { image }),
    ...(manifest !== undefined && { manifest }),
    ...(application && { application }),
    containers,
  };
}

/** Ids that images have, so that nothing else gets them. */
export function idRangesOf(images: readonly StoredImage[]): IdRange[] {
  return images.flatMap(({ ids }) => ids ?? []);
}
