import { join } from "node:path";
import type { OfferedImage, Settings } from "../../../privileged-helper/contract/model.ts";
import type { HostTasks } from "../host-tasks.ts";
import { createOciImages, type OciImages } from "../oci/oci-images.ts";
import { ownArchitecture } from "./architecture.ts";
import { createCatalog, type ImageCatalog } from "./catalog.ts";
import { createDownloads, type Downloads } from "./downloads.ts";

/** Images of servers and of OCI: what there is, and what was downloaded. All of it is the person's own, and needs no helper. */
export type Images = {
  catalog: ImageCatalog;
  downloads: Downloads;
  oci: OciImages;
  /** One that was begun goes on, whether it is still in a server's list or not. @throws ProblemError `not-found`. */
  find(id: string): Promise<OfferedImage>;
  /** Ends everything under way; what is here of a download stays. */
  close(): Promise<void>;
};

export type ImagesOptions = { cacheFolder: string; settings: () => Settings; tasks: HostTasks };

const stallMilliseconds = 30_000;
const pauseMilliseconds = 1_000;
/** Registries first look for what they send. */
const registryStallMilliseconds = 60_000;
const keptLayerBytes = 10 * 1024 ** 3;

export function createImages({ cacheFolder, settings, tasks }: ImagesOptions): Images {
  const ends = new AbortController();
  const architecture = ownArchitecture();
  const downloads = createDownloads({
    folder: join(cacheFolder, "images"),
    tasks,
    keyring: () => settings().imageKeyring || undefined,
    architecture,
    stallMilliseconds,
    pauseMilliseconds,
  });
  const catalog = createCatalog({
    folder: join(cacheFolder, "servers"),
    servers: () => settings().imageServers,
    architecture,
    stallMilliseconds,
    signal: ends.signal,
  });
  const oci = createOciImages({
    folder: join(cacheFolder, "oci"),
    stallMilliseconds: registryStallMilliseconds,
    keptBytes: keptLayerBytes,
  });
  return {
    catalog,
    downloads,
    oci,
    async find(id) {
      const begun = (await downloads.list()).find(({ image }) => image.id === id);
      return begun?.image ?? catalog.find(id);
    },
    async close() {
      ends.abort();
      tasks.abortAll();
      await Promise.all([downloads.idle(), oci.idle()]);
    },
  };
}
