import { statfs } from "node:fs/promises";

/** How full the disk of the containers is, looked at now and then. */
export type DiskFill = {
  /** Per cent as df counts them, as it was last looked at; undefined where that is not known (yet). Looks again where that is due. */
  percent(time: number): number | undefined;
};

const lookEveryMilliseconds = 60_000;

/** @param findFolder The folder of containers, asked once it is needed. */
export function createDiskFill(findFolder: () => Promise<string | undefined>, readFill = fillOf): DiskFill {
  let percent: number | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let folder: string | undefined;
  const look = async () => {
    folder ??= await findFolder();
    percent = folder === undefined ? undefined : await readFill(folder);
  };
  return {
    percent(time) {
      if (Math.abs(time - lookedAt) >= lookEveryMilliseconds) {
        lookedAt = time;
        look().catch(() => {
          percent = undefined;
        });
      }
      return percent;
    },
  };
}

/** What only root may still use does not count (coreutils, df.c). */
async function fillOf(folder: string): Promise<number | undefined> {
  const { blocks, bfree, bavail } = await statfs(folder);
  const used = blocks - bfree;
  return used + bavail > 0 ? (100 * used) / (used + bavail) : undefined;
}
