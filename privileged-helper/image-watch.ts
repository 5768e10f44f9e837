import { isDeepStrictEqual } from "node:util";
import type { ReadyImage } from "./contract/model.ts";
import type { ImageStore } from "./lxc/image-store.ts";
import { toReadyImage } from "./lxc/image-store.ts";
import { watchPath } from "./lxc/inotify.ts";
import type { ContainerReader } from "./lxc/list.ts";

/** Tells which images there are, and when that has changed, by whomever: the kernel says when something happens in their folder. */
export type ImageWatch = {
  /** What there is. @param onChanged From now on told when this has another answer; it replaces the one before. */
  list(onChanged: () => void): ReadyImage[];
  /** To be called when containers may have come or gone. */
  look(): void;
  stop(): void;
};

/** Making or removing one image makes several events. */
const coalesceMilliseconds = 20;

export function createImageWatch({ images, reader }: { images: ImageStore; reader: Pick<ContainerReader, "readClaims"> }): ImageWatch {
  let last: ReadyImage[] | undefined;
  let tell: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const read = (): ReadyImage[] => {
    const { ofImages } = reader.readClaims();
    return images.readAll().map((image) => toReadyImage(image, ofImages.get(image.id) ?? []));
  };
  const look = () => {
    if (!tell) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      const now = read();
      if (isDeepStrictEqual(now, last)) return;
      last = now;
      tell?.();
    }, coalesceMilliseconds).unref();
  };

  return {
    list(onChanged) {
      tell = onChanged;
      if (!stopWatching) {
        images.prepare();
        const watched = watchPath(images.folder, look);
        stopWatching = watched.state === "watched" ? watched.close : undefined;
      }
      last = read();
      return last;
    },
    look,
    stop() {
      tell = undefined;
      stopWatching?.();
      stopWatching = undefined;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
