import { join } from "node:path";
import type { OfferedImage, Settings } from "../../../privileged-helper/contract/model.ts";
import type { HostTasks } from "../host-tasks.ts";
import { ownArchitecture } from "./architecture.ts";
import { createCatalog, type ImageCatalog } from "./catalog.ts";
import { createDownloads, type Downloads } from "./downloads.ts";

/** Images of servers: what there is, and what was downloaded. All of it is the person's own, and needs no helper. */
export type Images = {
  catalog: ImageCatalog;
  downloads: Downloads;
  /** One that was begun goes on, whether it is still in a server's list or not. @throws ProblemError `not-found`. */
  find(id: string): Promise<OfferedImage>;
  /** Ends everything under way; what is here of a download stays. */
  close(): Promise<void>;
};

export type ImagesOptions = { cacheFolder: string; settings: () => Settings; tasks: HostTasks };

const stallMilliseconds = 30_000;
const pauseMilliseconds = 1_000;

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
  return {
    catalog,
    downloads,
    async find(id) {
      const begun = (await downloads.list()).find(({ image }) => image.id === id);
      return begun?.image ?? catalog.find(id);
    },
    async close() {
      ends.abort();
      tasks.abortAll();
      await downloads.idle();
    },
  };
}
