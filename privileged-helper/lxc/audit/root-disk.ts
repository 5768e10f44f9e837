import { readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseMountinfo } from "../mountinfo.ts";
import { readProcFile } from "../proc.ts";

/** The disk that a container's own files are on, as control groups name it (`MAJOR:MINOR`), or why there is none to name. */
export type RootDisk = { device: string } | { reason: string };

/**
 * Limits count for whole disks (block/blk-cgroup.c refuses partitions), and for a mapped one (LVM, LUKS) on top of others.
 * @param folder The container's own folder of files: what is written to an overlay goes there.
 */
export function rootDiskOf(folder: string | undefined): RootDisk {
  if (folder === undefined) return { reason: "its files lie in no folder." };
  try {
    const { dev } = statSync(folder);
    // As glibc's gnu_dev_major and gnu_dev_minor take it apart.
    const major = ((dev >>> 8) & 0xfff) | (Math.floor(dev / 2 ** 32) & 0xfffff000);
    const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
    if (major === 0) {
      const type = typeOf(`${major}:${minor}`) ?? typeAbove(folder);
      return { reason: `the kernel names no disk for a file system of type ${type ?? "that is not known"}.` };
    }
    const link = realpathSync(`/sys/dev/block/${major}:${minor}`);
    const isPartition = readProcFile(join(link, "partition")) !== undefined;
    return { device: isPartition ? readFileSync(join(link, "..", "dev"), "utf8").trim() : `${major}:${minor}` };
  } catch {
    return { reason: "the kernel does not tell which disk its files are on." };
  }
}

function typeOf(device: string): string | undefined {
  const line = (readProcFile("/proc/self/mountinfo") ?? "").split("\n").find((one) => one.split(" ")[2] === device);
  return line === undefined ? undefined : parseMountinfo(line)[0]?.type;
}

/** Each subvolume of btrfs has a number of its own, which is no mount's. */
function typeAbove(folder: string): string | undefined {
  return parseMountinfo(readProcFile("/proc/self/mountinfo") ?? "")
    .filter(({ mountPoint }) => folder.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`))
    .sort((one, other) => other.mountPoint.length - one.mountPoint.length)[0]?.type;
}
